package admin

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/journal"
	"moongate/runtime/process"
	"moongate/runtime/session"
	"moongate/runtime/shutdown"
)

// Facts are what a house knows that its host does not.
type Facts struct {
	Version       string
	Listen        []string // the addresses where clients come in
	Scripts, Data string   // the folders
	Journal       *journal.Journal
	Exit          func(host.Report, error) int // the exit code to come

	// Restart begins a restart, and gives the new process's number in the operating system. nil: there can be none.
	Restart func(host.QuitRequest) (pid int, err error)
}

// house is a host as the administrator sees it.
type house struct {
	host  *host.Host
	facts Facts

	mu     sync.Mutex
	before map[process.ID]sample // what each process had used when it was last looked at
}

// sample is what a process had used at one moment.
type sample struct {
	at       time.Time
	cpu      time.Duration
	activity float64
}

// NewHouse shows a host to administrators.
func NewHouse(h *host.Host, f Facts) House { return &house{host: h, facts: f} }

// seconds is a duration as the rows have it.
func seconds(d time.Duration) float64 { return d.Seconds() }

// since is how long ago something was, in seconds, never less than 0.
func since(t time.Time) float64 { return seconds(max(0, time.Since(t))) }

var stages = map[session.Stage]string{session.Starting: "starting", session.Serving: "serving", session.Stopping: "stopping"}

// Server describes the server.
func (h *house) Server() Server {
	sessions, scripts := h.host.Sessions(), h.host.Scripts()
	totals, state := sessions.Totals(), h.host.Shutdown()
	s := Server{
		Version: h.facts.Version, PID: os.Getpid(), State: stages[sessions.Stage()], Stage: state.Stage,
		Started: h.host.Started(), Uptime: since(h.host.Started()), Listen: h.facts.Listen,
		Scripts: h.scripts(), ScriptsVersion: scripts.Version(), ScriptsProblem: scripts.Problem(), Data: h.facts.Data,
		RefusesNew: sessions.RefusesNew(), Accounts: h.host.HasAccounts(), UsersProblem: h.host.UsersProblem(),
		Connections: totals.Open, LoggingIn: totals.Arrivals, Links: totals.Links, MaximumConnections: sessions.Maximum(),
		Users: sessions.Users(), Processes: h.host.Processes().Count(nil),
		Gates: gateRows(h.host.Gates()), Journal: h.journal(), Shadow: h.shadowFolder(), Probation: h.probation(),
	}
	for outcome, n := range h.host.Outcomes() {
		if outcome.Accepted {
			s.Accepted += n
		} else {
			s.Refused += n
		}
	}
	if state.Asked {
		s.Quit = quitRow(state)
	}
	return s
}

func (h *house) journal() Journal {
	if h.facts.Journal == nil {
		return Journal{}
	}
	stats := h.facts.Journal.Stats()
	row := Journal{Rows: stats.Rows, Dropped: stats.Dropped, Queued: stats.Queued}
	if stats.Failing != nil {
		row.Failing, row.Since = stats.Failing.Error(), stats.FailingSince
	}
	return row
}

// namedConnections is how many of those who are still connected are named.
const namedConnections = 10

