package process

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// ErrEnded is the cause of a kill whose caller gave none.
var ErrEnded = errors.New("the process was aborted")

// Process is one process of a Table. Start and StartUnique make them. All methods may be called from any
// goroutine, except those that say that they belong to the goroutine that runs the process.
type Process struct {
	table  *Table
	spec   Spec // Name is guarded by table.mu, the rest does not change
	number Number
	id     ID
	cpu    atomic.Int64 // nanoseconds in Lua

	attention atomic.Uint32 // why the running code should look up: see the bits below
	abort     atomic.Bool   // 4D's "process aborted" flag

	mu      sync.Mutex
	state   State
	hold    hold
	until   time.Time // the end of a delay
	killed  error
	visible bool
	frozen  bool        // it has asked the host to quit, and never goes on: it is paused for good
	wakeups uint32      // how often everybody who waits was to be woken, by SetAbortFlag
	alarm   *time.Timer // goes off when a wait may be over, also when hold, killed or wakeups change; made by the first wait
	placed  Placed
	onKill  func(error)
	outside outside
}

type hold uint8

const (
	notHeld hold = iota
	delayed
	paused
)

// The bits of attention.
const (
	attentionHold uint32 = 1 << iota
	attentionKill
)

// Number is the process's number.
func (p *Process) Number() Number { return p.number }

// ID is the process's unique number.
func (p *Process) ID() ID { return p.id }

// Type is what made the process.
func (p *Process) Type() Type { return p.spec.Type }

// RunsScripts reports whether the process runs methods of users, so that it may be aborted: the main process and the
// client manager belong to the host.
func (p *Process) RunsScripts() bool {
	t := p.spec.Type
	return t >= 0 || t == OnExit || t == InternalServer || t == ExecuteOnClient
}

// Method is the method that the process began with.
func (p *Process) Method() string { return p.spec.Method }

// Session is the session that the process belongs to, "" when none.
func (p *Process) Session() string { return p.spec.Session }

// Preemptive reports whether the process runs in a preemptive lane.
func (p *Process) Preemptive() bool { return p.spec.Preemptive }

// Started is when the process was started.
func (p *Process) Started() time.Time { return p.spec.Started }

// Name is the process's name, "" when it has none (yet).
func (p *Process) Name() string { return p.table.nameOf(p) }

// SetName renames the process.
func (p *Process) SetName(name string) { p.table.rename(p, name) }

// State is the process's state now. A process that was just delayed, paused or resumed by another has its new state at
// once, although its code may need a moment to notice.
func (p *Process) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stateLocked()
}

func (p *Process) stateLocked() State {
	switch {
	case p.state == Aborted:
		return Aborted
	case p.killed != nil:
		return Executing // on its way to its end
	case p.hold == paused:
		return Paused
	case p.hold == delayed:
		return Delayed
	case p.state == Paused || p.state == Delayed:
		return Executing // it has been released
	default:
		return p.state
	}
}

// Rest says what the process does while none of its code runs: Executing, or WaitingForInputOutput for a client
// process whose client asks for nothing. It belongs to the goroutine that runs the process.
func (p *Process) Rest(s State) {
	p.mu.Lock()
	p.state = s
	p.mu.Unlock()
}

// AddCPU counts time that the process's code took.
func (p *Process) AddCPU(d time.Duration) { p.cpu.Add(int64(d)) }

// SetVisible keeps 4D's visible flag, which has no other effect here.
func (p *Process) SetVisible(v bool) {
	p.mu.Lock()
	p.visible = v
	p.mu.Unlock()
}

// Placed knows where a process's code stands.
type Placed interface {
	// Place is file:line, "" when unknown. It may be called from any goroutine.
	Place() string
}

// SetPlaced says who knows where the process's code stands.
func (p *Process) SetPlaced(placed Placed) {
	p.mu.Lock()
	p.placed = placed
	p.mu.Unlock()
}

// Placed is what SetPlaced was given, nil before that.
func (p *Process) Placed() Placed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.placed
}

// Place is where the process's code stands (file:line), for reports; "" when unknown.
func (p *Process) Place() string {
	placed := p.Placed()
	if placed == nil {
		return ""
	}
	return placed.Place()
}

// End frees the process's slot. It belongs to the goroutine that runs the process, which calls it once, when
// everything that the process owned has been freed.
func (p *Process) End() {
	p.mu.Lock()
	p.state = Aborted
	p.mu.Unlock()
	p.table.end(p)
}

// Kill asks the process to end and returns at once. The first cause stays; nil stands for ErrEnded.
func (p *Process) Kill(cause error) {
	if cause == nil {
		cause = ErrEnded
	}
	p.mu.Lock()
	if p.killed != nil {
		p.mu.Unlock()
		return
	}
	p.killed = cause
	p.attention.Or(attentionKill)
	p.kickLocked()
	onKill := p.onKill
	p.mu.Unlock()
	if onKill != nil {
		onKill(cause)
	}
}

// OnKill gives a function that Kill calls with its cause, for a process that may be waiting for something that this
// package does not know of. It must not block. If the process was killed already, it is called at once.
func (p *Process) OnKill(f func(cause error)) {
	p.mu.Lock()
	p.onKill = f
	killed := p.killed
	p.mu.Unlock()
	if f != nil && killed != nil {
		f(killed)
	}
}

// Killed is the cause given to Kill, nil while nobody asked the process to end.
func (p *Process) Killed() error {
	if p.attention.Load()&attentionKill == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// Pardon forgets a Kill, so that the process may run its last method: the close method of a client process that
// was ended while its code ran. It belongs to the goroutine that runs the process.
func (p *Process) Pardon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = nil
	p.hold, p.outside.aside = notHeld, notHeld
	p.attention.Store(0)
}

// SetAbortFlag makes Aborting true and wakes the process if it waits, once: a delay or pause ends, and so does any
// other wait. Waits that begin later wait again.
func (p *Process) SetAbortFlag() {
	p.abort.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wakeups++
	p.releaseLocked()
	p.kickLocked()
}

// Aborting is 4D's "Process aborted": the process is about to be interrupted and should leave.
func (p *Process) Aborting() bool { return p.abort.Load() }

// Info is a description of a process at one moment.
type Info struct {
	Number     Number
	ID         ID
	Name       string
	Method     string
	Session    string
	Type       Type
	State      State
	Preemptive bool
	Visible    bool
	Started    time.Time
	CPU        time.Duration // time in Lua
}

// Info describes the process as it is now.
func (p *Process) Info() Info {
	name := p.Name()
	p.mu.Lock()
	defer p.mu.Unlock()
	return Info{
		Number: p.number, ID: p.id, Name: name, Method: p.spec.Method, Session: p.spec.Session, Type: p.spec.Type,
		State: p.stateLocked(), Preemptive: p.spec.Preemptive, Visible: p.visible, Started: p.spec.Started,
		CPU: time.Duration(p.cpu.Load()),
	}
}
