package cli

import (
	"fmt"
	"strconv"
	"time"
)

// How figures look to people. Programs take --json, where durations are seconds and times RFC 3339.

// clock is a moment in the time of the machine that the command runs on; "" for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// lasted is a duration in seconds as it is read at a glance: 400µs, 350ms, 7.5s, 42s, 1m20s, 2h5m, 3d4h.
func lasted(seconds float64) string {
	whole := int64(seconds + 0.5)
	switch {
	case !(seconds > 0):
		return "0s"
	case seconds < 0.0009995:
		return fmt.Sprintf("%.3gµs", seconds*1e6)
	case seconds < 0.9995:
		return fmt.Sprintf("%.3gms", seconds*1000)
	case seconds < 9.95:
		return trimmed(seconds) + "s"
	case whole < 60:
		return fmt.Sprintf("%ds", whole)
	case whole < 3600:
		return pair(whole, 60, "m", 1, "s")
	case whole < 24*3600:
		return pair(whole, 3600, "h", 60, "m")
	default:
		return pair(whole, 24*3600, "d", 3600, "h")
	}
}

// pair writes seconds in two units, the second only when there are any of it.
func pair(seconds, big int64, bigName string, small int64, smallName string) string {
	text := fmt.Sprintf("%d%s", seconds/big, bigName)
	if rest := seconds % big / small; rest > 0 {
		text += fmt.Sprintf("%d%s", rest, smallName)
	}
	return text
}

// trimmed is a number with one digit after the point, if that is not 0.
func trimmed(n float64) string {
	return strconv.FormatFloat(float64(int64(n*10+0.5))/10, 'f', -1, 64)
}

// amount is a number of bytes: 512, 1.5KB, 20MB.
func amount(bytes int64) string {
	text := strconv.FormatInt(bytes, 10)
	for _, u := range units {
		if uint64(max(bytes, 0)) < u.bytes {
			break
		}
		n := float64(bytes) / float64(u.bytes)
		if text = trimmed(n) + u.suffix; n >= 10 {
			text = fmt.Sprintf("%.0f%s", n, u.suffix)
		}
	}
	return text
}

// percent is a share of one processor.
func percent(share float64) string {
	if share >= 0.0995 {
		return fmt.Sprintf("%.0f%%", share*100)
	}
	return trimmed(share*100) + "%"
}

// counted is a number with what it counts.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// number is a whole number, or nothing for none.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
