package simulate

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"
)

// Report is what became of a run. Times are in seconds. It is written as JSON by moongate simulate --json.
type Report struct {
	Server    string    `json:"server"`
	Rate      float64   `json:"rate,omitempty"`    // clients that were to come in each second
	Clients   int       `json:"clients,omitempty"` // clients that were to be there at once
	Seed      uint64    `json:"seed"`
	Raw       bool      `json:"raw,omitempty"` // accepted means connected
	Began     time.Time `json:"began"`
	Planned   float64   `json:"planned"`          // for so long clients were to come
	Duration  float64   `json:"duration"`         // for so long they came
	Ended     string    `json:"ended"`            // "completed", "interrupted" or "server gone"
	Gone      string    `json:"gone,omitempty"`   // why the server is thought to be gone
	Started   int64     `json:"started"`          // clients
	Omitted   int64     `json:"omitted"`          // clients that were due, and not started: no room
	MostOpen  int       `json:"most_connections"` // at once
	PerSecond float64   `json:"verdicts_per_second"`

	Accepted   int64 `json:"accepted"` // verdicts
	Refused    int64 `json:"refused"`
	Errors     int64 `json:"errors"`     // clients that got none
	BrokenOff  int64 `json:"broken_off"` // connections that the end of the run cut off
	Left       int64 `json:"left"`       // of the accepted, by their own will
	Lost       int64 `json:"lost"`       // of the accepted, not by their own will
	Misbehaved int64 `json:"misbehaved"` // clients whose behaviour failed

	Refusals      []Refusal `json:"refusals"` // the most frequent first, as are all these
	Failures      []Counted `json:"failures"`
	Losses        []Counted `json:"losses"`
	Misbehaviours []Counted `json:"misbehaviours"`

	Verdict   Latency `json:"verdict"` // from when the client was due; of failures there is none
	Accepting Latency `json:"accepting"`
	Refusing  Latency `json:"refusing"`
	Leaving   Latency `json:"leaving"` // from saying so to the end of file, when the close method is over
	Late      Latency `json:"late"`    // how late this program itself was to start clients
	Calls     []Calls `json:"calls"`

	Bars []Bar `json:"histogram"` // of the latencies of verdicts
}

// Refusal is one code and reason.
type Refusal struct {
	Code   int64  `json:"code"`
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// Counted is one sort of what went wrong.
type Counted struct {
	Kind    string `json:"kind"`
	Count   int64  `json:"count"`
	Example string `json:"example,omitempty"` // the first of them in its own words, if those say more
}

// Calls is one method that was called.
type Calls struct {
	Method  string  `json:"method"`
	Failed  int64   `json:"failed"` // answered with an error
	Example string  `json:"example,omitempty"`
	Latency Latency `json:"latency"` // failed ones too
}

// Bar is one bar of a histogram: how many were longer than Above and no longer than UpTo.
type Bar struct {
	Above float64 `json:"above"`
	UpTo  float64 `json:"up_to"`
	Count int64   `json:"count"`
}

// Verdicts is how many there were.
func (r *Report) Verdicts() int64 { return r.Accepted + r.Refused }

// FailedCalls is how many calls the server answered with an error.
func (r *Report) FailedCalls() int64 {
	n := int64(0)
	for _, c := range r.Calls {
		n += c.Failed
	}
	return n
}

// report sums the run up.
func (r *Run) report(began time.Time, elapsed time.Duration, cause error) *Report {
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &Report{
		Server: r.plan.Server.String(), Rate: r.plan.Rate, Clients: r.plan.Clients, Seed: r.plan.Seed, Raw: r.plan.Raw, Began: began.Round(0),
		Planned: r.plan.Duration.Seconds(), Duration: elapsed.Seconds(), Ended: cause.Error(), Started: t.started, Omitted: t.omitted, MostOpen: t.mostOpen,
		Accepted: t.accepted, Refused: t.refused, Errors: t.failed, BrokenOff: t.broken, Left: t.hasLeft, Lost: t.wasLost,
		Refusals: t.refusalsLocked(), Failures: t.failuresLocked(), Losses: t.lossesLocked(), Misbehaved: t.misbehaved, Misbehaviours: t.misbehavioursLocked(), Calls: t.callsLocked(),
		Verdict: t.verdicts.Latency(), Accepting: t.acceptances.Latency(), Refusing: t.refusalTimes.Latency(),
		Leaving: t.leavings.Latency(), Late: t.late.Latency(), Bars: t.verdicts.Bars(),
	}
	if elapsed > 0 {
		p.PerSecond = float64(p.Verdicts()) / elapsed.Seconds()
	}
	if errors.Is(cause, errGone) {
		p.Gone = t.lastHopeless.Error()
	}
	return p
}

func (t *tally) refusalsLocked() []Refusal {
	list := []Refusal{}
	for r, n := range t.refusals {
		list = append(list, Refusal{r.code, r.reason, n})
	}
	slices.SortFunc(list, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

func (t *tally) failuresLocked() []Counted {
	list := []Counted{}
	for _, kind := range slices.Sorted(maps.Keys(t.failures)) {
		f := t.failures[kind]
		list = append(list, Counted{kind.String(), f.count, f.example})
	}
	slices.SortStableFunc(list, func(a, b Counted) int { return cmp.Compare(b.Count, a.Count) })
	return list
}

func (t *tally) lossesLocked() []Counted {
	list := []Counted{}
	for reason, n := range t.losses {
		list = append(list, Counted{Kind: reason, Count: n})
	}
	slices.SortFunc(list, func(a, b Counted) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
	})
	return list
}

func (t *tally) misbehavioursLocked() []Counted {
	list := []Counted{}
	for m, n := range t.misbehaviours {
		list = append(list, Counted{m.kind.String(), n, m.message})
	}
	slices.SortFunc(list, func(a, b Counted) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Example, b.Example))
	})
	return list
}

func (t *tally) callsLocked() []Calls {
	list := []Calls{}
	for _, method := range slices.Sorted(maps.Keys(t.methods)) {
		c := t.methods[method]
		list = append(list, Calls{method, c.failed, c.example, c.Latency()})
	}
	slices.SortStableFunc(list, func(a, b Calls) int { return cmp.Compare(b.Latency.Count, a.Latency.Count) })
	return list
}

// Bars are the bars of a drawn histogram, from the first to the last that is not empty: 1, 2 and 5 of each power of
// ten.
func (h *Histogram) Bars() []Bar {
	bars := []Bar{}
	if h.count == 0 {
		return bars
	}
	above := time.Duration(0)
	for unit := time.Microsecond; unit <= 1000*time.Second; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			upTo := n * unit
			if count := h.Between(above, upTo); count > 0 || len(bars) > 0 && above < h.greatest {
				bars = append(bars, Bar{above.Seconds(), upTo.Seconds(), count})
			}
			above = upTo
		}
	}
	return bars
}
