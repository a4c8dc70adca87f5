package cli

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"moongate/runtime/admin"
	"moongate/runtime/admin/client"
	documents "moongate/runtime/document"
	"moongate/runtime/host"
)

// shadowing is one run of moongate shadow.
type shadowing struct {
	*operation
	interval time.Duration
	count    int
}

// shadow is moongate shadow.
func shadow(m *invocation, args []string) int {
	s := &shadowing{operation: newOperation(m, "shadow")}
	s.set.DurationVar(&s.interval, "interval", time.Second, "the `time` from one round of the table to the next")
	s.set.IntVar(&s.count, "count", 0, "so many rounds of the table (a `number`; 0: without end on a terminal, 1 elsewhere)")
	if ok, code := s.parse(args, 0, 2); !ok {
		return code
	}
	word, folder := s.set.Arg(0), s.set.Arg(1)
	switch {
	case s.interval < shortestInterval:
		return s.misused(fmt.Errorf("--interval is %v; it must be %v or more", s.interval, shortestInterval))
	case s.count < 0:
		return s.misused(fmt.Errorf("--count is %d; it must be 0 or more", s.count))
	case word != "on" && s.set.NArg() > 1:
		return s.misused(fmt.Errorf("unexpected argument %q", folder))
	}
	switch word {
	case "":
		return s.show()
	case "on":
		if folder != "" {
			folder = absolute(folder)
		}
		return s.once(func(ctx context.Context) (admin.Done, error) {
			return s.client.ShadowOn(ctx, admin.ShadowAct{Folder: filepath.ToSlash(folder)})
		})
	case "off":
		return s.once(s.client.ShadowOff)
	case "promote":
		return s.once(s.client.Promote)
	}
	return s.misused(fmt.Errorf("unknown word %q; say on, off, promote, or nothing for the table", word))
}

// show shows the table: live on a terminal, elsewhere so many rounds, one below the other. Ctrl-C is the end, and no failure.
func (s *shadowing) show() int {
	ctx, stop := interruptible()
	defer stop()
	if s.out.terminal && !s.json {
		return s.live(ctx)
	}
	for i := range max(s.count, 1) {
		if i > 0 {
			pauseFor(ctx, s.interval)
		}
		text, err := s.round(ctx)
		switch {
		case ctx.Err() != nil:
			return ExitClean
		case err != nil:
			return s.failed(err)
		}
		if i > 0 && !s.json {
			text = "\n" + text
		}
		if _, err := fmt.Fprint(s.out, text); err != nil {
			return s.written(err)
		}
	}
	return ExitClean
}

// live shows the table on a terminal until q, Escape or Ctrl-C, or for --count rounds. A server that goes away is waited for.
func (s *shadowing) live(ctx context.Context) int {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	restore := (&watching{operation: s.operation}).listen(leave)
	defer restore()
	fmt.Fprint(s.out, enterScreen)
	defer fmt.Fprint(s.out, leaveScreen)
	text := ""
	for round := 1; ctx.Err() == nil; round++ {
		next, err := s.round(ctx)
		switch {
		case ctx.Err() != nil:
			return ExitClean
		case err != nil:
			next = s.out.styled(cutTo(printable(err.Error()), max(1, s.out.columns())), red) + "\n" + text
		default:
			text = next
		}
		if err := s.draw(next); err != nil {
			return s.written(err)
		}
		if round == s.count {
			break
		}
		pauseFor(ctx, s.interval)
	}
	return ExitClean
}

// draw writes the whole screen at once, line over line, so that nothing flickers.
func (s *shadowing) draw(text string) error {
	_, rows := s.out.size()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if rows > 0 {
		lines = lines[:min(len(lines), rows)]
	}
	frame := homeward
	for i, line := range lines {
		if i > 0 {
			frame += "\r\n"
		}
		frame += wholeLine + line
	}
	if len(lines) < rows {
		frame += restOfIt
	}
	_, err := fmt.Fprint(s.out, frame)
	return err
}

