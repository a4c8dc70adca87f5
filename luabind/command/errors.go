package command

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"

	lua "github.com/yuin/gopher-lua"
)

var errorCommands = append([]Command{
	{Name: "on_err_call", Signature: "on_err_call(method [, scope])", FourD: "ON ERR CALL", Since: "0.3", Roles: everywhere,
		Meaning: "says which project method is told of errors: in the calling process (scope 0) or in each that has none of its own (1); an empty text is none. It finds error_code, error_method, error_line and error_formula; a command that gave nil and a message then goes on, and an error that nothing caught still ends its method", run: onErrCall},
	{Name: "method_called_on_error", Signature: "method_called_on_error([scope]) -> text", FourD: "Method called on error", Since: "0.3", Roles: everywhere,
		Meaning: "what on_err_call was last given for the scope, empty when nothing", run: methodCalledOnError},
	{Name: "last_errors", Signature: "last_errors() -> table or nil", FourD: "Last errors", Since: "0.3", Roles: everywhere,
		Meaning: "the last errors that try, a command that gave nil and a message, or the process's end of a call has met: a list of err_code, message, component_signature, method and line; nil when there are none", run: lastErrors},
	{Name: "throw", Signature: "throw([code or table [, text]])", FourD: "throw", Since: "0.3", Roles: everywhere,
		Meaning: "raises an error with a code and a text, or with the fields err_code, message, component_signature and deferred (until the end of the try around it); without parameters the last error again", run: throw},
	{Name: "try", Signature: "try(function [, default]) -> values", FourD: "Try", Since: "0.3", Waits: true, Roles: everywhere,
		Meaning: "what a function gives, or after an error in it the default; a default that is a function is called and gives what it gives", run: try},
	{Name: "abort", Signature: "abort()", FourD: "ABORT", Since: "0.3", Roles: everywhere,
		Meaning: "stops the code that runs, and neither pcall nor try goes on after it; most often called in the method for errors. The process ends with it, but a client gets an error for its CALL and stays connected", run: abort},
}, impossibleCommands()...)

// The names by which the method for errors finds what happened. 4D's Error is error_code, because error is a function of
// Lua.
const (
	errorCode    = "error_code"
	errorMethod  = "error_method"
	errorLine    = "error_line"
	errorFormula = "error_formula"
)

// The scopes of on_err_call. Errors of components never come: there are no components.
const (
	thisProcess  = 0
	allProcesses = 1
	components   = 2
)

// Codes and signatures of errors, as in 4D.
const (
	codeThrown        = -1 // of throw without a code, and of Lua's own errors
	codeNotExecutable = 67
	codeNoErrorMethod = -10532

	signatureHost    = "host" // errors that scripts throw
	signatureRuntime = "4DRT" // all others
)

// maxDeferred is how many errors may wait for the end of one try.
const maxDeferred = 100

// failure is one error.
type failure struct {
	code      int
	message   string
	signature string
	method    string
	line      int
	formula   string      // the command that gave nil and a message, "" for any other error
	more      *lua.LTable // other fields that throw was given; nil: none
}

// table is the error as last_errors gives it.
func (f failure) table() *lua.LTable {
	t := &lua.LTable{Metatable: lua.LNil}
	if f.more != nil {
		f.more.ForEach(t.RawSet)
	}
	t.RawSetString("err_code", lua.LNumber(f.code))
	t.RawSetString("message", lua.LString(f.message))
	t.RawSetString("component_signature", lua.LString(f.signature))
	t.RawSetString("method", lua.LString(f.method))
	t.RawSetString("line", lua.LNumber(f.line))
	return t
}

// text is the error as Lua's commands for errors have it.
func (f failure) text() string {
	text := f.message + " (" + strconv.Itoa(f.code) + ")"
	switch f.method {
	case "":
		return text
	case typed:
		return f.method + ":" + strconv.Itoa(f.line) + ": " + text
	default:
		return f.method + ".lua:" + strconv.Itoa(f.line) + ": " + text
	}
}

// errorState is what a process keeps of errors.
type errorState struct {
	methods  [components + 1]string // what on_err_call was given, by scope; that for all processes is the environment's
	last     []failure
	thrown   failure // what was last raised by raise: the interpreter carries its text only
	trying   int     // calls of try that run
	deferred []failure
	handling bool // the method for errors runs
}

type errorStateKey struct{}

func errorsOf(p *lane.Program) *errorState {
	if s, ok := p.Value(errorStateKey{}).(*errorState); ok {
		return s
	}
	s := &errorState{}
	p.Keep(errorStateKey{}, s)
	return s
}

// installErrors makes the names of the method for errors known: before the first error they say that there was none.
func installErrors(vm *sandbox.VM) {
	vm.Set(errorCode, lua.LNumber(0))
	vm.Set(errorMethod, lua.LString(""))
	vm.Set(errorLine, lua.LNumber(0))
	vm.Set(errorFormula, lua.LString(""))
}

// typed is what stands for the method of what is typed at a console, which has no file.
const typed = "console"

