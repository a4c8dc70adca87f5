package command

import (
	"math"
	"time"

	"moongate/luabind/lane"
	"moongate/runtime/interprocess"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

var signalCommands = []Command{
	{Name: "new_signal", Signature: "new_signal([description]) -> signal", FourD: "New signal", Since: "0.1", Waits: true, Roles: everywhere,
		Meaning: "a shared object for which processes wait: signal:wait([seconds]) gives true once another called signal:trigger(), false when the time is over; " +
			"signal.signaled, signal.description", run: newSignal},
}

func newSignal(e *environment, L *lua.LState) int {
	s := e.commons.NewSignal(kept(L, L.OptString(1, "")))
	lane.Running(L).Grow(L, sharedBytes)
	return push(L, s)
}

// signalFunctions are the functions that a signal has.
var signalFunctions = map[string]func(e *environment, L *lua.LState) int{
	"wait":    waitForSignal,
	"trigger": triggerSignal,
}

// checkSignal reads the signal that a function was called for, by a colon.
func checkSignal(L *lua.LState) *interprocess.Shared {
	return checkKind(L, 1, interprocess.Signal)
}

func waitForSignal(e *environment, L *lua.LState) int {
	s, until, waits := checkSignal(L), time.Time{}, true
	if L.Get(2) != lua.LNil {
		seconds := float64(L.CheckNumber(2))
		if math.IsNaN(seconds) {
			L.ArgError(2, "number of seconds expected, got nan")
		}
		waits = seconds > 0
		if limit := process.Ticks(60 * seconds); limit < 1<<63-1 {
			until = time.Now().Add(limit)
		}
	}
	if e.pretended(L, s) {
		return push(L, e.signaled(L, s, false))
	}
	if waits && !s.Signaled() {
		lane.Running(L).Wait(L, process.WaitingForInternalFlag, until, s.Triggered())
	}
	return push(L, e.signaled(L, s, s.Signaled()))
}

func triggerSignal(_ *environment, L *lua.LState) int {
	checkSignal(L).Trigger()
	return 0
}
