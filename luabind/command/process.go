package command

import (
	"errors"
	"math"
	"strings"
	"time"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/remote"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

var processCommands = []Command{
	{Name: "current_process", Signature: "current_process() -> number", FourD: "Current process", Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: "the number of the calling process", run: currentProcess},
	{Name: "current_process_name", Signature: "current_process_name() -> text", FourD: "Current process name", Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: "the name of the calling process, empty when it has none", run: currentProcessName},
	{Name: "process_info", Signature: "process_info(process) -> table or nil", FourD: "Process info", Since: "0.1", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "what a process is and does; nil for a wrong number. On a client a number below 0 is one of the server's, here and in process_properties and process_state", run: processInfo},
	{Name: "process_properties", Signature: "process_properties(process) -> values", FourD: "PROCESS PROPERTIES", Since: "0.3", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "name, state, ticks in its code, mode (1 visible, plus 2 preemptive), unique number and type of a process; nothing for a wrong number", run: processProperties},
	{Name: "process_activity", Signature: "process_activity([session_id] [, options]) -> table or nil", FourD: "Process activity", Since: "0.3", Reads: true, Roles: everywhere,
		Meaning: "all processes and, on a server, sessions at this moment, as lists in the fields processes and sessions; options 1 gives processes only, 2 sessions only; nil for an unknown session", run: processActivity},
	{Name: "process_state", Signature: "process_state(process) -> number", FourD: "Process state", Since: "0.1", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "-100 does not exist, -1 has ended, 0 executing, 1 delayed, 2 waiting for what a user types or call_worker gives, 3 waiting for its client, 4 waiting for a flag, 5 paused", run: processState},
	{Name: "process_number", Signature: `process_number(name [, "*"]) -> number`, FourD: "Process number", Since: "0.1", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: `the number of the living process of that name, 0 when there is none; case does not count. On a client "*" asks the server, whose processes have numbers below 0 there`, run: processNumber},
	{Name: "process_aborted", Signature: "process_aborted() -> boolean", FourD: "Process aborted", Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: "whether the calling process is about to be ended and should leave", run: processAborted, instead: falseInstead},
	{Name: "count_tasks", Signature: "count_tasks() -> number", FourD: "Count tasks", Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: "the highest number of a living process", run: countTasks},
	{Name: "count_user_processes", Signature: "count_user_processes() -> number", FourD: "Count user processes", Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: "how many processes live, the host's own timer, manager and interface processes left out", run: countUserProcesses},
	{Name: "new_process", Signature: `new_process(method, stack [, name [, parameter ...]] [, "*"]) -> number`, FourD: "New process", Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: `starts a process with a project method and gives its number; a last "*" gives the living process of that name instead; stack does not matter`, run: newProcess, once: true, instead: startedInstead},
	{Name: "execute_on_server", Signature: `execute_on_server(method, stack [, name [, parameter ...]] [, "*"]) -> number`, FourD: "Execute on server", Since: "0.3", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "is new_process on the server: a client gets a number below 0", run: executeOnServer, once: true, instead: startedInstead},
	{Name: "delay_process", Signature: "delay_process(process, ticks)", FourD: "DELAY PROCESS", Since: "0.1", Waits: true, Roles: everywhere,
		Meaning: "makes a process wait for so many 1/60 seconds; replaces a delay that runs, 0 ends it", run: delayProcess, instead: noEffect("nn")},
	{Name: "pause_process", Signature: "pause_process(process)", FourD: "PAUSE PROCESS", Since: "0.1", Waits: true, Roles: everywhere,
		Meaning: "makes a process wait until it is resumed; a delay becomes a pause", run: pauseProcess, instead: noEffect("n")},
	{Name: "resume_process", Signature: "resume_process(process)", FourD: "RESUME PROCESS", Since: "0.1", Roles: everywhere,
		Meaning: "wakes a paused or delayed process", run: resumeProcess, instead: noEffect("n")},
	{Name: "hide_process", Signature: "hide_process(process)", FourD: "HIDE PROCESS", Since: "0.3", Roles: everywhere,
		Meaning: "makes process_info(process).visible false, which has no other effect; main processes stay visible", run: hideProcess, instead: noEffect("n")},
	{Name: "show_process", Signature: "show_process(process)", FourD: "SHOW PROCESS", Since: "0.3", Roles: everywhere,
		Meaning: "makes process_info(process).visible true", run: showProcess, instead: noEffect("n")},
	{Name: "bring_to_front", Signature: "bring_to_front(process)", FourD: "BRING TO FRONT", Since: "0.3", Roles: everywhere,
		Meaning: "does nothing here: no process has a window", run: bringToFront},
	{Name: "abort_process_by_id", Signature: "abort_process_by_id(id)", FourD: "ABORT PROCESS BY ID", Since: "0.1", Roles: everywhere,
		Meaning: "ends the process with that unique number (process_info(n).id); does nothing on a client", run: abortProcessByID, instead: noEffect("n")},
	{Name: "quit_4d", Signature: "quit_4d([seconds])", FourD: "QUIT 4D", Since: "0.1", Roles: everywhere,
		Meaning: "stops the host: clients have so many seconds to leave, without a number as long as they like; on a server the caller goes on, elsewhere it stops there", run: quit4D, instead: noEffect("")},
}

func currentProcess(_ *environment, L *lua.LState) int {
	return number(L, lane.Running(L).Process().Number())
}

func currentProcessName(_ *environment, L *lua.LState) int {
	L.Push(lua.LString(lane.Running(L).Process().Name()))
	return 1
}

func processInfo(e *environment, L *lua.LState) int {
	if n, ok := e.ofServer(L, 1); ok {
		return e.infoOfServer(L, n)
	}
	info, ok := e.host.Processes().Info(checkProcess(L, 1))
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	session := info.Session
	if c := e.host.Sessions().OfProcess(info.Number); c != nil {
		session = c.Session()
	}
	L.Push(described(L, info, session))
	return 1
}

// infoOfServer is what the server says of a process of its own, with the number that a client has for it.
func (e *environment) infoOfServer(L *lua.LState, n int64) int {
	results, err := e.ask(L, "process_info", n)
	if err != nil {
		return e.trouble(L, "process_info", lua.LNil, err)
	}
	if info, ok := first(results).(wire.Map); ok {
		for i, pair := range info {
			if pair.Key == "number" {
				info[i].Value = -n
			}
		}
	}
	return give(L, "process_info", results)
}

func processState(e *environment, L *lua.LState) int {
	if n, ok := e.ofServer(L, 1); ok {
		return e.askFor(L, "process_state", n)
	}
	return number(L, e.host.Processes().State(checkProcess(L, 1)))
}

func processNumber(e *environment, L *lua.LState) int {
	name := L.CheckString(1)
	if e.distant() && L.Get(2) == lua.LString("*") {
		return e.askForNumber(L, "process_number", []any{name})
	}
	p := e.host.Processes().Named(name)
	if p == nil {
		return number(L, 0)
	}
	return number(L, p.Number())
}

// askForNumber is a command that the server answers with the number of a process, which is below 0 here; 0 when it cannot
// be asked.
func (e *environment) askForNumber(L *lua.LState, command string, args []any) int {
	results, err := e.ask(L, command, args...)
	if err != nil {
		return e.trouble(L, command, lua.LNumber(0), err)
	}
	n, _ := first(results).(int64)
	return number(L, -n)
}

func processAborted(_ *environment, L *lua.LState) int {
	L.Push(lua.LBool(lane.Running(L).Process().Aborting()))
	return 1
}

func countTasks(e *environment, L *lua.LState) int { return number(L, e.host.Processes().Highest()) }

func countUserProcesses(e *environment, L *lua.LState) int {
	return number(L, e.host.Processes().Count(func(p *process.Process) bool { return p.Type().CountedAsUser() }))
}

func newProcess(e *environment, L *lua.LState) int { return startProcess(e, L, "new_process") }

// executeOnServer is new_process, as "Execute on server" is on a server. A client has the server do that; the process there
// is nobody's, and goes on when the client's ends.
func executeOnServer(e *environment, L *lua.LState) int {
	if e.distant() {
		L.CheckString(1)
		L.CheckNumber(2)
		if L.GetTop() >= 3 && strings.HasPrefix(L.CheckString(3), "$") {
			L.RaiseError("execute_on_server: %q is no name for a process of the server: $ begins the names of local ones", L.CheckString(3))
		}
		return e.askForNumber(L, "execute_on_server", copies(L, 1, L.GetTop()))
	}
	return startProcess(e, L, "execute_on_server")
}

func startProcess(e *environment, L *lua.LState, command string) int {
	name := L.CheckString(1)
	L.CheckNumber(2)
	last := L.GetTop()
	unique := last >= 3 && L.Get(last) == lua.LString("*")
	if unique {
		last--
	}
	processName := ""
	if last >= 3 {
		processName = L.CheckString(3)
	}
	n, err := e.host.StartProcess(name, processName, parameters(L, 4, last), unique)
	if _, lost := errors.AsType[*remote.Error](err); lost {
		return e.trouble(L, command, lua.LNumber(0), err) // a client without its server starts nothing
	}
	if err != nil {
		L.RaiseError("%s: %s", command, err.Error())
	}
	return number(L, n)
}

// parameters are the arguments from first to last, for a method of another process.
func parameters(L *lua.LState, first, last int) []any {
	var args []any
	for i := first; i <= last; i++ {
		v, err := convert.Charged(L.Get(i), func(n int) { lane.Running(L).Step(L, stepsPerValue*n) })
		if err != nil {
			L.ArgError(i, err.Error())
		}
		args = append(args, v)
	}
	return args
}

// checkTicks reads a number of ticks.
func checkTicks(L *lua.LState, i int) time.Duration {
	n := float64(L.CheckNumber(i))
	if math.IsNaN(n) {
		L.ArgError(i, "number of ticks expected, got nan")
	}
	return process.Ticks(n)
}

func delayProcess(e *environment, L *lua.LState) int {
	n, d := checkProcess(L, 1), checkTicks(L, 2)
	if p := e.host.Processes().Get(n); p != nil {
		p.Delay(d)
		lane.Running(L).Release(L)
	}
	return 0
}

func pauseProcess(e *environment, L *lua.LState) int {
	if p := e.host.Processes().Get(checkProcess(L, 1)); p != nil {
		p.Pause()
		lane.Running(L).Release(L)
	}
	return 0
}

func resumeProcess(e *environment, L *lua.LState) int {
	if p := e.host.Processes().Get(checkProcess(L, 1)); p != nil {
		p.Resume()
	}
	return 0
}

func hideProcess(e *environment, L *lua.LState) int {
	if p := e.host.Processes().Get(checkProcess(L, 1)); p != nil && p.Type() != process.Main && p.Type() != process.MainOfServer {
		p.SetVisible(false)
	}
	return 0
}

func showProcess(e *environment, L *lua.LState) int {
	if p := e.host.Processes().Get(checkProcess(L, 1)); p != nil {
		p.SetVisible(true)
	}
	return 0
}

// bringToFront is "BRING TO FRONT", which on a process that is hidden has no effect in 4D either.
func bringToFront(_ *environment, L *lua.LState) int {
	checkProcess(L, 1)
	return 0
}

// abortProcessByID is "ABORT PROCESS BY ID", which 4D has on a server and in local mode.
func abortProcessByID(e *environment, L *lua.LState) int {
	id := process.ID(max(0, checkInteger(L, 1)))
	if e.distant() {
		return 0
	}
	p := e.host.Processes().ByID(id)
	if p != nil && p.RunsScripts() {
		p.Kill(nil)
		lane.Running(L).Release(L)
	}
	return 0
}

func quit4D(e *environment, L *lua.LState) int {
	delay := time.Duration(-1)
	if L.GetTop() >= 1 && L.Get(1) != lua.LNil {
		seconds := float64(L.CheckNumber(1))
		if !(seconds >= 0) {
			L.ArgError(1, "number of seconds expected, 0 or more")
		}
		delay = time.Duration(min(seconds, 1e9) * float64(time.Second))
	}
	if e.role == method.Server {
		e.host.Quit(delay)
		return 0
	}
	running := lane.Running(L)
	running.Process().Freeze() // first: who quits finds that nobody waits for the caller, which stops at once, for good
	e.host.Quit(-1)            // there is nobody to be given the time
	running.Release(L)
	return 0
}
