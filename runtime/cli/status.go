package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"moongate/runtime/admin"
	"moongate/runtime/admin/client"
)

// status is moongate status.
func status(m *invocation, args []string) int {
	o := newOperation(m, "status")
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	ctx, stop := interruptible()
	defer stop()
	raw, err := o.client.Raw(ctx, client.ServerPath)
	if err != nil {
		return o.failed(err)
	}
	if o.json {
		_, err := fmt.Fprintln(o.out, inert(raw))
		return o.written(err)
	}
	var s admin.Server
	if err := json.Unmarshal(raw, &s); err != nil {
		return o.failed(fmt.Errorf("%s is %w of this version: %w", o.client.Address(), client.ErrForeign, err))
	}
	_, err = o.out.Write([]byte(o.out.sheet(statusLines(&s, o.client.Address()))))
	return o.written(err)
}

// sheetLine is a line of a sheet: what it is about, and what there is to say.
type sheetLine struct {
	about string
	says  []cell // side by side, two columns between them
}

// sheet is lines of which the first words stand in a column of their own, cut to the width of a terminal.
func (s *screen) sheet(lines []sheetLine) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(s.sheetLine(line) + "\n")
	}
	return b.String()
}

// aboutWidth is the width of a sheet's first column.
const aboutWidth = 13

func (s *screen) sheetLine(line sheetLine) string {
	limit, at := s.columns(), aboutWidth
	text := s.styled(line.about, bold) + strings.Repeat(" ", max(1, aboutWidth-len(line.about)))
	for i, c := range line.says {
		words := printable(c.text)
		if i > 0 {
			words = between + words
		}
		if limit > 0 {
			words = cutTo(words, limit-at)
		}
		text += s.styled(words, c.style)
		at += displayWidth(words)
	}
	return strings.TrimRight(text, " ")
}

// statusLines say how a server is.
func statusLines(s *admin.Server, address string) []sheetLine {
	lines := []sheetLine{
		{"server", []cell{{text: "moongate " + s.Version}, {text: "at " + address}, {text: fmt.Sprintf("process id %d", s.PID)}}},
		{"state", []cell{{s.State, stateStyles[s.State]}, {text: "up " + lasted(s.Uptime)}, {text: "since " + clock(s.Started)}}},
	}
	lines = append(lines, shutdownLines(s)...)
	lines = append(lines, sheetLine{"listens", []cell{{text: strings.Join(s.Listen, " ")}}})
	lines = append(append(lines, gateLines(s.Gates)...),
		sheetLine{"scripts", []cell{{text: s.Scripts}, {text: "version " + s.ScriptsVersion}}})
	if s.ScriptsProblem != "" {
		lines = append(lines, sheetLine{"", []cell{{"the files there are not used: " + s.ScriptsProblem, red}}})
	}
	lines = append(lines, probationLines(s.Probation)...)
	if s.Shadow != "" {
		lines = append(lines, sheetLine{"shadow", []cell{{text: s.Shadow}, {text: "see moongate shadow"}}})
	}
	accounts := "without accounts"
	if s.UsersProblem != "" {
		lines = append(lines, sheetLine{"", []cell{{"the users file is not used: " + s.UsersProblem, red}}})
	}
	if s.Accounts {
		accounts = "with accounts"
	}
	lines = append(lines, sheetLine{"data", []cell{{text: s.Data}}}, connectionLine(s),
		sheetLine{"users", []cell{{text: fmt.Sprint(s.Users)}, {text: accounts}}},
		sheetLine{"processes", []cell{{text: fmt.Sprint(s.Processes)}}},
		sheetLine{"verdicts", []cell{{text: fmt.Sprintf("%d accepted", s.Accepted)}, {text: fmt.Sprintf("%d refused", s.Refused)}}})
	return append(lines, journalLines(&s.Journal)...)
}

// connectionLine counts the connections.
func connectionLine(s *admin.Server) sheetLine {
	says := []cell{{text: fmt.Sprintf("%d open", s.Connections)}}
	if s.Links > 0 {
		says = append(says, cell{text: fmt.Sprintf("%d remote processes without one", s.Links)})
	}
	if s.LoggingIn > 0 {
		says = append(says, cell{text: fmt.Sprintf("%d logging in", s.LoggingIn)})
	}
	if s.MaximumConnections > 0 {
		says = append(says, cell{text: fmt.Sprintf("%d at the most", s.MaximumConnections)})
	}
	if s.RefusesNew {
		says = append(says, cell{"new ones are refused", yellow})
	}
	return sheetLine{"connections", says}
}

// shutdownLines say how far the end of the server is; there are none before.
func shutdownLines(s *admin.Server) []sheetLine {
	if s.Quit == nil {
		return nil
	}
	says := []cell{{text: waitingFor(s.Quit), style: yellow}}
	if s.Stage != "" {
		says = append(says, cell{text: "stage: " + s.Stage})
	}
	return []sheetLine{{"quit", says}}
}

// journalLines say how recording goes.
func journalLines(j *admin.Journal) []sheetLine {
	says := []cell{{text: counted(int(j.Rows), "row", "rows")}, {text: fmt.Sprintf("%d waiting", j.Queued)}}
	if j.Dropped > 0 {
		says = append(says, cell{fmt.Sprintf("%d dropped", j.Dropped), red})
	}
	lines := []sheetLine{{"journal", says}}
	if j.Failing != "" {
		lines = append(lines, sheetLine{"", []cell{{fmt.Sprintf("nothing is written since %s: %s", clock(j.Since), j.Failing), red}}})
	}
	return lines
}
