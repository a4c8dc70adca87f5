package lane_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind/lane"
)

// queued are calls that wait for the baton, in the order in which they came.
type queued struct {
	h    *house
	over []<-chan outcome
}

// join lets a call begin and waits until it waits.
func (q *queued) join(o lane.Options, name string, args ...any) {
	q.over = append(q.over, background(q.h.start(), o, name, args...))
	synctest.Wait()
}

// finish waits for all calls and gives the notes that their methods have made, in order.
func (q *queued) finish(t *testing.T) string {
	t.Helper()
	for _, over := range q.over {
		if o := <-over; o.err != nil {
			t.Error(o.err)
		}
	}
	return strings.Join(q.h.taken(), " ")
}

var (
	door     = lane.Options{Priority: lane.Door}
	ordinary = lane.Options{Priority: lane.Ordinary}
	more     = lane.Options{Priority: lane.Door, More: true}
)

// notes are methods that say their name and then hold the baton for so many seconds, or until a gate is opened.
var notes = methods{
	"note_hold": `local name, seconds = ... note(name) hold(seconds)`,
	"note_wait": `local name, seconds = ... note(name) wait(seconds)`,
	"note_fail": `local name = ... note(name) error("failed")`,
}

func TestTheDoorGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queued{h: build(t, plan{}, notes)}
		q.join(ordinary, "note_hold", "holder", "gate")
		q.join(ordinary, "note_hold", "o1", 0.0)
		q.join(door, "note_hold", "d1", 0.0)
		q.join(ordinary, "note_hold", "o2", 0.0)
		q.join(door, "note_hold", "d2", 0.0)
		close(q.h.gate("gate"))
		expect(t, "order", q.finish(t), "holder d1 d2 o1 o2")
	})
}

// When the door has had the baton for a slice while others wait, one of them has it; then the door again.
func TestOthersGetTheirTurnAfterASlice(t *testing.T) {
	for _, c := range []struct {
		slice time.Duration
		want  string
	}{
		{10 * time.Millisecond, "holder d1 d2 d3 o1 d4 d5 d6 o2 d7 d8"},
		{time.Millisecond, "holder d1 o1 d2 o2 d3 d4 d5 d6 d7 d8"},
		{time.Second, "holder d1 d2 d3 d4 d5 d6 d7 d8 o1 o2"},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := &queued{h: build(t, plan{slice: c.slice}, notes)}
			q.join(ordinary, "note_hold", "holder", "gate")
			q.join(ordinary, "note_hold", "o1", 0.0)
			q.join(ordinary, "note_hold", "o2", 0.0)
			for i := 1; i <= 8; i++ {
				q.join(door, "note_hold", fmt.Sprint("d", i), 0.004)
			}
			close(q.h.gate("gate"))
			expect(t, fmt.Sprint("order with a slice of ", c.slice), q.finish(t), c.want)
		})
	}
}

// A process that waits gives the baton away, so that all wait at the same time.
func TestAWaitGivesTheBatonAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queued{h: build(t, plan{}, methods{"main": `local name, seconds = ... for i = 1, 3 do note(name .. i) wait(seconds) end`})}
		start := time.Now()
		q.join(ordinary, "main", "a", 1.0)
		q.join(ordinary, "main", "b", 1.1)
		q.join(door, "main", "c", 1.2)
		expect(t, "order", q.finish(t), "a1 b1 c1 a2 b2 c2 a3 b3 c3")
		expect(t, "time", time.Since(start), 3600*time.Millisecond) // and not the sum
		expect(t, "processes left", q.h.table.Count(nil), 0)
	})
}

// Whoever decides about connections one after the other keeps the baton in between, until it rests.
func TestTheDoorMayReserveTheBaton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, plan{}, notes)
		if _, err := h.call(more, "note_hold", "d1", 0.0); err != nil {
			t.Fatal(err)
		}
		q := &queued{h: h}
		q.join(ordinary, "note_hold", "o1", 0.0)
		if _, err := h.call(more, "note_hold", "d2", 0.0); err != nil {
			t.Fatal(err)
		}
		if _, err := h.call(more, "note_fail", "d3"); err == nil {
			t.Error("got no error, want one")
		}
		synctest.Wait()
		expect(t, "while it is reserved", strings.Join(h.taken(), " "), "d1 d2 d3")
		h.lanes[0].Rest()
		expect(t, "after the rest", q.finish(t), "o1")
		h.lanes[0].Rest() // nothing is reserved: nothing happens
		q = &queued{h: h}
		q.join(ordinary, "note_hold", "o2", 0.0)
		expect(t, "afterwards", q.finish(t), "o2")
	})
}

func TestAReservationEnds(t *testing.T) {
	for name, c := range map[string]struct {
		calls []string // of the door, each of 4 ms
		o     lane.Options
		how   string
		want  string
	}{
		"with a call that makes no more":          {[]string{"d1"}, door, "note_hold", "d1 o"},
		"with a call that waits":                  {[]string{"d1"}, more, "note_wait", "d1 o"},
		"when the door has had it for a slice":    {[]string{"d1", "d2", "d3", "d4", "d5"}, more, "note_hold", "d1 d2 d3 d4 o d5"},
		"not before it has had it for a slice":    {[]string{"d1", "d2"}, more, "note_hold", "d1 d2"},
		"by a call that makes no more in between": {[]string{"d1", "d2"}, door, "note_hold", "d1 o d2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &queued{h: build(t, plan{slice: 10 * time.Millisecond}, notes)}
				if _, err := q.h.call(more, "note_hold", "first", 0.0); err != nil {
					t.Fatal(err)
				}
				q.h.taken()
				q.join(ordinary, "note_hold", "o", 0.0)
				for _, d := range c.calls {
					if _, err := q.h.call(c.o, c.how, d, 0.004); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				expect(t, "order", strings.Join(q.h.taken(), " "), c.want)
				q.h.lanes[0].Rest()
				q.finish(t)
			})
		})
	}
}

