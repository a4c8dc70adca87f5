package lane_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind/lane"
	"moongate/runtime/process"
)

var errTest = errors.New("somebody wants it to end")

func TestResultsAndParameters(t *testing.T) {
	h := build(t, plan{}, methods{"echo": `return ...`, "count": `return select("#", ...)`, "nothing": ``, "give_function": `return 1, error`, "give_table": `return {a = {1, 2}}`,
		"on_server_startup": `return 1`})
	for _, c := range []struct {
		name string
		args []any
		want string
	}{
		{"echo", nil, ""}, {"echo", []any{int64(1), "x", true, nil, 1.5}, "1 x true <nil> 1.5"}, {"echo", []any{nil}, "<nil>"}, {"echo", []any{[]any{int64(1), int64(2)}}, "[1 2]"},
		{"count", []any{nil, nil, nil, nil, nil, nil}, "6"}, {"nothing", []any{int64(1)}, ""}, {"give_table", nil, "[{a [1 2]}]"}, {"on_server_startup", nil, "1"},
	} {
		results, err := h.call(lane.Options{}, c.name, c.args...)
		if got := show(results); got != c.want || err != nil {
			t.Errorf("%s%v: got %s, %v, want %s", c.name, c.args, got, err, c.want)
		}
	}
	_, err := h.call(lane.Options{}, "give_function")
	expectStopped(t, "a result that is a function", err, lane.ErrResult)
	if want := "result 2: a function cannot leave its process"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a result that is a function: got %v, want %s", err, want)
	}
	for _, name := range []string{"nobody", "", "echo.lua", "lib/x"} {
		_, err = h.call(lane.Options{}, name)
		expectStopped(t, fmt.Sprintf("the method %q", name), err, lane.ErrNoMethod)
	}
	h.expectNoFaults()
}

func TestErrorsHaveTheirPlaceAndTheCallsBefore(t *testing.T) {
	h := build(t, plan{}, methods{
		"main":   "local function inner()\n  local x = nil\n  return x.y\nend\n\ninner()",
		"object": "error({code = 7})",
		"plain":  "error('just this', 0)",
		"calls":  "\n\nmain()",
	})
	for name, want := range map[string][2]string{
		"main":   {"main.lua:3: attempt to index a non-table object(nil) with key 'y'", "main.lua:3: in inner\nmain.lua:6: in the method"},
		"object": {"(error object is a table value)", "object.lua:1: in the method"},
		"plain":  {"just this", "plain.lua:1: in the method"},
		"calls":  {"main.lua:3: attempt to index a non-table object(nil) with key 'y'", "main.lua:3: in inner\nmain.lua:6: in main\ncalls.lua:3: in the method"},
	} {
		_, err := h.call(lane.Options{}, name)
		var failed *lane.Error
		if !errors.As(err, &failed) {
			t.Fatalf("%s: got %v, want a lane.Error", name, err)
		}
		expect(t, name+": error", err.Error(), want[0])
		if got := failed.Traceback(); !strings.HasPrefix(got, want[1]) {
			t.Errorf("%s: got the traceback %q, want it to begin with %q", name, got, want[1])
		}
		expect(t, name+": method", failed.Method, name)
		expect(t, name+": cause", failed.Cause, nil)
	}
}

