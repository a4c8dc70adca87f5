package forward

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	readSize   = 16 << 10 // of a loop's buffer; who fills it is spliced from then on
	spliceSize = pipeSize // at most at once
	turnMoves  = 16       // at most, before other flows have their turn
)

// move moves bytes that come from a side until there are none, or the other side is full. It reports whether the turn
// was over before.
func (f *flow) move(r *runner, from side) (again bool) {
	a, pipes := &f.ends[from], &f.loop.engine.loops.pipes
	var p *pipe
	moves := 0
	for ; moves < turnMoves && f.ready(from); moves++ {
		most := spliceSize
		if f.limits != nil {
			if most = f.allowance(r.now, from); most == 0 {
				break
			}
		}
		splice := a.bulk && !a.urgent && most >= readSize
		if splice && p == nil {
			p = pipes.get()
		}
		if splice && p != nil {
			p = f.splice(r, from, p, most)
		} else {
			f.copy(r, from, min(most, readSize))
		}
	}
	if p != nil {
		pipes.put(p)
	}
	return moves == turnMoves
}

// ready reports whether bytes can come from a side and go to the other. An end of file goes there as well.
func (f *flow) ready(from side) bool {
	a, b := &f.ends[from], &f.ends[from.other()]
	if f.decided != NoCause || !f.flush(from) || b.failed {
		return false
	}
	if !a.ended {
		return a.readable
	}
	if !b.shut && !b.ended { // if both have ended, closing tells it
		b.shut = true
		unix.Shutdown(int(b.fd), unix.SHUT_WR)
	}
	return false
}

// copy moves bytes through the loop's buffer.
func (f *flow) copy(r *runner, from side, most int) {
	a, buffer := &f.ends[from], f.loop.buffer[:most]
	n, err := receive(a.fd, buffer)
	if err != 0 || n == 0 {
		f.nothing(from, err)
		return
	}
	a.bulk = n == readSize
	if n < most && !a.closing && !a.urgent {
		a.readable = false // all has been read
	}
	if f.counted(r.now, from, n) {
		f.deliver(from, buffer[:n])
	}
}

// deliver sends bytes to the other side, and holds what that does not take.
func (f *flow) deliver(from side, bytes []byte) {
	to := from.other()
	n, err := send(f.ends[to].fd, bytes)
	switch {
	case err != 0 && err != unix.EAGAIN && err != unix.EINTR:
		f.lost(to, err)
	case n < len(bytes):
		f.held[from] = &held{bytes: append([]byte(nil), bytes[n:]...)}
		if err != unix.EINTR {
			f.stall(to)
		}
	}
}

// splice moves bytes through a pipe, which it returns unless it has to keep it.
func (f *flow) splice(r *runner, from side, p *pipe, most int) *pipe {
	a, to := &f.ends[from], from.other()
	n, err := splice(a.fd, p.in, most)
	if err == unix.EINVAL || err == unix.ENOSYS {
		a.bulk = false
		return p
	}
	if err != 0 || n == 0 {
		f.nothing(from, err)
		return p
	}
	a.bulk = n >= readSize
	if !f.counted(r.now, from, n) {
		f.held[from] = &held{pipe: p, count: n}
		return nil
	}
	for n > 0 {
		sent, err := splice(p.out, f.ends[to].fd, n)
		if err == unix.EINTR {
			continue
		}
		if err != 0 {
			f.held[from] = &held{pipe: p, count: n}
			if err == unix.EAGAIN {
				f.stall(to)
			} else {
				f.lost(to, err)
			}
			return nil
		}
		n -= sent
	}
	return p
}

// flush sends what is held. It reports whether all of it has gone.
func (f *flow) flush(from side) bool {
	h, to := f.held[from], from.other()
	if h == nil {
		return true
	}
	b := &f.ends[to]
	for !b.full && !b.failed && h.count+len(h.bytes) > 0 {
		n, err := h.send(b.fd)
		switch err {
		case 0, unix.EINTR:
		case unix.EAGAIN:
			f.stall(to)
		default:
			f.lost(to, err)
		}
		if h.pipe != nil {
			h.count -= n
		} else {
			h.bytes = h.bytes[n:]
		}
	}
	if h.count+len(h.bytes) > 0 && !b.failed {
		return false
	}
	f.drop(from)
	return true
}

func (h *held) send(fd int32) (int, syscall.Errno) {
	if h.pipe != nil {
		return splice(h.pipe.out, fd, h.count)
	}
	return send(fd, h.bytes)
}

// drop lets go of what is held.
func (f *flow) drop(from side) {
	h := f.held[from]
	if h == nil {
		return
	}
	f.held[from] = nil
	if h.pipe == nil {
		return
	}
	if h.count > 0 {
		f.loop.engine.loops.pipes.discard(h.pipe)
	} else {
		f.loop.engine.loops.pipes.put(h.pipe)
	}
}

// stall notes that a side takes no more now, and asks to be told when it does.
func (f *flow) stall(s side) {
	e := &f.ends[s]
	e.full = true
	if e.awaited || !e.watched {
		return
	}
	if err := f.loop.watch(f, s, writeEvents); err != nil {
		f.lost(s, unix.ENOMEM)
		return
	}
	e.awaited = true
}

// nothing was read: not now, never again, or never because the side was lost.
func (f *flow) nothing(from side, err syscall.Errno) {
	a := &f.ends[from]
	switch err {
	case unix.EINTR:
	case unix.EAGAIN:
		a.readable = false
	case 0:
		a.ended, a.readable = true, false
		if f.first == NoCause {
			f.first = ClientEnded + Cause(from)
		}
	default:
		f.lost(from, err)
	}
}

// counted counts bytes that were read. It reports false if they are over the limit, which ends the flow.
func (f *flow) counted(now int64, from side, n int) bool {
	if m := f.limits; m != nil {
		if m.bytes > 0 && f.bytes[clientSide].Load()+f.bytes[upstreamSide].Load() >= m.bytes {
			f.decided = MaxBytes
			return false
		}
		m.used(now, from, n)
	}
	f.bytes[from].Add(int64(n))
	f.moved.Store(now)
	return true
}

// allowance is how many bytes may be read from a side now. At the limit of all bytes it is one: if it comes, the flow
// ends, and without it there may be an end of file.
func (f *flow) allowance(now int64, from side) int {
	m, most := f.limits, int64(spliceSize)
	if m.bytes > 0 {
		most = min(most, max(1, m.bytes-f.bytes[clientSide].Load()-f.bytes[upstreamSide].Load()))
	}
	if m.rate > 0 {
		if m.free[from] > now {
			f.loop.schedule(f, m.free[from])
			return 0
		}
		most = min(most, max(1, m.rate/ratePieces))
	}
	return int(most)
}

// used notes that bytes moved, for the rate.
func (m *limits) used(now int64, from side, n int) {
	if m.rate > 0 {
		m.free[from] = afterMoving(m.free[from], now, n, m.rate)
	}
}
