package sandbox

import lua "github.com/yuin/gopher-lua"

// Aside calls a function that takes and gives nothing in a thread of its own under ctx, while other code of the process
// waits, or none runs. It is outside of all coroutines, so it cannot yield. The caller must hold what it holds to run
// the process, and looks afterwards whether the process must stop.
func (vm *VM) Aside(ctx Context, fn *lua.LFunction) *Error {
	state := ctx.State()
	saved := *state
	th := vm.thread(ctx)
	state.running, state.current = running{th: th, outer: &saved.running}, nil
	err := vm.run(th, fn, nil, raise)
	state.running, state.current, state.depth = saved.running, saved.current, saved.depth
	if err == nil {
		vm.release(th)
	}
	return err
}
