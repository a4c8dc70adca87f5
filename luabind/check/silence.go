package check

import (
	"regexp"
	"slices"
	"strings"

	"moongate/luabind/script"
	"moongate/runtime/finding"
)

// ignoreForm is a comment that silences rules for the findings of its line, or, when it has a line of its own, of the
// next one.
var ignoreForm = regexp.MustCompile(`^check:\s*ignore\b\s*(.*)$`)

// silence takes away what comments silence, and notes comments that name no rule.
func (f *folder) silence() {
	type lineOf struct {
		file string
		line int
	}
	silent := map[lineOf][]string{}
	for _, s := range f.sources {
		for i, c := range s.Comments {
			match := ignoreForm.FindStringSubmatch(c.Text)
			if match == nil {
				continue
			}
			line := lineOf{s.File, meant(s.Comments, i)}
			silent[line] = append(silent[line], f.ignored(s, c, match[1])...)
		}
	}
	f.findings = slices.DeleteFunc(f.findings, func(found finding.Finding) bool {
		return slices.Contains(silent[lineOf{found.File, found.Line}], found.Rule)
	})
}

// meant is the line that a comment is about: its own or the next one that is no comment.
func meant(comments []script.Comment, i int) int {
	line := comments[i].Line
	if !comments[i].Alone {
		return line
	}
	for _, c := range comments[i+1:] {
		if !c.Alone || c.Line != line+1 {
			break
		}
		line++
	}
	return line + 1
}

// ignored are the rules that a comment names. Words behind -- or a bracket are its writer's reason.
func (f *folder) ignored(s *source, c script.Comment, text string) []string {
	text, _, _ = strings.Cut(text, "--")
	text, _, _ = strings.Cut(text, "(")
	rules := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	at := script.Place{Line: c.Line, Column: c.Column}
	if len(rules) == 0 {
		f.note(s, ruleIgnore, at, "check: ignore names no rule; write it behind, as in -- check: ignore "+ruleForgottenLocal)
	}
	for _, name := range rules {
		if !slices.ContainsFunc(table, func(r row) bool { return r.Name == name }) {
			f.note(s, ruleIgnore, at, "no rule is called "+name+script.DidYouMean(name, slices.Values(ruleNames())))
		}
	}
	return rules
}

func ruleNames() []string {
	var names []string
	for _, r := range table {
		names = append(names, r.Name)
	}
	return names
}
