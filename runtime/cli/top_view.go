package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"moongate/runtime/admin"
)

// view is what top shows: the last sample, what has changed since the one before, and whether the server answers.
type view struct {
	address string
	all     bool // the host's own processes too

	now       *sample // nil before the first answer
	before    *sample // of the same run of the server; nil in its first round
	failing   error   // why there is no newer sample; nil: there is
	failingAt time.Time
}

// heard takes the outcome of a round.
func (v *view) heard(s *sample, err error) {
	switch {
	case err == nil:
		v.failing = nil
		v.take(s)
	case v.failing == nil:
		v.failing, v.failingAt = err, time.Now()
	default:
		v.failing = err
	}
}

// take takes a sample. A server that was started again begins anew.
func (v *view) take(s *sample) {
	v.before, v.now = v.now, s
	if v.before != nil && (!v.before.Server.Started.Equal(s.Server.Started) || v.before.Server.PID != s.Server.PID) {
		v.before = nil
	}
}

// span is the time that the rates are of, in seconds: from the sample before, or from the start of the server.
func (v *view) span() float64 {
	if v.before == nil {
		return v.now.Server.Uptime
	}
	return v.now.Server.Uptime - v.before.Server.Uptime
}

// rate is how much a number has grown in each second.
func (v *view) rate(of func(*admin.Server) int64) float64 {
	span, grown := v.span(), of(&v.now.Server)
	if v.before != nil {
		grown -= of(&v.before.Server)
	}
	if span <= 0 {
		return 0
	}
	return max(0, float64(grown)/span)
}

// load is a process with the share of one processor that it has used.
type load struct {
	*admin.Process
	share float64
}

// loads are the processes, those that used most first.
func (v *view) loads() []load {
	used := map[int64]float64{}
	if v.before != nil {
		for _, p := range v.before.Processes {
			used[p.ID] = p.CPU
		}
	}
	var all []load
	for i := range v.now.Processes {
		p := &v.now.Processes[i]
		if !v.all && !isUsers(p) {
			continue
		}
		l := load{p, 0}
		if span := min(v.span(), p.Running); span > 0 {
			l.share = max(0, (p.CPU-used[p.ID])/span)
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b load) int {
		return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(b.CPU, a.CPU), cmp.Compare(a.Number, b.Number))
	})
	return all
}

// document is a round for programs.
type document struct {
	sample
	AcceptedPerSecond float64            `json:"accepted_per_second"`
	RefusedPerSecond  float64            `json:"refused_per_second"`
	CPU               map[string]float64 `json:"cpu_shares"` // by the unique number of the process; 1 is one processor
}

func (v *view) document() document {
	d := document{sample: *v.now, AcceptedPerSecond: v.rate(accepted), RefusedPerSecond: v.rate(refused), CPU: map[string]float64{}}
	for _, l := range v.loads() {
		d.CPU[fmt.Sprint(l.ID)] = l.share
	}
	return d
}

func accepted(s *admin.Server) int64 { return s.Accepted }
func refused(s *admin.Server) int64  { return s.Refused }

// lines are the screen, at most so many rows; 0 is no limit.
func (v *view) lines(s *screen, rows int) []string {
	var lines []string
	if v.failing != nil {
		text := fmt.Sprintf("%v; trying again since %s", v.failing, v.failingAt.Format("15:04:05"))
		lines = append(lines, s.styled(cutLine(s, text), red))
	}
	if v.now == nil {
		return cutRows(lines, rows)
	}
	for _, line := range v.summary() {
		lines = append(lines, s.sheetLine(line))
	}
	lines = append(lines, "")
	lines = append(lines, v.laneLines(s, rows)...)
	lines = append(lines, "")
	return cutRows(append(lines, v.processLines(s, rows-len(lines), rows > 0)...), rows)
}

// cutLine is a text as one line of the screen.
func cutLine(s *screen, text string) string {
	text = printable(text)
	if limit := s.columns(); limit > 0 {
		return cutTo(text, limit)
	}
	return text
}

func cutRows(lines []string, rows int) []string {
	if rows > 0 && len(lines) > rows {
		return lines[:rows]
	}
	return lines
}

