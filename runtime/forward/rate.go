package forward

// ratePieces is into how many pieces a limited rate cuts a second.
const ratePieces = 20

// afterMoving is when a direction may move again that has moved n bytes now, at a rate of bytes per second. It was
// free since then, or until then; what it has not used is kept for one piece at the most.
func afterMoving(free, now int64, n int, rate int64) int64 {
	return max(free, now-1e9/ratePieces) + int64(float64(n)/float64(rate)*1e9)
}
