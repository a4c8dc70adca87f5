package luabind_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/process"
)

// waitKinds are all ways to wait, each as a function of a number and of what all have: shared objects and signals.
// None comes to an end by itself.
var waitKinds = scripts{
	"waits.lua": `
local n, things = ...
local self = current_process()
local function object(i) return things.objects[i % #things.objects + 1] end
local function mine(i) return "semaphore " .. (n + i) % 40 end
local kinds = {
  function() delay_process(self, 1e9) end,
  function() pause_process(self) end,
  function() semaphore(mine(0), math.huge) delay_process(self, 1e9) end,
  function() semaphore(mine(1), 1e6) delay_process(self, 1e9) end,
  function() semaphore(mine(2)) semaphore(mine(3)) semaphore(mine(4), math.huge) pause_process(self) end,
  function() use(object(n), function() delay_process(self, 1e9) end) end,
  function() use(object(n), function() use(object(n + 1), function() use(object(n), function() pause_process(self) end) end) end) end,
  function() use(storage, function() use(session().storage, function() semaphore(mine(5), math.huge) end) end) end,
  function() things.signal:wait() end,
  function() things.signal:wait(1e6) end,
  function() coroutine.wrap(function() coroutine.wrap(function() delay_process(self, 1e9) end)() end)() end,
  function() try(function() semaphore(mine(6), math.huge) pause_process(self) end, function() pause_process(self) end) end,
  function() on_err_call("waits_for_ever") open_document("missing") end,
  function() on_err_call("waits_for_ever") error("x") end,
  function() create_document("document " .. self) delay_process(self, 1e9) end,
  function() -- a wait in the middle of another
    on_outside_call(function() semaphore(mine(7), math.huge) use(object(n), function() pause_process(self) end) end)
    post_outside_call(self)
    use(object(n + 2), function() things.signal:wait() end)
  end,
  function() -- which is over before it
    on_outside_call(function() delay_process(self, 1e9) end)
    post_outside_call(self)
    semaphore(mine(8), 1)
  end,
}
if n % #kinds + 1 == 14 then kinds[14]() end -- the error that ends it
while true do pcall(kinds[n % #kinds + 1]) delay_process(self, 1e9) end`,
	"waits_for_ever.lua": `delay_process(current_process(), 1e9)`,
	"begin.lua": `
local count, method = ...
local things = {objects = {}, signal = new_signal()}
for i = 1, 30 do things.objects[i] = new_shared_object() end
for i = 1, count do
  if i % 20 == 0 then
    call_worker("Worker " .. i, "waits_for_ever")
    call_worker("Worker " .. i, "waits_for_ever")
  elseif i % 20 == 1 then
    call_worker("Idle worker " .. i, "returns")
  else
    new_process(method, 0, "Process " .. i, i, things)
  end
end`,
	"returns.lua": ``,
	"aborts.lua":  `for _, id in ipairs {...} do abort_process_by_id(id) end`,
}

// Processes that are aborted while they wait, in whichever way, leave nothing: no lock, no document, no process, no
// goroutine.
func TestAbortedInEveryKindOfWait(t *testing.T) {
	for name, mark := range map[string]string{"cooperative": "", "preemptive": preemptiveMark} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			files := scripts{"waits_there.lua": mark + waitKinds["waits.lua"]}
			waitKinds.write(t, folder)
			files.write(t, folder)
			synctest.Test(t, func(t *testing.T) {
				h, err := open(folder, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				abortAll(t, h, rand.New(rand.NewPCG(1, 1)))
				h.close(t)
			})
		})
	}
}

// abortAll starts processes and aborts them one by one, in a random order; half of them by a script.
func abortAll(t *testing.T, h *house, r *rand.Rand) {
	const count = 5000
	if _, err := h.Start(host.Procedure{Method: "begin", Args: []any{int64(count), "waits_there"}, Type: process.ExecuteOnServer}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	waiting := running(h)
	if len(waiting) < count*9/10 {
		t.Errorf("got %d processes that wait, want about %d", len(waiting), count)
	}
	r.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	for i, p := range waiting {
		if i%2 == 0 {
			p.Kill(nil)
		} else if _, err := h.Start(host.Procedure{Method: "aborts", Args: []any{int64(p.ID())}, Type: process.ExecuteOnServer}); err != nil {
			t.Fatal(err)
		}
		if r.IntN(4) == 0 { // otherwise several end at once
			synctest.Wait()
		}
	}
	for left := running(h); len(left) > 0; left = running(h) { // workers that had one more message
		for _, p := range left {
			if p.Type() != process.Worker {
				t.Errorf("process %d %q is left, at %s", p.Number(), p.Name(), p.Place())
			}
			p.Kill(nil)
		}
		synctest.Wait()
	}
	if held := h.scripts.(still).Scripts.(*luabind.Engine).Held(); len(held) > 0 {
		t.Errorf("got %d things that are still held, the first %s", len(held), fmt.Sprint(held[0]))
	}
	if n := h.Documents().Count(); n != 0 {
		t.Errorf("got %d open documents, want none", n)
	}
}

// running are the processes that run scripts.
func running(h *house) []*process.Process {
	synctest.Wait()
	var all []*process.Process
	for _, p := range h.Processes().All() {
		if p.RunsScripts() {
			all = append(all, p)
		}
	}
	return all
}
