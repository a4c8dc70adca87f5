package lane

import (
	"errors"
	"fmt"
	"strings"

	"moongate/luabind/sandbox"

	lua "github.com/yuin/gopher-lua"
)

// ErrNoCommand is returned by Do for a name that the lane's library does not have as a function.
var ErrNoCommand = errors.New("no such command")

// mostArguments is how many arguments Do takes: they lie on the interpreter's stack, which has an end.
const mostArguments = 10_000

// Do calls a command of the library as the process's own code would, and returns its results (see package convert); Asked
// is true meanwhile. Nothing is compiled or looked up by text for it. It blocks until the command has returned or was
// stopped. The error is an *Error, whose text has no place because no method called the command, or wraps ErrNoCommand or
// ErrResult.
func (p *Program) Do(o Options, command string, args ...any) ([]any, error) {
	f, ok := p.lane.vm.Function(command)
	if !ok {
		return nil, fmt.Errorf("%s: %w", command, ErrNoCommand)
	}
	if len(args) > mostArguments {
		return nil, fmt.Errorf("%s: more than %d arguments", command, mostArguments)
	}
	p.begin(o, command)
	defer p.finish()
	p.call.asked = true
	if p.call.stopped != nil {
		return nil, fmt.Errorf("%s: %w", command, p.call.stopped)
	}
	results, err := p.lane.vm.Call(p, f, takeResults, p.parameters(args))
	if err == nil {
		return results, nil
	}
	var failed *sandbox.Error
	if errors.As(err, &failed) {
		if text, ok := failed.Value.(lua.LString); ok { // who has no caller is a chunk to the interpreter
			failed.Value = lua.LString(strings.Replace(string(text), " to main chunk (", " to "+command+" (", 1))
		}
		return nil, &Error{Method: command, Err: failed, Cause: p.call.stopped}
	}
	return nil, fmt.Errorf("%s: %w", command, err)
}

// Asked reports whether the command that runs was called by Do and not by code of the process. It belongs to the goroutine
// that runs the process.
func (p *Program) Asked() bool { return p.call.asked }

// Interprocess runs f where it may touch the interprocess variables, which are those of the cooperative lane: at once if
// the program runs there, otherwise under that lane's baton, while p's own is given away. Values of one lane must not
// come into another: f copies. It must not raise an error, run code or wait. It needs the baton.
func (p *Program) Interprocess(f func(variables *lua.LTable)) {
	home := p.lane.cooperative
	if home == nil {
		f(p.lane.interprocess)
		return
	}
	p.visit(home, func() { f(home.interprocess) })
}
