package host

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/document"
	"moongate/runtime/journal"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// OpenShadow loads a second set of scripts, which decides about every connection too and changes nothing. Package
// luabind's OpenShadow is the one; package main hands it on. The error is as that of OpenScripts.
type OpenShadow func(c ShadowConfig) (Scripts, error)

// ShadowConfig is what a shadow's scripts are opened with.
type ShadowConfig struct {
	ScriptsConfig                                  // the Host is read, and never acted on
	Processes     *process.Table                   // of the shadow's own processes
	Documents     *document.Folder                 // which are read only; nil: there are none
	Loaded        func(version string, prob error) // is told of every reload that changed something
}

// Shadows is what a host needs for shadows.
type Shadows struct {
	Open        OpenShadow
	Documents   *document.Folder // the host's folder once more: who reads it there has nothing to do with who writes it here
	MemoryLimit uint64           // as the scripts have it
}

// shadows are the shadow of a host, if there is one, and what all of its shadows have counted.
type shadows struct {
	Shadows
	current atomic.Pointer[shadow] // nil: there is none. The door looks here

	mu    sync.Mutex // one change at a time
	begun bool       // clients may come: a shadow works from now on
	over  bool       // no shadow comes any more

	notAsked atomic.Int64
	count    sync.Mutex
	totals   ShadowCounts // but for NotAsked; guarded by count
	lines    lineBudget
}

// shadow is a second set of scripts at work. It is asked after the real verdict, by goroutines of its own.
type shadow struct {
	host      *Host
	folder    string
	scripts   Scripts
	processes *process.Table
	stop      chan struct{}  // closed when the shadow ends
	workers   sync.WaitGroup // goroutines that end with stop: who asks the methods, who watches the folder
	wake      *time.Timer    // goes off when there is something to do

	mu      sync.Mutex
	ended   bool // nothing is taken any more
	queue   []shadowAct
	next    int // of queue
	guests  map[session.ConnectionID]*shadowGuest
	waiting int       // goroutines whose method waits for something
	busy    time.Time // until when the time that was spent is paid for: see pay
	report  ShadowReport
	shown   int // where the next example goes
}

// Errors of shadows.
var (
	ErrNoShadow   = errors.New("there is no shadow: moongate shadow on FOLDER begins one")
	ErrNoShadows  = errors.New("this host can have no shadow: only a server can")
	errShadowOver = errors.New("the shadow ends")
)

// SetShadows says how shadows are opened. It is called once, before Run; without it there are none.
func (h *Host) SetShadows(s Shadows) { h.shadows.Shadows = s }

// ShadowOn has the scripts of a folder decide about every connection too, in the place of the shadow that there is, if
// any. It blocks while they are loaded and the shadow before comes to its end. The error is for the person who wrote the
// scripts.
func (h *Host) ShadowOn(folder string) error {
	if h.shadows.Open == nil {
		return ErrNoShadows
	}
	h.shadows.mu.Lock()
	defer h.shadows.mu.Unlock()
	if h.shadows.over {
		return ErrStopped
	}
	if a, err := filepath.Abs(folder); err == nil {
		folder = a
	}
	s := &shadow{host: h, folder: folder, stop: make(chan struct{}), processes: process.NewTable(shadowNumbers), guests: map[session.ConnectionID]*shadowGuest{}}
	scripts, err := h.shadows.Open(ShadowConfig{
		ScriptsConfig: ScriptsConfig{
			Folder: folder, Role: max(h.config.Role, method.Server), Log: h.log, Slice: h.config.Slice, MemoryLimit: h.shadows.MemoryLimit, Host: h,
		},
		Processes: s.processes, Documents: h.shadows.Documents, Loaded: s.loaded,
	})
	if err != nil {
		return err
	}
	s.scripts = scripts
	s.report = ShadowReport{Folder: folder, Version: scripts.Version(), Since: time.Now()}
	h.shadows.lines.about = "shadow"
	before := h.shadows.current.Swap(s)
	if before != nil {
		before.end()
	}
	if h.shadows.begun {
		s.begin()
	}
	h.log.Info("shadow on", "scripts", folder, "version", s.report.Version)
	return nil
}

// ShadowOff ends the shadow. It blocks until the last of its methods has been stopped. The error is ErrNoShadow.
func (h *Host) ShadowOff() (ShadowReport, error) {
	h.shadows.mu.Lock()
	defer h.shadows.mu.Unlock()
	s := h.shadows.current.Swap(nil)
	if s == nil {
		return ShadowReport{}, ErrNoShadow
	}
	s.end()
	h.log.Info("shadow off", "scripts", s.folder, "version", s.scripts.Version())
	return s.look(), nil
}

// Promotion is what Promote has done.
type Promotion struct {
	Folder, Before         string // that serves now, and that served until now
	Version, VersionBefore string
	Shadow                 ShadowReport // the last of it
}

