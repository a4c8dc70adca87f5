package policytest

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// functions are what a test can call beside the commands, by the names of package vocabulary.
func (p *play) functions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"at": p.at, "advance": p.advance, "connect": p.connect, "quit": p.quit, "call_method": p.callMethod,
		"assert_equal": p.assertEqual, "assert_true": p.assertTrue, "assert_match": p.assertMatch,
		"assert_accepted": p.assertAccepted, "assert_refused": p.assertRefused, "assert_error": p.assertError,
		"fail": p.failing,
	}
}

// install puts the functions among the variables of the test's process, where no other code sees them.
func (p *play) install(variables *lua.LTable) {
	set := func(name string, f lua.LGFunction) {
		variables.RawSetString(name, &lua.LFunction{IsG: true, Env: variables, GFunction: f})
	}
	for name, f := range p.functions() {
		set(name, f)
	}
	set(start, p.start)
	if p.runner.role != method.Server {
		set("quit_4d", quitInstead)
	}
}

// quitInstead is quit_4d where it would stop the test for good.
func quitInstead(L *lua.LState) int {
	L.RaiseError("quit_4d never returns to its caller, and that is the test: use quit(), which waits for the end of the host")
	return 0
}

// here is where the script stands that calls, as "file:line: ".
func here(L *lua.LState) string {
	for level := 1; level < 8; level++ {
		if place := L.Where(level); placed.MatchString(place) {
			return place + " "
		}
	}
	return ""
}

// fields reads a table of fields; a name that is not among those known is an error.
func fields(L *lua.LState, known map[string]lua.LValueType) *lua.LTable {
	if L.GetTop() == 0 || L.Get(1) == lua.LNil {
		return L.NewTable()
	}
	t := L.CheckTable(1)
	t.ForEach(func(k, v lua.LValue) {
		kind, ok := known[k.String()]
		if !ok {
			L.ArgError(1, fmt.Sprintf("no field %s%s", k, meant(k.String(), known)))
		}
		if v.Type() != kind {
			L.ArgError(1, fmt.Sprintf("%s: %s expected, got %s", k, kind, v.Type()))
		}
	})
	return t
}

// quit is quit{within=, delay=}.
func (p *play) quit(L *lua.LState) int {
	t := fields(L, map[string]lua.LValueType{"within": lua.LTNumber, "delay": lua.LTNumber})
	delay := time.Duration(math.Max(0, math.Min(number(t, "delay"), longestWait.Seconds())) * float64(time.Second))
	begin := time.Now()
	p.mayTake(delay)
	p.outside(L, func() {
		p.host.Quit(delay)
		select {
		case <-p.over:
		case <-p.halted:
		}
	})
	took := time.Since(begin)
	if within := t.RawGetString("within"); within != lua.LNil {
		limit := time.Duration(number(t, "within") * float64(time.Second))
		switch {
		case took > limit:
			p.fail("%sthe host took %v to end, want %v at the most%s", here(L), took, limit, listed(p.report.Left))
		case len(p.report.Left) > 0:
			p.fail("%sthe host has ended, but not by itself%s", here(L), listed(p.report.Left))
		}
	}
	L.Push(p.reported(L, took))
	return 1
}

// listed is what was left, in lines of its own.
func listed(left []string) string {
	text := ""
	for _, one := range left {
		text += "\nleft: " + one
	}
	return text
}

// reported is the report of a shutdown as tests see it.
func (p *play) reported(L *lua.LState, took time.Duration) *lua.LTable {
	t, stages, left := L.NewTable(), L.NewTable(), L.NewTable()
	for _, s := range p.report.Stages {
		stage := L.NewTable()
		stage.RawSetString("name", lua.LString(s.Stage))
		stage.RawSetString("seconds", lua.LNumber(s.Duration.Seconds()))
		stages.Append(stage)
	}
	for _, one := range p.report.Left {
		left.Append(lua.LString(one))
	}
	t.RawSetString("seconds", lua.LNumber(took.Seconds()))
	t.RawSetString("stages", stages)
	t.RawSetString("left", left)
	return t
}

func number(t *lua.LTable, name string) float64 {
	n, _ := t.RawGetString(name).(lua.LNumber)
	return float64(n)
}

func text(t *lua.LTable, name string) string {
	s, _ := t.RawGetString(name).(lua.LString)
	return string(s)
}

