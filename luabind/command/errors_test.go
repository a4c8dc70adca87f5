package command

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"moongate/luabind/lane"
)

// The method that one process gives for all may be missing in another, which has another version of the scripts.
func TestErrorMethodOfAnotherVersion(t *testing.T) {
	d := &desk{}
	l := d.lane(0)
	old := d.start(t, l, 1, map[string]string{"sets": `on_err_call("told", 1)`, "told": ``})[0]
	young := d.start(t, l, 1, map[string]string{"fails": `throw(5, "no")`})[0]
	expectResults(t, old, "sets", "[] <nil>")
	expectResults(t, young, "fails", "[] fails.lua:1: no (5)")
	want := []string{"told: told: no such method: the method that is to be told of errors cannot be called (-10532)"}
	if !slices.Equal(d.failed, want) {
		t.Errorf("got %q logged, want %q", d.failed, want)
	}
}

// A process that is stopped tells nobody, whatever it was stopped for; nor does one whose result has no Go value.
func TestWhatIsNoErrorForTheErrorMethod(t *testing.T) {
	d := &desk{}
	program := d.start(t, d.lane(0), 1, map[string]string{
		"sets": `on_err_call("told")`, "told": `told_of = error_code`, "loops": `while true do try(function() while true do end end) end`,
		"gives": `return function() end`, "asks": `return told_of`, "fails": `throw(5)`,
	})[0]
	expectResults(t, program, "sets", "[] <nil>")
	if _, err := program.Call(lane.Options{Limit: 1}, "loops"); !errors.Is(err, lane.ErrDeadline) {
		t.Errorf("got %v, want an error that is lane.ErrDeadline", err)
	}
	if _, err := program.Call(lane.Options{}, "gives"); !errors.Is(err, lane.ErrResult) {
		t.Errorf("got %v, want an error that is lane.ErrResult", err)
	}
	expectResults(t, program, "asks", "[<nil>] <nil>")
	expectResults(t, program, "fails", "[] fails.lua:1: an error was thrown (5)")
	expectResults(t, program, "asks", "[5] <nil>")
	cause := errors.New("somebody wants it to end")
	program.Process().Kill(cause)
	if _, err := program.Call(lane.Options{}, "loops"); !errors.Is(err, cause) {
		t.Errorf("got %v, want an error that is %v", err, cause)
	}
	if len(d.failed) > 0 {
		t.Errorf("got %q logged, want nothing", d.failed)
	}
}

func TestSplitPlace(t *testing.T) {
	for text, want := range map[string]string{
		"a.lua:3: text": "a 3 text", "lib/util.lua:12: a.lua:3: x": "lib/util 12 a.lua:3: x", "text": " 0 text", "": " 0 ", "a.lua: text": " 0 a.lua: text", "a.lua:3:": "a 3 ",
		"a.lua:99999999999999999999: x": "a 9223372036854775807 x", "a.lua:3: two\nlines": "a 3 two\nlines",
	} {
		method, line, rest := splitPlace(text)
		if got := fmt.Sprint(method, " ", line, " ", rest); got != want {
			t.Errorf("splitPlace(%q): got %q, want %q", text, got, want)
		}
	}
}