// Promote has the shadow's folder serve in the place of the host's own from now on, as a reload would, and ends the shadow.
// Nothing is copied: a host that is started again serves the folder that it is started with. It blocks while the scripts
// are loaded. The error is ErrNoShadow, or what is wrong with the scripts; then nothing has changed.
func (h *Host) Promote() (Promotion, error) {
	h.shadows.mu.Lock()
	defer h.shadows.mu.Unlock()
	s := h.shadows.current.Load()
	if s == nil {
		return Promotion{}, ErrNoShadow
	}
	done := Promotion{Folder: s.folder, Before: h.scripts.Folder(), VersionBefore: h.scripts.Version()}
	if err := h.scripts.Follow(s.folder); err != nil {
		return Promotion{}, fmt.Errorf("not promoted: %w", err)
	}
	done.Version = h.scripts.Version()
	if h.scripts.Folder() != s.folder { // in a flood, probation may have been as quick as this
		return Promotion{}, fmt.Errorf("not promoted: %s", h.scripts.Problem())
	}
	h.shadows.current.Store(nil)
	s.end()
	done.Shadow = s.look()
	h.log.Info("shadow promoted", "scripts", done.Folder, "version", done.Version, "before", done.VersionBefore, "folder_before", done.Before)
	return done, nil
}

// beginShadow has the shadow work, now that clients may come.
func (h *Host) beginShadow() {
	h.shadows.mu.Lock()
	defer h.shadows.mu.Unlock()
	if h.shadows.begun {
		return
	}
	h.shadows.begun = true
	if s := h.shadows.current.Load(); s != nil {
		s.begin()
	}
}

// endShadow ends the shadow for good, before the journal is closed: rows may wait for it.
func (h *Host) endShadow() {
	h.shadows.mu.Lock()
	defer h.shadows.mu.Unlock()
	h.shadows.over = true
	if s := h.shadows.current.Swap(nil); s != nil {
		s.end()
	}
}

// begin starts the goroutines of a shadow.
func (s *shadow) begin() {
	s.mu.Lock()
	s.wake = time.NewTimer(0) // there may be something to do
	s.mu.Unlock()
	s.workers.Go(func() { s.scripts.Watch(s.stop) })
	s.workers.Go(func() {
		s.startup()
		s.work()
	})
}

// end stops what runs in the shadow, waits for it, and writes the rows that have waited. It is called once.
func (s *shadow) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	close(s.stop)
	for _, p := range s.processes.All() {
		p.Kill(errShadowOver)
	}
	s.workers.Wait()
	s.mu.Lock()
	guests := s.guests
	for _, act := range s.queue[s.next:] {
		guests[act.guest.of.ID] = act.guest
	}
	s.guests, s.queue, s.next = nil, nil, 0
	s.mu.Unlock()
	for _, g := range guests {
		if !g.decided {
			s.missed()
		}
		s.host.writeRow(g)
		g.close()
	}
	s.scripts.Close()
}

// loaded is told of the reloads of the shadow's scripts. Another version begins to count anew.
func (s *shadow) loaded(version string, problem error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if problem == nil && version != s.report.Version {
		s.report = ShadowReport{Folder: s.folder, Version: version, Since: time.Now()}
		s.shown = 0
	}
}

// writeRow writes the row of the journal that has waited for the shadow, if one has.
func (h *Host) writeRow(g *shadowGuest) {
	if h.journal == nil || g.wants == noRow {
		return
	}
	g.row.Shadow = g.said
	switch g.wants {
	case refusedRow:
		h.journal.Refused(&g.row)
	case closedRow:
		h.journal.Closed(&g.row)
	}
}

// recordRefused writes what the journal says of a refusal, now or when the shadow has been asked too.
func (h *Host) recordRefused(c *session.Connection, r session.Refusal, row *journal.Row) {
	if c != nil && r != stoppedRefusal {
		if s := h.shadows.current.Load(); s != nil {
			real := opinion{code: r.Code, reason: r.Reason, line: row.By, read: row.Reads}
			if s.visited(c, real, refusedRow, row) {
				return
			}
		}
	}
	if h.journal != nil {
		h.journal.Refused(row)
	}
}

// recordClosed writes what the journal says of an end, now or when the shadow has been asked too.
func (h *Host) recordClosed(c *session.Connection, row *journal.Row) {
	if s := h.shadows.current.Load(); s != nil && s.closed(c, row) {
		return
	}
	if h.journal != nil {
		h.journal.Closed(row)
	}
}

// overshadow has the shadow decide about a connection that was let in.
func (h *Host) overshadow(c *session.Connection, r ruling, a asked) {
	if s := h.shadows.current.Load(); s != nil {
		s.visited(c, opinion{terms: r.Terms, line: a.line, read: a.Reads}, noRow, nil)
	}
}

// shadowLog says something about a shadow, unless too much is said.
func (h *Host) shadowLog(level slog.Level, message string, attrs ...any) {
	if h.mayLog(&h.shadows.lines, time.Now()) {
		h.log.Log(background, level, message, attrs...)
	}
}
