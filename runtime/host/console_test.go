package host_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
)

// desk is a local host with a console, in a bubble.
type desk struct {
	*host.Host
	t       *testing.T
	log     *logbook
	console *host.Console
	over    chan host.Report
}

// sitDown runs a local host in a bubble. What do has not ended is quit afterwards; then nothing may be left.
func sitDown(t *testing.T, f files, do func(t *testing.T, d *desk)) {
	t.Helper()
	folder := f.write(t)
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t, log: &logbook{start: time.Now()}, over: make(chan host.Report, 1)}
		log := slog.New(d.log)
		d.Host = host.New(host.Config{Role: method.Local, Log: log, MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond, QuitWindow: 13 * time.Second})
		scripts, err := luabind.Open(host.ScriptsConfig{Folder: folder, Role: method.Local, Log: log, Slice: 10 * time.Millisecond, Host: d.Host})
		if err != nil {
			t.Fatal(err)
		}
		d.SetScripts(quiet{scripts})
		opened := make(chan struct{})
		go func() { // ends with the host
			report, _ := d.Host.Run(func() { close(opened) }, func() {})
			d.over <- report
		}()
		<-opened
		if d.AwaitStartup(t.Context(), false) {
			if d.console, err = d.OpenConsole(); err != nil {
				t.Fatal(err)
			}
		}
		do(t, d)
		d.Quit(0)
		if d.over != nil {
			d.ends()
		}
	})
}

// ends waits for the end of the host, which must have left this.
func (d *desk) ends(left ...string) {
	d.t.Helper()
	report := <-d.over
	d.over = nil
	if got, want := strings.Join(report.Left, "|"), strings.Join(left, "|"); got != want {
		d.t.Errorf("what was left: got %q, want %q", got, want)
	}
	if len(d.log.with("script failed")) > 0 {
		d.t.Errorf("got %v, want no failed script: what is typed fails at its console", d.log.with("script failed"))
	}
	for _, p := range d.Processes().All() {
		if p.RunsScripts() {
			d.t.Errorf("process %d, %s, is left", p.Number(), p.Name())
		}
	}
}

// expect runs a text and checks what it gives, or "error: " and the message.
func (d *desk) expect(text, want string) {
	d.t.Helper()
	got, err := d.console.Run(context.Background(), text, 1)
	if err != nil {
		got = "error: " + err.Error()
	}
	if got != want {
		d.t.Errorf("%s: got %q, want %q", text, got, want)
	}
}

func TestAConsoleIsAProcess(t *testing.T) {
	sitDown(t, nil, func(t *testing.T, d *desk) {
		number, name := d.console.Process()
		expect(t, "name", name, "P_1")
		p := d.Processes().Get(number)
		synctest.Wait()
		expect(t, "state", p.State(), process.WaitingForUserEvent)
		expect(t, "type", p.Type().String(), "created from execution dialog")
		d.expect("x = 1", "")
		d.expect("x + 1, process_state(current_process())", "2\n0")
		d.expect("if x", "error: console:1: syntax error at the end: is an 'end' missing for the 'if' in line 1?")
		d.expect("error('on purpose')", "error: console:1: on purpose")
		d.expect("count_connections()", "error: console:1: count_connections: that is not here; it is for: serve")
		d.expect("delay_process(current_process(), 60 * 5)", "")
		expect(t, "time", time.Since(d.log.start), 5*time.Second)
		d.expect("x", "1")
		d.expect("count_user_processes()", "2")
	})
}