// summary is the upper part of the screen.
func (v *view) summary() []sheetLine {
	n := &v.now.Server
	lines := []sheetLine{{"moongate", []cell{
		{n.State, stateStyles[n.State]}, {text: "up " + lasted(n.Uptime)}, {text: "at " + v.address}, {text: "scripts " + n.ScriptsVersion},
		{v.now.Time.Local().Format("15:04:05"), faint},
	}}}
	lines = append(lines, shutdownLines(n)...)
	rates := "a second"
	if v.before == nil {
		rates = "a second since the start"
	}
	lines = append(lines, sheetLine{"verdicts", []cell{
		{fmt.Sprintf("%s accepted", perSecond(v.rate(accepted))), green},
		{fmt.Sprintf("%s refused", perSecond(v.rate(refused))), red}, {text: rates},
		{fmt.Sprintf("%d and %d in all", n.Accepted, n.Refused), faint},
	}})
	open := connectionLine(n)
	open.says = append(open.says, cell{text: counted(n.Users, "user", "users")})
	if sleeping := v.sleeping(); sleeping > 0 {
		open.says = append(open.says, cell{text: fmt.Sprintf("%d asleep", sleeping)})
	}
	lines = append(append(lines, open), gateLines(n.Gates)...)
	if n.UsersProblem != "" {
		lines = append(lines, sheetLine{"users", []cell{{"the file is not used: " + n.UsersProblem, red}}})
	}
	if n.ScriptsProblem != "" {
		lines = append(lines, sheetLine{"scripts", []cell{{"not loaded: " + n.ScriptsProblem, red}}})
	}
	return append(lines, journalLines(&n.Journal)...)
}

// perSecond is a rate, with a digit after the point while it is small.
func perSecond(rate float64) string {
	if rate < 9.95 {
		return trimmed(rate)
	}
	return fmt.Sprintf("%.0f", rate)
}

// sleeping counts the connections that sleep.
func (v *view) sleeping() int {
	n := 0
	for i := range v.now.Connections {
		if v.now.Connections[i].Status == "Sleeping" {
			n++
		}
	}
	return n
}

// laneLines are the lanes that do something, and the cooperative one, on a third of the screen at the most.
func (v *view) laneLines(s *screen, rows int) []string {
	most := len(v.now.Lanes)
	if rows > 0 {
		most = max(1, rows/3-1)
	}
	var busy []admin.Lane
	for i, l := range v.now.Lanes {
		if i == 0 || l.Holder != 0 || len(l.Waiting) > 0 {
			busy = append(busy, l)
		}
	}
	shown := busy[:min(len(busy), most)]
	var table [][]cell
	for i := range shown {
		l := &shown[i]
		table = append(table, []cell{
			{text: fmt.Sprintf("%d %s", l.Number, l.Kind)}, {text: laneHolder(l)}, {text: l.Method}, {text: l.Place},
			{text: ifAny(l.Holder, lasted(l.Held))}, {text: some(l.Waiting, 5)},
		})
	}
	lines := tableLines(s, topLanes, table)
	if idle := len(v.now.Lanes) - len(shown); idle > 0 {
		lines = append(lines, s.styled(cutLine(s, counted(idle, "other lane", "other lanes")), faint))
	}
	return lines
}

var topLanes = []heading{
	{title: "LANE"}, {title: "HOLDER"}, {title: "METHOD"}, {title: "PLACE"}, {title: "HELD", right: true}, {title: "WAITING"},
}

var topProcesses = []heading{
	{title: "NUMBER", right: true}, {title: "CPU", right: true}, {title: "TIME", right: true}, {title: "STATE"},
	{title: "NAME"}, {title: "USER"}, {title: "METHOD"}, {title: "PLACE"}, {title: "RUNNING", right: true},
}

// processLines are the processes that fit into so many rows.
func (v *view) processLines(s *screen, rows int, limited bool) []string {
	all := v.loads()
	if limited {
		all = all[:min(len(all), max(0, rows-1))] // a row is the head's
	}
	var table [][]cell
	for _, l := range all {
		table = append(table, []cell{
			{text: fmt.Sprint(l.Number)}, {text: percent(l.share)}, {text: lasted(l.CPU)}, {l.State, stateStyles[l.State]}, {text: l.Name},
			{text: l.Session}, {text: l.Method}, {text: l.Place}, {text: lasted(l.Running)},
		})
	}
	return tableLines(s, topProcesses, table)
}

// tableLines is a whole table, as lines.
func tableLines(s *screen, headings []heading, rows [][]cell) []string {
	var b strings.Builder
	to := *s
	to.Writer = &b
	t := &table{screen: &to, headings: headings, gather: -1}
	for _, row := range rows {
		t.add(row)
	}
	t.settle()
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}
