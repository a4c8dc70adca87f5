package host

import (
	"fmt"
	"sync"
	"time"
)

// Probation is the bounds within which a set of scripts must stay that was loaded while the host runs. The zero value is no
// probation.
type Probation struct {
	Faults   int     // so many failed open and close methods take it back; 0: any number may fail
	Refusals float64 // more than so many times the share of refusals that the set before had takes it back; 0: it does not matter
	First    int     // how many connections it is on probation for; 0: there is no probation
}

// String is the bounds as --probation takes them.
func (p Probation) String() string {
	if p.First == 0 {
		return "off"
	}
	text := ""
	if p.Faults > 0 {
		text = fmt.Sprintf("faults=%d,", p.Faults)
	}
	if p.Refusals > 0 {
		text += fmt.Sprintf("refusals=%vx,", p.Refusals)
	}
	return text + fmt.Sprintf("first=%d", p.First)
}

// What a share of refusals is compared with.
const (
	fewestDecided = 20   // connections of either set below which its share says nothing
	leastShare    = 0.02 // what a set that refused less counts as having refused
)

// probation watches over the set that was loaded last. Its methods may be called from any goroutine and do not block.
type probation struct {
	Probation

	mu      sync.Mutex
	version string // that is counted; "" before the first connection
	on      bool   // it is on probation
	counts  probationCounts
	before  probationCounts // of the set that was vouched for last
	good    string          // the version of that
	taken   int64           // how often a set was taken back
	last    *Return
}

// probationCounts are what became of a set's connections.
type probationCounts struct{ decided, refused, faults int }

func (c probationCounts) share() float64 {
	if c.decided == 0 {
		return 0
	}
	return float64(c.refused) / float64(c.decided)
}

// Return is a set of scripts that was taken back.
type Return struct {
	Time    time.Time
	Version string // that was taken back
	Current string // that decides again
	Why     string
}

// Probationer is how the probation of the current scripts goes.
type Probationer struct {
	Bounds  string // as --probation takes them
	On      bool   // the current version is on probation
	Version string // the current one
	Decided int    // connections it has decided about, of Bounds' first
	Refused int
	Faults  int
	Taken   int64   // sets that were taken back since the start
	Last    *Return // the last of them; nil: none
}

// Probation tells how the probation of the current scripts goes; false: there is none on this host.
func (h *Host) Probation() (Probationer, bool) {
	p := &h.probation
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.First == 0 {
		return Probationer{}, false
	}
	return Probationer{
		Bounds: p.Probation.String(), On: p.on, Version: h.scripts.Version(), Decided: p.counts.decided, Refused: p.counts.refused,
		Faults: p.counts.faults, Taken: p.taken, Last: p.last,
	}, true
}

// loaded begins the probation of a version, or ends it, because the scripts are as they were.
func (p *probation) loaded(version string) (on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.First == 0 || version == p.version {
		return false
	}
	if !p.on {
		p.before, p.good = p.counts, p.version
	}
	if version == p.good {
		p.version, p.counts, p.on = version, p.before, false
		return false
	}
	p.version, p.counts, p.on = version, probationCounts{}, true
	return true
}

// judgement is what is to be done about a version on probation.
type judgement struct {
	vouch bool
	why   string // it is taken back; "": it is not
}

// decided counts a verdict of a version, and says what is to be done.
func (p *probation) decided(version string, refused, fault bool) judgement {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.version == "" {
		p.version = version
	}
	if version != p.version {
		return judgement{}
	}
	p.counts.decided++
	if refused {
		p.counts.refused++
	}
	if fault {
		p.counts.faults++
	}
	return p.judgeLocked()
}

// failed counts a close method of a version that failed, and says what is to be done.
func (p *probation) failed(version string) judgement {
	p.mu.Lock()
	defer p.mu.Unlock()
	if version != p.version {
		return judgement{}
	}
	p.counts.faults++
	return p.judgeLocked()
}

func (p *probation) judgeLocked() judgement {
	if !p.on {
		return judgement{}
	}
	c := p.counts
	why := ""
	switch {
	case p.Faults > 0 && c.faults >= p.Faults:
		why = fmt.Sprintf("%s failed within its first %d connections (--probation faults=%d)", counted(c.faults, "method"), c.decided, p.Faults)
	case p.Refusals > 0 && c.decided >= min(fewestDecided, p.First) && p.before.decided >= fewestDecided &&
		p.jumped(c.share(), p.before.share()):
		why = fmt.Sprintf("it has refused %d of its first %d connections, the set before %d of %d (--probation refusals=%vx)",
			c.refused, c.decided, p.before.refused, p.before.decided, p.Refusals)
	case c.decided >= p.First:
		p.on = false
		return judgement{vouch: true}
	}
	if why != "" {
		p.on = false
	}
	return judgement{why: why}
}

// jumped reports whether a share of refusals is past the bound. Where so many times the share before is more than all, nobody could
// pass it: there it is the share of those let in that must not be so many times smaller.
func (p Probation) jumped(share, before float64) bool {
	bound := p.Refusals * max(before, leastShare)
	return share > bound || bound >= 1 && p.Refusals*(1-share) < 1-before
}

// counted is a number of things in words.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// takenBack takes note that a version was taken back, and that the one before is counted again, with what it had.
func (p *probation) takenBack(r Return) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
	p.last = &r
	if p.version == r.Version { // otherwise another one has come meanwhile, and is on probation
		p.version, p.counts = r.Current, p.before
	}
}

// SetProbation says how scripts are on probation that are loaded while the host runs. It is called once, before Run; without
// it they are not.
func (h *Host) SetProbation(p Probation) { h.probation.Probation = p }

// judge counts what became of a connection for the version that decided it.
func (h *Host) judge(version string, refused, fault bool) {
	if h.probation.First > 0 {
		h.sentence(version, h.probation.decided(version, refused, fault))
	}
}

// judgeClose counts a close method that failed.
func (h *Host) judgeClose(version string) {
	if h.probation.First > 0 {
		h.sentence(version, h.probation.failed(version))
	}
}

// sentence does what is to be done about a version on probation.
func (h *Host) sentence(version string, j judgement) {
	if j.vouch {
		h.scripts.Vouch(version)
		h.log.Info("probation passed", "version", version, "connections", h.probation.First)
	}
	if j.why == "" {
		return
	}
	current, done := h.scripts.TakeBack(version, j.why)
	if !done {
		return // somebody has loaded another one meanwhile
	}
	r := Return{Time: time.Now(), Version: version, Current: current, Why: j.why}
	h.probation.takenBack(r)
	h.log.Error("scripts taken back", "version", current, "bad_version", version, "reason", j.why)
	h.events.publish(Event{Kind: ScriptsTakenBack, Text: fmt.Sprintf("version %s was taken back, version %s decides again: %s", version, current, j.why)})
}
