package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/recording"
)

// Report is what a replay has found. Its fields are those of --json.
type Report struct {
	Version     string           `json:"version"`     // of the scripts that decided now
	Versions    []Counted        `json:"recorded_by"` // that had decided, with their connections, the most first
	From        time.Time        `json:"from,omitzero"`
	Until       time.Time        `json:"until,omitzero"`
	Connections int64            `json:"connections"`  // about which was decided again
	NotAsked    int64            `json:"not_asked"`    // refused before an open method was asked
	NotRecorded int64            `json:"not_recorded"` // whose reads nobody recorded
	Damaged     int64            `json:"damaged"`      // whose recording is nonsense
	Counts      map[Change]int64 `json:"counts"`       // Slower is beside the others, which add up to Connections
	Groups      []Group          `json:"groups"`       // of all that is not the same, the largest first
	Users       []User           `json:"users"`        // who have changes, the most first
	Duration    float64          `json:"duration"`     // seconds that it took
}

// Counted is something and how often it was.
type Counted struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Group is connections of which the same can be said: the change, and the lines, codes and reasons before and now,
// where reasons may differ in words with digits and quoted ones.
type Group struct {
	Change   Change    `json:"change"`
	Count    int64     `json:"count"`
	Was      Side      `json:"was"`
	Is       Side      `json:"is"`
	Users    int       `json:"users"` // how many different ones, up to mostNames
	Examples []Example `json:"examples"`
}

// Side is the verdict before or now, of the group's first connection.
type Side struct {
	Verdict string `json:"verdict"`
	Code    int64  `json:"code,omitempty"`
	Line    string `json:"line,omitempty"`
	Why     string `json:"why,omitempty"` // the reason, the fault, or what the recording lacks
	Steps   int64  `json:"steps,omitempty"`
}

// Example is one connection of a group.
type Example struct {
	Session    string    `json:"session"`
	Connection int64     `json:"connection"`
	UserName   string    `json:"user_name"`
	Address    string    `json:"address"`
	Opened     time.Time `json:"opened"`
	Was        Side      `json:"was"`
	Is         Side      `json:"is"`
}

// User is what has changed for a user.
type User struct {
	Name   string           `json:"name"`
	Count  int64            `json:"count"` // of connections that are not the same
	Counts map[Change]int64 `json:"counts"`
}

// Bounds of a report: of strangers there may be any number.
const (
	mostGroups   = 2000 // beyond them reasons no longer tell groups apart
	mostExamples = 5
	mostNames    = 10000 // users, and those of one group
)

// Changed is how many connections would get another verdict: neither the same, nor one of which nobody can say.
func (r *Report) Changed() int64 {
	return r.Counts[Refuses] + r.Counts[Accepts] + r.Counts[Other] + r.Counts[Error] + r.Counts[Mended]
}

// side is an outcome as a report has it.
func side(o recording.Outcome) Side {
	return Side{Verdict: o.Verdict, Code: o.Code, Line: o.Line, Why: why(o), Steps: o.Steps}
}

// key is what a group has in common.
type key struct {
	change            Change
	wasLine, isLine   string
	wasCode, isCode   int64
	wasShape, isShape string
}

// tally makes a report. One goroutine uses it.
type tally struct {
	report   Report
	groups   map[key]*group
	users    map[string]*User
	versions map[string]int64
	damaged  int64 // lines that are nonsense; of the goroutine that reads
}

// group is a Group that grows.
type group struct {
	Group
	names map[string]bool
}

func newTally(version string) *tally {
	return &tally{report: Report{Version: version, Counts: map[Change]int64{}}, groups: map[key]*group{}, users: map[string]*User{}, versions: map[string]int64{}}
}

// add counts a connection about which was decided again.
func (t *tally) add(row *journal.Row, was, is recording.Outcome) {
	r := &t.report
	r.Connections++
	t.versions[row.Version]++
	if r.From.IsZero() || row.Decided.Before(r.From) {
		r.From = row.Decided
	}
	if row.Decided.After(r.Until) {
		r.Until = row.Decided
	}
	change := ChangeOf(was, is)
	r.Counts[change]++
	if change != Same {
		t.group(change, row, was, is)
		t.user(change, row.UserName)
	}
	if isSlower(was, is) {
		r.Counts[Slower]++
		t.group(Slower, row, was, is)
	}
}

// group counts a connection into its group.
func (t *tally) group(change Change, row *journal.Row, was, is recording.Outcome) {
	k := key{change: change, wasLine: was.Line, isLine: is.Line, wasCode: was.Code, isCode: is.Code}
	if change != Slower && len(t.groups) < mostGroups {
		k.wasShape, k.isShape = shape(why(was)), shape(why(is))
	}
	g := t.groups[k]
	if g == nil {
		g = &group{Group: Group{Change: change, Was: side(was), Is: side(is)}, names: map[string]bool{}}
		t.groups[k] = g
	}
	g.Count++
	if len(g.names) < mostNames {
		g.names[row.UserName] = true
	}
	if len(g.Examples) < mostExamples {
		e := Example{Session: row.Session, Connection: row.Connection, UserName: row.UserName, Opened: row.Opened, Was: side(was), Is: side(is)}
		if row.Address.IsValid() {
			e.Address = row.Address.String()
		}
		g.Examples = append(g.Examples, e)
	}
}

// user counts a change for a user.
func (t *tally) user(change Change, name string) {
	u := t.users[name]
	if u == nil {
		if len(t.users) >= mostNames {
			return
		}
		u = &User{Name: name, Counts: map[Change]int64{}}
		t.users[name] = u
	}
	u.Count++
	u.Counts[change]++
}

// end gives the report. What is as large as something else comes in an order of its own, so that reports can be
// compared.
func (t *tally) end(took time.Duration) *Report {
	r := &t.report
	r.Duration = took.Seconds()
	r.Damaged += t.damaged
	r.Groups, r.Users, r.Versions = []Group{}, []User{}, []Counted{}
	for _, g := range t.groups {
		g.Group.Users = len(g.names)
		r.Groups = append(r.Groups, g.Group)
	}
	slices.SortFunc(r.Groups, func(a, b Group) int {
		return cmp.Or(slices.Index(Changes, a.Change)-slices.Index(Changes, b.Change), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Was.Line, b.Was.Line), cmp.Compare(a.Is.Line, b.Is.Line), cmp.Compare(a.Was.Why, b.Was.Why), cmp.Compare(a.Is.Why, b.Is.Why))
	})
	for _, u := range t.users {
		r.Users = append(r.Users, *u)
	}
	slices.SortFunc(r.Users, func(a, b User) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	for _, name := range slices.Sorted(maps.Keys(t.versions)) {
		r.Versions = append(r.Versions, Counted{name, t.versions[name]})
	}
	slices.SortStableFunc(r.Versions, func(a, b Counted) int { return cmp.Compare(b.Count, a.Count) })
	return r
}
