package forward

import (
	"sync"

	"golang.org/x/sys/unix"
)

// pipe is a pair of descriptors between which bytes wait in the kernel.
type pipe struct{ out, in int32 } // read from, written to

// pipes are those of an engine. A flow has one while it moves much, and as long as bytes are in it.
type pipes struct {
	mu    sync.Mutex
	spare []*pipe // empty
	count int     // that exist
	most  int
}

const (
	defaultPipes = 256
	sparePipes   = 16      // that are kept for later
	pipeSize     = 1 << 20 // bytes
)

// limit says how many pipes may exist: see Options.Pipes.
func (ps *pipes) limit(most int) {
	if ps.most = most; most == 0 {
		ps.most = defaultPipes
	}
}

// get gives an empty pipe, or nil when there can be none now. It does not wait.
func (ps *pipes) get() *pipe {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if n := len(ps.spare); n > 0 {
		p := ps.spare[n-1]
		ps.spare = ps.spare[:n-1]
		return p
	}
	if ps.count >= ps.most {
		return nil
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC) != nil {
		return nil
	}
	unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize) // if it may not be so large it stays small
	ps.count++
	return &pipe{out: int32(fds[0]), in: int32(fds[1])}
}

// put takes an empty pipe back.
func (ps *pipes) put(p *pipe) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if len(ps.spare) < sparePipes {
		ps.spare = append(ps.spare, p)
		return
	}
	ps.closeLocked(p)
}

// discard closes a pipe that is not empty.
func (ps *pipes) discard(p *pipe) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.closeLocked(p)
}

func (ps *pipes) closeLocked(p *pipe) {
	unix.Close(int(p.in))
	unix.Close(int(p.out))
	ps.count--
}

// close closes the pipes that nobody has.
func (ps *pipes) close() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.spare {
		ps.closeLocked(p)
	}
	ps.spare = nil
}
