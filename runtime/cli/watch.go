package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"moongate/runtime/admin"
)

// watch shows the shutdown of a server as its events come: on a terminal who is waited for stands on one line that is
// written over, elsewhere there is a line for each change. It is one goroutine's.
type watch struct {
	out  *screen
	json bool // the events are written as they came, one a line

	drawn  bool          // a line stands on the terminal that is to be written over
	told   string        // who is waited for, as last written; without the time that is left
	quit   *admin.Quit   // as last seen
	stages []admin.Stage // that are over, as seen
	code   int           // after the event ended: the exit code
}

// see takes the next event.
func (w *watch) see(e *admin.Event, raw json.RawMessage) {
	if e.Quit != nil {
		w.quit = e.Quit
	}
	if e.Kind == "stage" && e.Stage != nil {
		w.stages = append(w.stages, *e.Stage)
	}
	if e.Kind == "ended" {
		w.conclude(e)
	}
	if w.json {
		fmt.Fprintln(w.out, inert(raw))
		return
	}
	switch e.Kind {
	case "quit", "waiting":
		w.wait()
	case "stage":
		if e.Stage != nil {
			w.say(stageText(e.Stage))
		}
	case "ended":
		w.report(e)
	}
}

// wait shows who is waited for.
func (w *watch) wait() {
	if w.quit == nil || w.quit.Waiting == 0 || !w.quit.Cancelable {
		return
	}
	if w.out.terminal {
		line := cutTo(printable(waitingFor(w.quit)+whoWaits(w.quit)), max(1, w.out.columns()-1))
		fmt.Fprintf(w.out, "\r%s\x1b[K", line)
		w.drawn = true
		return
	}
	who := fmt.Sprint(w.quit.Waiting, w.quit.Mode, w.quit.Until, w.quit.Connected)
	if who != w.told {
		w.told = who
		w.say(waitingFor(w.quit) + whoWaits(w.quit))
	}
}

// say writes a line that stays.
func (w *watch) say(text string) {
	w.clear()
	fmt.Fprintln(w.out, printable(text))
}

// clear takes the line away that is written over.
func (w *watch) clear() {
	if w.drawn {
		fmt.Fprint(w.out, "\r\x1b[K")
		w.drawn = false
	}
}

// cancelable reports whether the quit can still be canceled, as far as was seen.
func (w *watch) cancelable() bool {
	for _, s := range w.stages {
		if s.Stage == "wait for the clients" {
			return false
		}
	}
	return w.quit == nil || w.quit.Cancelable
}

// conclude takes what the last event says of the end.
func (w *watch) conclude(e *admin.Event) {
	if e.Quit != nil && len(e.Quit.Stages) >= len(w.stages) { // those that were over before the events began are there too
		w.stages = e.Quit.Stages
	}
	switch {
	case e.Exit != nil && *e.Exit != ExitStopped:
		w.code = min(*e.Exit, ExitFailed)
	case e.Exit != nil || len(w.left()) > 0:
		w.code = ExitStopped
	default:
		w.code = ExitClean
	}
}

// left is what did not end by itself, with the stage.
func (w *watch) left() []string {
	var all []string
	for _, s := range w.stages {
		for _, what := range s.Left {
			all = append(all, fmt.Sprintf("%s (%s)", what, s.Stage))
		}
	}
	return all
}

// report says how it ended.
func (w *watch) report(e *admin.Event) {
	took := 0.0
	for _, s := range w.stages {
		took += s.Duration
	}
	if e.Exit != nil && *e.Exit == ExitFailed {
		w.say("the server failed: " + e.Text)
	}
	left := w.left()
	if len(left) == 0 {
		w.say(fmt.Sprintf("the server has stopped, after %s", lasted(took)))
		return
	}
	w.say(fmt.Sprintf("the server has stopped, after %s; this did not end by itself:", lasted(took)))
	for _, what := range left {
		w.say("  " + what)
	}
}

// stageText is a stage that is over, in a line.
func stageText(s *admin.Stage) string {
	text := fmt.Sprintf("%s: %s", s.Stage, lasted(s.Duration))
	if n := len(s.Left); n > 0 {
		text += fmt.Sprintf("; %d did not end by %s", n, map[bool]string{true: "itself", false: "themselves"}[n == 1])
	}
	return text
}

// waitingFor says for how many clients a quit waits, and how long.
func waitingFor(q *admin.Quit) string {
	if !q.Cancelable {
		return "the server is being ended"
	}
	text := "waiting for " + counted(q.Waiting, "client", "clients")
	switch {
	case !q.Until.IsZero():
		return text + ", " + lasted(q.Left) + " left"
	case q.Mode == "wait-active":
		return text + ", sleeping ones not counted"
	}
	return text + ", without a limit"
}

// namedInProgress is how many clients are named while they are waited for.
const namedInProgress = 3

// whoWaits names a few of those who are waited for.
func whoWaits(q *admin.Quit) string {
	named := q.Connected[:min(len(q.Connected), namedInProgress)]
	if len(named) == 0 {
		return ""
	}
	text := ": " + strings.Join(named, "; ")
	if more := q.Waiting - len(named); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