// A deadline is that of one call, and includes what the method waits.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, methods{"waits": `local n = ... for i = 1, n do wait(1) end return "well"`, "delays": `local n = ... delay(n) return "well"`, "paused": `wait(0.5) note("went on")`})
		p := h.start()
		defer end(p)
		for _, c := range []struct {
			name    string
			seconds int64
			limit   time.Duration
			after   time.Duration
			well    bool
		}{
			{"waits", 10, 0, 10 * time.Second, true},
			{"waits", 4, 5 * time.Second, 4 * time.Second, true},
			{"waits", 10, 5 * time.Second, 5 * time.Second, false},
			{"waits", 10, 5*time.Second + time.Millisecond, 5*time.Second + time.Millisecond, false},
			{"delays", 4, 5 * time.Second, 4 * time.Second, true},
			{"delays", 10, 5 * time.Second, 5 * time.Second, false},
			{"delays", 10, 0, 10 * time.Second, true},
			{"waits", 1, 5 * time.Second, time.Second, true}, // the same program goes on after a deadline
		} {
			what := fmt.Sprintf("%s(%d) with a limit of %v", c.name, c.seconds, c.limit)
			p.Process().Delay(0)
			start := time.Now()
			results, err := p.Call(lane.Options{Limit: c.limit}, c.name, c.seconds)
			expect(t, what+": time", time.Since(start), c.after)
			if c.well {
				expect(t, what, show(results)+fmt.Sprint(err), "well<nil>")
			} else {
				expectStopped(t, what, err, lane.ErrDeadline)
				if want := fmt.Sprintf("%s.lua:1: the method ran longer than it may (%v)", c.name, c.limit); err.Error() != want {
					t.Errorf("%s: got the error %q, want %q", what, err, want)
				}
			}
		}
		h.expectNoFaults()
	})
}

// What a method began ends with it: the next method of the process does not find itself delayed.
func TestADeadlineEndsTheDelayToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, methods{"sleeps": `delay(3600)`, "quick": `return "well"`})
		p := h.start()
		defer end(p)
		_, err := p.Call(lane.Options{Limit: 5 * time.Second}, "sleeps")
		expectStopped(t, "the first method", err, lane.ErrDeadline)
		start := time.Now()
		results, err := p.Call(lane.Options{}, "quick")
		expect(t, "the next method", show(results)+fmt.Sprint(err), "well<nil>")
		expect(t, "its time", time.Since(start), 0)
	})
}

// The wait for the baton is no part of the limit: a queue at the door is not the method's fault.
func TestTheLimitBeginsWithTheBaton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, methods{"holds": `hold(10)`, "waits": `wait(4) return "well"`})
		holds := background(h.start(), lane.Options{}, "holds")
		synctest.Wait()
		o := <-background(h.start(), lane.Options{Limit: 5 * time.Second}, "waits")
		expect(t, "the one in the queue", show(o.results)+fmt.Sprint(o.err), "well<nil>")
		expect(t, "time", o.took, 14*time.Second)
		<-holds
	})
}

func TestAborts(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		kill func(p *lane.Program, over <-chan outcome)
	}{
		"while it waits":           {`wait(3600)`, func(p *lane.Program, _ <-chan outcome) { time.Sleep(time.Second) }},
		"while it is delayed":      {`delay(3600)`, func(p *lane.Program, _ <-chan outcome) { time.Sleep(time.Second) }},
		"while it is paused":       {`delay(3600)`, func(p *lane.Program, _ <-chan outcome) { time.Sleep(time.Second); p.Process().Pause() }},
		"before it has begun":      {`while true do end`, func(*lane.Program, <-chan outcome) {}},
		"before it has waited":     {`note("ran") wait(3600)`, func(*lane.Program, <-chan outcome) {}},
		"while it is in the queue": {`while true do end`, func(p *lane.Program, _ <-chan outcome) { synctest.Wait() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, plan{}, methods{"main": c.code, "holds": `hold("gate")`})
				inQueue := strings.Contains(name, "queue") || strings.Contains(name, "before")
				var holds <-chan outcome
				if inQueue {
					holds = background(h.start(), lane.Options{}, "holds")
					synctest.Wait()
				}
				p := h.start()
				over := background(p, lane.Options{}, "main")
				c.kill(p, over)
				p.Process().Kill(errTest)
				p.Process().Kill(errors.New("too late"))
				if inQueue {
					close(h.gate("gate"))
					<-holds
				}
				o := <-over
				expectStopped(t, name, o.err, errTest)
				if !strings.Contains(o.err.Error(), errTest.Error()) || !strings.HasPrefix(o.err.Error(), "main.lua:1: ") {
					t.Errorf("got the error %q, want the place and the cause", o.err)
				}
				expect(t, "processes left", h.table.Count(nil), 0)
				h.expectNoFaults()
			})
		})
	}
}

