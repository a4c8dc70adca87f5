package command

import (
	"fmt"
	"regexp"
	"strings"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

var variableCommands = []Command{
	{Name: "get_process_variable", Signature: "get_process_variable(process, name [, name ...]) -> values", FourD: "GET PROCESS VARIABLE", Since: "0.3", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: `the values of another process's variables, tables as copies; nil for a variable that is not set and for a process that does not exist. A client has numbers below 0 for the server's processes, any of which gives its interprocess variables too, as "<>name"`, run: getProcessVariable},
	{Name: "set_process_variable", Signature: "set_process_variable(process, name, value [, name, value ...])", FourD: "SET PROCESS VARIABLE", Since: "0.3", Waits: true, Asked: true, Roles: everywhere,
		Meaning: "sets variables of another process, tables as copies, on a client also those that get_process_variable gives of the server; an error if the process does not exist", run: setProcessVariable, instead: noEffect("nsa")},
	{Name: "variable_to_variable", Signature: "variable_to_variable(process, name, own_name [, name, own_name ...])", FourD: "VARIABLE TO VARIABLE", Since: "0.3", Waits: true, Roles: everywhere,
		Meaning: "sets variables of another process to the values of variables of the calling one; an error if the process does not exist", run: variableToVariable, instead: noEffect("nss")},
}

// most is how many values a table may have that is read or set in another process: that is done in one piece, so that
// nobody changes the table meanwhile.
const mostValues = 100_000

var errTooMany = fmt.Errorf("more than %d values", mostValues)

// variable is a variable of a process.
type variable struct {
	name         string
	interprocess bool // 4D's <>: of all processes of the machine
}

// String is the name as commands are given it.
func (v variable) String() string {
	if v.interprocess {
		return "<>" + v.name
	}
	return v.name
}

// getProcessVariable is "GET PROCESS VARIABLE". What 4D leaves unchanged when the process does not exist is nil here.
func getProcessVariable(e *environment, L *lua.LState) int {
	n, ofServer := e.ofServer(L, 1)
	other := e.checkOther(L)
	names := make([]variable, 0, 4)
	for i := 2; i == 2 || i <= L.GetTop(); i++ {
		names = append(names, checkVariable(L, i, ofServer))
	}
	if ofServer {
		return e.getOfServer(L, n, names)
	}
	values := make([]any, len(names))
	failed, work := -1, 0
	var err error
	reach(L, other, names, func(variables *lua.LTable, i int) {
		if err == nil {
			values[i], err = copied(variables.RawGetString(names[i].name), &work, convert.Charged)
			failed = i
		}
	})
	lane.Running(L).Step(L, stepsPerValue*work)
	if err != nil {
		L.ArgError(failed+2, fmt.Sprintf("%s of process %s: %v", names[failed], L.Get(1), err))
	}
	for _, v := range values {
		L.Push(convert.ToLua(v))
	}
	return len(values)
}

// getOfServer gives variables of a process of the server. When that cannot be asked they are nil, and why and 4D's number for
// it come after them.
func (e *environment) getOfServer(L *lua.LState, n int64, names []variable) int {
	args := []any{n}
	for _, v := range names {
		args = append(args, v.String())
	}
	results, err := e.ask(L, "get_process_variable", args...)
	if err == nil {
		return give(L, "get_process_variable", results)
	}
	for range names[1:] {
		L.Push(lua.LNil)
	}
	return len(names) - 1 + e.trouble(L, "get_process_variable", lua.LNil, err)
}

// stepsPerValue is how many instructions take as long as the copy of a value.
const stepsPerValue = 8

// copied is the Go value of a Lua value whose process others must not run in meanwhile, as one of package convert's functions
// makes it. work counts its values.
func copied(v lua.LValue, work *int, by func(lua.LValue, func(int)) (any, error)) (value any, err error) {
	defer func() {
		if r := recover(); r == errTooMany {
			err = errTooMany
		} else if r != nil {
			panic(r)
		}
	}()
	return by(v, func(n int) {
		if *work += n; *work > mostValues {
			panic(errTooMany)
		}
	})
}

// setProcessVariable is "SET PROCESS VARIABLE". 4D refuses whole arrays; a table stands for its objects too, which it
// takes.
func setProcessVariable(e *environment, L *lua.LState) int {
	return setVariables(e, L, "set_process_variable", func(i int) lua.LValue {
		return L.CheckAny(i)
	})
}

func variableToVariable(e *environment, L *lua.LState) int {
	own := lane.Running(L).Environment()
	return setVariables(e, L, "variable_to_variable", func(i int) lua.LValue {
		return own.RawGetString(checkVariable(L, i, false).name)
	})
}

// setVariables sets variables of another process; source gives the value that an argument stands for.
func setVariables(e *environment, L *lua.LState, command string, source func(i int) lua.LValue) int {
	n, ofServer := e.ofServer(L, 1)
	other, by := e.checkOther(L), convert.Charged
	if ofServer {
		by = convert.Copied // shared objects do not leave their machine
	}
	var names []variable
	var values []any
	work := 0
	for i := 2; i == 2 || i <= L.GetTop(); i += 2 {
		names = append(names, checkVariable(L, i, ofServer))
		value, err := copied(source(i+1), &work, by)
		if err != nil {
			L.ArgError(i+1, err.Error())
		}
		values = append(values, value)
	}
	lane.Running(L).Step(L, stepsPerValue*work)
	if ofServer {
		return e.setOfServer(L, command, n, names, values)
	}
	if !reach(L, other, names, func(variables *lua.LTable, i int) {
		variables.RawSetString(names[i].name, convert.ToLua(values[i]))
	}) {
		n := L.Get(1).String()
		if lane.Running(L).Asked() { // as the client knows it
			n = "-" + strings.TrimPrefix(n, "-")
		}
		L.RaiseError("%s: there is no user process %s", command, n)
	}
	return 0
}

// setOfServer sets variables of a process of the server to values, whatever the command has them from.
func (e *environment) setOfServer(L *lua.LState, command string, n int64, names []variable, values []any) int {
	args := []any{n}
	for i, v := range names {
		args = append(args, v.String(), values[i])
	}
	if _, err := e.ask(L, "set_process_variable", args...); err != nil {
		return e.trouble(L, command, lua.LNil, err)
	}
	return 0
}

// reach shows f, for each variable, the table that it is in: the variables of another program, nil when there is none, or the
// interprocess variables. It reports whether there are all of them. f must not raise an error, run code or wait.
func reach(L *lua.LState, other *lane.Program, wanted []variable, f func(variables *lua.LTable, i int)) bool {
	count := 0 // of interprocess variables
	for _, v := range wanted {
		if v.interprocess {
			count++
		}
	}
	each := func(interprocess bool) func(*lua.LTable) {
		return func(variables *lua.LTable) {
			for i, v := range wanted {
				if v.interprocess == interprocess {
					f(variables, i)
				}
			}
		}
	}
	there := count == len(wanted) || other != nil && lane.Running(L).Visit(other, each(false))
	if count > 0 {
		lane.Running(L).Interprocess(each(true))
	}
	return there
}

// checkOther reads the number of a process and gives its program, nil when there is none or the process is the host's
// own. The main process of a local host or a client counts as a user's: on_startup sets its variables, and call_worker
// uses them. A client that asks the server does not reach the processes of other clients there.
func (e *environment) checkOther(L *lua.LState) *lane.Program {
	p := e.host.Processes().Get(checkProcess(L, 1))
	if p == nil || !p.RunsScripts() && p.Type() != process.Main {
		return nil
	}
	if running := lane.Running(L); running.Asked() && p.Type() == process.InternalServer && p != running.Process() {
		return nil
	}
	return lane.ProgramOf(p)
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)

// checkVariable reads the name of a process variable. That of an interprocess variable is right too for a client that asks
// the server.
func checkVariable(L *lua.LState, i int, ofServer bool) variable {
	name := L.CheckString(i)
	bare, interprocess := strings.CutPrefix(name, "<>")
	if !variableName.MatchString(bare) || interprocess && !ofServer && !lane.Running(L).Asked() {
		L.ArgError(i, "name of a process variable expected")
	}
	return variable{bare, interprocess}
}
