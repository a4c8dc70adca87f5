package forward

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// loops are the engine's loops, which share the flows out among them.
type loops struct {
	all    []*loop
	next   atomic.Uint32
	pipes  pipes
	runner sync.WaitGroup
}

// loop waits for some of the flows' sockets, and serves them. Its epoll descriptor is itself waited for by Go's poller
// (an epoll can be waited for like a socket), so that a waiting loop takes no thread.
type loop struct {
	engine *Engine
	file   *os.File
	raw    syscall.RawConn
	epoll  int
	buffer []byte // of who runs the loop

	again []*flow // have more to move than one turn may; of who runs the loop

	mu    sync.Mutex
	slots []slot
	free  []uint32 // slots that are empty
	due   deadlines
	sweep int64 // when keep-alive is set for the upstreams that are new; 0: there are none
	armed int64 // when the loop wakes by itself; 0: never
	shut  bool
}

// noSlot is the slot of a flow that has none.
const noSlot = 1<<32 - 1

// slot is where an event finds its flow. Its age tells an event for this flow from one that was meant for the flow
// before.
type slot struct {
	flow *flow
	age  uint32
}

func (ls *loops) open(e *Engine, o Options) error {
	if o.Loops == 0 {
		o.Loops = runtime.GOMAXPROCS(0)
	}
	ls.pipes.limit(o.Pipes)
	for range o.Loops {
		l, err := newLoop(e)
		if err != nil {
			ls.close()
			return err
		}
		ls.all = append(ls.all, l)
		r := &runner{loop: l}
		ls.runner.Go(r.run) // until close
	}
	return nil
}

func newLoop(e *Engine) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or os.NewFile would not give it to the poller
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &loop{engine: e, file: file, raw: raw, epoll: fd, buffer: make([]byte, readSize)}, nil
}

// close ends all flows and waits for the loops.
func (ls *loops) close() {
	for _, l := range ls.all {
		for _, f := range l.shutDown() {
			f.end(EngineClosed)
		}
		l.file.SetReadDeadline(time.Unix(1, 0)) // wakes the runner, which sees shut
	}
	ls.runner.Wait()
	for _, l := range ls.all {
		l.file.Close()
	}
	ls.pipes.close()
}

// shutDown makes the loop refuse flows, and returns those that it has.
func (l *loop) shutDown() []*flow {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
	var left []*flow
	for _, s := range l.slots {
		if s.flow != nil {
			left = append(left, s.flow)
		}
	}
	return left
}

// add gives a flow a slot. It reports false when the loop has been shut.
func (l *loop) add(f *flow) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return false
	}
	if n := len(l.free); n > 0 {
		f.slot, l.free = l.free[n-1], l.free[:n-1]
	} else {
		f.slot = uint32(len(l.slots))
		l.slots = append(l.slots, slot{})
	}
	l.slots[f.slot].flow = f
	f.age = l.slots[f.slot].age
	if l.sweep == 0 && f.ours {
		l.sweep = l.engine.now() + int64(sweepAfter)
		l.armLocked(l.nextLocked())
	}
	return true
}

// remove empties a flow's slot and forgets its deadline.
func (l *loop) remove(f *flow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slots[f.slot] = slot{age: f.age + 1}
	l.free = append(l.free, f.slot)
	l.due.remove(f)
}

// schedule makes the loop look at a flow at a time, or before.
func (l *loop) schedule(f *flow, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due.add(f, at)
	if l.armed == 0 || at < l.armed {
		l.armLocked(at)
	}
}

// nextLocked is when the loop has to wake by itself; 0: never.
func (l *loop) nextLocked() int64 {
	next := l.due.first()
	if next == 0 || l.sweep != 0 && l.sweep < next {
		next = l.sweep
	}
	return next
}

// armLocked says when the loop wakes by itself; 0 is never.
func (l *loop) armLocked(at int64) {
	if l.shut || l.armed == at {
		return
	}
	l.armed = at
	if at == 0 {
		l.file.SetReadDeadline(time.Time{})
		return
	}
	l.file.SetReadDeadline(l.engine.start.Add(time.Duration(at)))
}

