package check

import (
	"errors"
	"regexp"
	"slices"
	"strconv"

	"moongate/luabind/script"
	"moongate/runtime/finding"
	"moongate/runtime/structure"

	"github.com/yuin/gopher-lua/ast"
)

// Options is what a check needs to know of the host that would run the scripts.
type Options struct {
	// Known are the global names that scripts find without defining them.
	Known script.Known
	// Structure reads the structure.lua of a folder; its error has a line for each mistake. nil: nobody reads it.
	Structure func(folder string) (structure.Structure, error)
}

// Folder checks a scripts folder. It waits for the disk, and for structure.lua as long as its reader lets that run. Files
// that are wrong are findings; the error says why the folder itself cannot be read, as script.Load's.
func Folder(dir string, o Options) (finding.Report, error) {
	n, err := script.Inspect(dir, o.Known)
	if err != nil {
		return finding.Report{}, err
	}
	f := newFolder(n, o.Known)
	f.takeProblems()
	f.readStructure(dir, o.Structure)
	for _, r := range table {
		if r.find == nil {
			continue
		}
		for _, s := range f.sources {
			if s.Tree != nil {
				r.find(&look{folder: f, source: s, rule: r.Name})
			}
		}
	}
	f.silence()
	files := len(n.Sources)
	if n.TablesFile {
		files++
	}
	return finding.Report{Findings: finding.Sort(f.findings), Files: files}, nil
}

// look is what a rule gets: a source, and all that is known of its folder.
type look struct {
	folder *folder
	*source
	rule string
}

// found notes a finding at a node.
func (l *look) found(at ast.PositionHolder, message string) {
	l.folder.note(l.source, l.rule, l.Place(at), message)
}

// note adds a finding of a rule at a place of a source.
func (f *folder) note(s *source, rule string, at script.Place, message string) {
	found := finding.Finding{File: s.File, Rule: rule, Severity: severity(rule), Message: message,
		Line: at.Line, Column: at.Column, EndLine: at.EndLine, EndColumn: at.EndColumn, Text: s.Line(at.Line)}
	f.findings = append(f.findings, found)
}

// takeProblems makes findings of what loading the folder says.
func (f *folder) takeProblems() {
	for _, p := range f.inspection.Problems {
		f.take(p, finding.Error)
	}
	for _, p := range f.inspection.Warnings {
		f.take(p, finding.Warning)
	}
}

func (f *folder) take(p script.Problem, s finding.Severity) {
	found := finding.Finding{File: p.File, Line: p.Line, Column: p.Column, Rule: p.Rule, Severity: s, Message: p.Message}
	if source := f.byFile[p.File]; source != nil {
		at := source.PlaceAt(p.Line, p.Column)
		found.EndLine, found.EndColumn, found.Text = at.EndLine, at.EndColumn, source.Line(p.Line)
		if p.Rule == script.RuleUnknownName && source.called[at] {
			found.Rule, found.Severity = ruleUnknownCommand, severity(ruleUnknownCommand)
		}
	}
	f.findings = append(f.findings, found)
}

// placed is the form of the messages of a script that failed.
var placed = regexp.MustCompile(`^structure\.lua:(\d+): (.*)`)

// readStructure takes what the reader of structure.lua says.
func (f *folder) readStructure(dir string, read func(string) (structure.Structure, error)) {
	if read == nil {
		return
	}
	declared, err := read(dir)
	if err == nil {
		f.structure = &declared
		return
	}
	var problems script.Problems
	if !errors.As(err, &problems) {
		p := script.Problem{File: structureFile, Message: err.Error()}
		if m := placed.FindStringSubmatch(err.Error()); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			p.Message = m[2]
		}
		problems = script.Problems{p}
	}
	for _, p := range problems {
		p.Rule = ruleStructure
		f.take(p, finding.Error)
	}
}

const structureFile = "structure.lua"

// Rules are all rules, in the order in which they are explained.
func Rules() []finding.Rule {
	var all []finding.Rule
	for _, r := range table {
		all = append(all, r.Rule)
	}
	return all
}

// severity is that of a rule's findings.
func severity(rule string) finding.Severity {
	i := slices.IndexFunc(table, func(r row) bool { return r.Name == rule })
	return table[i].Severity
}