func TestATextIsInterrupted(t *testing.T) {
	sitDown(t, nil, func(t *testing.T, d *desk) {
		d.expect("x = 1 semaphore('mine')", "")
		for text, want := range map[string]string{
			"delay_process(current_process(), 1e9)":                                        "console:1: interrupted",
			"pause_process(current_process())":                                             "console:1: interrupted",
			"new_signal():wait()":                                                          "console:1: interrupted",
			"while true do delay_process(current_process(), 60) end":                       "console:1: interrupted",
			"while true do pcall(function() delay_process(current_process(), 60) end) end": "console:1: interrupted",
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			began := time.Now()
			_, err := d.console.Run(ctx, text, 1)
			cancel()
			if err == nil || err.Error() != want || time.Since(began) != 10*time.Second {
				t.Errorf("%s: got %v after %v, want %s", text, err, time.Since(began), want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.console.Run(ctx, "while true do end", 1); err == nil || err.Error() != "console:1: interrupted" {
			t.Errorf("before it began: got %v", err)
		}
		d.expect("x, test_semaphore('mine'), current_process_name()", "1\ntrue\n\"P_1\"")
	})
}

func TestAConsoleAtItsPromptAnswers(t *testing.T) {
	sitDown(t, files{"calls.lua": "post_outside_call(2) set_process_variable(2, 'given', 7)"}, func(t *testing.T, d *desk) {
		d.expect("on_outside_call(function() called = (called or 0) + 1 end)", "")
		d.expect("new_process('calls', 0)", "3")
		synctest.Wait()
		d.expect("called, given", "1\n7")
		d.expect("pause_process(1) resume_process(current_process())", "")
	})
}

// A console at which nothing runs keeps nobody from ending, and is not named among those who did not end.
func TestAConsoleAtRestEndsWithTheHost(t *testing.T) {
	for name, f := range map[string]files{"on_exit": {"on_exit.lua": "delay_process(current_process(), 60)"}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			sitDown(t, f, func(t *testing.T, d *desk) {
				d.expect("x = 1", "")
				select {
				case <-d.console.Over():
					t.Error("it is over before anybody quits")
				default:
				}
				d.Interrupt()
				<-d.console.Over()
				d.ends()
				if _, err := d.console.Run(t.Context(), "x", 1); !errors.Is(err, host.ErrStopped) {
					t.Errorf("got %v, want %v", err, host.ErrStopped)
				}
			})
		})
	}
}

func TestQuit4DStopsItsConsole(t *testing.T) {
	sitDown(t, files{"on_exit.lua": "delay_process(current_process(), 60 * 3)"}, func(t *testing.T, d *desk) {
		if _, err := d.console.Run(t.Context(), "quit_4d() x = 1", 1); !errors.Is(err, host.ErrStopped) {
			t.Errorf("got %v, want %v", err, host.ErrStopped)
		}
		d.ends()
		expect(t, "time", time.Since(d.log.start), 3*time.Second)
	})
}

func TestATextThatRunsIsWaitedFor(t *testing.T) {
	for text, left := range map[string][]string{
		"while not process_aborted() do delay_process(current_process(), 60) end": nil,
		"while true do delay_process(current_process(), 60) end":                  {`process 2 "P_1" (console) at console:1`},
	} {
		sitDown(t, files{"on_exit.lua": ""}, func(t *testing.T, d *desk) {
			result := make(chan error, 1)
			go func() { // ends with the text
				_, err := d.console.Run(t.Context(), text, 1)
				result <- err
			}()
			synctest.Wait()
			d.Quit(0)
			d.ends(left...)
			if err := <-result; err != nil && !errors.Is(err, host.ErrStopped) {
				t.Errorf("%s: got %v", text, err)
			}
		})
	}
}

func TestAnAbortedConsoleHasAnotherProcess(t *testing.T) {
	sitDown(t, nil, func(t *testing.T, d *desk) {
		d.expect("x = 1 semaphore('mine')", "")
		const ended = "process 2, P_1, has ended, and with it its variables; what comes next runs in another one"
		d.expect("abort()", "error: console:1: abort was called\n"+ended)
		d.expect("x, test_semaphore('mine'), current_process_name()", "nil\nfalse\n\"P_2\"")
		number, _ := d.console.Process()
		d.Processes().Get(number).Kill(nil) // at the prompt
		synctest.Wait()
		expect(t, "lines about aborts", len(d.log.with("process aborted")), 2)
		d.expect("current_process_name()", `"P_3"`)
	})
}

func TestAConsoleWaitsForOnStartup(t *testing.T) {
	const startup = "interprocess.n = 1 delay_process(current_process(), 60 * 7) interprocess.n = 2"
	sitDown(t, files{"on_startup.lua": startup}, func(t *testing.T, d *desk) {
		d.expect("interprocess.n", "1") // it has begun, and waits
		expect(t, "goes on", d.AwaitStartup(t.Context(), true), true)
		expect(t, "time", time.Since(d.log.start), 7*time.Second)
		d.expect("interprocess.n", "2")
	})
	sitDown(t, files{"on_startup.lua": "error('on purpose')"}, func(t *testing.T, d *desk) {
		expect(t, "there is a console", d.console != nil, false)
		expect(t, "goes on", d.AwaitStartup(t.Context(), true), false)
		if _, err := d.OpenConsole(); !errors.Is(err, host.ErrStopped) {
			t.Errorf("got %v, want %v", err, host.ErrStopped)
		}
	})
}
