package command

import (
	"math"
	"slices"
	"strings"
	"testing"

	"moongate/luabind/convert"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// unwitnessed are the commands that read nothing of the outside and do nothing to it: a rehearsal runs them as they are, or their
// own file asks the witness.
var unwitnessed = strings.Fields(`
	in_network time time_string address_set application_type require print log_event on_outside_call
	new_shared_object new_shared_collection use storage ob_copy ob_keys ob_remove ob_is_shared new_signal
	ds sequence_number start_transaction validate_transaction cancel_transaction in_transaction transaction_level
	on_err_call method_called_on_error last_errors throw try abort bring_to_front`)

// TestEveryCommandIsThoughtOfInARehearsal finds a command of which nobody has said whether it reads or acts.
func TestEveryCommandIsThoughtOfInARehearsal(t *testing.T) {
	impossible := map[string]bool{}
	for _, row := range impossibleCommands() {
		impossible[row.Name] = true
	}
	for _, row := range Table() {
		known := slices.Contains(unwitnessed, row.Name) || impossible[row.Name]
		if witnessed := row.Reads || row.instead != nil; witnessed == known {
			t.Errorf("%s: got witnessed %v, unwitnessed %v; want one of them", row.Name, witnessed, known)
		}
		if row.once && !row.Reads || row.own && !row.Reads {
			t.Errorf("%s: got once %v, own %v of a command that reads nothing", row.Name, row.once, row.own)
		}
	}
}

func TestArgumentsAsText(t *testing.T) {
	L := lua.NewState()
	defer L.Close()
	got := ""
	L.SetGlobal("f", L.NewFunction(func(L *lua.LState) int {
		got = argumentsOf(L)
		return 0
	}))
	for code, want := range map[string]string{
		`f()`: ``, `f(1, 2.5, "a b", true, nil)`: `1, 2.5, "a b", true, nil`, `f{user = 3, address = "x"}`: `{address = "x", user = 3}`,
		`f({{1, {2}}, k = f})`: `{[1] = {[1] = 1, [2] = {[1] = 2}}, k = a function}`, `f({{{{{}}}}})`: `{[1] = {[1] = {[1] = {[1] = {...}}}}}`,
	} {
		if err := L.DoString(code); err != nil || got != want {
			t.Errorf("%s: got %s, want %s", code, got, want)
		}
	}
}

// Results that hold no others are noted as all results are.
func TestScalarsAreNotedAsTheyAre(t *testing.T) {
	for _, v := range []lua.LValue{lua.LNil, lua.LTrue, lua.LFalse, lua.LString(""), lua.LString("a\x00\r\n"), lua.LNumber(0), lua.LNumber(-3),
		lua.LNumber(1 << 53), lua.LNumber(1 << 60), lua.LNumber(1.25), lua.LNumber(math.NaN()), lua.LNumber(math.Inf(-1))} {
		value, err := convert.ToGo(v)
		if err != nil {
			t.Fatal(err)
		}
		want, err := wire.Pack([]any{value})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := appendScalar(wire.AppendListHeader(nil, 1), v); !ok || string(got) != string(want) {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
	if _, ok := appendScalar(nil, &lua.LTable{}); ok {
		t.Error("a table is taken for a scalar")
	}
}