// callMethod is call_method(name, ...).
func (p *play) callMethod(L *lua.LState) int {
	name := L.CheckString(1)
	var args []any
	for i := 2; i <= L.GetTop(); i++ {
		v, err := convert.ToGo(L.Get(i))
		if err != nil {
			L.ArgError(i, err.Error())
		}
		args = append(args, v)
	}
	if !p.scripts.Has(name) {
		L.RaiseError("call_method: the scripts have no method %s", name)
	}
	var results []any
	var err error
	p.outside(L, func() {
		one := p.host.Processes().Start(process.Spec{Name: name, Type: process.OtherUser, Method: name, Preemptive: p.scripts.Preemptive(name)})
		program := p.scripts.NewProgram(one, nil)
		defer one.End()
		defer program.Close()
		over, stopping := make(chan struct{}), make(chan struct{})
		go func() { // ends with the call
			defer close(stopping)
			select {
			case <-p.halted:
				one.Kill(p.cause)
			case <-over:
			}
		}()
		results, err = program.Call(host.CallOptions{}, name, args...)
		close(over)
		<-stopping
	})
	if err != nil {
		L.Error(lua.LString(cmp.Or(err.Error(), "it failed")), 0)
	}
	for _, r := range results {
		L.Push(convert.ToLua(r))
	}
	return len(results)
}

// failing is fail(text).
func (p *play) failing(L *lua.LState) int {
	p.fail("%s%s", here(L), L.ToStringMeta(L.CheckAny(1)))
	return 0
}

// passed is the result of an assertion.
func passed(L *lua.LState, ok bool) int {
	L.Push(lua.LBool(ok))
	return 1
}

// note is what an assertion was given to say when it fails, before its own words.
func note(L *lua.LState, i int) string {
	if L.GetTop() < i || L.Get(i) == lua.LNil {
		return ""
	}
	return L.ToStringMeta(L.Get(i)).String() + ": "
}

// assertEqual is assert_equal(got, want [, text]).
func (p *play) assertEqual(L *lua.LState) int {
	if L.GetTop() < 2 {
		L.ArgError(2, "value expected: assert_equal(got, want)")
	}
	got, want := L.Get(1), L.Get(2)
	ok := equal(got, want, 0)
	if !ok {
		p.fail("%s%s%s", here(L), note(L, 3), difference(L, got, want))
	}
	return passed(L, ok)
}

// difference says what two values are.
func difference(L *lua.LState, got, want lua.LValue) string {
	a, b := shown(L, got), shown(L, want)
	if a == b {
		a, b = a+" ("+got.Type().String()+")", b+" ("+want.Type().String()+")"
	}
	if len(a)+len(b) > 100 {
		return fmt.Sprintf("got and want differ\ngot  %s\nwant %s", a, b)
	}
	return fmt.Sprintf("got %s, want %s", a, b)
}

// assertTrue is assert_true(value [, text]).
func (p *play) assertTrue(L *lua.LState) int {
	ok := lua.LVAsBool(L.CheckAny(1))
	if !ok {
		p.fail("%s%sgot %s, want true", here(L), note(L, 2), shown(L, L.Get(1)))
	}
	return passed(L, ok)
}

// assertMatch is assert_match(text, pattern [, text]).
func (p *play) assertMatch(L *lua.LState) int {
	L.CheckAny(1)
	pattern := L.CheckString(2)
	got := L.Get(1)
	ok := got.Type() == lua.LTString && matches(L, got.String(), pattern)
	if !ok {
		p.fail("%s%sgot %s, want a match of %q", here(L), note(L, 3), shown(L, got), pattern)
	}
	return passed(L, ok)
}

// matches is string.find.
func matches(L *lua.LState, text, pattern string) bool {
	find := L.GetField(lane.Running(L).Environment(), "string")
	L.Push(L.GetField(find, "find"))
	L.Push(lua.LString(text))
	L.Push(lua.LString(pattern))
	L.Call(2, 1)
	found := L.Get(-1) != lua.LNil
	L.Pop(1)
	return found
}

// assertError is assert_error(function [, pattern]).
func (p *play) assertError(L *lua.LState) int {
	f := L.CheckFunction(1)
	pattern := L.OptString(2, "")
	L.Push(L.GetField(lane.Running(L).Environment(), "pcall"))
	L.Push(f)
	L.Call(1, 2)
	raised, problem := !lua.LVAsBool(L.Get(-2)), L.Get(-1)
	L.Pop(2)
	text := L.ToStringMeta(problem).String()
	switch {
	case !raised:
		p.fail("%sgot no error, want one%s", here(L), of(pattern))
	case pattern != "" && !matches(L, text, pattern):
		p.fail("%sgot the error %q, want one%s", here(L), text, of(pattern))
	default:
		return passed(L, true)
	}
	return passed(L, false)
}

func of(pattern string) string {
	if pattern == "" {
		return ""
	}
	return fmt.Sprintf(" with a match of %q", pattern)
}
