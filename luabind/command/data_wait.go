package command

import (
	"context"
	"errors"
	"sync"
	"time"

	"moongate/luabind/lane"
	"moongate/runtime/datastore"
	"moongate/runtime/process"
	"moongate/runtime/remote"
	"moongate/runtime/session"
	"moongate/runtime/structure"

	lua "github.com/yuin/gopher-lua"
)

// patience is the context.Context of what a process asks of the data store: it ends when the process is killed, or when half
// of the time is over that its method had left. So a method that has a deadline, as those at the door have, goes on when
// the database does not answer, and can say what is to happen then. Each act has one of its own: what was derived from
// it may look at it when the next act has begun.
//
// An act that does not wait costs nothing here: Err looks at the process itself. Who waits asks for Done, and then the
// watch looks at the process every lookEvery. (The process tells of its end by an alarm that belongs to
// process.Wait, for which the act would need a goroutine of its own; that costs more than most acts do.)
type patience struct {
	watch    *watch
	process  *process.Process
	deadline time.Time
	done     chan struct{} // guarded by watch.mu; nil: nobody waits for it
}

// begin says that the act begins, of the method that the program runs.
func (l *patience) begin(p *lane.Program) {
	l.deadline = time.Time{}
	if end, limited := p.Deadline(); limited {
		now := time.Now()
		l.deadline = now.Add(end.Sub(now) / 2)
	}
}

// Deadline is when half of the method's time is over.
func (l *patience) Deadline() (time.Time, bool) { return l.deadline, !l.deadline.IsZero() }

// Err says why the act must end, nil while it may go on.
func (l *patience) Err() error {
	switch {
	case l.process.Killed() != nil:
		return context.Canceled
	case !l.deadline.IsZero() && !time.Now().Before(l.deadline):
		return context.DeadlineExceeded
	}
	return nil
}

// Value is nothing: acts ask for none.
func (l *patience) Value(any) any { return nil }

// Done is closed soon after Err has become something.
func (l *patience) Done() <-chan struct{} {
	l.watch.mu.Lock()
	defer l.watch.mu.Unlock()
	if l.done == nil {
		l.done = make(chan struct{})
		l.watch.addLocked(l)
	}
	return l.done
}

// lookEvery is how long a process that waits for the data store may go on after it was killed.
const lookEvery = 20 * time.Millisecond

// watch looks after the processes that wait for the data store. Its methods may be called from any goroutine.
type watch struct {
	mu      sync.Mutex
	waiting map[*patience]bool
	looks   bool           // the goroutine is there
	stop    chan struct{}  // closed by close; made with the first goroutine
	looking sync.WaitGroup // the goroutine
}

func (w *watch) addLocked(l *patience) {
	if w.waiting == nil {
		w.waiting = map[*patience]bool{}
	}
	w.waiting[l] = true
	if w.stop == nil {
		w.stop = make(chan struct{})
	}
	if !w.looks {
		w.looks = true
		w.looking.Go(w.look) // ends when nobody waits, at the latest with close
	}
}

func (w *watch) look() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-w.stop:
			return
		}
		w.mu.Lock()
		for l := range w.waiting {
			if l.Err() != nil {
				close(l.done)
				delete(w.waiting, l)
			}
		}
		w.looks = len(w.waiting) > 0
		over := !w.looks
		w.mu.Unlock()
		if over {
			return
		}
	}
}

// close ends the goroutine, and waits for it. Nobody asks the data store for anything any more.
func (w *watch) close() {
	w.mu.Lock()
	if w.stop != nil {
		close(w.stop)
	}
	w.mu.Unlock()
	w.looking.Wait()
}

// over says that the act has ended.
func (w *watch) over(l *patience) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting, l)
}

// dataOf is what a process has of the data store.
type dataOf struct {
	context datastore.Data
	distant *datastore.Distant // the same, on a client; otherwise nil
	lent    bool               // somebody else closes it
	noted   bool               // what it gives is noted while a call is witnessed
}

type dataKey struct{}

// data is the calling process's part of the data store, made when it is first asked for. It raises an error when the host
// has no store, and on a client when the process has no way to the server.
func (e *environment) data(L *lua.LState) *dataOf {
	p := lane.Running(L)
	d, _ := p.Value(dataKey{}).(*dataOf)
	if w := p.Witness(); w != nil && e.shadow == nil {
		return e.witnessedData(L, p, w, d)
	}
	switch {
	case d != nil && d.distant != nil:
		d.distant.Renew(e.structure(L))
	case d != nil:
	case e.shadow != nil:
		d = e.reading(L, p)
		p.Keep(dataKey{}, d)
	case e.distant():
		d = e.distantData(L)
		p.Keep(dataKey{}, d)
	default:
		d = &dataOf{context: e.store(L).NewContext(e.owner(p))}
		p.Keep(dataKey{}, d)
	}
	return d
}

// owner is a process as others are told of it that are in its way.
func (e *environment) owner(p *lane.Program) datastore.Owner {
	owner := datastore.Owner{Process: int64(p.Process().Number()), Name: p.Process().Name()}
	if c, _ := p.Owner().(*session.Connection); c != nil {
		owner.User = e.host.UserName(c.User)
	}
	return owner
}

// distantData is the server's data, as a process of a client has it. It asks the server for nothing yet.
func (e *environment) distantData(L *lua.LState) *dataOf {
	tables := e.structure(L)
	var asker datastore.Asker
	link, err := e.host.Link(lane.Running(L).Process())
	gone, isGone := errors.AsType[*remote.Error](err)
	switch {
	case isGone:
		asker = noServer{gone}
	case err != nil:
		L.RaiseError("%s", err.Error())
	default:
		asker = link
	}
	d := datastore.NewDistant(tables, asker)
	return &dataOf{context: d, distant: d}
}