// round is what there is to show now.
func (s *shadowing) round(ctx context.Context) (string, error) {
	if s.json {
		raw, err := s.client.Raw(ctx, client.ShadowPath)
		if err != nil {
			return "", err
		}
		return inert(raw) + "\n", nil
	}
	row, err := s.client.Shadow(ctx)
	if err != nil {
		return "", err
	}
	return shadowText(s.out, &row)
}

// shadowText is the table of a shadow.
func shadowText(to *screen, row *admin.Shadow) (string, error) {
	if !row.On {
		return "no shadow: moongate shadow on FOLDER begins one\n", nil
	}
	text := to.sheet(shadowLines(row))
	if len(row.Examples) == 0 {
		return text, nil
	}
	var table bytes.Buffer
	screen := *to
	screen.Writer = &table
	l := listing[admin.ShadowExample]{columns: exampleColumns}
	err := l.write(&screen, row.Examples)
	return text + "\n" + table.String(), err
}

// shadowLines say what a shadow has found.
func shadowLines(s *admin.Shadow) []sheetLine {
	lines := []sheetLine{{"shadow", []cell{{text: s.Folder}, {text: "version " + s.Version}, {text: "since " + clock(s.Since)}}}}
	if s.Problem != "" {
		lines = append(lines, sheetLine{"", []cell{{"the files there are not used: " + strings.ReplaceAll(s.Problem, "\n", "; "), red}}})
	}
	asked := s.Same + s.Refuses + s.Accepts + s.Other + s.Failed
	lines = append(lines, sheetLine{"asked", []cell{{text: counted(int(asked), "verdict", "verdicts")}, {text: fmt.Sprintf("%d waiting", s.Queued)},
		{fmt.Sprintf("%d not asked", s.NotAsked), worth(s.NotAsked, yellow)}}})
	share := func(n int64) string {
		if asked == 0 {
			return "0"
		}
		return fmt.Sprintf("%d (%s)", n, percent(float64(n)/float64(asked)))
	}
	return append(lines,
		sheetLine{"same", []cell{{text: share(s.Same)}}},
		sheetLine{"would", []cell{{"refuse " + share(s.Refuses) + " that were let in", worth(s.Refuses, red)}}},
		sheetLine{"", []cell{{"let in " + share(s.Accepts) + " that were refused", worth(s.Accepts, yellow)}}},
		sheetLine{"", []cell{{"say another code, reason or limit to " + share(s.Other), worth(s.Other, yellow)}}},
		sheetLine{"failed", []cell{{share(s.Failed), worth(s.Failed, red)}}})
}

// worth is a style for a number that should be 0.
func worth(n int64, s style) style {
	if n == 0 {
		return plain
	}
	return s
}

// exampleColumns are those of the examples. Where there is no room for all of them, the difference and the shadow's verdict stay.
var exampleColumns = []column[admin.ShadowExample]{
	left("TIME", func(e *admin.ShadowExample) string { return clock(e.Time) }).dropped(3),
	right("CONNECTION", func(e *admin.ShadowExample) string { return number(e.Connection) }).dropped(1),
	left("USER", func(e *admin.ShadowExample) string { return e.UserName }).dropped(4),
	left("ADDRESS", func(e *admin.ShadowExample) string { return e.Address }).dropped(5),
	left("DIFFERENCE", func(e *admin.ShadowExample) string { return e.Difference }),
	left("VERDICT", func(e *admin.ShadowExample) string { return e.Verdict }).dropped(2),
	left("SHADOW", func(e *admin.ShadowExample) string { return e.Shadow }),
}

// openShadow says how shadows are opened, and opens the one of --shadow, which works as soon as clients come.
func (s *server) openShadow(open host.OpenShadow) error {
	if s.flags.local {
		return nil
	}
	s.host.SetProbation(host.Probation(s.flags.probation))
	s.host.SetShadows(host.Shadows{
		Open: open, Documents: documents.New(s.data.File(documents.FolderName)), MemoryLimit: uint64(s.flags.memoryLimit),
	})
	if s.flags.shadow == "" {
		return nil
	}
	if err := s.host.ShadowOn(s.flags.shadow); err != nil {
		return fmt.Errorf("--shadow %s:\n%w", s.flags.shadow, err)
	}
	return nil
}