// The abort flag ends one wait; the method goes on.
func TestTheAbortFlagWakesAMethodOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, methods{"main": `wait(100) note("woken") wait(10) delay(20) return "well"`})
		p := h.start()
		over := background(p, lane.Options{}, "main")
		time.Sleep(time.Second)
		p.Process().SetAbortFlag()
		synctest.Wait()
		expect(t, "notes", strings.Join(h.taken(), " "), "woken")
		o := <-over
		expect(t, "result", show(o.results)+fmt.Sprint(o.err), "well<nil>")
		expect(t, "time", o.took, 31*time.Second)
	})
}

func TestPauseAndDelayByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, methods{"main": `for i = 1, 6 do note("n" .. i) delay(10) end`})
		p := h.start()
		over := background(p, lane.Options{}, "main")
		start := time.Now()
		at := func(seconds float64) {
			time.Sleep(time.Duration(seconds*float64(time.Second)) - time.Since(start))
			synctest.Wait()
		}
		check := func(want string, state process.State) {
			t.Helper()
			synctest.Wait()
			expect(t, fmt.Sprint("notes after ", time.Since(start)), strings.Join(h.taken(), " "), want)
			expect(t, fmt.Sprint("state after ", time.Since(start)), p.Process().State(), state)
		}
		at(5)
		check("n1", process.Delayed)
		p.Process().Pause() // becomes a pause
		check("", process.Paused)
		at(100)
		check("", process.Paused)
		p.Process().Resume()
		check("n2", process.Delayed)
		p.Process().Delay(50 * time.Second) // replaced
		at(149)
		check("", process.Delayed)
		at(151)
		check("n3", process.Delayed)
		p.Process().Delay(0)
		check("n4", process.Delayed)
		p.Process().Resume()
		check("n5", process.Delayed)
		p.Process().Kill(errTest)
		expectStopped(t, "the method", (<-over).err, errTest)
	})
}

// A process that was paused while it waited for something is held when that wait is over, and not some time later.
func TestAPauseDuringAWaitHoldsAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, methods{"main": `for i = 1, 3 do note("n" .. i) wait(10) end return "well"`})
		p := h.start()
		over := background(p, lane.Options{}, "main")
		time.Sleep(5 * time.Second)
		p.Process().Pause()
		time.Sleep(100 * time.Second)
		synctest.Wait()
		expect(t, "notes of the paused process", strings.Join(h.taken(), " "), "n1")
		expect(t, "state", p.Process().State(), process.Paused)
		p.Process().Resume()
		o := <-over
		expect(t, "result", show(o.results)+fmt.Sprint(o.err), "well<nil>")
	})
}

// A running process stops as soon as it can when another one pauses it, and goes on when it is resumed.
func TestARunningProcessIsPaused(t *testing.T) {
	h := build(t, plan{slice: 100 * time.Microsecond}, methods{"main": `while true do interprocess.n = (interprocess.n or 0) + 1 end`, "read": `return interprocess.n or 0`})
	p := h.start()
	over := background(p, lane.Options{}, "main")
	read := func() int64 {
		results, err := h.call(lane.Options{}, "read")
		if err != nil {
			t.Fatal(err)
		}
		return results[0].(int64)
	}
	until := func(condition func() bool) {
		for !condition() {
			read() // takes the baton, so the other one is at a look
		}
	}
	until(func() bool { return read() > 0 })
	p.Process().Pause()
	expect(t, "state", p.Process().State(), process.Paused) // at once, although the code may need a moment to notice
	until(func() bool {
		n := read()
		for range 20 {
			if read() != n {
				return false
			}
		}
		return true
	})
	before := read()
	for range 20 {
		expect(t, "what a paused process counts", read(), before)
	}
	p.Process().Resume()
	until(func() bool { return read() > before })
	p.Process().Kill(errTest)
	expectStopped(t, "the method", (<-over).err, errTest)
}

