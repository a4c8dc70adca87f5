package command

import (
	"moongate/luabind/lane"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

var workerCommands = []Command{
	{Name: "call_worker", Signature: "call_worker(worker, method [, parameter ...])", FourD: "CALL WORKER", Since: "0.3", Roles: everywhere,
		Meaning: "has a worker, which is made if nobody has the name, run a project method some time after this, in turn and with the variables of its process; an empty method is the one that it began with; of a number that is no worker's, nothing comes", run: callWorker, instead: noEffect("as")},
	{Name: "kill_worker", Signature: "kill_worker([worker])", FourD: "KILL WORKER", Since: "0.3", Roles: everywhere,
		Meaning: "has a worker, by default the calling one, end after the method that it runs, and forgets what it was to run then", run: killWorker, instead: noEffect("")},
}

// callWorker is "CALL WORKER". Tables are copied even when a worker calls itself.
func callWorker(e *environment, L *lua.LState) int {
	to, ok := checkWorker(e, L, 1)
	method := L.CheckString(2)
	args := parameters(L, 3, L.GetTop())
	switch {
	case !ok:
		return 0
	case to.Process != nil && to.Process.Type() == process.MainOfServer:
		L.RaiseError("call_worker: process %d of a server runs no methods; give the worker a name", to.Process.Number())
	}
	if err := e.host.CallWorker(to, process.Message{Method: method, Args: args}, lane.Running(L).Process()); err != nil {
		L.RaiseError("call_worker: %s", err.Error())
	}
	return 0
}

func killWorker(e *environment, L *lua.LState) int {
	if L.GetTop() == 0 || L.Get(1) == lua.LNil {
		e.host.KillWorker(process.Address{Process: lane.Running(L).Process()})
	} else if to, ok := checkWorker(e, L, 1); ok {
		e.host.KillWorker(to)
	}
	return 0
}

// checkWorker reads the number of a process or the name of a worker. It reports false for a number that no process has.
func checkWorker(e *environment, L *lua.LState, i int) (process.Address, bool) {
	switch v := L.Get(i).(type) {
	case lua.LNumber:
		p := e.host.Processes().Get(checkProcess(L, i))
		return process.Address{Process: p}, p != nil
	case lua.LString:
		if v == "" {
			L.ArgError(i, "name of a worker expected, got an empty text")
		}
		return process.Address{Name: string(v)}, true
	default:
		L.ArgError(i, "number of a process or name of a worker expected, got "+v.Type().String())
		panic("not reached")
	}
}
