package host

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/measure"
	"moongate/runtime/method"
)

// MethodReport is what became of the calls of one method.
type MethodReport struct {
	Method    string
	Event     bool // a database method
	Durations measure.Snapshot
	Errors    int64
	LastError string
	LastAt    time.Time // of the last error
}

// tally is what is kept of the calls of one method.
type tally struct {
	durations measure.Histogram
	errors    atomic.Int64

	mu     sync.Mutex
	last   string
	lastAt time.Time
}

func (a *tally) failed(err error) {
	a.errors.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last, a.lastAt = err.Error(), time.Now()
}

// Outcome is what a verdict was.
type Outcome struct {
	Accepted bool
	Listener string // or the gate's name
	Code     int64
	By       string // the check that refused; "" is the open method
}

// mostOutcomes is how many different outcomes are told apart: the codes are the scripts'. The others are counted under
// OtherCode.
const mostOutcomes = 256

// OtherCode stands for all codes that came after too many different ones.
const OtherCode = -1 << 40

// measures are the counts that reports and metrics are made of.
type measures struct {
	methods sync.Map // name -> *tally

	mu       sync.Mutex
	outcomes map[Outcome]int64

	reloads, failedReloads atomic.Int64
}

// tally is that of a method, made at its first call.
func (m *measures) tally(name string) *tally {
	if a, ok := m.methods.Load(name); ok {
		return a.(*tally)
	}
	a, _ := m.methods.LoadOrStore(name, &tally{})
	return a.(*tally)
}

func (m *measures) count(o Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.outcomes[o]; !known {
		if m.outcomes == nil {
			m.outcomes = map[Outcome]int64{}
		}
		if len(m.outcomes) >= mostOutcomes {
			o.Code = OtherCode
		}
	}
	m.outcomes[o]++
}

// Outcomes are the verdicts since the start, counted by what they were.
func (h *Host) Outcomes() map[Outcome]int64 {
	h.measures.mu.Lock()
	defer h.measures.mu.Unlock()
	return maps.Clone(h.measures.outcomes)
}

// Reloads is how often changed scripts were taken into use, and how often they were not because of an error.
func (h *Host) Reloads() (loaded, failed int64) {
	return h.measures.reloads.Load(), h.measures.failedReloads.Load()
}

// MethodReports tells what became of the calls of every method that was called, by name.
func (h *Host) MethodReports() []MethodReport {
	var all []MethodReport
	h.measures.methods.Range(func(name, value any) bool {
		a := value.(*tally)
		a.mu.Lock()
		defer a.mu.Unlock()
		all = append(all, MethodReport{
			Method: name.(string), Event: method.IsEvent(name.(string)), Durations: a.durations.Snapshot(),
			Errors: a.errors.Load(), LastError: a.last, LastAt: a.lastAt,
		})
		return true
	})
	slices.SortFunc(all, func(a, b MethodReport) int { return strings.Compare(a.Method, b.Method) })
	return all
}

// ScriptsLoaded is told of every reload that changed something: the version that is in use now, and what was wrong with
// the new one if it is not that.
func (h *Host) ScriptsLoaded(version string, problem error) {
	if problem != nil {
		h.measures.failedReloads.Add(1)
		h.events.publish(Event{Kind: ScriptsNotLoaded, Text: problem.Error()})
		return
	}
	h.measures.reloads.Add(1)
	if h.probation.loaded(version) {
		h.log.Info("probation", "version", version, "bounds", h.probation.Probation.String())
	}
	h.events.publish(Event{Kind: ScriptsLoaded, Text: version})
	h.showStructure(h.applications()...)
}

// call runs a method for somebody who waits for it: it keeps the account of the method, and says where it was when it
// takes longer than --trace-slow.
func (h *Host) call(program Program, o CallOptions, name string, args ...any) ([]any, error) {
	o.Trace = h.config.TraceSlow
	results, err := h.measured(program, o, name, args...)
	if place := program.Slow(); place != "" {
		h.log.Warn("slow method", "method", name, "place", place, "limit", o.Trace, "version", program.Version())
	}
	return results, err
}

// measured runs a method and keeps the account of it.
func (h *Host) measured(program Program, o CallOptions, name string, args ...any) ([]any, error) {
	results, err := program.Call(o, name, args...)
	h.measures.tally(name).durations.Observe(program.Took())
	return results, err
}
