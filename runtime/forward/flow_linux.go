package forward

import (
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// flow is a pair of raw sockets in a loop. The loop's runner moves its bytes; others add it and end it. An idle one is
// this structure and nothing else.
type flow struct {
	Flow
	loop   *loop
	done   Done
	limits *limits // nil: none
	owners *owners // nil: both sockets are raw

	mu         sync.Mutex
	ends       [2]end
	held       [2]*held // by the side that they came from
	err        error    // about the side that failed, or could not be reached
	slot, age  uint32   // in the loop
	due        int32    // place in the loop's deadlines, from 1 on; 0: none; guarded by the loop's lock
	first      Cause    // which side ended first
	decided    Cause    // by a limit
	over       bool
	connecting bool // the upstream
	queued     bool // in the loop's again
	ours       bool // the upstream was connected here
	kept       bool // keep-alive has been set
}

// end is one of the two sockets.
type end struct {
	fd       int32
	watched  bool // has been given to epoll
	awaited  bool // its EPOLLOUT is asked for
	readable bool // there may be something to read: bytes, an end of file, an error
	full     bool // does not take any more now
	closing  bool // the end of its bytes has come: it is read until it is found
	urgent   bool // has sent urgent data, so that a read may stop before all is read
	bulk     bool // gives so much that it is spliced
	ended    bool // its end of file was read
	shut     bool // was told the other's end of file
	failed   bool // was lost
}

// held are bytes that one side has given and the other has not taken: in memory, or in a pipe.
type held struct {
	bytes []byte
	pipe  *pipe
	count int // in the pipe
}

// limits are those of a flow's terms that need looking after.
type limits struct {
	connectBy int64 // by the engine's clock, as is the next; 0: never
	end       int64
	idle      int64    // nanoseconds; 0: never
	bytes     int64    // both directions together; 0: no limit
	rate      int64    // bytes per second; 0: no limit
	free      [2]int64 // when each direction may move again
}

// owners are the connections that sockets were taken from; nil ones are raw.
type owners [2]net.Conn

// forward begins a flow of raw sockets. It returns nil if one of them is not.
func (ls *loops) forward(c, u Socket, t Terms, done Done) *Flow {
	cfd, ok := c.descriptor()
	if !ok || len(ls.all) == 0 || u.kind == wrapped || u.kind == nothing {
		return nil
	}
	ufd, ok := -1, true
	if u.kind != absent {
		if ufd, ok = u.descriptor(); !ok {
			return nil
		}
	}
	l := ls.all[int(ls.next.Add(1))%len(ls.all)]
	f := &flow{loop: l, done: done, slot: noSlot, ours: u.kind == absent}
	f.engine, f.carrier = l.engine, f
	now := l.engine.now()
	f.moved.Store(now)
	if c.conn != nil || u.conn != nil {
		f.owners = &owners{c.conn, u.conn}
	}
	f.ends[clientSide].fd, f.ends[upstreamSide].fd = int32(cfd), int32(ufd)
	f.begin(u, t, now)
	return &f.Flow
}

// begin connects the upstream, gives the flow to its loop, and sends what is to be sent first.
func (f *flow) begin(u Socket, t Terms, now int64) {
	f.mu.Lock()
	cause := NoCause
	if u.kind == absent {
		cause = f.connect(u.address)
	}
	switch {
	case cause != NoCause:
	case !f.loop.add(f):
		cause, f.err = EngineClosed, ErrClosed
	default:
		f.limit(t, now)
		cause = f.enter(t)
	}
	if cause == NoCause {
		f.mu.Unlock()
		return
	}
	f.conclude(cause, func() {})
}

// enter makes the loop watch both sides.
func (f *flow) enter(t Terms) Cause {
	for s, first := range [2][]byte{clientSide: t.ToUpstream, upstreamSide: t.ToClient} {
		if len(first) > 0 {
			f.held[s] = &held{bytes: first}
		}
		if !f.connecting {
			f.flush(side(s))
		}
	}
	for s := range f.ends {
		events := uint32(readEvents)
		if f.ends[s].awaited = f.ends[s].full || f.connecting && side(s) == upstreamSide; f.ends[s].awaited {
			events = writeEvents
		}
		if err := f.loop.watch(f, side(s), events); err != nil {
			f.err = err
			return NoResources
		}
	}
	return NoCause
}

// limit notes the terms, and has the loop look at the flow in time.
func (f *flow) limit(t Terms, now int64) {
	f.limits = newLimits(t, now, f.connecting)
	if f.limits != nil {
		if at := f.limits.next(f); at != 0 {
			f.loop.schedule(f, at)
		}
	}
}

func newLimits(t Terms, now int64, connecting bool) *limits {
	m := limits{idle: int64(t.IdleTimeout), bytes: t.MaxBytes, rate: t.BytesPerSecond}
	if t.MaxDuration > 0 {
		m.end = now + int64(t.MaxDuration)
	}
	if connecting && t.ConnectTimeout > 0 {
		m.connectBy = now + int64(t.ConnectTimeout)
	}
	if m == (limits{}) {
		return nil
	}
	return &m
}

// happened is an event of one side.
func (f *flow) happened(r *runner, s side, events uint32) {
	f.mu.Lock()
	if f.over {
		f.mu.Unlock()
		return
	}
	e := &f.ends[s]
	if events&^unix.EPOLLOUT != 0 {
		e.readable = true
		e.closing = e.closing || events&endEvents != 0
		e.urgent = e.urgent || events&unix.EPOLLPRI != 0
	}
	if events&(unix.EPOLLOUT|endEvents) != 0 {
		e.full = false
	}
	if f.connecting {
		if cause := f.settle(s, events); cause != NoCause || f.connecting {
			f.leave(cause, r)
			return
		}
	} else if events&unix.EPOLLERR != 0 && e.ended {
		f.lost(s, socketError(e.fd)) // nothing will be read that would say so
	}
	f.step(r)
}

// settle sees what came of connecting. The client's words wait for the upstream; only its loss ends the flow.
func (f *flow) settle(s side, events uint32) Cause {
	if s == clientSide {
		if events&unix.EPOLLERR == 0 {
			return NoCause
		}
		f.err = f.failure(s, socketError(f.ends[s].fd))
		return ClientLost
	}
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		return f.notConnected(socketError(f.ends[s].fd))
	}
	if events&unix.EPOLLOUT != 0 {
		f.connecting = false
		if m := f.limits; m != nil && *m == (limits{connectBy: m.connectBy}) {
			f.limits = nil
		}
	}
	return NoCause
}

