package process

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Message is one method that a worker is to run.
type Message struct {
	Method string // "" is the method that the worker began with
	Args   []any
}

// Address says which worker is meant: the process if it is not nil, otherwise the worker of that name. Case counts in
// the names of workers.
type Address struct {
	Process *Process
	Name    string
}

// MostMessages is how many messages may wait in one box.
const MostMessages = 100_000

// Errors of Boxes.Post.
var (
	ErrBoxFull = errors.New("the worker's box is full")
	ErrNoFirst = errors.New("there is no such worker yet, so there is no method that it began with")
)

// Boxes are the message boxes of a machine's workers, by name ("CALL WORKER"). A box outlives its process: when that
// ends by an error or an abort the messages stay, and another process carries them out. There is never more than one
// process for a box. Start must be set before the first use. All methods may be called from any goroutine and do not
// block, except where said.
type Boxes struct {
	// Start starts the process of a worker and a goroutine that runs it: it carries out what Box.Take gives, and calls
	// Box.Left when the process has ended. Method is that of the first message. It is called under a lock of the boxes,
	// so it must not wait and not call them.
	Start func(b *Box, method string) (*Process, error)

	mu  sync.Mutex
	all map[string]*Box
}

// Box is the message box of one worker.
type Box struct {
	boxes *Boxes // whose lock guards everything below
	name  string
	first string // the method that the worker began with
	kept  bool   // the process is not the box's own: a kill only empties the box; it does not change once Keep has returned

	queue   []Message
	head    int
	process *Process // who carries the messages out; nil: nobody
	leaving bool     // the process ends when it has done what it does now; what is in the queue is for the next one
	idle    bool     // the process waits for a message
	ready   chan struct{}
}

// Name is the worker's name.
func (b *Box) Name() string { return b.name }

// Post puts a message into the box of a worker, which is made if nobody has the name. from is the process that posts.
// Nothing happens when the address is a process that is no worker, and when a worker that was killed posts to itself.
// The error wraps ErrBoxFull, ErrNoFirst, or that of Start.
func (s *Boxes) Post(to Address, m Message, from *Process) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.findLocked(to)
	switch {
	case b == nil && to.Process != nil:
		return nil
	case b == nil && m.Method == "":
		return fmt.Errorf("%q: %w", to.Name, ErrNoFirst)
	case b == nil:
		b = s.makeLocked(to.Name)
	case b.leaving && b.process == from:
		return nil
	case b.kept && m.Method == "":
		return nil // 4D: for process 1 an empty method does nothing
	}
	return b.postLocked(m)
}

func (b *Box) postLocked(m Message) error {
	if b.waitingLocked() >= MostMessages {
		return fmt.Errorf("%q: %w: %d messages wait", b.name, ErrBoxFull, MostMessages)
	}
	if m.Method == "" {
		m.Method = b.first
	} else if b.first == "" || b.leaving && b.waitingLocked() == 0 { // the worker begins (anew) with this message
		b.first = m.Method
	}
	b.queue = append(b.queue, m)
	if b.process != nil {
		b.tellLocked()
		return nil
	}
	return b.startLocked()
}

// Kill asks a worker to end when it has done what it does now, and forgets the messages that wait ("KILL WORKER").
// Nothing happens when there is no such worker. A process that is not the box's own goes on.
func (s *Boxes) Kill(to Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.findLocked(to)
	if b == nil {
		return
	}
	b.clearLocked()
	switch {
	case b.kept:
	case b.process == nil:
		delete(s.all, b.name)
	default:
		b.leaving = true
		b.tellLocked()
	}
}

// Keep makes the box of a process that the host has started itself, the main process, and whose goroutine takes the
// messages out. Killing that worker only empties its box.
func (s *Boxes) Keep(p *Process) *Box {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.makeLocked(p.Name())
	b.kept, b.process = true, p
	return b
}

// Idle reports whether a process is a worker that waits for a message and has none.
func (s *Boxes) Idle(p *Process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.findLocked(Address{Process: p})
	return b != nil && b.idle && b.waitingLocked() == 0
}

// Waiting is how many messages wait in a worker's box.
func (s *Boxes) Waiting(to Address) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.findLocked(to); b != nil {
		return b.waitingLocked()
	}
	return 0
}

// findLocked is the box that an address means, nil when there is none.
func (s *Boxes) findLocked(to Address) *Box {
	if to.Process == nil {
		return s.all[to.Name]
	}
	if b := s.all[to.Process.Name()]; b != nil && b.process == to.Process {
		return b
	}
	return nil
}

func (s *Boxes) makeLocked(name string) *Box {
	b := &Box{boxes: s, name: name, ready: make(chan struct{}, 1)}
	if s.all == nil {
		s.all = map[string]*Box{}
	}
	s.all[name] = b
	return b
}

// startLocked starts a process for what is in the box. When that fails the messages are lost.
func (b *Box) startLocked() error {
	p, err := b.boxes.Start(b, b.queue[b.head].Method)
	if err != nil {
		delete(b.boxes.all, b.name)
		return err
	}
	b.process = p
	return nil
}

// Take waits for the next message and gives it. It reports false when the process, which is the caller's, is to end.
// Its state is WaitingForInternalFlag meanwhile, that of a process whose box is kept WaitingForUserEvent, and it answers
// outside calls.
func (b *Box) Take(p *Process) (Message, bool) {
	for {
		m, ok, wait := b.next(p)
		if !wait {
			return m, ok
		}
		state := WaitingForInternalFlag
		if b.kept {
			state = WaitingForUserEvent
		}
		p.Wait(state, time.Time{}, time.Time{}, b.ready)
	}
}

func (b *Box) next(p *Process) (m Message, ok, wait bool) {
	b.boxes.mu.Lock()
	defer b.boxes.mu.Unlock()
	b.idle = false
	if b.leaving || p.Killed() != nil {
		return Message{}, false, false
	}
	if b.waitingLocked() == 0 {
		b.idle = true
		return Message{}, false, true
	}
	m = b.queue[b.head]
	b.queue[b.head] = Message{}
	b.head++
	switch {
	case b.head == len(b.queue):
		b.clearLocked()
	case b.head > len(b.queue)/2 && b.head > keptMessages: // it may never be empty, and must not grow for ever
		n := copy(b.queue, b.queue[b.head:])
		clear(b.queue[n:])
		b.queue, b.head = b.queue[:n], 0
	}
	return m, true, false
}

// keptMessages is for how many messages an empty box keeps room.
const keptMessages = 64

// Left says that the process of the box has ended. If messages wait, the next process is started; how many were lost,
// because it could not be, is the result.
func (b *Box) Left(p *Process) (lost int, err error) {
	b.boxes.mu.Lock()
	defer b.boxes.mu.Unlock()
	if b.process != p {
		return 0, nil
	}
	gone := b.leaving || b.kept
	b.process, b.leaving, b.idle = nil, false, false
	lost = b.waitingLocked()
	switch {
	case lost > 0 && !b.kept:
		if err = b.startLocked(); err == nil {
			lost = 0
		}
	case gone:
		delete(b.boxes.all, b.name)
	}
	return lost, err
}

func (b *Box) waitingLocked() int { return len(b.queue) - b.head }

func (b *Box) clearLocked() {
	clear(b.queue)
	b.queue, b.head = b.queue[:0], 0
	if cap(b.queue) > keptMessages {
		b.queue = nil
	}
}

func (b *Box) tellLocked() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}