func quitRow(s host.Shutdown) *Quit {
	q := &Quit{Mode: s.Mode.String(), Until: s.Until, Message: s.Message, Waiting: len(s.Waiting), Cancelable: s.Cancelable, Stages: stageRows(s.Over)}
	if !s.Until.IsZero() {
		q.Left = seconds(max(0, time.Until(s.Until)))
	}
	slices.SortFunc(s.Waiting, func(a, b *session.Connection) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range s.Waiting[:min(len(s.Waiting), namedConnections)] {
		q.Connected = append(q.Connected, fmt.Sprintf("connection %d, %s, %s", c.ID, c.UserName(), c.Peer.Address))
	}
	return q
}

func stageRows(results []shutdown.Result) []Stage {
	rows := make([]Stage, 0, len(results))
	for _, r := range results {
		rows = append(rows, stageRow(r))
	}
	return rows
}

func stageRow(r shutdown.Result) Stage {
	return Stage{Stage: r.Stage, Duration: seconds(r.Duration), Left: append([]string{}, r.Left...)}
}

// Processes are all processes, by number.
func (h *house) Processes() []Process {
	owners := map[process.ID]*session.Connection{}
	for _, c := range h.host.Sessions().Live() {
		owners[c.Process.ID()] = c
	}
	remotes := map[string]*session.Session{}
	for _, s := range h.host.Sessions().Remotes() {
		remotes[s.ID] = s
	}
	activity := h.activities()
	rows := []Process{}
	for _, p := range h.host.Processes().All() {
		info := p.Info()
		row := Process{
			Number: int64(info.Number), ID: int64(info.ID), Name: info.Name, Type: info.Type.String(),
			User: p.RunsScripts() && info.Type != process.OnExit, Method: info.Method, Place: p.Place(),
			State: info.State.String(), StateCode: int(info.State), Preemptive: info.Preemptive,
			Started: info.Started, Running: since(info.Started), CPU: seconds(info.CPU), Activity: activity[info.ID],
		}
		if c := owners[info.ID]; c != nil {
			row.Session, row.Connection = c.UserName(), int64(c.ID)
		} else if s := remotes[info.Session]; s != nil { // a data twin
			row.Session = s.UserName()
		}
		rows = append(rows, row)
	}
	return rows
}

// activitySpan is the shortest time over which an activity is measured.
const activitySpan = time.Second

// activities are the shares of one processor that the living processes use, measured since somebody last asked; of a
// process that nobody has asked about, since it was started.
func (h *house) activities() map[process.ID]float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, shares, next := time.Now(), map[process.ID]float64{}, map[process.ID]sample{}
	for _, p := range h.host.Processes().All() {
		info := p.Info()
		s, known := h.before[info.ID]
		if !known {
			s.at = info.Started
		}
		if span := now.Sub(s.at); !known || span >= activitySpan {
			s = sample{at: now, cpu: info.CPU, activity: share(info.CPU-s.cpu, span)}
		}
		shares[info.ID], next[info.ID] = s.activity, s
	}
	h.before = next
	return shares
}

func share(cpu, span time.Duration) float64 {
	if span <= 0 {
		return 0
	}
	return min(1, max(0, float64(cpu)/float64(span)))
}

// Status of a client, in 4D's words.
const (
	online      = "Online"
	sleeping    = "Sleeping"
	unreachable = "Unreachable"
	lost        = "Lost"
)

func status(c *session.Connection) string {
	if l := c.Link(); l != nil {
		state, _ := l.Session.State()
		own, _ := l.State()
		switch {
		case state == session.OutOfReach, own == session.LinkUnreachable:
			return unreachable
		case own == session.LinkLost && state == session.Active:
			return lost
		}
	}
	if c.Sleeping() {
		return sleeping
	}
	return online
}

// Connections are those who are logging in, then the live connections by number.
func (h *house) Connections() []Connection {
	rows := []Connection{}
	for _, a := range h.host.Sessions().Arrivals() {
		rows = append(rows, Connection{State: "logging in", Address: a.Peer.Address.String(), Listener: a.Peer.Listener, Gate: a.Peer.Gate, Status: online, Opened: a.Since, Idle: since(a.Since)})
	}
	for _, c := range h.live() {
		info := c.Process.Info()
		row := Connection{
			ID: int64(c.ID), State: c.State().String(), User: int64(c.User), UserName: c.UserName(), Address: c.Peer.Address.String(),
			Listener: c.Peer.Listener, Process: int64(info.Number), Name: info.Name, Session: c.Session(), Status: status(c),
			Opened: c.Opened, Idle: seconds(c.Idle()), CPU: seconds(info.CPU), Version: c.Version(),
			Gate: c.Peer.Gate,
		}
		if p := c.Peer.Passage; p != nil {
			row.Upstream = p.Upstream()
		}
		if l := c.Link(); l != nil {
			row.ClientProcess = l.Process
		}
		row.BytesIn, row.BytesOut = c.Bytes()
		if cause := c.Cause(); cause != session.NoCause {
			row.Cause = cause.String()
		}
		rows = append(rows, row)
	}
	return rows
}

// live are the live connections, by number.
func (h *house) live() []*session.Connection {
	live := h.host.Sessions().Live()
	slices.SortFunc(live, func(a, b *session.Connection) int { return cmp.Compare(a.ID, b.ID) })
	return live
}

