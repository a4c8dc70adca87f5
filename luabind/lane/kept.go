package lane

import (
	"errors"
	"fmt"

	"moongate/luabind/sandbox"

	lua "github.com/yuin/gopher-lua"
)

// Keep has the program keep a value for a command under a key, a type of the command's own; Value gives it back. It
// belongs to the goroutine that runs the process.
func (p *Program) Keep(key, value any) {
	if p.kept == nil {
		p.kept = map[any]any{}
	}
	p.kept[key] = value
}

// Value is what is kept under a key, nil when nothing is. It belongs to the goroutine that runs the process.
func (p *Program) Value(key any) any { return p.kept[key] }

// Protect calls a function as pcall does: it pushes the results on L and says how many they are, or gives the error. What
// stops the process goes on through it. It needs the baton.
func (p *Program) Protect(L *lua.LState, f lua.LValue, args ...lua.LValue) (int, *sandbox.Error) {
	return p.lane.vm.Protect(L, f, args)
}

// tellUncaught tells Config.Uncaught of an error that ends a call, unless the process was stopped.
func (p *Program) tellUncaught(err error) {
	var failed *sandbox.Error
	if p.lane.uncaught == nil || p.call.stopped != nil || !errors.As(err, &failed) {
		return
	}
	p.lane.uncaught(p, failed)
}

// RunAside runs a method that takes and gives nothing while the process's own code stands still in a command, or is over.
// It has the rest of the call's time. Who calls it from a command calls Release after it, because the process may have to
// stop. The error is an *Error or wraps ErrNoMethod. It needs the baton.
func (p *Program) RunAside(name string) error {
	m, ok := p.Set().Method(name)
	if !ok || m.Database {
		return fmt.Errorf("%s: %w", name, ErrNoMethod)
	}
	defer p.process.Undisturbed()()
	asked := p.call.asked
	p.call.asked = false
	defer func() { p.call.asked = asked }()
	if err := p.lane.vm.Aside(p, p.function(m)); err != nil {
		return &Error{Method: name, Err: err, Cause: p.call.stopped}
	}
	return nil
}
