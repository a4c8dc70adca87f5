package luabind_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"moongate/runtime/host"
)

// typing is the console's program in a process of an engine.
type typing struct {
	*engine
	interpreter host.Interpreter
}

func startTyping(t *testing.T, s scripts) *typing {
	t.Helper()
	e := mustLoad(t, s)
	_, program := e.start("console")
	t.Cleanup(program.Close)
	return &typing{e, program.(host.Interpreter)}
}

// expect runs a text and checks what it prints, or "error: " and the message.
func (y *typing) expect(text, want string) {
	y.t.Helper()
	got, err := y.interpreter.Evaluate(text, 1)
	if err != nil {
		got = "error: " + err.Error()
	}
	if got != want {
		y.t.Errorf("%s: got\n%s\nwant\n%s", text, got, want)
	}
}

func TestValuesArePrinted(t *testing.T) {
	y := startTyping(t, scripts{"greet.lua": "return 1"})
	for text, want := range map[string]string{
		"":                    "",
		"x = 1":               "",
		"nil":                 "nil",
		"nil, false, 1":       "nil\nfalse\n1",
		"1, 1.5, -0.25, 2^40": "1\n1.5\n-0.25\n1099511627776",
		`"a"`:                 `"a"`,
		`"a\"b\\c\n\t\r"`:     `"a\"b\\c\n\t\r"`,
		`"\0\27[2J\127\255"`:  `"\000\027[2J\127\255"`,
		`"é\226\128\174"`:     `"é\226\128\174"`, // a sign that turns the direction of what follows
		`{}`:                  `{}`,
		`{1, {2, {3}}}`:       `{1, {2, {3}}}`,
		`{nil, 2}`:            `{[2] = 2}`,
		`{b = 1, a = 2, [1.5] = 3, [true] = 4, ["end"] = 5, ["a b"] = 6, [{}] = 7}`: `{[1.5] = 3, a = 2, ["a b"] = 6, b = 1, ["end"] = 5, [true] = 4, [{}] = 7}`,
		`(function() local t = {} t[1] = t return t end)()`:                         `{<cycle>}`,
		`(function() local t, u = {}, {} t.u, u.t = u, t return t, u end)()`:        "{u = {t = <cycle>}}\n{t = {u = <cycle>}}",
		`(function() local u = {} return {u, u} end)()`:                             `{{}, {}}`,
		`{{{{{{{{{1}}}}}}}}}`: `{{{{{{{...}}}}}}}`,
		`setmetatable({}, {__tostring = error, __index = error, __len = error})`: `{}`,
		`storage, storage.none`: "storage {}\nnil",
		`print, pcall, string.rep, greet, function() end, coroutine.create(function() end)`: "command print(value ...)\nfunction pcall\nfunction string.rep\nproject method greet (greet.lua)\nfunction (console:1)\ncoroutine",
		`math.pi > 3`:                      "true",
		`("x"):rep(201), {("x"):rep(201)}`: fmt.Sprintf("%q\n{\n  %q (201 bytes),\n}", strings.Repeat("x", 201), strings.Repeat("x", 200)+"..."),
		`("é"):rep(101), {("é"):rep(101)}`: fmt.Sprintf("%q\n{\n  %q (202 bytes),\n}", strings.Repeat("é", 101), strings.Repeat("é", 100)+"..."),
	} {
		y.expect(text, want)
	}
	y.expect(`new_shared_object{a = 1, b = new_shared_collection(1, "x")}`, `shared object 3 {a = 1, b = shared collection 2 {1, "x"}}`)
}

// Tables are bounded in their length, their depth and altogether.
func TestLargeTablesAreCut(t *testing.T) {
	y := startTyping(t, nil)
	for code, want := range map[string]string{
		"for i = 1, 100 do t[i] = i end":                                          "\n  94, 95, 96, 97, 98, 99, 100,\n}",
		"for i = 1, 10090 do t[i] = i end":                                        "100, ... 9,990 more\n}",
		"for i = 1, 300000 do t[i] = i end":                                       "100, ... 299,900 more\n}",
		"for i = 1, 101 do t['k' .. i] = 1 end":                                   "  k98 = 1,\n  ... 1 more\n}",
		"for i = 1, 100 do t[i] = {} for j = 1, 100 do t[i][j] = {j} end end":     "... 90 more\n}",
		"for i = 1, 101 do t[i] = {} for j = 1, 10 do t[i]['x' .. j] = 1 end end": "... 1 more\n}",
	} {
		got, err := y.interpreter.Evaluate("local t = {} "+code+" return t", 1)
		if err != nil || !strings.HasSuffix(got, want) {
			t.Errorf("%s: got ...%s, %v, want ...%s", code, got[max(0, len(got)-200):], err, want)
		}
		if lines := strings.Count(got, "\n"); len(got) > 64<<10 || lines > 5000 {
			t.Errorf("%s: got %d bytes in %d lines", code, len(got), lines)
		}
	}
	got, err := y.interpreter.Evaluate("return unpack((function() local t = {} for i = 1, 150 do t[i] = i end return t end)())", 1)
	if err != nil || !strings.HasSuffix(got, "\n100\n... 50 more") {
		t.Errorf("got %s, %v, want 100 of 150 results", got, err)
	}
}