// Events are edge triggered: one tells that something has changed, and nothing is told twice. EPOLLOUT is asked for
// only once a side has not taken everything, because it would come for every new socket.
const (
	readEvents  = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLET&(1<<32-1)
	writeEvents = readEvents | unix.EPOLLOUT
	endEvents   = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// epollEvent is the kernel's structure with our 64 bits in it: slot and side, and the slot's age.
type epollEvent = unix.EpollEvent

// watch asks for the events of one side of a flow.
func (l *loop) watch(f *flow, s side, events uint32) error {
	event := epollEvent{Events: events, Fd: int32(f.slot<<1 | uint32(s)), Pad: int32(f.age)}
	op, fd := unix.EPOLL_CTL_ADD, f.ends[s].fd
	if f.ends[s].watched {
		op = unix.EPOLL_CTL_MOD
	}
	err := epollCtl(l.epoll, op, fd, &event)
	if err == unix.EEXIST { // a client of an earlier flow, whose upstream could not be connected
		err = epollCtl(l.epoll, unix.EPOLL_CTL_MOD, fd, &event)
	}
	if err != 0 {
		return os.NewSyscallError("epoll_ctl", err)
	}
	f.ends[s].watched = true
	return nil
}

// runner is the goroutine that serves a loop's flows. There is one at a time: when a Done wants to wait, its goroutine
// stops being the runner and another takes over.
type runner struct {
	loop   *loop
	now    int64 // the engine's clock when the events were fetched
	events [eventsAtOnce]epollEvent
	next   int  // in events
	count  int  // of events
	moved  bool // another goroutine is the runner
}

const eventsAtOnce = 64

// run serves flows until the loop is shut or another goroutine has taken over.
func (r *runner) run() {
	l := r.loop
	fetch := func(fd uintptr) bool {
		r.next, r.count = 0, epollPoll(fd, r.events[:])
		return r.count > 0 || len(l.again) > 0
	}
	for {
		for r.next < r.count {
			event := &r.events[r.next]
			r.next++
			if r.serve(event); r.moved {
				return
			}
		}
		if r.continueFlows(); r.moved {
			return
		}
		err := l.raw.Read(fetch)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		r.now = l.engine.now()
		if shut := r.wakeDue(); shut || r.moved {
			return
		}
	}
}

// serve serves the flow that an event is about.
func (r *runner) serve(event *epollEvent) {
	l := r.loop
	number, s, age := uint32(event.Fd)>>1, side(event.Fd&1), uint32(event.Pad)
	l.mu.Lock()
	f := l.slots[number].flow
	if l.slots[number].age != age {
		f = nil
	}
	l.mu.Unlock()
	if f != nil {
		f.happened(r, s, event.Events)
	}
}

// continueFlows gives those flows another turn that had more to move.
func (r *runner) continueFlows() {
	l := r.loop
	for turn := len(l.again); turn > 0 && !r.moved; turn-- {
		f := l.again[0]
		copy(l.again, l.again[1:]) // there are few
		l.again[len(l.again)-1] = nil
		l.again = l.again[:len(l.again)-1]
		f.goOn(r)
	}
}

// wakeDue looks at the flows whose deadline has come, and arms the loop for the next. It reports whether the loop is
// shut.
func (r *runner) wakeDue() (shut bool) {
	l := r.loop
	for !r.moved {
		l.mu.Lock()
		f, sweep := l.due.pop(r.now), l.sweep != 0 && r.now >= l.sweep
		if sweep {
			l.sweep = 0
		}
		if shut = l.shut; f == nil {
			l.armLocked(l.nextLocked())
		}
		l.mu.Unlock()
		if sweep {
			l.keepAlive()
		}
		if f == nil {
			break
		}
		f.wake(r)
	}
	return shut
}

// handover makes another goroutine the runner, before this one waits.
func (r *runner) handover() {
	if r.moved {
		return
	}
	r.moved = true
	next := &runner{loop: r.loop, now: r.now}
	next.count = copy(next.events[:], r.events[r.next:r.count])
	r.loop.engine.loops.runner.Go(next.run) // until the loop is shut
}