// leave gives the flow's lock up, after its end if there is a cause.
func (f *flow) leave(cause Cause, r *runner) {
	if cause == NoCause {
		f.mu.Unlock()
		return
	}
	f.conclude(cause, r.handover)
}

// goOn is another turn.
func (f *flow) goOn(r *runner) {
	f.mu.Lock()
	f.queued = false
	if f.over {
		f.mu.Unlock()
		return
	}
	f.step(r)
}

// step moves what can be moved, and ends the flow if that was all. It gives the lock up.
func (f *flow) step(r *runner) {
	again := f.move(r, clientSide)
	again = f.move(r, upstreamSide) || again
	cause := f.verdict(again)
	if cause == NoCause && again && !f.queued {
		f.queued = true
		f.loop.again = append(f.loop.again, f)
	}
	f.leave(cause, r)
}

// verdict is why the flow is over now; NoCause: it is not. What a lost side has given before is moved first, as far as
// the other takes it.
func (f *flow) verdict(again bool) Cause {
	c, u := &f.ends[clientSide], &f.ends[upstreamSide]
	switch {
	case f.decided != NoCause:
		return f.decided
	case again:
		return NoCause
	case u.failed:
		return UpstreamLost
	case c.failed:
		return ClientLost
	case c.ended && u.ended && f.held == [2]*held{}:
		return f.first
	}
	return NoCause
}

// lost notes that a side has failed.
func (f *flow) lost(s side, err syscall.Errno) {
	e := &f.ends[s]
	if e.failed {
		return
	}
	e.failed, e.readable, e.full = true, false, false
	if f.err == nil {
		f.err = f.failure(s, err)
	}
}

// wake is called when a deadline may have come.
func (f *flow) wake(r *runner) {
	f.mu.Lock()
	m := f.limits
	if f.over || m == nil {
		f.mu.Unlock()
		return
	}
	cause := NoCause
	switch {
	case f.connecting && m.connectBy != 0 && r.now >= m.connectBy:
		cause = f.notConnected(unix.ETIMEDOUT)
	case m.end != 0 && r.now >= m.end:
		cause = MaxDuration
	case m.idle != 0 && r.now >= f.moved.Load()+m.idle:
		cause = Idle
	}
	if cause != NoCause {
		f.conclude(cause, r.handover)
		return
	}
	if at := m.next(f); at != 0 {
		f.loop.schedule(f, at)
	}
	if m.rate == 0 || f.connecting {
		f.mu.Unlock()
		return
	}
	f.step(r)
}

// next is when the flow must be looked at again; 0: never.
func (m *limits) next(f *flow) int64 {
	next := m.end
	earlier := func(at int64) {
		if next == 0 || at < next {
			next = at
		}
	}
	if m.idle != 0 {
		earlier(f.moved.Load() + m.idle)
	}
	if f.connecting && m.connectBy != 0 {
		earlier(m.connectBy)
	}
	return next
}

// end is Flow.End.
func (f *flow) end(cause Cause) {
	f.mu.Lock()
	if f.over {
		f.mu.Unlock()
		return
	}
	f.conclude(cause, func() {})
}

// conclude ends the flow: it lets go of everything, gives the lock up and tells Done.
func (f *flow) conclude(cause Cause, handover func()) {
	f.over = true
	for s := range f.held {
		f.drop(side(s))
	}
	if f.slot != noSlot {
		f.loop.remove(f)
	}
	f.closeSides(cause)
	in, out := f.Bytes()
	end, done := End{Cause: cause, In: in, Out: out}, f.done
	if explained(cause, f.err) {
		end.Err = f.err
	}
	f.done, f.owners, f.limits, f.err = nil, nil, nil, nil
	f.mu.Unlock()
	done(end, handover)
}

// closeSides closes the upstream, and leaves the client to Done: a loss on one side is a reset for the other.
func (f *flow) closeSides(cause Cause) {
	c, u := &f.ends[clientSide], &f.ends[upstreamSide]
	if cause == UpstreamLost {
		resetOnClose(c.fd)
	}
	if cause.Connecting() && c.watched {
		epollCtl(f.loop.epoll, unix.EPOLL_CTL_DEL, c.fd, nil)
	}
	if u.fd < 0 {
		return
	}
	if cause == ClientLost {
		resetOnClose(u.fd)
	}
	if f.owners != nil && f.owners[upstreamSide] != nil {
		f.owners[upstreamSide].Close()
		return
	}
	unix.Close(int(u.fd))
}