// Where the code stands is known while it waits and after its slices.
func TestPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, methods{"main": "wait(10)\nlocal function f()\n  wait(10)\nend\nf()\npcall(function()\n  delay(10)\nend)\ncoroutine.wrap(function()\n\n  wait(10)\nend)()\nhelper()", "helper": "\n\n\nwait(10)"})
		p := h.start()
		expect(t, "place before", p.Place(), "")
		over := background(p, lane.Options{}, "main")
		for _, want := range []string{"main.lua:1", "main.lua:3", "main.lua:7", "main.lua:11", "helper.lua:4"} {
			time.Sleep(time.Second)
			synctest.Wait()
			expect(t, "place", p.Place(), want)
			expect(t, "place by the process", p.Process().Place(), want)
			time.Sleep(9 * time.Second)
		}
		expect(t, "error", (<-over).err, nil)
	})
	h := build(t, plan{slice: 100 * time.Microsecond}, methods{"main": "\n\nwhile true do end", "quick": ``})
	p := h.start()
	over := background(p, lane.Options{}, "main")
	for p.Place() == "" {
		if _, err := h.call(lane.Options{}, "quick"); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "place of an endless loop", p.Place(), "main.lua:3")
	p.Process().Kill(nil)
	<-over
	if cpu := p.Process().Info().CPU; cpu <= 0 {
		t.Errorf("time in Lua: got %v, want some", cpu)
	}
}

func TestWaitsCostNoTimeInLua(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, methods{"main": `wait(10) delay(10)`})
		p := h.start()
		<-background(p, lane.Options{}, "main")
		expect(t, "time in Lua", p.Process().Info().CPU, 0)
		expect(t, "state", p.Process().State(), process.Aborted)
	})
}

// Process variables last from call to call of one program; interprocess variables are those of all processes of lane
// 0, and of no other.
func TestVariables(t *testing.T) {
	h := build(t, plan{lanes: 2}, methods{
		"set":     `counter = (counter or 0) + 1 interprocess.counter = (interprocess.counter or 0) + 1 helper() return counter, interprocess.counter, helped`,
		"helper":  `helped = counter`,
		"own":     `counter = (counter or 0) + 1 return counter`,
		"touch":   `return interprocess.x`,
		"write":   `interprocess.x = 1`,
		"replace": `interprocess = 5 return interprocess`,
		"caught":  `return pcall(function() return interprocess.x end)`,
	})
	a, b := h.start(), h.start()
	for i, want := range [][2]string{{"1 1 1", "1 2 1"}, {"2 3 2", "2 4 2"}} {
		for j, p := range []*lane.Program{a, b} {
			results, err := p.Call(lane.Options{}, "set")
			expect(t, fmt.Sprint("call ", i+1, " of program ", j+1), show(results)+fmt.Sprint(err), want[j]+"<nil>")
		}
	}
	c := h.startIn(1)
	results, err := c.Call(lane.Options{}, "own")
	expect(t, "a preemptive process", show(results)+fmt.Sprint(err), "1<nil>")
	for _, name := range []string{"touch", "write"} {
		_, err := c.Call(lane.Options{}, name)
		if want := name + ".lua:1: interprocess variables belong to cooperative processes, and main runs in a preemptive one"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s in a preemptive process: got %v, want %s", name, err, want)
		}
	}
	results, _ = c.Call(lane.Options{}, "caught")
	expect(t, "caught", results[0], any(false))
	results, _ = c.Call(lane.Options{}, "replace")
	expect(t, "a variable of its own by that name", show(results), "5")
	expect(t, "Lane", c.Lane(), h.lanes[1])
}
