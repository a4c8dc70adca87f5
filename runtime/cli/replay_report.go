package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"moongate/runtime/journal/replay"
	"moongate/runtime/recording"
)

// changeStyles are the styles of the changes; what is not here is plain.
var changeStyles = map[replay.Change]style{
	replay.Same: green, replay.Refuses: red, replay.Accepts: red, replay.Other: yellow, replay.Error: red, replay.CannotSay: yellow, replay.Slower: yellow,
}

// writeReplay writes the report of a replay for people: so many groups and users at most, 0 for all.
func writeReplay(s *screen, r *replay.Report, folder string, most int) error {
	var b strings.Builder
	out := *s
	out.Writer = &b
	if r.Connections > 0 {
		fmt.Fprintf(&b, "%s (%s): %s again in %s, %s to %s\n", printable(folder), r.Version, counted(int(r.Connections), "connection", "connections"),
			lasted(r.Duration), clock(r.From), clock(r.Until))
		fmt.Fprintf(&b, "recorded with %s\n\n", recordedWith(r, max(most, 1)))
	}
	if err := changes(&out, r); err != nil {
		return err
	}
	if err := changeGroups(&out, r, most); err != nil {
		return err
	}
	if err := changedUsers(&out, r, most); err != nil {
		return err
	}
	_, err := io.WriteString(s, b.String())
	return err
}

// recordedWith are the versions that had decided.
func recordedWith(r *replay.Report, most int) string {
	var names []string
	for i, v := range r.Versions {
		if i == most {
			names = append(names, counted(len(r.Versions)-most, "other", "others"))
			break
		}
		names = append(names, fmt.Sprintf("%s (%d)", printable(v.Name), v.Count))
	}
	return strings.Join(names, ", ")
}

// changes is the table of counts.
func changes(s *screen, r *replay.Report) error {
	t := &table{screen: s, gather: -1, headings: []heading{{title: "verdict"}, {title: "count", right: true}, {title: "share", right: true}}}
	for _, c := range replay.Changes {
		if n := r.Counts[c]; n > 0 || c == replay.Same {
			t.add([]cell{{string(c), changeStyles[c]}, {text: strconv.FormatInt(n, 10)}, {text: percentage(n, max(1, r.Connections))}})
		}
	}
	for _, beside := range []struct {
		what string
		n    int64
	}{{"(no method was asked)", r.NotAsked}, {"(not recorded)", r.NotRecorded}, {"(damaged)", r.Damaged}} {
		if beside.n > 0 {
			t.add([]cell{{beside.what, faint}, {text: strconv.FormatInt(beside.n, 10)}, {}})
		}
	}
	return t.settle()
}

// changeGroups is the table of what is not the same.
func changeGroups(s *screen, r *replay.Report, most int) error {
	if len(r.Groups) == 0 {
		return nil
	}
	fmt.Fprintln(s)
	t := &table{screen: s, gather: -1, headings: []heading{{title: "change", whole: true}, {title: "count", right: true}, {title: "users", right: true, drop: 2}, {title: "was"}, {title: "is"},
		{title: "for example", drop: 1}}}
	for i, g := range r.Groups {
		if most > 0 && i == most {
			break
		}
		t.add([]cell{{string(g.Change), changeStyles[g.Change]}, {text: strconv.FormatInt(g.Count, 10)}, {text: strconv.Itoa(g.Users)},
			{text: sideText(g.Was, g.Change)}, {text: sideText(g.Is, g.Change)}, {text: exampleText(g.Examples)}})
	}
	if err := t.settle(); err != nil {
		return err
	}
	if left := len(r.Groups) - most; most > 0 && left > 0 {
		fmt.Fprintf(s, "(and %s; --top 0 or --json has all)\n", counted(left, "other group", "other groups"))
	}
	return nil
}

// sideText is a verdict in one line.
func sideText(side replay.Side, change replay.Change) string {
	if change == replay.Slower {
		return fmt.Sprintf("%d instructions, %s", side.Steps, side.Line)
	}
	words := []string{side.Verdict}
	if side.Verdict == recording.Refused {
		words = append(words, strconv.FormatInt(side.Code, 10))
	}
	if side.Verdict == recording.CannotSay {
		words[0] = "asks for"
	}
	if side.Why != "" {
		words = append(words, side.Why)
	}
	if side.Line != "" && !strings.HasPrefix(side.Why, side.Line) {
		words = append(words, "("+side.Line+")")
	}
	return strings.Join(words, " ")
}

// exampleText names a connection as moongate why takes it, and whose it was.
func exampleText(examples []replay.Example) string {
	if len(examples) == 0 {
		return ""
	}
	e := examples[0]
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", nameOf(e.Session, e.Connection), e.UserName, e.Address))
}

// shortSession is how much of a session's id tells it from others, nearly always.
const shortSession = 8

// nameOf names a recorded connection: SESSION:CONNECTION, the session cut.
func nameOf(session string, connection int64) string {
	if len(session) > shortSession {
		session = session[:shortSession]
	}
	return session + ":" + strconv.FormatInt(connection, 10)
}

// changedUsers is the table of those who have changes.
func changedUsers(s *screen, r *replay.Report, most int) error {
	if len(r.Users) < 2 { // the groups say it all
		return nil
	}
	fmt.Fprintln(s)
	t := &table{screen: s, gather: -1, headings: []heading{{title: "user"}, {title: "not the same", right: true}, {title: "of these"}}}
	for i, u := range r.Users {
		if most > 0 && i == most {
			break
		}
		var words []string
		for _, c := range replay.Changes {
			if n := u.Counts[c]; n > 0 {
				words = append(words, fmt.Sprintf("%d %s", n, c))
			}
		}
		t.add([]cell{{text: u.Name}, {text: strconv.FormatInt(u.Count, 10)}, {text: strings.Join(words, ", ")}})
	}
	if err := t.settle(); err != nil {
		return err
	}
	if left := len(r.Users) - most; most > 0 && left > 0 {
		fmt.Fprintf(s, "(and %s)\n", counted(left, "other user", "other users"))
	}
	return nil
}
