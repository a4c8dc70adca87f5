package command

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/document"
	"moongate/runtime/interprocess"
	"moongate/runtime/method"
	"moongate/runtime/process"
)

// bare is a host that has a process table only.
type bare struct {
	Host
	table process.Table
}

func (b *bare) Processes() *process.Table   { return &b.table }
func (b *bare) Documents() *document.Folder { return nil }

// workshop is two lanes with the methods of a folder and all commands.
type workshop struct {
	t        testing.TB
	host     bare
	commands *Commands
	lanes    [2]*lane.Lane
	set      *script.Set
}

func newWorkshop(t testing.TB, methods map[string]string) *workshop {
	t.Helper()
	w := &workshop{t: t}
	w.commands = New(&w.host, slog.New(slog.DiscardHandler))
	for n := range w.lanes {
		w.lanes[n] = lane.New(lane.Config{Number: n, Closed: w.commands.Closed}, func(vm *sandbox.VM) { w.commands.Install(vm, method.Server) })
	}
	known := script.Known{"_G": true}
	for _, name := range w.lanes[0].Names() {
		known[name] = true
	}
	folder := t.TempDir()
	for name, text := range methods {
		if err := os.WriteFile(filepath.Join(folder, name+".lua"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, err := script.Load(folder, known)
	if err != nil {
		t.Fatal(err)
	}
	w.set = set
	return w
}

// start makes a process and its program.
func (w *workshop) start(n int) *lane.Program {
	return w.lanes[n].NewProgram(w.host.table.Start(process.Spec{Type: process.OtherUser, Preemptive: n > 0}), w.set, nil)
}

// call runs a method in a process of its own, which ends with it.
func (w *workshop) call(n int, name string, args ...any) error {
	p := w.start(n)
	defer p.Process().End()
	defer p.Close()
	_, err := p.Call(lane.Options{}, name, args...)
	return err
}

func (w *workshop) mustCall(n int, name string, args ...any) {
	if err := w.call(n, name, args...); err != nil {
		w.t.Error(err)
	}
}

// expectNothingHeld is for the end of every test.
func (w *workshop) expectNothingHeld() {
	w.t.Helper()
	for _, held := range w.commands.Held() {
		w.t.Errorf("%s is left, of the process with id %d", held.What, held.Owner)
	}
}

// What a process holds lasts from call to call, and ends with its program.
func TestClosedProgramFreesAll(t *testing.T) {
	w := newWorkshop(t, map[string]string{
		"takes": `semaphore("a") semaphore("b") local co = coroutine.wrap(function() use(storage, function() coroutine.yield() end) end) co()`,
	})
	p := w.start(0)
	if _, err := p.Call(lane.Options{}, "takes"); err != nil {
		t.Fatal(err)
	}
	if n := len(w.commands.Held()); n != 3 {
		t.Errorf("between two calls: %d are held, want 3", n)
	}
	p.Close()
	w.expectNothingHeld()
}

// The process of the startup method lives on when its scripts have ended.
func TestClientManagerKeepsItsSemaphores(t *testing.T) {
	w := newWorkshop(t, map[string]string{"takes": `semaphore("a") use(storage, function() end)`})
	p := w.lanes[0].NewProgram(w.host.table.Start(process.Spec{Type: process.ClientManager}), w.set, nil)
	if _, err := p.Call(lane.Options{}, "takes"); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if held := w.commands.Held(); len(held) != 1 || held[0].Owner != interprocess.Owner(p.Process().ID()) {
		t.Errorf("got %v, want one semaphore", held)
	}
}

// A process is ended in each kind of wait, in both lanes, while another has what it waits for: by a kill, and by the
// deadline of its method.
func TestEndInEachWait(t *testing.T) { synctest.Test(t, endInEachWait) }

func endInEachWait(t *testing.T) {
	w := newWorkshop(t, map[string]string{
		"fills": `use(storage, function() storage.a = new_shared_object() storage.b = new_shared_collection() storage.signal = new_signal() end)`,
		"holds": `semaphore("a") use(storage.a, function() use(storage.b, function() use(storage, function()
			storage.signal:trigger() delay_process(current_process(), 1e9) end) end) end)`,
		"awaits": `storage.signal:wait()
			local waits = {
				function() semaphore("a", 1e9) end, function() semaphore("a", math.huge) end, function() use(storage.a, print) end,
				function() use(storage, print) end, function() storage.b:push(1) end, function() new_signal():wait() end,
				function() local o = new_shared_object() use(o, function() o.a = storage.a end) end, function() ob_remove(storage.a, "x") end,
			}
			pcall(waits[(...)]) while true do pcall(waits[(...)]) end`,
	})
	w.mustCall(0, "fills")
	cause := errors.New("a test ends it")
	holder, over := w.start(0), make(chan error, 1)
	go func() { // ends when its process is killed
		_, err := holder.Call(lane.Options{}, "holds")
		holder.Close()
		over <- err
	}()
	for kind := range int64(8) {
		for n := range w.lanes {
			w.endWhileWaiting(n, kind+1, lane.Options{}, cause)
			w.endWhileWaiting(n, kind+1, lane.Options{Limit: time.Second}, lane.ErrDeadline)
		}
	}
	for _, held := range w.commands.Held() {
		if len(held.Waiting) > 0 {
			t.Errorf("%s is waited for by %v", held.What, held.Waiting)
		}
	}
	holder.Process().Kill(cause)
	if err := <-over; !errors.Is(err, cause) {
		t.Errorf("who holds: got %v", err)
	}
	w.expectNothingHeld()
}

// endWhileWaiting starts a process that waits in some way, and ends it for a cause, if nothing else does.
func (w *workshop) endWhileWaiting(n int, kind int64, o lane.Options, cause error) {
	w.t.Helper()
	p, ended := w.start(n), make(chan error)
	go func() { // ends when its process is ended
		_, err := p.Call(o, "awaits", kind)
		p.Close()
		ended <- err
	}()
	synctest.Wait()
	if got := p.Process().State(); got != process.WaitingForInternalFlag {
		w.t.Errorf("kind %d in lane %d: the state is %s", kind, n, got)
	}
	if o.Limit == 0 {
		p.Process().Kill(cause)
	}
	if err := <-ended; !errors.Is(err, cause) {
		w.t.Errorf("kind %d in lane %d: got %v, want that it was ended: %v", kind, n, err, cause)
	}
}

// Processes of two lanes do as they like with few semaphores and objects, and some are ended. Nobody waits for ever.
func TestCrowd(t *testing.T) {
	w := newWorkshop(t, map[string]string{
		"fills": `use(storage, function() for i = 1, 4 do storage["o" .. i] = new_shared_object{n = 0, list = {}} end end)`,
		"acts": `
			local function act(depth)
				local n, object = math.random(8), storage["o" .. math.random(4)]
				if n == 1 then semaphore("s" .. math.random(3), math.random(0, 1))
				elseif n == 2 then semaphore("s" .. math.random(3), math.huge)
				elseif n == 3 then clear_semaphore("s" .. math.random(3))
				elseif n == 4 then object.list:push(depth) object.list:shift()
				elseif n == 5 then error("no")
				elseif depth < 3 then use(object, function() object.n = object.n + 1 act(depth + 1) object.n = object.n - 1 end) end
			end
			for i = 1, 60 do pcall(act, 0) end`,
	})
	w.mustCall(0, "fills")
	var crowd sync.WaitGroup
	for i := range 40 {
		crowd.Go(func() { // ends with its method, or with its process
			p := w.start(i % 2)
			if i%5 == 0 {
				go p.Process().Kill(nil) // returns at once
			}
			_, err := p.Call(lane.Options{}, "acts")
			if err != nil && !errors.Is(err, process.ErrEnded) {
				t.Error(err)
			}
			p.Close()
			p.Process().End()
		})
	}
	crowd.Wait()
	w.expectNothingHeld()
}

func BenchmarkSemaphoreInLua(b *testing.B) {
	w := newWorkshop(b, map[string]string{
		"alone": `for i = 1, (...) do semaphore("a") clear_semaphore("a") end`,
		"hands": `for i = 1, (...) do semaphore("a", math.huge) clear_semaphore("a") end`,
	})
	b.Run("take and clear", func(b *testing.B) {
		b.ReportAllocs()
		w.mustCall(0, "alone", int64(b.N))
	})
	for n, name := range []string{"hand-over in a lane", "two lanes"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var both sync.WaitGroup
			both.Go(func() { w.mustCall(0, "hands", int64(b.N/2)) }) // ends with its loop
			both.Go(func() { w.mustCall(n, "hands", int64(b.N/2)) }) // the same
			both.Wait()
		})
	}
}

func BenchmarkSharedInLua(b *testing.B) {
	w := newWorkshop(b, map[string]string{
		"fills":  `use(storage, function() storage.flags = new_shared_object{exit_now = false, n = 1} storage.list = new_shared_collection(1, 2) end)`,
		"reads":  `for i = 1, (...) do local flags = storage.flags end`,
		"values": `local flags = storage.flags for i = 1, (...) do local n = flags.n end`,
		"lists":  `local list = storage.list for i = 1, (...) do local n = list[2] end`,
		"writes": `local flags, n = storage.flags, ... use(flags, function() for i = 1, n do flags.n = i end end)`,
		"uses":   `local flags = storage.flags local function f() end for i = 1, (...) do use(flags, f) end`,
	})
	w.mustCall(0, "fills")
	for _, name := range []string{"reads", "values", "lists", "writes", "uses"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w.mustCall(0, name, int64(b.N))
		})
	}
}
