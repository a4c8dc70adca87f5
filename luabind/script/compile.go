package script

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// Compile makes bytecode of Lua source: of a file, or of a text that a script gives to Lua's load. The chunk
// is the name that errors show before the line number. A UTF-8 byte order mark and a first line that begins
// with #! are passed over.
//
// The bytecode calls the global functions named by [ConcatOperator] for each a .. b and by [LengthOperator] for
// each #a; whoever runs it must put them into the environment.
//
// The error is always a [Problems] of one problem. Compile does not panic and bounds its stack, but not its
// time: gopher-lua compares each constant of a function with all the ones before it, so time grows with the
// square of the number of different constants (20,000 take about a second). Who compiles text that nobody
// vouches for limits its size: 64 KiB take about a second at the very worst.
func Compile(source, chunk string) (*lua.FunctionProto, error) {
	statements, problem := parseChunk(source, chunk)
	if problem != nil {
		return nil, Problems{*problem}
	}
	proto, problem := compileChunk(statements, chunk)
	if problem != nil {
		return nil, Problems{*problem}
	}
	return proto, nil
}

// parseChunk gives the syntax tree of a source, as gopher-lua's parser makes it.
func parseChunk(source, chunk string) ([]ast.Stmt, *Problem) {
	source = luaText(source)
	unclosed, problem := checkNesting(source, chunk)
	if problem != nil {
		return nil, problem
	}
	statements, err := parse.Parse(strings.NewReader(source), chunk)
	if err != nil {
		return nil, syntaxProblem(source, chunk, unclosed, err)
	}
	if line, found := tooDeep(statements); found {
		return nil, &Problem{File: chunk, Line: line, Message: fmt.Sprintf(
			"nested too deep: a chain of more than %d operators, calls or elseif", maxDepth)}
	}
	return statements, nil
}

// compileChunk changes the tree and makes bytecode of it.
func compileChunk(statements []ast.Stmt, chunk string) (proto *lua.FunctionProto, problem *Problem) {
	defer func() {
		// gopher-lua's compiler has ways to index out of its tables. They are faults of its, not of this
		// program's, and one chunk must not end the program.
		if fault := recover(); fault != nil {
			proto, problem = nil, &Problem{File: chunk, Message: fmt.Sprintf("the Lua compiler failed: %v", fault)}
		}
	}()
	r := rewriter{chunk: chunk}
	r.block(statements)
	if r.problem != nil {
		return nil, r.problem
	}
	proto, err := lua.Compile(statements, chunk)
	if err != nil {
		return nil, compileProblem(chunk, err)
	}
	if problem := checkBytecode(proto, chunk); problem != nil {
		return nil, problem
	}
	return proto, nil
}

// luaText is a source without its byte order mark and the words of its #! line. Lines keep their numbers.
func luaText(source string) string {
	source = strings.TrimPrefix(source, "\ufeff")
	if strings.HasPrefix(source, "#!") {
		source = source[len(firstLine(source)):]
	}
	return source
}

// firstLine is the first line without what ends it.
func firstLine(text string) string {
	if end := strings.IndexAny(text, "\r\n"); end >= 0 {
		return text[:end]
	}
	return text
}

// syntaxProblem says where the parser stopped. Its errors have the place of a token's last byte, and none at
// the end of the file.
func syntaxProblem(source, chunk string, unclosed opening, err error) *Problem {
	var syntax *parse.Error
	if !errors.As(err, &syntax) {
		return &Problem{File: chunk, Message: fmt.Sprintf("the Lua parser failed: %v", err)}
	}
	message := strings.Replace(syntax.Message, "parse error", "syntax error", 1)
	last := token{line: 1}
	for t := range scan(source, chunk) {
		atEnd := t.end.Line == syntax.Pos.Line && t.end.Column == syntax.Pos.Column
		atStart := t.line == syntax.Pos.Line && t.column == syntax.Pos.Column
		if atEnd || atStart {
			return &Problem{File: chunk, Line: t.line, Column: t.column, Message: message + " near " + quote(t.text)}
		}
		last = t
	}
	return &Problem{File: chunk, Line: last.line, Message: message + " at the end of the file" + missing(unclosed)}
}

// closers are the words and signs that close what is open, and what a message calls the opening.
var closers = map[int]struct{ closer, opener string }{
	'(': {"a ')'", "("}, '[': {"a ']'", "["}, '{': {"a '}'", "{"}, parse.TRepeat: {"an 'until'", "repeat"},
	parse.TDo: {"an 'end'", "do"}, parse.TIf: {"an 'end'", "if"}, parse.TFunction: {"an 'end'", "function"},
}

func missing(unclosed opening) string {
	c, found := closers[unclosed.kind]
	if !found {
		return ""
	}
	return fmt.Sprintf(": is %s missing for the '%s' in line %d?", c.closer, c.opener, unclosed.line)
}

// compileMessages are gopher-lua's messages whose text or line is of no use to a reader, and what is shown
// instead. A group named line is the line to show.
var compileMessages = []struct {
	pattern *regexp.Regexp
	message string
	after   int // how far gopher-lua's own line is behind the right one
}{
	{regexp.MustCompile(`^no visible label '(?P<name>.*)' for <goto> at line (?P<line>\d+)$`),
		"goto $name: there is no such label around it", 0},
	{regexp.MustCompile(`^<goto (?P<name>.*)> at line (?P<line>\d+) jumps into the scope of local '(?P<local>.*)'$`),
		"goto $name jumps over the declaration of local $local", 0},
	{regexp.MustCompile(`^label '(?P<name>.*)' already defined on line (?P<first>\d+)$`),
		"a second label $name; the first is in line $first", 1},
	{regexp.MustCompile(`^no loop to break$`), "break outside of a loop", 0},
	{regexp.MustCompile(`^too many local variables|^register overflow`),
		"a function uses more than 200 local variables and values at once", 0},
	{regexp.MustCompile(`^too long to jump`), "a loop or branch is too long", 0},
}

func compileProblem(chunk string, err error) *Problem {
	var compile *lua.CompileError
	if !errors.As(err, &compile) {
		return &Problem{File: chunk, Message: err.Error()}
	}
	p := &Problem{File: chunk, Line: compile.Line, Message: compile.Message}
	for _, m := range compileMessages {
		match := m.pattern.FindStringSubmatchIndex(compile.Message)
		if match == nil {
			continue
		}
		p.Message = string(m.pattern.ExpandString(nil, m.message, compile.Message, match))
		p.Line -= m.after
		line := string(m.pattern.ExpandString(nil, "$line", compile.Message, match))
		if n, err := strconv.Atoi(line); err == nil {
			p.Line = n
		}
		break
	}
	return p
}