func TestErrorsOfWhatIsTyped(t *testing.T) {
	y := startTyping(t, scripts{"inner.lua": "error('deep')", "outer.lua": "local function f() error('deep') end\nf()"})
	y.expect("error('on purpose')", "error: console:1: on purpose")
	y.expect("error({})", "error: (error object is a table value)")
	y.expect("throw(5, 'thrown')", "error: console:1: thrown (5)")
	y.expect("last_errors()[1].method, last_errors()[1].line, last_errors()[1].message", "\"console\"\n1\n\"thrown\"")
	y.expect("add_record()", "error: console:1: add_record: the command cannot be executed on a server (67)")
	y.expect("inner()", "error: inner.lua:1: deep")
	y.expect("curent_process()", "error: console:1: attempt to call a non-function object\nunknown name curent_process; did you mean current_process?")
	y.expect("on_server_shutdown()", "error: console:1: attempt to call a non-function object\nunknown name on_server_shutdown")
	y.expect("1 + )", "error: console:1:5: syntax error near ')'")
	y.expect(strings.Repeat(" ", 300<<10), "error: console:1: the text is too long (the limit is 262144 bytes): put it into a method")
	if _, err := y.interpreter.Evaluate("if x", 1); !errors.Is(err, host.ErrUnfinished) {
		t.Errorf("got %v, want that more lines may complete it", err)
	}
	for text, want := range map[string]string{"outer()": "outer.lua:1: in f\nouter.lua:2: in the method", "error('x')": "", "inner()": ""} {
		_, err := y.interpreter.Evaluate(text, 1)
		var script host.ScriptError
		if !errors.As(err, &script) || script.Traceback() != want {
			t.Errorf("%s: got the traceback %q, want %q", text, script.Traceback(), want)
		}
	}
	y.expect("inner()", "error: inner.lua:1: deep")
	y.expect("last_errors()[1].message", `"deep"`)
}

func TestCompletion(t *testing.T) {
	y := startTyping(t, scripts{"write_journal.lua": "", "on_server_startup.lua": ""})
	y.expect(`mine = {red = 1, reddish = function() end, inner = {x = {deep = 1}}, ["two words"] = 1, [1] = 2} setmetatable(mine, {__index = {behind = 1}})`, "")
	y.expect(`use(storage, function() storage.flags = new_shared_object{leave = true, list = new_shared_collection()} end)`, "")
	for text, want := range map[string]string{
		"write_":             "write_journal",
		"x = write_":         "write_journal",
		"if current_process": "current_process current_process_name",
		"on_server_st":       "",
		"mine.":              "mine.behind mine.inner mine.red mine.reddish",
		"mine.re":            "mine.red mine.reddish",
		"mine:re":            "mine:reddish",
		"mine.inner.x.":      "mine.inner.x.deep",
		"mine.none.":         "",
		"f(mine.inner.x.d":   "mine.inner.x.deep",
		"_G.mine.b":          "_G.mine.behind",
		"storage.":           "storage.flags",
		"storage.flags.l":    "storage.flags.leave storage.flags.list",
		"string.re":          "string.rep string.reverse",
		"string.rep.":        "",
		"f().":               "",
		"func":               "function",
		"interp":             "interprocess",
		`"curr`:              "",
		`"a" .. "b\" curr`:   "",
		`"a" .. current_d`:   "current_date",
		"-- curr":            "",
		"x = 'it' -- curr":   "",
		"?current_process_":  "current_process_name",
		"nosuchthing":        "",
	} {
		candidates, replaced := y.interpreter.Complete(text)
		if got := strings.Join(candidates, " "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if replaced > len(text) || len(candidates) > 0 && !strings.HasPrefix(candidates[0], text[len(text)-replaced:]) {
			t.Errorf("%q: %d bytes are replaced by %q", text, replaced, candidates)
		}
	}
	all, _ := y.interpreter.Complete("")
	if !slices.Contains(all, "mine") || !slices.Contains(all, "print") || slices.Contains(all, "return operator") || !slices.IsSorted(all) {
		t.Errorf("got %q, want all names that can begin a line, sorted", all)
	}
}

func TestExplanations(t *testing.T) {
	y := startTyping(t, scripts{"greet.lua": "", "on_server_startup.lua": "", "fast.lua": `--%attributes = {"preemptive":"capable"}`})
	for name, want := range map[string]string{
		"current_process":   "current_process() -> number  (4D: Current process)\nthe number of the calling process",
		"current_process()": "current_process() -> number  (4D: Current process)\n",
		"CLEAR SEMAPHORE":   "clear_semaphore(name)  (4D: CLEAR SEMAPHORE)\n",
		"in_network":        "in_network(address, network) -> boolean\nwhether",
		"clear_sema":        "clear_semaphore(name)",
		"greet":             "greet: project method (greet.lua, ",
		"fast":              "fast: project method, preemptive (fast.lua, ",
		"on_server_startup": "on_server_startup: database method, which Moongate calls (on_server_startup.lua, ",
		"gret":              `nothing is known of "gret"; did you mean greet?`,
		"":                  "A line is an expression",
	} {
		if got := y.interpreter.Explain(name); !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
