package script

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestReturnsKnowTheirLine runs methods with a result and looks which line returned, and what.
func TestReturnsKnowTheirLine(t *testing.T) {
	tests := []struct {
		name, source string
		line, count  int
	}{
		{"at the end", "local x = 1\nreturn 7", 2, 1},
		{"in a block", "if true then\n  do\n    return 7, 'no'\n  end\nend\nreturn 0", 3, 2},
		{"in a loop", "for i = 1, 3 do\n  if i == 2 then return i end\nend", 2, 1},
		{"several results of a call", "local function f() return 7, 'no' end\nreturn f()", 2, 2},
		{"nothing", "local function f() return 7 end\nf()\nreturn", 0, 0},
		{"varargs", "return ...", 1, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			L := lua.NewState()
			defer L.Close()
			line := 0
			L.SetGlobal(ReturnOperator, L.NewFunction(func(L *lua.LState) int {
				line = L.CheckInt(1)
				return L.GetTop() - 1
			}))
			tree, problem := parseChunk(test.source, "m.lua")
			if problem != nil {
				t.Fatal(problem)
			}
			markReturns(tree)
			proto, problem := compileChunk(tree, "m.lua")
			if problem != nil {
				t.Fatal(problem)
			}
			L.Push(L.NewFunctionFromProto(proto))
			for i := range 3 {
				L.Push(lua.LNumber(i))
			}
			L.Call(3, lua.MultRet)
			if line != test.line || L.GetTop() != test.count {
				t.Errorf("got line %d and %d results, want line %d and %d", line, L.GetTop(), test.line, test.count)
			}
		})
	}
}
