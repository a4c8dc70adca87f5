package host_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/process"
)

// The main process of a local host is a worker once on_startup has returned; its variables stay.
func TestTheMainProcessIsAWorker(t *testing.T) {
	sitDown(t, files{
		"on_startup.lua": `x = "set" call_worker(1, "adds", 1) delay_process(current_process(), 60) over = true`,
		"adds.lua":       `local i = ... n = (n or 0) + i seen = over and current_process()`,
		"sleeps.lua":     `delay_process(current_process(), 60)`,
	}, func(t *testing.T, d *desk) {
		d.expect("call_worker(1, 'adds', 10) call_worker('Main process', 'adds', 100)", "")
		d.expect("get_process_variable(1, 'x', 'n', 'over')", "\"set\"\nnil\nnil")
		time.Sleep(time.Second)
		synctest.Wait()
		d.expect("get_process_variable(1, 'n', 'seen')", "111\n1")
		d.expect("call_worker(1, '') call_worker(1, 'sleeps') delay_process(current_process(), 6)", "")
		d.expect("process_state(1)", "1")
		d.expect("call_worker(1, 'adds', 1000) kill_worker(1) delay_process(current_process(), 60)", "")
		d.expect("process_state(1), get_process_variable(1, 'n')", "2\n111")
		d.expect("set_process_variable(1, 'n', 5) call_worker(1, 'adds', 1) delay_process(current_process(), 6)", "")
		d.expect("get_process_variable(1, 'n', 'x')", "6\n\"set\"")
		expect(t, "state", d.Processes().Get(1).State(), process.WaitingForUserEvent)
	})
}

// The window ends as soon as nobody has anything to do any more, also when that is no process's end.
func TestTheWindowEndsWhenAllRest(t *testing.T) {
	for name, f := range map[string]files{
		"a worker has done what it had to do": {"on_startup.lua": `call_worker("w", "deaf")`},
		"the main process has":                {"on_startup.lua": `call_worker(1, "deaf")`},
		"somebody else calls quit_4d":         {"on_startup.lua": `new_process("deaf", 0, "", true)`},
		"a worker calls quit_4d":              {"on_startup.lua": `call_worker("w", "deaf", true)`},
	} {
		t.Run(name, func(t *testing.T) {
			f["deaf.lua"] = `for i = 1, 3 do delay_process(current_process(), 60) end if ... then quit_4d() end`
			f["on_exit.lua"] = ""
			sitDown(t, f, func(t *testing.T, d *desk) {
				synctest.Wait()
				began := time.Now()
				d.Quit(0)
				d.ends()
				if took := time.Since(began); took < 2*time.Second || took > 2100*time.Millisecond { // its first wait was ended
					t.Errorf("the shutdown took %v, want 2s", took)
				}
			})
		})
	}
}

// on_exit that calls quit_4d stops there, as every caller does, and nobody waits for it.
func TestQuit4DInOnExit(t *testing.T) {
	sitDown(t, files{"on_exit.lua": `delay_process(current_process(), 60) quit_4d() interprocess.goes_on = true`}, func(t *testing.T, d *desk) {
		began := time.Now()
		d.Quit(0)
		d.ends()
		if took := time.Since(began); took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("the shutdown took %v, want 1s", took)
		}
	})
}

// on_startup that does not end is named, and is not said to run on when it was killed.
func TestOnStartupThatDoesNotEnd(t *testing.T) {
	sitDown(t, files{"on_startup.lua": `while true do delay_process(current_process(), 60) end`, "on_exit.lua": ""}, func(t *testing.T, d *desk) {
		d.Quit(0)
		d.ends(`process 1 "Main process" (on_startup) at on_startup.lua:1`)
	})
}

// Of very many processes that did not end by themselves the report names some, and counts the others.
func TestVeryManyThatDidNotEnd(t *testing.T) {
	sitDown(t, files{"on_startup.lua": `for i = 1, 300 do new_process("waits", 0) end`, "waits.lua": "pause_process(current_process())"}, func(t *testing.T, d *desk) {
		synctest.Wait()
		d.Quit(0)
		report := <-d.over
		d.over = nil
		if len(report.Left) != 201 || report.Left[200] != "100 more processes" || !strings.HasSuffix(report.Left[199], "(waits) at waits.lua:1") {
			t.Errorf("got %d lines, the last %q, want 200 and the number of the others", len(report.Left), report.Left[max(0, len(report.Left)-2):])
		}
	})
}
