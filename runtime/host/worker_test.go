package host_test

import (
	"errors"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
)

// call posts a message for nobody in particular.
func (s *server) call(worker, name string, args ...any) {
	s.t.Helper()
	if err := s.CallWorker(process.Address{Name: worker}, process.Message{Method: name, Args: args}, nil); err != nil {
		s.t.Error(err)
	}
}

// Each message finds the scripts as they are then; the worker's variables stay.
func TestAWorkerTakesTheNewestScripts(t *testing.T) {
	f := files{"adds.lua": `n = (n or 0) + 1 print(">", "old", n, require("lib.word"))`, "lib/word.lua": `return "one"`}
	folder := f.write(t)
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{start: time.Now()}
		s := &server{t: t, log: log, over: make(chan struct{})}
		s.Host = host.New(host.Config{Log: slog.New(log), MethodTimeout: time.Second, Slice: 10 * time.Millisecond, QuitWindow: time.Second})
		scripts, err := luabind.Open(host.ScriptsConfig{Folder: folder, Role: method.Server, Log: slog.New(log), Host: s.Host})
		if err != nil {
			t.Fatal(err)
		}
		s.scripts = scripts
		s.SetScripts(quiet{scripts})
		go func() {
			defer close(s.over)
			s.report, s.err = s.Run(func() {}, func() { s.shut.Add(1) })
		}()
		defer s.finish()
		synctest.Wait()
		s.call("Clerk", "adds")
		synctest.Wait()
		if err := os.WriteFile(folder+"/adds.lua", []byte(`n = n + 1 print(">", "new", n, require("lib.word"))`), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(folder+"/lib/word.lua", []byte(`return "two"`), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := scripts.Reload(); err != nil {
			t.Fatal(err)
		}
		s.call("Clerk", "adds")
		s.call("Clerk", "adds")
		s.expectNotes("0s: old 1 one", "0s: new 2 two", "0s: new 3 two")
	})
}

func TestWorkersAtTheShutdown(t *testing.T) {
	serve(t, files{
		"idle.lua": "", "busy.lua": "delay_process(current_process(), 3600)",
		"on_server_shutdown.lua": "delay_process(current_process(), 60)",
	}, func(t *testing.T, s *server) {
		s.call("Idle", "idle")
		s.call("Busy", "busy") // woken once, it ends by itself
		s.call("Stuck", "busy")
		s.call("Stuck", "busy")
		s.call("Stuck", "busy")
		synctest.Wait()
		s.Quit(0)
		s.wait()
		expect(t, "duration", s.took, time.Second)
		if len(s.report.Left) != 1 || !strings.HasPrefix(s.report.Left[0], `process 5 "Stuck" (busy) at busy.lua:1`) {
			t.Errorf("got %q as what did not end by itself, want the worker that was at work", s.report.Left)
		}
		lost := s.log.with("messages of a worker are lost")
		if len(lost) != 1 || lost[0].attrs["name"] != "Stuck" || lost[0].attrs["messages"] != "1" {
			t.Errorf("got %v, want that one message was lost", lost)
		}
		if err := s.CallWorker(process.Address{Name: "Late"}, process.Message{Method: "idle"}, nil); !errors.Is(err, host.ErrStopped) {
			t.Errorf("a message after the end: got %v", err)
		}
	})
}

// Messages to workers that die all the time are not lost: each is carried out, whoever is killed between two of them.
func TestMessagesToWorkersThatDie(t *testing.T) {
	serve(t, files{
		"counts.lua": `interprocess.n = (interprocess.n or 0) + 1 abort_process_by_id(process_info(current_process()).id)`,
		"shows.lua":  `print(">", "counted", interprocess.n)`,
	}, func(t *testing.T, s *server) {
		for i := range 1000 {
			s.call("Mayfly", "counts")
			if i%3 == 0 {
				synctest.Wait() // otherwise the message comes while the worker lives, or dies
			}
		}
		synctest.Wait()
		s.call("Clerk", "shows")
		if n := s.notes(); len(n) != 1 || n[0] != "0s: counted 1000" {
			t.Errorf("got %q, want that 1000 were counted", n)
		}
	})
}

func BenchmarkNewProcessToEnd(b *testing.B) {
	h, _ := newHostScripts(b, files{"job.lua": "x = ..."})
	b.ReportAllocs()
	for b.Loop() {
		changed := h.Processes().Changed()
		if _, err := h.Start(host.Procedure{Method: "job", Args: []any{int64(1)}, Type: process.ExecuteOnServer}); err != nil {
			b.Fatal(err)
		}
		<-changed
	}
}

// BenchmarkCallWorker is a message there and one back, between two workers that wait for each other.
func BenchmarkCallWorker(b *testing.B) {
	for _, lanes := range []string{"the same lane", "two lanes"} {
		b.Run(lanes, func(b *testing.B) {
			mark := ""
			if lanes == "two lanes" {
				mark = "--%attributes = {\"preemptive\":\"capable\"}\n"
			}
			h, _ := newHostScripts(b, files{
				"ping.lua":  `local n = ... if n > 0 then call_worker("pong", "pong", n) else kill_worker("pong") kill_worker() end`,
				"pong.lua":  mark + `local n = ... call_worker("ping", "ping", n - 1)`,
				"start.lua": "", "turns.lua": "",
			})
			b.ReportAllocs()
			b.ResetTimer()
			if err := h.CallWorker(process.Address{Name: "ping"}, process.Message{Method: "ping", Args: []any{int64(b.N)}}, nil); err != nil {
				b.Fatal(err)
			}
			for changed := h.Processes().Changed(); h.Processes().Count(nil) > 1; changed = h.Processes().Changed() {
				<-changed
			}
		})
	}
}

