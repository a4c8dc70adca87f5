package lane_test

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"moongate/luabind/lane"
)

// peak watches the memory until its channel is closed, and then gives the most that it saw: of the heap, and of
// goroutines' stacks with it.
func peak(stop <-chan struct{}) <-chan [2]uint64 {
	most := make(chan [2]uint64, 1)
	go func() {
		samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		var heap, all uint64
		for {
			metrics.Read(samples)
			heap = max(heap, samples[0].Value.Uint64())
			all = max(all, samples[0].Value.Uint64()+samples[1].Value.Uint64())
			select {
			case <-stop:
				most <- [2]uint64{heap, all}
				return
			case <-ticker.C:
			}
		}
	}()
	return most
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// growers take memory without end.
var growers = map[string]string{
	"a list":             `local t = {} for i = 1, 1e12 do t[i] = i end`,
	"a global list":      `t = {} while true do pcall(function() while true do t[#t + 1] = {1, 2, 3, 4, 5} end end) end`,
	"text keys":          `local t = {} for i = 1, 1e12 do t[("key "):rep(20) .. i] = {i} end`,
	"wide tables":        `local t while true do t = {t, 1, 2, 3, 4, 5, 6, 7, 8, 9, a = 1, b = 2} end`,
	"large holes":        `local t = {} for i = 1, 1e12 do t[i] = {} t[i][20000] = 1 end`,
	"text by ..":         `local t, s = {}, ("x"):rep(100000) while true do t[#t + 1] = s .. #t end`,
	"text by rep":        `local t = {} while true do t[#t + 1] = ("x"):rep(1000000) end`,
	"large texts by rep": `local t = {} while true do t[#t + 1] = ("x"):rep(16000000) end`,
	"text by format":     `local t, s = {}, ("x"):rep(100000) while true do t[#t + 1] = ("%s%d"):format(s, #t) end`,
	"text by gsub":       `local t, s = {}, ("x"):rep(100000) while true do t[#t + 1] = s:gsub("^x", s) end`,
	"text by concat":     `local t, p = {}, {} for i = 1, 1000 do p[i] = ("x"):rep(100) end while true do t[#t + 1] = table.concat(p, #t) end`,
	"coroutines":         `local t = {} while true do local c = coroutine.wrap(function(s) coroutine.yield() end) c(("x"):rep(20000)) t[#t + 1] = c end`,
	"in a coroutine":     `coroutine.wrap(function() local t = {} while true do pcall(function() t[#t + 1] = ("x"):rep(100000) end) end end)()`,
	"in a comparison":    `local t = {} table.sort({3, 2, 1, 5, 4}, function() while true do t[#t + 1] = ("x"):rep(1000) .. #t end end)`,
	"interprocess":       `interprocess.t = {} while true do interprocess.t[#interprocess.t + 1] = ("x"):rep(10000) end`,
}

func TestFact10NoSetMxNoOsExitAndMemoryIsCapped(t *testing.T) {
	for _, code := range []string{`os.exit()`, `os.exit(0)`, `pcall(os.exit) os.exit(1, true)`, `debug.sethook()`, `os.execute("exit")`, `io.popen("exit")`} {
		got := evaluate(t, code)
		if !strings.HasPrefix(got, "error: main.lua:1: ") || !strings.Contains(got, "is not available in scripts") {
			t.Errorf("%s: got %s, want an error that says why not", code, got)
		}
	}
	const limit = 64 << 20
	for name, code := range growers {
		t.Run(name, func(t *testing.T) {
			before := heapNow()
			h := build(t, plan{memory: limit, slice: time.Millisecond}, methods{
				"main": code, "other": `local n = 0 while not interprocess.stop do n = n + 1 wait(0.001) end return n`, "stop": `interprocess.stop, interprocess.t = true, nil`,
			})
			other := background(h.start(), lane.Options{}, "other")
			stop := make(chan struct{})
			most := peak(stop)
			o := <-background(h.start(), lane.Options{Limit: time.Minute}, "main")
			close(stop)
			expectStopped(t, name, o.err, lane.ErrMemory)
			var failed *lane.Error
			if !errors.As(o.err, &failed) || failed.Method != "main" || !strings.Contains(o.err.Error(), "main.lua:1: ") ||
				!strings.Contains(o.err.Error(), "memory limit of 64 MB") {
				t.Errorf("got the error %v, want one with the place and the limit", o.err)
			}
			if heap := (<-most)[0]; heap > limit {
				t.Errorf("the heap was at %d MB, want less than %d", heap>>20, limit>>20)
			}
			if _, err := h.call(lane.Options{}, "stop"); err != nil {
				t.Errorf("the lane afterwards: %v", err)
			}
			o = <-other
			if o.err != nil || o.results[0].(int64) < 1 {
				t.Errorf("another process: got %v, %v, want that it went on", o.results, o.err)
			}
			h.expectNoFaults()
			if after := heapNow(); after > before+16<<20 {
				t.Errorf("the heap has %d MB afterwards, had %d before", after>>20, before>>20)
			}
		})
	}
}

// Memory that is taken by many calls, each of them short, counts as well.
func TestShortCallsThatKeepWhatTheyAreGiven(t *testing.T) {
	const limit = 64 << 20
	h := build(t, plan{memory: limit}, methods{"keep": `local name, value = ... interprocess[name] = value`})
	p := h.start()
	var err error
	kept := 0
	for ; err == nil && kept < 2*limit>>20; kept++ {
		_, err = p.Call(lane.Options{Priority: lane.Ordinary}, "keep", fmt.Sprint("v", kept), strings.Repeat("x", 1<<20))
		time.Sleep(time.Millisecond) // so that the calls take the time between two looks
	}
	if !errors.Is(err, lane.ErrMemory) || kept > limit>>20 {
		t.Errorf("after %d MB: got %v, want that it is too much", kept, err)
	}
	if _, err := h.start().Call(lane.Options{Priority: lane.Door}, "keep", "small", 1); err != nil {
		t.Errorf("a call at the door: %v", err)
	}
}

// One text that is too long is an error that a script can catch, and no abort.
func TestFact10LongTextsAreErrors(t *testing.T) {
	for _, code := range []string{
		`local s = "x" while true do s = s .. s end`,
		`("x"):rep(300000000)`,
		`("x"):rep(1e300)`,
		`("%99d"):rep(200000):format(1)`,
		`local t = {} for i = 1, 1000 do t[i] = ("x"):rep(100000) end table.concat(t)`,
		`local s = ("x"):rep(1000000):gsub("x", ("y"):rep(1000))`,
	} {
		got := evaluate(t, "local ok, e = pcall(function() "+code+" end) return ok, e")
		if !strings.HasPrefix(got, "false main.lua:1: ") {
			t.Errorf("%s: got %.200s, want a caught error with its place", code, got)
		}
	}
}

// Memory that a process has used and let go is not its debt: the one that grows now is the one to be stopped.
func TestFact10WhoHasLeftGarbageBehindIsNotToBlame(t *testing.T) {
	ballast := make([]byte, 8<<20) // so that garbage lies about for a while
	defer runtime.KeepAlive(ballast)
	h := build(t, plan{memory: 64 << 20}, methods{
		"busy":  `for i = 1, 1000 do local s = ("x"):rep(100000 + i) end note("busy no more") outside("gate") for i = 1, 1000 do end return "well"`,
		"grows": growers["wide tables"],
	})
	busy := background(h.start(), lane.Options{}, "busy")
	for len(h.taken()) == 0 {
		select {
		case o := <-busy:
			t.Fatalf("the process that leaves garbage did not get to its end: %v", o.err)
		default:
			runtime.Gosched()
		}
	}
	o := <-background(h.start(), lane.Options{Limit: time.Minute}, "grows")
	expectStopped(t, "the process that grows", o.err, lane.ErrMemory)
	close(h.gate("gate"))
	o = <-busy
	expect(t, "the process that left garbage", show(o.results)+fmt.Sprint(o.err), "well<nil>")
}

// The limit is that of the whole program: two that grow in two lanes are both stopped, and a third goes on.
func TestFact10TwoLanes(t *testing.T) {
	h := build(t, plan{memory: 64 << 20, lanes: 3}, methods{
		"grows": growers["wide tables"],
		"small": `local n = 0 for i = 1, 20 do n = n + 1 wait(0.001) end return "well"`,
	})
	stop := make(chan struct{})
	most := peak(stop)
	first, second := background(h.startIn(1), lane.Options{Limit: time.Minute}, "grows"), background(h.startIn(2), lane.Options{Limit: time.Minute}, "grows")
	small := <-background(h.startIn(0), lane.Options{}, "small")
	expect(t, "a process that takes nothing", show(small.results)+fmt.Sprint(small.err), "well<nil>")
	for _, over := range []<-chan outcome{first, second} {
		expectStopped(t, "a process that grows", (<-over).err, lane.ErrMemory)
	}
	close(stop)
	if heap := (<-most)[0]; heap > 64<<20 {
		t.Errorf("the heap was at %d MB, want less than 64", heap>>20)
	}
}

// Calls inside calls are kept on the goroutine's stack, which is memory as well. A stack grows by doubling, the old
// one beside the new one: so this much is over the limit for a moment.
func TestFact10DeepCallsCountAsMemory(t *testing.T) {
	const limit = 128 << 20
	h := build(t, plan{memory: limit}, methods{"deep": `local n = 0
local function f()
	n = n + 1
	if n == 89000 then outside("gate") return "x" end
	if n % 450 == 0 then pcall(f) return "y" end
	return (("x"):gsub("x", f))
end
f()`})
	close(h.gate("gate"))
	stop := make(chan struct{})
	most := peak(stop)
	o := <-background(h.start(), lane.Options{Limit: time.Minute}, "deep")
	close(stop)
	expectStopped(t, "the method", o.err, lane.ErrMemory)
	if all := (<-most)[1]; all > 3*limit {
		t.Errorf("heap and stacks were at %d MB, want less than three times %d", all>>20, limit>>20)
	}
}
