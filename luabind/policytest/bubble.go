package policytest

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// outcome is what came of one run of a test.
type outcome struct {
	failures []string
	log      []string
	notices  []string
	begins   time.Time // when the host is to be started, and the test is to run again; zero: it need not
}

// grace is how long a test whose time is over has to come to its end, in real time; then it is left alone.
const grace = 5 * time.Second

// attempt runs a test in a bubble of its own, with a host that starts at a time, or at the beginning of the bubble's.
func (r *runner) attempt(t *file, one test, begins time.Time) outcome {
	p := &play{runner: r, file: t, test: one, begins: begins}
	limit := time.AfterFunc(r.options.Limit, p.late.end) // outside of the bubble: real time
	defer limit.Stop()
	over := make(chan struct{})
	go func() { // ends with the test; one that cannot be stopped is left behind
		defer close(over)
		p.inBubble(p.run)
	}()
	last := time.NewTimer(r.options.Limit + grace)
	defer last.Stop()
	select {
	case <-over:
		return p.outcome()
	case <-last.C:
		p.fail("%s:%d: the test has not ended after %v and cannot be stopped: does it wait for something outside?", t.name, one.line, r.options.Limit+grace)
	}
	return p.record.close()
}

// inBubble runs f, which plays the test, in a bubble. A bubble needs a *testing.T, of which it uses nothing but the address: no test of
// package testing runs, and its flags and its output stay out of this program.
func (p *play) inBubble(f func()) {
	defer func() {
		if v := recover(); v != nil { // of the bubble: its goroutines wait for each other, or have not ended
			p.fail("%s:%d: %v", p.file.name, p.test.line, v)
		}
	}()
	synctest.Test(new(testing.T), func(*testing.T) {
		defer func() {
			if v := recover(); v != nil {
				p.fail("%s:%d: fault of the host: %v\n%s", p.file.name, p.test.line, v, debug.Stack())
			}
		}()
		f()
	})
}

// lateness says that a test has used its real time up. It is set from outside of the bubble, so it is no channel.
type lateness struct{ is atomic.Bool }

func (l *lateness) end() { l.is.Store(true) }

// record is what a test says of itself. Its methods may be called from any goroutine.
type record struct {
	mu       sync.Mutex
	failures []string
	log      []string
	notices  []string
	lines    int // of the log, those that were left out too
	closed   bool
}

// mostLines is how many lines of one test's log are kept, and mostFailures how many of its failures.
const (
	mostLines    = 1000
	mostFailures = 100
)

func (r *record) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && len(r.failures) < mostFailures {
		r.failures = append(r.failures, fmt.Sprintf(format, args...))
	}
}

func (r *record) print(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lines++; !r.closed && r.lines <= mostLines {
		r.log = append(r.log, line)
	}
}

// notice notes what is worth knowing also of a test that passes.
func (r *record) notice(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && len(r.notices) < mostFailures {
		r.notices = append(r.notices, text)
	}
}

// close gives what there is, and takes nothing more.
func (r *record) close() outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.lines > mostLines {
		r.log = append(r.log, fmt.Sprintf("... and %d more lines", r.lines-mostLines))
	}
	return outcome{failures: r.failures, log: r.log, notices: r.notices}
}
