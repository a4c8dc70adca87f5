package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"moongate/runtime/simulate"
)

// notes is what a simulation tells people meanwhile, beside the report: lines, and on a terminal a line that shows
// how far it is, below them. Its methods may be called from any goroutine.
type notes struct {
	screen *screen

	mu      sync.Mutex
	current string // the line that is shown now; "" none
}

func newNotes(s *screen) *notes { return &notes{screen: s} }

// say writes a line for people.
func (n *notes) say(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	shown := n.current
	n.drawLocked("")
	for line := range strings.Lines(text) {
		fmt.Fprintln(n.screen, printable(strings.TrimSuffix(line, "\n")))
	}
	n.drawLocked(shown)
}

// drawLocked has the line show a text. It needs a terminal if that is not "".
func (n *notes) drawLocked(line string) {
	if line != n.current {
		fmt.Fprint(n.screen, "\r"+wholeLine+line)
	}
	n.current = line
}

// redrawEvery is the time from one look at the progress to the next.
const redrawEvery = 200 * time.Millisecond

// show shows the progress of a run, if there is a terminal, until the function it gives is called, which waits for
// that.
func (n *notes) show(run *simulate.Run) (end func()) {
	if !n.screen.terminal {
		return func() {}
	}
	over := make(chan struct{})
	var drawing sync.WaitGroup
	drawing.Go(func() { // ends when end is called
		ticker := time.NewTicker(redrawEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				n.draw(progressLine(run.Progress(), n.screen.columns(), n.screen.colors))
			case <-over:
				n.draw("")
				return
			}
		}
	})
	return func() {
		close(over)
		drawing.Wait()
	}
}

func (n *notes) draw(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drawLocked(line)
}

// Bounds of the bar's length, in columns.
const (
	longestBar  = 30
	shortestBar = 5
)

// progressLine is how far a run is, in less than so many columns: in the last one a terminal would go to the next
// line. Where there is little room the bar goes first, then words.
func progressLine(p simulate.Progress, columns int, blocks bool) string {
	if columns <= 0 {
		columns = 80
	}
	share := min(1, p.Elapsed.Seconds()/p.Duration.Seconds())
	state := fmt.Sprintf("%3.0f%%  ", share*100)
	if left := p.Duration - p.Elapsed; left > 0 {
		state += lasted(left.Round(100*time.Millisecond).Seconds()) + " left"
	} else {
		state += "the last ones leave"
	}
	for _, c := range []struct {
		n    int64
		what string
	}{{int64(p.Open), "there"}, {p.Accepted, "accepted"}, {p.Refused, "refused"}, {p.Failed, "failed"}, {p.Lost, "lost"}} {
		if c.n > 0 {
			state += fmt.Sprintf("  %d %s", c.n, c.what)
		}
	}
	room := columns - 1 - displayWidth(state) - len("[] ")
	if room < shortestBar {
		return cutTo(state, columns-1)
	}
	return "[" + bar(share, min(room, longestBar), blocks) + "] " + state
}
