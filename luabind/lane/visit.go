package lane

import (
	"time"

	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// ProgramOf is the program of a process, nil when it has none (yet). It may be called from any goroutine.
func ProgramOf(p *process.Process) *Program {
	program, _ := p.Placed().(*Program)
	return program
}

// Visit runs f where it may touch the variables of another program: at once if that runs in the same lane, otherwise
// under the other lane's baton, while p's own is given away, so that no two lanes ever wait for each other. Values of
// one lane must not come into another: f copies. It must not raise an error, run code or wait. Visit reports false,
// without calling f, if the other program is closed. It needs the baton.
func (p *Program) Visit(other *Program, f func(variables *lua.LTable)) bool {
	if other.lane == p.lane {
		return other.visited(f)
	}
	there := false
	p.visit(other.lane, func() { there = other.visited(f) })
	return there
}

// visit runs f under another lane's baton, while p's own is given away. It needs the baton.
func (p *Program) visit(other *Lane, f func()) {
	p.Outside(func() {
		other.baton.take(Ordinary, p, time.Now())
		defer func() { other.baton.give(time.Now()) }()
		f()
	})
}

// visited lets f touch the variables. It needs the baton of p's lane.
func (p *Program) visited(f func(variables *lua.LTable)) bool {
	if p.closed.Load() {
		return false
	}
	f(p.env)
	return true
}
