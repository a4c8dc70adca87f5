package script

import (
	"cmp"
	"iter"
	"regexp"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// Unfinished is the error of [CompileTyped] for a text that is right as far as it goes.
type Unfinished struct{ Problem Problem }

// Error says what is missing.
func (u *Unfinished) Error() string { return u.Problem.String() }

// giving makes statements of a list of expressions.
const giving = "return "

// CompileTyped makes bytecode of what somebody types: a list of expressions, whose values it gives, or if it is none,
// statements. As in Lua's own interpreter = before expressions does nothing. line is the number of its first line, from 1
// on. The error is an *Unfinished when more lines may complete the text; otherwise it is a [Problems] of one problem, that
// of the two ways to read the text which went further. Like [Compile] it does not panic.
func CompileTyped(text, chunk string, line int) (*lua.FunctionProto, error) {
	statements, problem := parseTyped(text, chunk, line)
	if problem != nil {
		if isUnfinished(text, problem) {
			problem.Message = strings.Replace(problem.Message, atEnd, " at the end", 1)
			return nil, &Unfinished{*problem}
		}
		return nil, Problems{*problem}
	}
	proto, problem := compileChunk(statements, chunk)
	if problem != nil {
		return nil, Problems{*problem}
	}
	return proto, nil
}

// parseTyped gives the syntax tree of a text in one of its two readings, or the problem of the better one.
func parseTyped(text, chunk string, line int) ([]ast.Stmt, *Problem) {
	line = max(1, line)
	before := strings.Repeat("\n", line-1)
	expression := strings.TrimLeft(text, " \t")
	if rest, ok := strings.CutPrefix(expression, "="); ok && !strings.HasPrefix(rest, "=") {
		expression = rest
	} else {
		expression = text
	}
	statements, asExpression := parseChunk(before+giving+expression, chunk)
	if asExpression == nil {
		return statements, nil
	}
	if asExpression.Line == line && asExpression.Column > 0 {
		asExpression.Column = max(1, asExpression.Column-len(giving)+len(text)-len(expression))
	}
	statements, asStatements := parseChunk(before+text, chunk)
	switch {
	case asStatements == nil:
		return statements, nil
	case isUnfinished(text, asStatements):
		return nil, asStatements
	case isUnfinished(text, asExpression), farther(asExpression, asStatements):
		return nil, asExpression
	default:
		return nil, asStatements
	}
}

// atEnd is what the message about a source that ends too early has.
const atEnd = " at the end of the file"

// isUnfinished reports whether a problem is that the text ends here: in a construct, in a long string or comment, or in a
// string whose line ends with \.
func isUnfinished(text string, p *Problem) bool {
	begins := func(message string) bool { return strings.HasPrefix(p.Message, message) }
	return strings.Contains(p.Message, atEnd) || begins("unterminated long string") ||
		begins("unterminated comment") && longComment.MatchString(text) ||
		begins("unterminated string") && strings.HasSuffix(strings.TrimRight(text, "\r\n"), `\`)
}

// longComment is the beginning of a comment of several lines.
var longComment = regexp.MustCompile(`--\[=*\[`)

// farther reports whether a problem is behind another one.
func farther(a, b *Problem) bool {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) > 0
}

// UnknownNames says of each global name that a typed text reads and that is not defined what could have been meant. A text
// that cannot be parsed has none.
func UnknownNames(text string, defined map[string]bool) []string {
	statements, problem := parseTyped(text, "", 1)
	if problem != nil {
		return nil
	}
	var messages []string
	said := map[string]bool{}
	for _, r := range findGlobals(statements).reads {
		if !defined[r.name] && !said[r.name] {
			said[r.name] = true
			messages = append(messages, "unknown name "+r.name+didYouMean(suggest(r.name, visible(defined, r.scope))))
		}
	}
	return messages
}

// DidYouMean is what to add to a message about a name that is not among those known: a question, or "".
func DidYouMean(name string, known iter.Seq[string]) string { return didYouMean(suggest(name, known)) }

// IsKeyword reports whether a word belongs to the language, so that it is no name.
func IsKeyword(word string) bool { return slices.Contains(keywords, word) }

// Keywords are the words of the language.
func Keywords() iter.Seq[string] { return slices.Values(keywords) }
