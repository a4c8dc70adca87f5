package host

import (
	"net/netip"
	"slices"
	"time"

	"moongate/runtime/session"
)

// shadowExamples is how many of the last differences are kept.
const shadowExamples = 20

// ShadowCounts are verdicts, counted by what the shadow would have said instead.
type ShadowCounts struct {
	Same     int64
	Refuses  int64 // let in, and the shadow would have refused
	Accepts  int64 // refused, and the shadow would have let in
	Other    int64 // refused by both, with another code or reason; or let in by both, with other limits
	Failed   int64 // the shadow's open method failed
	NotAsked int64 // the shadow was too slow, or had spent its share of the processors
}

// Asked is how many the shadow has decided about.
func (c ShadowCounts) Asked() int64 { return c.Same + c.Refuses + c.Accepts + c.Other + c.Failed }

func (c *ShadowCounts) add(d ShadowDifference) {
	switch d {
	case ShadowSame:
		c.Same++
	case ShadowRefuses:
		c.Refuses++
	case ShadowAccepts:
		c.Accepts++
	case ShadowOther:
		c.Other++
	case ShadowFailed:
		c.Failed++
	}
}

// ShadowExample is one connection about which the shadow differs.
type ShadowExample struct {
	Time       time.Time
	Connection session.ConnectionID
	User       string
	Address    netip.AddrPort
	Gate       string // or the listener
	Difference ShadowDifference
	Verdict    string // what was said, in words
	Shadow     string // what the shadow would have said
}

// ShadowReport is what a shadow has found so far.
type ShadowReport struct {
	Folder   string
	Version  string    // of its scripts
	Since    time.Time // since when this version counts
	Problem  string    // why its folder is not what decides: what is wrong with what is there now; "" when it is
	Counts   ShadowCounts
	Queued   int             // connections that it is still to decide about
	Examples []ShadowExample // the last differences, the newest first
}

// Shadow tells what the shadow has found so far; false: there is none. It does not block.
func (h *Host) Shadow() (ShadowReport, bool) {
	s := h.shadows.current.Load()
	if s == nil {
		return ShadowReport{}, false
	}
	return s.look(), true
}

// ShadowTotals counts what all shadows since the start have found.
func (h *Host) ShadowTotals() ShadowCounts {
	h.shadows.count.Lock()
	defer h.shadows.count.Unlock()
	totals := h.shadows.totals
	totals.NotAsked = h.shadows.notAsked.Load()
	return totals
}

func (s *shadows) add(d ShadowDifference) {
	s.count.Lock()
	defer s.count.Unlock()
	s.totals.add(d)
}

// look is the report at this moment.
func (s *shadow) look() ShadowReport {
	problem := s.scripts.Problem()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	r.Problem, r.Queued = problem, len(s.queue)-s.next
	newest := s.report.Examples
	r.Examples = slices.Concat(newest[s.shown:], newest[:s.shown])
	slices.Reverse(r.Examples)
	return r
}
