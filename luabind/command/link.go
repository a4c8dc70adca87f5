package command

import (
	"context"
	"errors"
	"strings"
	"time"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/datastore"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/remote"

	lua "github.com/yuin/gopher-lua"
)

// Link is the way from a client's process to the server: its processes there are made when it first needs them. Who asks
// blocks until the server has answered; when ctx ends before, the link and with it what the server has of the process is
// given up. Errors are a [*remote.Refused], a [*remote.Error], or one of data. [*remote.Process] is a Link.
type Link interface {
	// Do has the server run one of its commands, as code of the client process would there.
	Do(ctx context.Context, command string, args []any) ([]any, error)
	// Call has the server run a project method in the client's process there.
	Call(ctx context.Context, method string, args []any) ([]any, error)
	// Data is one act of data.
	Data(ctx context.Context, op string, args []any) (any, error)
}

// UseData has a program's acts of data be those of a context that somebody else closes. It is called before anything of
// the program runs.
func UseData(p *lane.Program, c *datastore.Context) {
	p.Keep(dataKey{}, &dataOf{context: c, lent: true})
}

// lent reports whether somebody else closes a process's data.
func lent(p *process.Process) bool {
	program := lane.ProgramOf(p)
	if program == nil {
		return false
	}
	d, ok := program.Value(dataKey{}).(*dataOf)
	return ok && d.lent
}

// distant reports whether the host is a client, so that what belongs to the server is asked for.
func (e *environment) distant() bool { return e.role == method.Remote }

// link is the calling process's way to the server. It gives trouble with the connection, and raises an error when the
// process has no such way.
func (e *environment) link(L *lua.LState, command string) (Link, error) {
	link, err := e.host.Link(lane.Running(L).Process())
	if _, lost := errors.AsType[*remote.Error](err); lost {
		return nil, err
	}
	if err != nil {
		L.RaiseError("%s: %s", command, err.Error())
	}
	return link, nil
}

// ask has the server run one of its commands for the calling process, and gives its results. The lane is others'
// meanwhile. An error is trouble with the connection; all others are raised.
func (e *environment) ask(L *lua.LState, command string, args ...any) ([]any, error) {
	link, err := e.link(L, command)
	if err != nil {
		return nil, err
	}
	return e.answered(L, command, func(ctx context.Context) ([]any, error) { return link.Do(ctx, command, args) })
}

// answered runs a request outside, with the patience of an act of data, and sorts its error.
func (e *environment) answered(L *lua.LState, command string, request func(ctx context.Context) ([]any, error)) (results []any, err error) {
	p := lane.Running(L)
	l := &patience{watch: &e.watch, process: p.Process()}
	l.begin(p)
	p.Outside(func() {
		defer e.watch.over(l)
		results, err = request(l)
	})
	if err != nil {
		return nil, sorted(L, command, err)
	}
	return results, nil
}

// sorted gives the error of a request if it is trouble with the connection. All others it raises: what ends the process, the
// refusal of its process on the server, and what the server says of the command.
func sorted(L *lua.LState, command string, err error) error {
	p := lane.Running(L)
	if p.Process().Killed() != nil {
		p.Release(L)
	}
	if refused, ok := errors.AsType[*remote.Refused](err); ok {
		raise(L, failure{code: int(refused.Code), message: command + ": " + err.Error(), signature: signatureRuntime})
	}
	if said, ok := errors.AsType[*remote.Error](err); ok && said.Number == 0 {
		L.RaiseError("%s", worded(command, said.Message))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &remote.Error{Number: remote.NumberLost, Message: "the server did not answer in half of the time that the method had left"}
	}
	return err
}

// worded is what the server says of a command, which names it.
func worded(command, message string) string {
	if strings.HasPrefix(message, "bad argument #") || strings.HasPrefix(message, command+": ") {
		return message
	}
	return command + ": " + message
}

// trouble is what a command gives that could not ask the server: nil or, where nil would mean something, another value, why,
// and 4D's number for it.
func (e *environment) trouble(L *lua.LState, command string, instead lua.LValue, err error) int {
	code := remote.NumberLost
	if known, ok := errors.AsType[*remote.Error](err); ok {
		code = known.Number
	}
	n := e.failure(L, command, code, err.Error())
	L.Replace(L.GetTop()-n+1, instead)
	return n
}

// mostResults is how many results of the server are given: they lie on the interpreter's stack, which has an end.
const mostResults = 10_000

// give pushes what the server gave.
func give(L *lua.LState, command string, results []any) int {
	if len(results) > mostResults {
		L.RaiseError("%s: the server gave %d results (the limit is %d)", command, len(results), mostResults)
	}
	lane.Running(L).Step(L, stepsPerValue*len(results))
	for _, v := range results {
		L.Push(convert.ToLua(v))
	}
	return len(results)
}

// first is the first of the results, nil when there is none.
func first(results []any) any {
	if len(results) == 0 {
		return nil
	}
	return results[0]
}

// askFor is a command that the server carries out with the same arguments.
func (e *environment) askFor(L *lua.LState, command string, args ...any) int {
	results, err := e.ask(L, command, args...)
	if err != nil {
		return e.trouble(L, command, lua.LNil, err)
	}
	return give(L, command, results)
}

// CallOnServer has the server run a method with what is on L, for a process of a client, and pushes its results. It is
// lane.Config's OnServer.
func (c *Commands) CallOnServer(L *lua.LState, name string) int {
	e := &c.environment
	args := copies(L, 1, L.GetTop())
	link, err := e.link(L, name)
	if err != nil {
		return e.trouble(L, name, lua.LNil, err)
	}
	results, err := e.answered(L, name, func(ctx context.Context) ([]any, error) { return link.Call(ctx, name, args) })
	e.ranOnServer(lane.Running(L))
	if err != nil {
		return e.trouble(L, name, lua.LNil, err)
	}
	return give(L, name, results)
}

// copies are the arguments from first to last as they leave this machine: shared objects in them are copied too.
func copies(L *lua.LState, first, last int) []any {
	args := make([]any, 0, max(0, last-first+1))
	for i := first; i <= last; i++ {
		v, err := convert.Copied(L.Get(i), func(n int) { lane.Running(L).Step(L, stepsPerValue*n) })
		if err != nil {
			L.ArgError(i, err.Error())
		}
		args = append(args, v)
	}
	return args
}

// answer is what came of a request.
type answer struct {
	results []any
	err     error
}

// waitFor runs a request that may take long by itself, as the wait for a semaphore does: meanwhile the process is one that
// waits, answers outside calls, and is woken when the host quits. Then, and when the process is killed, the request is given
// up, and with it the link, because the server would go on waiting: woken is true, or the end of the process is raised.
func (e *environment) waitFor(L *lua.LState, command string, request func(ctx context.Context) ([]any, error)) (results []any, woken bool, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var got answer
	over := make(chan struct{})
	e.requests.Go(func() { // ends with the answer of the server, or with ctx; Close waits for it
		defer close(over)
		results, err := request(ctx)
		got = answer{results, err}
	})
	if lane.Running(L).Wait(L, process.WaitingForInternalFlag, time.Time{}, over) != process.Ready {
		return nil, true, nil
	}
	if got.err != nil {
		return nil, false, sorted(L, command, got.err)
	}
	return got.results, false, nil
}
