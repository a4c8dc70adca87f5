package script

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is a message about a place in the scripts folder, an error or a warning.
type Problem struct {
	File    string // relative to the scripts folder, with slashes; or the chunk name given to Compile
	Line    int    // from 1; 0 when the message is about the file as a whole
	Column  int    // in bytes, from 1; 0 when it is not known
	Message string
	Rule    string // what kind of a problem it is, one of the Rule constants; "" of a text that is no file
}

// The kinds of problems, by the names that moongate check has for them.
const (
	RuleFile         = "file"          // it cannot be read
	RuleMethodName   = "method-name"   // the name cannot be that of a method or module
	RuleSyntax       = "syntax"        // it is no Lua that can be run
	RuleAttributes   = "attributes"    // of the first line
	RuleDatabaseCall = "database-call" // a database method is called
	RuleUnknownName  = "unknown-name"  // nothing defines a name that is read
)

// as gives problems without a rule one.
func (ps Problems) as(rule string) Problems {
	for i := range ps {
		if ps[i].Rule == "" {
			ps[i].Rule = rule
		}
	}
	return ps
}

// String is file:line:column: message, without the numbers that are 0.
func (p Problem) String() string {
	switch {
	case p.Line == 0:
		return fmt.Sprintf("%s: %s", p.File, p.Message)
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
	default:
		return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	}
}

// Problems is the error that Load and Compile return: everything that is wrong, sorted by place.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sort() {
	slices.SortFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
}
