package recording

// Player gives the reads of a recording back, in their order. The zero value has none. It belongs to one goroutine.
type Player struct {
	reads []Read
	used  []bool
	next  int // where the next read is looked for first
}

// Play begins with the reads of a recording.
func (p *Player) Play(reads []Read) {
	p.reads, p.next = reads, 0
	if cap(p.used) < len(reads) {
		p.used = make([]bool, len(reads))
		return
	}
	p.used = p.used[:len(reads)]
	clear(p.used)
}

// Next is the first read of what and key that was not given yet.
func (p *Player) Next(what, key string) (*Read, bool) {
	for i := p.next; i < len(p.reads); i++ {
		if p.take(i, what, key) {
			p.next = i + 1
			return &p.reads[i], true
		}
	}
	for i := range min(p.next, len(p.reads)) {
		if p.take(i, what, key) {
			return &p.reads[i], true
		}
	}
	return nil, false
}

// Due is the read that follows the one that was given last, if it is of what and key.
func (p *Player) Due(what, key string) (*Read, bool) {
	for p.next < len(p.used) && p.used[p.next] {
		p.next++
	}
	if p.next >= len(p.reads) || !p.take(p.next, what, key) {
		return nil, false
	}
	p.next++
	return &p.reads[p.next-1], true
}

func (p *Player) take(i int, what, key string) bool {
	r := &p.reads[i]
	if p.used[i] || r.Key != key || r.What != what {
		return false
	}
	p.used[i] = true
	return true
}

// Last is the last read of what and key, given or not.
func (p *Player) Last(what, key string) (*Read, bool) {
	for i := len(p.reads) - 1; i >= 0; i-- {
		if r := &p.reads[i]; r.Key == key && r.What == what {
			return r, true
		}
	}
	return nil, false
}