// Sessions are the sessions: each plain client's connection is one, and a remote client's connections are one.
func (h *house) Sessions() []Session {
	activity := h.activities()
	rows, at := []Session{}, map[*session.Session]int{}
	for _, c := range h.live() {
		of := c.OfSession()
		i, known := at[of]
		if !known {
			i = len(rows)
			at[of], rows = i, append(rows, sessionRow(c, of))
		}
		rows[i].Connections++
		rows[i].use(c.Process, activity)
	}
	for of, i := range at {
		for _, l := range of.Links() {
			rows[i].Processes++
			if twin := l.Data(); twin != nil {
				rows[i].use(twin, activity)
			}
		}
	}
	return rows
}

// sessionRow is the row of a session that has a connection.
func sessionRow(c *session.Connection, of *session.Session) Session {
	row := Session{
		ID: of.ID, Origin: "Client", UserName: of.UserName(), Login: of.Since, Address: c.Peer.Address.Addr().String(), Status: status(c),
	}
	if !of.Remote() {
		return row
	}
	if home := of.Home(); home.IsValid() {
		row.Address = home.String()
	}
	m := of.Machine()
	row.Machine, row.SystemUser, row.Version = m.Name, m.SystemUser, m.Version
	if state, at := of.State(); state == session.OutOfReach {
		row.Unreachable = since(at)
	}
	return row
}

// use adds what a process of the session has used.
func (s *Session) use(p *process.Process, activity map[process.ID]float64) {
	info := p.Info()
	s.CPU += seconds(info.CPU)
	s.Activity = min(1, s.Activity+activity[info.ID])
}

// Users are the users who are connected, by number.
func (h *house) Users() []User {
	activity := h.activities()
	byNumber := map[session.UserNumber]*User{}
	for _, c := range h.live() {
		info := c.Process.Info()
		u := byNumber[c.User]
		if u == nil {
			u = &User{Number: int64(c.User), Name: c.Account, Login: c.Opened, Status: sleeping, Addresses: []string{}}
			byNumber[c.User] = u
		}
		u.Connections++
		u.CPU += seconds(info.CPU)
		u.Activity += activity[info.ID]
		if alias := c.Alias(); alias != "" {
			u.Alias = alias
		}
		if address := c.Peer.Address.Addr().String(); !slices.Contains(u.Addresses, address) {
			u.Addresses = append(u.Addresses, address)
		}
		if c.Opened.Before(u.Login) {
			u.Login = c.Opened
		}
		if !c.Sleeping() {
			u.Status = online
		}
	}
	rows := []User{}
	for _, u := range byNumber {
		rows = append(rows, *u)
	}
	slices.SortFunc(rows, func(a, b User) int { return cmp.Compare(a.Number, b.Number) })
	return rows
}

// Methods are the methods of the current version, the database methods first.
func (h *house) Methods() []Method {
	reports := map[string]host.MethodReport{}
	for _, r := range h.host.MethodReports() {
		reports[r.Method] = r
	}
	rows := []Method{}
	for _, l := range h.host.Scripts().Loaded() {
		r := reports[l.Name]
		rows = append(rows, Method{
			Name: l.Name, File: l.File, Hash: l.Hash, Kind: l.Kind(), NotRun: l.NotRun, Calls: r.Durations.Count, Errors: r.Errors,
			Mean: seconds(r.Durations.Mean()), LastError: r.LastError, LastAt: r.LastAt,
		})
	}
	return rows
}

// Lanes are the lanes, the cooperative one first.
func (h *house) Lanes() []Lane {
	rows := []Lane{}
	for _, l := range h.host.Scripts().Lanes() {
		row := Lane{
			Number: l.Number, Kind: "cooperative", Waiting: []int64{}, Waits: l.Waits.Count, Waited: seconds(l.Waits.Sum),
			Slices: l.Slices, Aborts: l.Aborts, Programs: int64(l.Programs),
		}
		if l.Preemptive {
			row.Kind = "preemptive"
		}
		if p := l.Holder; p != nil {
			row.Holder, row.Name, row.Method, row.Place = int64(p.Number()), p.Name(), p.Method(), p.Place()
			row.Since, row.Held = l.Since, since(l.Since)
		}
		for _, n := range l.Waiting {
			row.Waiting = append(row.Waiting, int64(n))
		}
		rows = append(rows, row)
	}
	return rows
}

// who names a process for people.
func who(p *process.Process, n process.Number) string {
	if p == nil || p.Name() == "" {
		return fmt.Sprintf("process %d", n)
	}
	return fmt.Sprintf("process %d (%s)", n, strings.ToValidUTF8(p.Name(), ""))
}
