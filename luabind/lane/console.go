package lane

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Evaluate runs code that is no method of the scripts, with the process's variables, as Call runs a method; errors and
// reports call it name. When it has returned, show sees its results, the values of L from 1 on; it may raise errors, and
// must charge work that may be long. Evaluate blocks until all that is over. The error is an *Error.
func (p *Program) Evaluate(name string, proto *lua.FunctionProto, show func(L *lua.LState)) error {
	p.begin(Options{Priority: Ordinary}, name)
	defer p.finish()
	take := func(L *lua.LState) ([]any, error) {
		show(L)
		return nil, nil
	}
	if _, err := p.lane.vm.Call(p, &lua.LFunction{Env: p.env, Proto: proto}, take, nil); err != nil {
		p.tellUncaught(err)
		return p.failed(err)
	}
	return nil
}

// Look runs f where it may look at the program's variables, from a goroutine other than that of the process, which must
// run no code of it meanwhile. It waits for the baton, a slice at the most for each process that waits for it too. f must
// not raise an error, run code or wait. Look reports false, without calling f, if the program is closed.
func (p *Program) Look(f func(variables *lua.LTable)) bool {
	p.lane.baton.take(Ordinary, p, time.Now())
	defer func() { p.lane.baton.give(time.Now()) }()
	return p.visited(f)
}
