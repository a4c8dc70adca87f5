package command

import (
	"fmt"
	"regexp"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

var variableCommands = []Command{
	{Name: "get_process_variable", Signature: "get_process_variable(process, name [, name ...]) -> values", FourD: "GET PROCESS VARIABLE", Since: "0.3", Waits: true, Roles: everywhere,
		Meaning: "the values of another process's variables, tables as copies; nil for a variable that is not set and for a process that does not exist", run: getProcessVariable},
	{Name: "set_process_variable", Signature: "set_process_variable(process, name, value [, name, value ...])", FourD: "SET PROCESS VARIABLE", Since: "0.3", Waits: true, Roles: everywhere,
		Meaning: "sets variables of another process, tables as copies; an error if the process does not exist", run: setProcessVariable},
	{Name: "variable_to_variable", Signature: "variable_to_variable(process, name, own_name [, name, own_name ...])", FourD: "VARIABLE TO VARIABLE", Since: "0.3", Waits: true, Roles: everywhere,
		Meaning: "sets variables of another process to the values of variables of the calling one; an error if the process does not exist", run: variableToVariable},
}

// most is how many values a table may have that is read or set in another process: that is done in one piece, so that
// nobody changes the table meanwhile.
const mostValues = 100_000

var errTooMany = fmt.Errorf("more than %d values", mostValues)

// getProcessVariable is "GET PROCESS VARIABLE". What 4D leaves unchanged when the process does not exist is nil here.
func getProcessVariable(e *environment, L *lua.LState) int {
	other := checkOther(e, L)
	names := make([]string, 0, 4)
	for i := 2; i == 2 || i <= L.GetTop(); i++ {
		names = append(names, checkVariable(L, i))
	}
	values := make([]any, len(names))
	failed := -1
	var err error
	work := 0
	if other != nil {
		lane.Running(L).Visit(other, func(variables *lua.LTable) {
			for i, name := range names {
				if values[i], err = copied(variables.RawGetString(name), &work); err != nil {
					failed = i
					return
				}
			}
		})
	}
	lane.Running(L).Step(L, stepsPerValue*work)
	if err != nil {
		L.ArgError(failed+2, fmt.Sprintf("%s of process %d: %v", names[failed], other.Process().Number(), err))
	}
	for _, v := range values {
		L.Push(convert.ToLua(v))
	}
	return len(values)
}

// stepsPerValue is how many instructions take as long as the copy of a value.
const stepsPerValue = 8

// copied is the Go value of a Lua value whose process others must not run in meanwhile. work counts its values.
func copied(v lua.LValue, work *int) (value any, err error) {
	defer func() {
		if r := recover(); r == errTooMany {
			err = errTooMany
		} else if r != nil {
			panic(r)
		}
	}()
	return convert.Charged(v, func(n int) {
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
		return own.RawGetString(checkVariable(L, i))
	})
}

// setVariables sets variables of another process; source gives the value that an argument stands for.
func setVariables(e *environment, L *lua.LState, command string, source func(i int) lua.LValue) int {
	other := checkOther(e, L)
	var names []string
	var values []any
	work := 0
	for i := 2; i == 2 || i <= L.GetTop(); i += 2 {
		names = append(names, checkVariable(L, i))
		value, err := copied(source(i+1), &work)
		if err != nil {
			L.ArgError(i+1, err.Error())
		}
		values = append(values, value)
	}
	lane.Running(L).Step(L, stepsPerValue*work)
	there := other != nil && lane.Running(L).Visit(other, func(variables *lua.LTable) {
		for i, name := range names {
			variables.RawSetString(name, convert.ToLua(values[i]))
		}
	})
	if !there {
		L.RaiseError("%s: there is no user process %s", command, L.Get(1).String())
	}
	return 0
}

// checkOther reads the number of a process and gives its program, nil when there is none or the process is the host's
// own. The main process of a local host counts as a user's: on_startup sets its variables, and call_worker uses them.
func checkOther(e *environment, L *lua.LState) *lane.Program {
	p := e.host.Processes().Get(checkProcess(L, 1))
	if p == nil || !p.RunsScripts() && p.Type() != process.Main {
		return nil
	}
	return lane.ProgramOf(p)
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)

// checkVariable reads the name of a process variable.
func checkVariable(L *lua.LState, i int) string {
	name := L.CheckString(i)
	if !variableName.MatchString(name) {
		L.ArgError(i, "name of a process variable expected")
	}
	return name
}
