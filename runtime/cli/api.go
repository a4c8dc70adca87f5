package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"moongate/runtime/signature"
	"moongate/runtime/structure"
)

var apiManual = manual{
	name: "api", arguments: "[NAME]", meaning: "say what scripts can call",
	examples: []string{"api", "api delay_process", "api \"DELAY PROCESS\"", "api query", "api --json"},
	more: "NAME is that of a command, as scripts or as 4D writes it, or of a function of data, such as query. A tick is 1/60\n" +
		"second. In a signature [ ] is around what may be left out. Exit codes: 0 done, 1 there is no such command, 2 wrong\nusage.",
}

// api prints the commands of scripts, or one of them in full.
func api(m *invocation, args []string) int {
	o := newTool(m, apiManual)
	o.set.BoolVar(&o.json, "json", false, "write JSON, for programs: one array")
	if ok, code := o.parseTool(args, 1); !ok {
		return code
	}
	all, name := m.scripts.Commands(), o.set.Arg(0)
	if name == "" {
		if o.json {
			return o.written(writeCommands(o.stdout, all))
		}
		return o.written(o.listCommands(all))
	}
	chosen := named(all, name)
	switch {
	case len(chosen) == 0:
		return o.failed(fmt.Errorf("no command is called %q%s", name, structure.DidYouMean(snake(name), commandNames(all))))
	case o.json:
		return o.written(writeCommands(o.stdout, chosen))
	}
	for i, c := range chosen {
		if i > 0 {
			fmt.Fprintln(o.stdout)
		}
		if err := o.describe(c); err != nil {
			return o.written(err)
		}
	}
	return ExitClean
}

// named are the commands and functions of a name, of which several values may have one.
func named(all []signature.Command, name string) []signature.Command {
	var chosen []signature.Command
	for _, c := range all {
		if c.Name == snake(name) || c.FourD != "" && strings.EqualFold(c.FourD, name) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// snake is a name as scripts write it: that of a call without what follows, of words with lines between.
func snake(name string) string {
	name, _, _ = strings.Cut(name, "(")
	if at := strings.LastIndexAny(name, ":."); at >= 0 {
		name = name[at+1:]
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_"))
}

func commandNames(all []signature.Command) []string {
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	return names
}

// listCommands prints all commands by theme.
func (o *operation) listCommands(all []signature.Command) error {
	var b strings.Builder
	theme := ""
	for _, c := range all {
		if c.Theme != theme {
			theme = c.Theme
			fmt.Fprintf(&b, "%s\n\n", o.out.styled(theme, bold))
		}
		fmt.Fprintf(&b, "  %s\n%s\n", called(c), o.wrapped(c.Meaning, "      "))
	}
	_, err := io.WriteString(o.stdout, b.String())
	return err
}

// called is the signature of a command, or of a function with what it is called of.
func called(c signature.Command) string {
	if c.Of == "" {
		return c.Signature
	}
	return c.Of + ":" + c.Signature
}

// describe prints all that there is to know of a command.
func (o *operation) describe(c signature.Command) error {
	waits := "no"
	if c.Waits {
		waits = "it may; other processes go on meanwhile"
	}
	fourD := c.FourD
	if fourD == "" {
		fourD = "none"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n", o.out.styled(called(c), bold), strings.TrimRight(o.wrapped(c.Meaning, "  "), "\n"))
	for _, row := range [][2]string{{"4D's name", fourD}, {"since", c.Since}, {"waits", waits}, {"with moongate", c.Roles}, {"theme", c.Theme}} {
		fmt.Fprintf(&b, "  %-14s %s\n", row[0], row[1])
	}
	_, err := io.WriteString(o.stdout, b.String())
	return err
}

// wrapped divides a text into lines that fit, each after the indent.
func (o *operation) wrapped(text, indent string) string {
	width := 100
	if columns := o.out.columns(); columns > 40 {
		width = min(width, columns)
	}
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if line != indent && displayWidth(line)+1+displayWidth(word) > width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += word + " "
	}
	return b.String() + strings.TrimRight(line, " ") + "\n"
}

// writeCommands writes the commands as one array.
func writeCommands(w io.Writer, all []signature.Command) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(all)
}
