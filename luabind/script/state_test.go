package script

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// operator is a ConcatOperator with the semantics of the VM's own instruction.
func operator(l *lua.LState) int {
	right := l.Get(-1)
	for i := l.GetTop() - 1; i >= 1; i-- {
		right = concat(l, l.Get(i), right)
	}
	l.Push(right)
	return 1
}

func concat(l *lua.LState, left, right lua.LValue) lua.LValue {
	if lua.LVCanConvToString(left) && lua.LVCanConvToString(right) {
		return lua.LString(lua.LVAsString(left) + lua.LVAsString(right))
	}
	event := l.GetMetaField(left, "__concat")
	if event == lua.LNil {
		event = l.GetMetaField(right, "__concat")
	}
	if event == lua.LNil {
		l.RaiseError("cannot perform concat operation between %v and %v", left.Type(), right.Type())
	}
	l.Push(event)
	l.Push(left)
	l.Push(right)
	l.Call(2, 1)
	result := l.Get(-1)
	l.Pop(1)
	return result
}

// run gives the results of compiled code in a bare state, separated by spaces, or the error's message.
func run(t testing.TB, proto *lua.FunctionProto) string {
	t.Helper()
	l := lua.NewState()
	defer l.Close()
	l.SetGlobal(ConcatOperator, l.NewFunction(operator))
	l.SetGlobal(LengthOperator, l.NewFunction(func(l *lua.LState) int {
		l.Push(lua.LNumber(l.ObjLen(l.Get(1))))
		return 1
	}))
	return call(l, l.NewFunctionFromProto(proto))
}

func call(l *lua.LState, f *lua.LFunction) string {
	l.Push(f)
	if err := l.PCall(0, lua.MultRet, nil); err != nil {
		if apiError, ok := err.(*lua.ApiError); ok && apiError.Object != lua.LNil {
			return "error: " + apiError.Object.String()
		}
		return "error: " + err.Error()
	}
	var results []string
	for i := 1; i <= l.GetTop(); i++ {
		results = append(results, l.Get(i).String())
	}
	return strings.Join(results, " ")
}

func runSource(t testing.TB, source string) string {
	t.Helper()
	proto, err := Compile(source, "test.lua")
	if err != nil {
		t.Fatalf("Compile(%.200q): %v", source, err)
	}
	return run(t, proto)
}

// runUpstream runs a source as gopher-lua compiles it by itself.
func runUpstream(t testing.TB, source string) string {
	t.Helper()
	l := lua.NewState()
	defer l.Close()
	f, err := l.Load(strings.NewReader(source), "test.lua")
	if err != nil {
		t.Fatalf("gopher-lua cannot compile %.200q: %v", source, err)
	}
	return call(l, f)
}
