package command

import (
	"moongate/luabind/lane"

	lua "github.com/yuin/gopher-lua"
)

var outsideCommands = []Command{
	{Name: "on_outside_call", Signature: "on_outside_call(function or nil)", Since: "0.3", Roles: everywhere,
		Meaning: "says what answers post_outside_call in the calling process: the function runs whenever the process waits, which waits for the rest of its time afterwards, or until resume_process(current_process()) in the function; nil answers nothing", run: onOutsideCall},
	{Name: "post_outside_call", Signature: "post_outside_call(process)", FourD: "POST OUTSIDE CALL", Since: "0.3", Roles: everywhere,
		Meaning: "has a process run the function that it gave to on_outside_call, as soon as it waits; nothing happens if it gave none", run: postOutsideCall, instead: noEffect("n")},
	{Name: "call_process", Signature: "call_process(process)", FourD: "CALL PROCESS", Since: "0.3", Roles: everywhere,
		Meaning: "the former name of post_outside_call", run: postOutsideCall, instead: noEffect("n")},
}

// onOutsideCall stands for the form event "On Outside Call" of 4D, which has no forms here to come to.
func onOutsideCall(e *environment, L *lua.LState) int {
	program := lane.Running(L)
	if L.GetTop() >= 1 && L.Get(1) == lua.LNil {
		program.OnOutsideCall(nil, nil)
		return 0
	}
	p := program.Process()
	program.OnOutsideCall(L.CheckFunction(1), func(err error) {
		e.host.ScriptFailed(p, "on_outside_call", program.Set().Version, err)
	})
	return 0
}

// postOutsideCall does nothing for a number that no process has ("POST OUTSIDE CALL"); nor for -1, which redraws 4D's
// windows.
func postOutsideCall(e *environment, L *lua.LState) int {
	if p := e.host.Processes().Get(checkProcess(L, 1)); p != nil {
		p.PostOutsideCall()
	}
	return 0
}
