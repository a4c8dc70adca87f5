package admin

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"moongate/runtime/host"
)

// Shadow is the second set of scripts that decides about every connection too, and changes nothing. Its counts are of its
// version.
type Shadow struct {
	On       bool      `json:"on"`
	Folder   string    `json:"folder"`
	Version  string    `json:"version"`
	Since    time.Time `json:"since,omitzero"`
	Problem  string    `json:"problem"` // what is wrong with what is in the folder now; "" when that decides
	Same     int64     `json:"same"`
	Refuses  int64     `json:"accept_to_refuse"`
	Accepts  int64     `json:"refuse_to_accept"`
	Other    int64     `json:"other"` // another code, reason or limit
	Failed   int64     `json:"failed"`
	NotAsked int64     `json:"not_asked"` // it was too slow for these
	Queued   int       `json:"queued"`    // it will be asked about these

	Examples []ShadowExample `json:"examples"` // the last differences, the newest first
}

// ShadowExample is a connection about which the shadow differs.
type ShadowExample struct {
	Time       time.Time `json:"time"`
	Connection int64     `json:"connection"`
	UserName   string    `json:"user_name"`
	Address    string    `json:"address"`
	Gate       string    `json:"gate"` // or the listener
	Difference string    `json:"difference"`
	Verdict    string    `json:"verdict"` // what was said, in words
	Shadow     string    `json:"shadow"`  // what the shadow would have said
}

// Probation is how scripts are doing that were loaded while the server runs.
type Probation struct {
	Bounds    string    `json:"bounds"`  // as --probation has them
	On        bool      `json:"on"`      // the scripts in use are on probation
	Decided   int       `json:"decided"` // what the scripts in use have done since they were loaded
	Refused   int       `json:"refused"`
	Faults    int       `json:"faults"`
	TakenBack int64     `json:"taken_back"` // versions, since the start
	Last      string    `json:"last"`       // the last of them, and why; "" when there is none
	LastAt    time.Time `json:"last_at,omitzero"`
}

// ShadowAct says which scripts are to be the shadow.
type ShadowAct struct {
	Folder string `json:"folder,omitempty"` // on the server's machine; "": the folder shadow in the scripts folder
}

func (s ShadowAct) target() string { return s.Folder }

// shadowName is the folder in the scripts folder that is the shadow's if no other is said.
const shadowName = "shadow"

// Shadow is what the shadow has found.
func (h *house) Shadow() Shadow {
	r, on := h.host.Shadow()
	if !on {
		return Shadow{Examples: []ShadowExample{}}
	}
	return shadowRow(r)
}

func shadowRow(r host.ShadowReport) Shadow {
	row := Shadow{
		On: true, Folder: r.Folder, Version: r.Version, Since: r.Since, Problem: r.Problem, Same: r.Counts.Same, Refuses: r.Counts.Refuses,
		Accepts: r.Counts.Accepts, Other: r.Counts.Other, Failed: r.Counts.Failed, NotAsked: r.Counts.NotAsked, Queued: r.Queued,
		Examples: []ShadowExample{},
	}
	for _, e := range r.Examples {
		row.Examples = append(row.Examples, ShadowExample{
			Time: e.Time, Connection: int64(e.Connection), UserName: e.User, Address: e.Address.String(), Gate: e.Gate,
			Difference: string(e.Difference), Verdict: e.Verdict, Shadow: e.Shadow,
		})
	}
	return row
}

// ShadowOn has a folder's scripts be the shadow.
func (h *house) ShadowOn(a ShadowAct) (Done, error) {
	folder := a.Folder
	if folder == "" {
		folder = filepath.Join(h.host.Scripts().Folder(), shadowName)
	}
	if err := h.host.ShadowOn(folder); err != nil {
		return Done{}, ofShadow(err)
	}
	r, _ := h.host.Shadow()
	return Done{Count: 1, Text: fmt.Sprintf("version %s of %s decides about every connection too from now on, and changes nothing", r.Version, r.Folder)}, nil
}

// ShadowOff ends the shadow.
func (h *house) ShadowOff() (Done, error) {
	r, err := h.host.ShadowOff()
	if err != nil {
		return Done{}, ofShadow(err)
	}
	return Done{Count: 1, Text: "the shadow is over: " + found(r.Counts)}, nil
}

// found says what a shadow has found.
func found(c host.ShadowCounts) string {
	return fmt.Sprintf("of %s it would have decided %d as they were, refused %d that were let in, let in %d that were refused, and said "+
		"something else about %d; %d failed, and about %d it was not asked",
		plural(int(c.Asked()), "connection"), c.Same, c.Refuses, c.Accepts, c.Other, c.Failed, c.NotAsked)
}

// Promote has the shadow's scripts serve.
func (h *house) Promote() (Done, error) {
	p, err := h.host.Promote()
	if err != nil {
		return Done{}, ofShadow(err)
	}
	before := p.Before
	if absolute, err := filepath.Abs(before); err == nil {
		before = absolute
	}
	return Done{Count: 1, Text: fmt.Sprintf(
		"%s serves now: version %s in place of %s. Nothing was copied: %s is as it was, and a server that is started again serves what its --scripts says (%s)",
		p.Folder, p.Version, p.VersionBefore, before, h.facts.Scripts)}, nil
}

// ofShadow gives an error of the shadow the identity that the listener knows.
func ofShadow(err error) error {
	switch {
	case errors.Is(err, host.ErrNoShadow), errors.Is(err, host.ErrNoShadows):
		return identified{err, ErrGone}
	case errors.Is(err, host.ErrStopped):
		return failing(ErrTooLate, "the server is stopping: it begins nothing any more")
	}
	return err
}

// probation is how the scripts are doing, nil without --probation.
func (h *house) probation() *Probation {
	p, on := h.host.Probation()
	if !on {
		return nil
	}
	row := &Probation{Bounds: p.Bounds, On: p.On, Decided: p.Decided, Refused: p.Refused, Faults: p.Faults, TakenBack: p.Taken}
	if p.Last != nil {
		row.Last, row.LastAt = fmt.Sprintf("version %s: %s", p.Last.Version, p.Last.Why), p.Last.Time
	}
	return row
}

// scripts is the folder whose scripts are in use.
func (h *house) scripts() string {
	folder := h.host.Scripts().Folder()
	if absolute, err := filepath.Abs(folder); err == nil {
		return absolute
	}
	return folder
}

// shadowFolder is the folder of the shadow, "" when there is none.
func (h *house) shadowFolder() string {
	r, _ := h.host.Shadow()
	return r.Folder
}