// placed is the beginning of an error's text: the file and the line.
var placed = regexp.MustCompile(`^(?:([A-Za-z0-9_/-]+)\.lua|(` + typed + `)):(\d+):`)

// splitPlace takes the place off a text: the method and the line, "" and 0 when there is none.
func splitPlace(text string) (method string, line int, rest string) {
	m := placed.FindStringSubmatch(text)
	if m == nil {
		return "", 0, text
	}
	line, _ = strconv.Atoi(m[3])
	return m[1] + m[2], line, strings.TrimPrefix(text[len(m[0]):], " ")
}

// caught is a failure made of an error that came out of a function or method.
func (s *errorState) caught(err *sandbox.Error) failure {
	text := err.Error()
	if text == s.thrown.text() {
		return s.thrown
	}
	method, line, message := splitPlace(text)
	if method == "" {
		method, line, _ = splitPlace(err.Traceback)
	}
	return failure{code: codeThrown, message: message, signature: signatureRuntime, method: method, line: line}
}

// here is where the caller of a command stands.
func here(L *lua.LState) (method string, line int) {
	method, line, _ = splitPlace(L.Where(1))
	return method, line
}

// raise raises an error with a code at the caller's line.
func raise(L *lua.LState, f failure) {
	f.method, f.line = here(L)
	errorsOf(lane.Running(L)).thrown = f
	L.Error(lua.LString(f.text()), 0)
}

// failure is what a command gives that could not do what it should: nil, why, and 4D's number for it. The process's method
// for errors is told first: the command, and not the method that called it, is what the error ends.
func (e *environment) failure(L *lua.LState, command string, code int, text string) int {
	p := lane.Running(L)
	f := failure{code: code, message: text, signature: signatureRuntime, formula: command}
	f.method, f.line = here(L)
	errorsOf(p).last = []failure{f}
	e.tell(p, f)
	p.Release(L)
	L.Push(lua.LNil)
	L.Push(lua.LString(text))
	L.Push(lua.LNumber(code))
	return 3
}

// Uncaught tells the process's method for errors of an error that nothing caught. It is lane.Config's Uncaught.
func (c *Commands) Uncaught(p *lane.Program, err *sandbox.Error) {
	s := errorsOf(p)
	f := s.caught(err)
	s.last = []failure{f}
	c.environment.tell(p, f)
}

// tell runs the process's method for errors, if there is one. An error in that method is logged and tells nobody else.
func (e *environment) tell(p *lane.Program, f failure) {
	s := errorsOf(p)
	name := s.methods[thisProcess]
	if all := e.errorMethod.Load(); name == "" && all != nil {
		name = *all
	}
	if name == "" || s.handling {
		return
	}
	variables := p.Environment()
	variables.RawSetString(errorCode, lua.LNumber(f.code))
	variables.RawSetString(errorMethod, lua.LString(f.method))
	variables.RawSetString(errorLine, lua.LNumber(f.line))
	variables.RawSetString(errorFormula, lua.LString(f.formula))
	s.handling = true
	err := p.RunAside(name) // if it calls abort, whoever called the code that failed stops
	s.handling = false
	if errors.Is(err, lane.ErrNoMethod) { // that of all processes, given by one with another version of the scripts
		err = fmt.Errorf("%w: the method that is to be told of errors cannot be called (%d)", err, codeNoErrorMethod)
	}
	if err != nil && p.Stopped() == nil {
		e.host.ScriptFailed(p.Process(), name, p.Set().Version, err)
	}
}

// checkScope reads a scope.
func checkScope(L *lua.LState, i int) int {
	scope := L.OptInt(i, thisProcess)
	if scope < thisProcess || scope > components {
		L.ArgError(i, "scope 0 (this process), 1 (all processes) or 2 (components) expected")
	}
	return scope
}

func onErrCall(e *environment, L *lua.LState) int {
	name := ""
	if L.GetTop() == 0 || L.Get(1) != lua.LNil {
		name = L.CheckString(1)
	}
	scope := checkScope(L, 2)
	p := lane.Running(L)
	s := errorsOf(p)
	if s.handling {
		L.RaiseError("on_err_call: not in the method that is told of an error")
	}
	if m, ok := p.Set().Method(name); name != "" && (!ok || m.Database) {
		raise(L, failure{code: codeNoErrorMethod, message: "on_err_call: " + name + " is no project method", signature: signatureRuntime})
	}
	if scope == allProcesses {
		e.errorMethod.Store(&name)
	} else {
		s.methods[scope] = name
	}
	return 0
}

func methodCalledOnError(e *environment, L *lua.LState) int {
	scope := checkScope(L, 1)
	name := errorsOf(lane.Running(L)).methods[scope]
	if all := e.errorMethod.Load(); scope == allProcesses && all != nil {
		name = *all
	}
	L.Push(lua.LString(name))
	return 1
}

func lastErrors(_ *environment, L *lua.LState) int {
	last := errorsOf(lane.Running(L)).last
	if len(last) == 0 {
		L.Push(lua.LNil)
		return 1
	}
	list := L.CreateTable(len(last), 0)
	for _, f := range last {
		list.Append(f.table())
	}
	L.Push(list)
	return 1
}