// BenchmarkCallWorkerOnly is the sender's part.
func BenchmarkCallWorkerOnly(b *testing.B) {
	h, _ := newHostScripts(b, files{"counts.lua": "n = (n or 0) + 1"})
	m := process.Message{Method: "counts", Args: []any{int64(1)}}
	b.ReportAllocs()
	for b.Loop() {
		for h.CallWorker(process.Address{Name: "counter"}, m, nil) != nil {
			runtime.Gosched() // the box is full
		}
	}
}

// BenchmarkGetProcessVariable reads a variable of a process in the same lane, and of one in another.
func BenchmarkGetProcessVariable(b *testing.B) {
	for _, mark := range []string{"", "--%attributes = {\"preemptive\":\"capable\"}\n"} {
		b.Run(map[string]string{"": "the same lane"}[mark]+map[bool]string{true: "another lane"}[mark != ""], func(b *testing.B) {
			h, scripts := newHostScripts(b, files{
				"keeps.lua": mark + "x = 1 pause_process(current_process())",
				"reads.lua": "local n, times = ... for i = 1, times do get_process_variable(n, 'x') end",
			})
			n, err := h.Start(host.Procedure{Method: "keeps"})
			if err != nil {
				b.Fatal(err)
			}
			reader := h.Processes().Start(process.Spec{})
			program := scripts.NewProgram(reader, nil)
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := program.Call(host.CallOptions{}, "reads", int64(n), int64(b.N)); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkDelayedProcesses keeps many processes delayed at once; B/process is what each takes in memory, and RSS/process
// what the operating system sees of it.
func BenchmarkDelayedProcesses(b *testing.B) {
	const processes = 100_000
	for b.Loop() {
		h, _ := newHostScripts(b, files{"waits.lua": "delay_process(current_process(), 60 * 60 * 60)"})
		before, resident := memoryInUse(), rss()
		for range processes {
			if _, err := h.Start(host.Procedure{Method: "waits", Type: process.ExecuteOnServer}); err != nil {
				b.Fatal(err)
			}
		}
		delayed := func() bool {
			for n := process.Number(processes + 1); n > 1; n-- {
				if h.Processes().State(n) != process.Delayed {
					return false
				}
			}
			return true
		}
		for !delayed() {
			time.Sleep(time.Millisecond)
		}
		var stats runtime.MemStats
		after := memoryInUse()
		runtime.ReadMemStats(&stats)
		b.ReportMetric(float64(after-before)/processes, "B/process")
		b.ReportMetric(float64(rss()-resident)/processes, "RSS/process")
		b.ReportMetric(float64(stats.StackInuse)/processes, "stack/process")
		for _, p := range h.Processes().All() {
			p.Kill(nil)
		}
		for changed := h.Processes().Changed(); h.Processes().Count(nil) > 1; changed = h.Processes().Changed() {
			<-changed
		}
	}
}

// BenchmarkWakeUps has many delayed processes of which a hundred wake in each millisecond, each to be delayed again for a
// second; ms-worst is the latest of all wake-ups, in whole milliseconds.
func BenchmarkWakeUps(b *testing.B) {
	const processes, perMillisecond = 100_000, 100
	for b.Loop() {
		h, scripts := newHostScripts(b, files{
			"wakes.lua": `
				local first, rounds = ...
				local due = first
				for i = 0, rounds do
					delay_process(current_process(), (due - milliseconds()) * 60 / 1000)
					local late = milliseconds() - due
					if late > (interprocess.worst or 0) then interprocess.worst = late end
					if late >= 5 then interprocess.late = (interprocess.late or 0) + 1 end
					interprocess.wakes = (interprocess.wakes or 0) + 1
					due = due + 1000
				end`,
			"now.lua":   `return milliseconds()`,
			"worst.lua": `return interprocess.worst or 0, interprocess.late or 0, interprocess.wakes or 0`,
		})
		observer := scripts.NewProgram(h.Processes().Start(process.Spec{}), nil)
		ask := func(name string) []any {
			results, err := observer.Call(host.CallOptions{}, name)
			if err != nil {
				b.Fatal(err)
			}
			return results
		}
		begin := ask("now")[0].(int64) + 6000 // by then all have been started
		for i := range processes {
			first := begin + int64(i/perMillisecond)
			if _, err := h.Start(host.Procedure{Method: "wakes", Args: []any{first, int64(3)}, Type: process.ExecuteOnServer}); err != nil {
				b.Fatal(err)
			}
		}
		worst := ask("worst")
		for ; worst[2].(int64) < 4*processes; worst = ask("worst") {
			time.Sleep(100 * time.Millisecond) // looking at each end would hold the wake-ups up
		}
		b.ReportMetric(float64(worst[0].(int64)), "ms-worst")
		b.ReportMetric(float64(worst[1].(int64)), "late")
		b.ReportMetric(float64(worst[2].(int64)), "wakes")
	}
}

// rss is the program's resident memory in bytes, 0 where that is not known.
func rss() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// Whoever looks at the processes, and then at each, may meet one that has ended meanwhile: it was not left behind.
func TestWhoHasEndedHasNothingToDo(t *testing.T) {
	serve(t, files{}, func(t *testing.T, s *server) {
		p := s.Processes().Start(process.Spec{Type: process.OtherUser})
		expect(t, "while it lives", s.Busy(p), true)
		p.End()
		expect(t, "when it has ended", s.Busy(p), false)
	})
}