// ranKey is kept as true while code of a client's process has run on the server since the process was last told how many
// transactions it has: they are the same ones.
type ranKey struct{}

// ranOnServer takes note that code of a client's process has run on the server.
func (e *environment) ranOnServer(p *lane.Program) {
	p.Keep(ranKey{}, true)
	if d, ok := p.Value(dataKey{}).(*dataOf); ok && d.distant != nil {
		d.distant.Outdate()
	}
}

// noServer is the way to a server that is lost for good.
type noServer struct{ err error }

// Data is the error.
func (n noServer) Data(context.Context, string, []any) (any, error) { return nil, n.err }

// structure is the tables that there are: a client's are the server's. It raises an error when there is no store.
func (e *environment) structure(L *lua.LState) *structure.Structure {
	if e.tables != nil && len(e.tables.Tables) > 0 {
		return e.tables
	}
	if !e.distant() {
		return e.store(L).Structure()
	}
	tables := e.host.RemoteStructure()
	if tables == nil {
		L.RaiseError("there is no data: the client has no server")
	}
	return tables
}

// store is the data store; it raises an error when the host has none.
func (e *environment) store(L *lua.LState) *datastore.Store {
	store := e.host.Store()
	if store == nil {
		L.RaiseError("there is no data: declare tables in structure.lua in the scripts folder, and start the server again")
	}
	return store
}

// act asks the data store for something, outside: the lane is others' meanwhile. f must not touch anything of Lua. When the
// process is to end, that is raised.
func (e *environment) act(L *lua.LState, f func(ctx context.Context, c datastore.Data) error) error {
	d := e.data(L)
	l := &patience{watch: &e.watch, process: lane.Running(L).Process()}
	if w := lane.Running(L).Witness(); w != nil && w.Recording() != nil {
		return e.recordedAct(L, w, func() error { return f(l, d.context) })
	}
	return e.outside(L, l, func() error { return f(l, d.context) })
}

// outside runs f outside, with the act's patience.
func (e *environment) outside(L *lua.LState, l *patience, f func() error) (err error) {
	p := lane.Running(L)
	l.begin(p)
	p.Outside(func() {
		defer e.watch.over(l)
		err = f()
	})
	if err != nil && datastore.KindOf(err) == datastore.Ended {
		p.Step(L, manySteps)
		return &datastore.Error{Kind: datastore.Unavailable, Cause: err,
			Message: "the database did not answer in half of the time that the method had left; look who holds it up, or give the method more (--method-timeout)"}
	}
	return err
}

// manySteps are so many that the process looks up: it raises the error for which it must end.
const manySteps = 1 << 20

// notKept gives what a command gives that could not do what it should: nil, why, and a number for it. What the script is
// wrong about, as a value that does not fit, is raised instead.
func (e *environment) notKept(L *lua.LState, command string, err error) int {
	switch kind := datastore.KindOf(err); kind {
	case datastore.Value, datastore.Unknown:
		L.RaiseError("%s", err.Error())
		return 0
	default:
		return e.failure(L, command, codeOf(err), err.Error())
	}
}

// statuses are 4D's numbers for what ORDA's save, drop, lock and reload could not do.
var statuses = map[datastore.Kind]int{
	datastore.Stamp:   2, // dk status stamp has changed
	datastore.Locked:  3, // dk status locked
	datastore.Missing: 5, // dk status entity does not exist anymore
}

// codeOf is the number for a failure: that of a lost connection, ORDA's status, or that of the error.
func codeOf(err error) int {
	if gone, ok := errors.AsType[*remote.Error](err); ok && gone.Number != 0 {
		return gone.Number
	}
	kind := datastore.KindOf(err)
	if status, ok := statuses[kind]; ok {
		return status
	}
	return kind.Code()
}

// acted gives true, or what notKept gives for an error.
func (e *environment) acted(L *lua.LState, command string, err error) int {
	if err != nil {
		return e.notKept(L, command, err)
	}
	L.Push(lua.LTrue)
	return 1
}

// closeTimeout is how long the end of a process waits for the database to forget it.
const closeTimeout = 5 * time.Second

// closeData cancels the transaction of a process whose code is over, and frees its locks. It may wait for the database.
func (e *environment) closeData(p *process.Process) {
	if lent(p) {
		return
	}
	e.letGo(p, datastore.Data.Close)
}

func (e *environment) letGo(p *process.Process, of func(datastore.Data, context.Context) error) {
	c := contextOf(p)
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := of(c, ctx); err != nil {
		e.log.Error("data not released", "process", p.Number(), "method", p.Method(), "error", err)
	}
}

// contextOf is a process's part of the data store, nil when it has not asked for it.
func contextOf(p *process.Process) datastore.Data {
	if program := lane.ProgramOf(p); program != nil {
		if d, ok := program.Value(dataKey{}).(*dataOf); ok {
			return d.context
		}
	}
	return nil
}

// HoldsData reports whether a process, no code of which runs, has a transaction or a lock.
func (c *Commands) HoldsData(p *process.Process) bool {
	data := contextOf(p)
	return data != nil && data.Holds()
}

// ReleaseData cancels the transaction of a process, no code of which runs, and frees its locks. It may wait for the database.
func (c *Commands) ReleaseData(p *process.Process) {
	c.environment.letGo(p, datastore.Data.Release)
}