func throw(_ *environment, L *lua.LState) int {
	s := errorsOf(lane.Running(L))
	f := failure{code: codeThrown, message: "an error was thrown", signature: signatureHost}
	switch v := L.Get(1).(type) {
	case *lua.LTable:
		if f.fill(L, v) {
			s.deferError(L, f)
			return 0
		}
	case *lua.LNilType:
		if L.GetTop() > 0 {
			L.CheckInt(1)
		}
		if len(s.last) == 0 {
			L.RaiseError("throw: there is no error to be raised again")
		}
		f = s.last[len(s.last)-1]
	default:
		f.code = int(checkInteger(L, 1))
		f.message = L.OptString(2, f.message)
	}
	raise(L, f)
	return 0
}

// fill takes over what the table for throw says. It reports whether the error is to wait for the end of the try around it.
func (f *failure) fill(L *lua.LState, t *lua.LTable) (deferred bool) {
	f.more = &lua.LTable{Metatable: lua.LNil}
	fields := 0
	t.ForEach(func(k, v lua.LValue) {
		f.more.RawSet(k, v)
		fields++
	})
	lane.Running(L).Step(L, stepsPerValue*fields)
	if code, ok := t.RawGetString("err_code").(lua.LNumber); ok {
		f.code = int(code)
	}
	if message, ok := t.RawGetString("message").(lua.LString); ok {
		f.message = string(message)
	}
	if signature, ok := t.RawGetString("component_signature").(lua.LString); ok {
		f.signature = string(signature)
	}
	return lua.LVAsBool(t.RawGetString("deferred"))
}

func (s *errorState) deferError(L *lua.LState, f failure) {
	if s.trying == 0 {
		L.RaiseError("throw: a deferred error waits for the end of the try around it, and there is none")
	}
	if len(s.deferred) >= maxDeferred {
		L.RaiseError("throw: too many deferred errors (the limit is %d)", maxDeferred)
	}
	f.method, f.line = here(L)
	s.deferred = append(s.deferred, f)
}

// try catches as pcall does: what stops the process goes on through it. It is 4D's Try (an expression) and, with a
// function as its second parameter, Try ... Catch ... End try.
func try(_ *environment, L *lua.LState) int {
	f, otherwise := L.CheckFunction(1), L.Get(2)
	s := errorsOf(lane.Running(L))
	n, err := s.attempt(L, f)
	if err == nil {
		return n
	}
	s.last = err
	if catch, ok := otherwise.(*lua.LFunction); ok {
		top := L.GetTop()
		L.Push(catch)
		L.Call(0, lua.MultRet)
		return L.GetTop() - top
	}
	L.Push(otherwise)
	return 1
}

// attempt calls a function, and gives how many results it has pushed, or the errors that it met, the deferred ones first.
func (s *errorState) attempt(L *lua.LState, f *lua.LFunction) (int, []failure) {
	outer := s.deferred
	s.deferred, s.last = nil, nil
	s.trying++
	defer func() {
		s.deferred = outer
		s.trying--
	}()
	n, err := lane.Running(L).Protect(L, f)
	failures := s.deferred
	if err != nil {
		failures = append(failures, s.caught(err))
	}
	return n, failures
}

// abort is "ABORT". 4D means it for the method for errors, and stops the code in which the error was.
func abort(_ *environment, L *lua.LState) int {
	lane.Running(L).Abort(L)
	return 0
}

// impossibleCommands are 4D's commands that need a window, which a server does not have: those that cannot be executed
// there raise error 67, naming themselves, and those that have no effect there have none.
func impossibleCommands() []Command {
	var all []Command
	add := func(fourD, meaning string, run func(name string) func(*environment, *lua.LState) int) {
		name := strings.ReplaceAll(strings.ToLower(fourD), " ", "_")
		all = append(all, Command{Name: name, Signature: name + "(...)", FourD: fourD, Since: "0.3", Roles: everywhere, Meaning: meaning, run: run(name)})
	}
	for _, fourD := range []string{
		"ADD RECORD", "MODIFY RECORD", "ON EVENT CALL", "APPEND MENU ITEM", "INSERT MENU ITEM", "DELETE MENU ITEM", "ENABLE MENU ITEM", "DISABLE MENU ITEM", "SET MENU ITEM",
	} {
		add(fourD, "raises error 67: it needs a window, and a server has none", notExecutable)
	}
	for _, fourD := range []string{"MESSAGES ON", "MESSAGES OFF", "SET MENU BAR", "GRAPH", "SHOW TOOL BAR"} {
		add(fourD, "does nothing here: it needs a window, and a server has none", withoutEffect)
	}
	return all
}

func notExecutable(name string) func(*environment, *lua.LState) int {
	return func(_ *environment, L *lua.LState) int {
		raise(L, failure{code: codeNotExecutable, message: name + ": the command cannot be executed on a server", signature: signatureRuntime})
		return 0
	}
}

func withoutEffect(string) func(*environment, *lua.LState) int {
	return func(*environment, *lua.LState) int { return 0 }
}
