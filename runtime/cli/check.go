package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"moongate/runtime/finding"
	"moongate/runtime/structure"

	"github.com/spf13/pflag"
)

// scriptCommands are the commands of the person who writes scripts, as rows of the table of commands. None of them asks a
// server or lets a method run.
var scriptCommands = []command{
	{"check", checkManual.meaning, check},
	{"test", testManual.meaning, test},
	{"api", apiManual.meaning, api},
	{"types", typesManual.meaning, types},
	{"init", initManual.meaning, initialize},
}

var checkManual = manual{
	name: "check", arguments: "[FOLDER]", meaning: "find what is wrong in a scripts folder, before it is served",
	examples: []string{"check", "check --strict scripts/examples/journal", "check --explain closed-window", "check --sarif > check.sarif"},
	more: "FOLDER is $MOONGATE_SCRIPTS, or scripts, if it is left out. What is found has a line each: file:line:column: message\n" +
		"(rule). A comment at the end of a line, or alone above it, silences a rule there: -- check: ignore RULE. No method\n" +
		"runs. Exit codes: 0 nothing worse than warnings, 1 errors (with --strict: or warnings), 2 wrong usage.",
}

// newTool makes an operation that asks neither a server nor a data folder.
func newTool(m *invocation, manual manual) *operation {
	o := &operation{invocation: m, manual: manual, out: newScreen(m.stdout), set: pflag.NewFlagSet(manual.name, pflag.ContinueOnError)}
	o.set.SortFlags = false
	o.set.Usage = func() {}
	return o
}

// parseTool reads the flags of a tool; there may be so many arguments at the most. It reports false, with an exit code,
// when there is nothing more to do.
func (o *operation) parseTool(args []string, most int) (bool, int) {
	o.set.BoolVarP(&o.help, "help", "h", false, "say what the flags mean")
	err := o.set.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp) || err == nil && o.help:
		fmt.Fprint(o.stdout, o.usageText())
		return false, ExitClean
	case err == nil && o.set.NArg() > most:
		err = fmt.Errorf("unexpected argument %q", o.set.Arg(most))
	}
	if err != nil {
		return false, o.misused(err)
	}
	return true, ExitClean
}

// folder is the scripts folder that a tool is about.
func (o *operation) folder() string {
	if o.set.NArg() > 0 && o.set.Arg(0) != "" {
		return o.set.Arg(0)
	}
	if folder := os.Getenv(variable("scripts")); folder != "" {
		return folder
	}
	return "scripts"
}

// check finds what is wrong in a scripts folder.
func check(m *invocation, args []string) int {
	o := newTool(m, checkManual)
	strict := o.set.Bool("strict", false, "let warnings fail as errors do")
	explain := o.set.Bool("explain", false, "say what there is to know of a rule, or list all rules")
	o.set.BoolVar(&o.json, "json", false, "write JSON, for programs: one array")
	sarif := o.set.Bool("sarif", false, "write SARIF 2.1.0, for code reviews")
	if ok, code := o.parseTool(args, 1); !ok {
		return code
	}
	if o.json && *sarif {
		return o.misused(errors.New("--json and --sarif are two forms; choose one"))
	}
	if *explain {
		return o.explain(o.set.Arg(0))
	}
	folder := o.folder()
	report, err := m.scripts.Check(folder)
	if err != nil {
		return o.failed(err)
	}
	for i := range report.Findings {
		report.Findings[i].File = filepath.Join(folder, filepath.FromSlash(report.Findings[i].File))
	}
	if code := o.written(o.report(report, *sarif)); code != ExitClean {
		return code
	}
	if report.Count(finding.Error) > 0 || *strict && report.Count(finding.Warning) > 0 {
		return ExitFailed
	}
	return ExitClean
}

// report writes what was found. The summary is for people, beside the lines.
func (o *operation) report(report finding.Report, sarif bool) error {
	switch {
	case sarif:
		return report.WriteSARIF(o.stdout, o.scripts.Rules(), release)
	case o.json:
		return report.WriteJSON(o.stdout)
	}
	for i := range report.Findings {
		report.Findings[i].File = printable(report.Findings[i].File)
		report.Findings[i].Message = printable(report.Findings[i].Message)
	}
	if err := report.WriteText(o.stdout); err != nil {
		return err
	}
	fmt.Fprintln(o.stderr, report.Summary())
	return nil
}

// explain prints the page of a rule, or the list of all.
func (o *operation) explain(name string) int {
	var names []string
	longest := 0
	for _, r := range o.scripts.Rules() {
		if r.Name == name {
			_, err := fmt.Fprint(o.stdout, r.Page())
			return o.written(err)
		}
		names = append(names, r.Name)
		longest = max(longest, len(r.Name))
	}
	if name != "" {
		return o.misused(fmt.Errorf("no rule is called %q%s", name, structure.DidYouMean(name, names)))
	}
	for _, r := range o.scripts.Rules() {
		if _, err := fmt.Fprintf(o.stdout, "%-*s  %-7s  %s\n", longest, r.Name, r.Severity, r.Meaning); err != nil {
			return o.written(err)
		}
	}
	return ExitClean
}