// An ordinary process that holds nothing and waits for nothing takes a free baton at once, reserved or not.
func TestManyTakeTheBatonOneAtATime(t *testing.T) {
	h := build(t, plan{slice: 50 * time.Microsecond}, methods{"main": `for i = 1, 200 do alone() if i % 50 == 0 then wait(0) end end`})
	var all []<-chan outcome
	for i := range 30 {
		o := lane.Options{Priority: lane.Priority(i % 2), More: i%4 == 0}
		all = append(all, background(h.start(), o, "main"))
	}
	for done := 0; done < len(all); {
		h.lanes[0].Rest() // in the place of a listener that finds nobody at the door
		select {
		case o := <-all[done]:
			expect(t, "error", o.err, nil)
			done++
		default:
		}
	}
	h.expectNoFaults()
}

func TestHandoverIsCalledOnceBeforeTheFirstWait(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		want int
	}{
		"no wait":           {`note("ran")`, 0},
		"one":               {`wait(1) note("ran")`, 1},
		"three":             {`wait(1) wait(1) delay(1) note("ran")`, 1},
		"a caught error":    {`pcall(function() wait(1) error("x") end) note("ran")`, 1},
		"a wait of no time": {`wait(0) note("ran")`, 1},
		"a delay of none":   {`delay(0) note("ran")`, 0},
		"outside":           {`outside("open") note("ran")`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, plan{}, methods{"main": c.code})
				close(h.gate("open"))
				called := 0
				p := h.start()
				defer end(p)
				for range 2 { // each call has its own
					called = 0
					_, err := p.Call(lane.Options{Priority: lane.Door, More: true, Handover: func() {
						called++
						if notes := h.taken(); len(notes) > 0 {
							t.Errorf("the method had gone on: %q", notes)
						}
					}}, "main")
					expect(t, "error", err, nil)
					expect(t, "calls of handover", called, c.want)
					h.taken()
				}
				h.lanes[0].Rest()
			})
		})
	}
}

// endless are methods that do not end by themselves.
var endless = map[string]string{
	"a loop":          `while true do end`,
	"goto":            `::again:: goto again`,
	"repeat":          `repeat until false`,
	"for":             `for i = 1, math.huge do end`,
	"calls":           `local function f() end while true do f() end`,
	"tail calls":      `local function f() return f() end f()`,
	"pcall":           `while true do pcall(error) end`,
	"a coroutine":     `coroutine.wrap(function() while true do end end)()`,
	"coroutines":      `local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end`,
	"text":            `while true do local s = ("x"):rep(10000) end`,
	"a pattern":       `while true do string.find(("a"):rep(30000), ("a*"):rep(6) .. "b") end`,
	"sort":            `local t = {} for i = 1, 2000 do t[i] = -i end while true do table.sort(t, function(a, b) return a < b end) end`,
	"gsub":            `while true do (("x"):rep(1000)):gsub("x", function() return "y" end) end`,
	"a metamethod":    `local t = setmetatable({}, {__index = function() return 1 end}) while true do local x = t.x end`,
	"project method":  `while true do nothing() end`,
	"pcall of itself": `local function f() return pcall(f) end while true do f() end`,
}

// An endless process costs the door a slice, and never the service. It goes on itself, and is stopped when somebody
// asks.
func TestAnEndlessProcessStopsNobody(t *testing.T) {
	for name, code := range endless {
		t.Run(name, func(t *testing.T) {
			h := build(t, plan{slice: time.Millisecond}, methods{"endless": code, "nothing": ``, "quick": `local n = ... interprocess.n = (interprocess.n or 0) + 1 return n`})
			p := h.start()
			over := background(p, lane.Options{}, "endless")
			for i := range int64(20) {
				o := []lane.Options{door, ordinary, more}[i%3]
				results, err := h.call(o, "quick", i)
				expect(t, "error", err, nil)
				expect(t, "results", results, []any{i})
				h.lanes[0].Rest()
			}
			select {
			case o := <-over:
				t.Fatalf("the endless process ended: %v", o.err)
			default:
			}
			cause := fmt.Errorf("the test is over")
			p.Process().Kill(cause)
			o := <-over
			expectStopped(t, "the endless process", o.err, cause)
			h.expectNoFaults()
		})
	}
}

func TestEndlessProcessesShareALane(t *testing.T) {
	h := build(t, plan{slice: 200 * time.Microsecond}, methods{
		"main": `local name = ... interprocess[name] = 0 while true do interprocess[name] = interprocess[name] + 1 end`,
		"read": `return interprocess.a or 0, interprocess.b or 0, interprocess.c or 0`,
	})
	var all []<-chan outcome
	var last []any
	programs := []*lane.Program{h.start(), h.start(), h.start()}
	for i, p := range programs {
		all = append(all, background(p, lane.Options{}, "main", string(rune('a'+i))))
	}
	grew := [3]int{}
	for grew[0] < 3 || grew[1] < 3 || grew[2] < 3 { // each goes on, again and again
		results, err := h.call(lane.Options{}, "read")
		if err != nil {
			t.Fatal(err)
		}
		for i := range last {
			if results[i].(int64) > last[i].(int64) {
				grew[i]++
			}
		}
		last = results
	}
	for i, p := range programs {
		p.Process().Kill(nil)
		<-all[i]
	}
	h.expectNoFaults()
}
