package script

import (
	"cmp"
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// Inspection is a scripts folder for who looks at the text of the scripts, and does not run them.
type Inspection struct {
	Sources []*Source // methods, modules and tests that can be read, sorted by file
	// Problems and Warnings are those of Load, sorted by place, and the errors of syntax of tests.
	Problems, Warnings Problems
	// Defined are the global names that a command, a method or an assignment in methods or modules defines.
	Defined map[string]bool
	// TablesFile says that there is a structure.lua, which is not among the sources.
	TablesFile bool
}

// Source is the text of one file.
type Source struct {
	File       string   // from the scripts folder, with slashes
	Method     string   // the name of the method; "" of a module and of a test
	Modules    []string // the names by which require finds a module
	Test       bool
	Preemptive bool // it has the mark
	// Tree is the syntax tree, nil when the file has none. The lines of its nodes are no lines: Place knows what
	// they mean. It may be walked with Children and Resolve.
	Tree     []ast.Stmt
	Comments []Comment // those that have a line of their own or the end of one

	lines  []string
	places []Place // by the line of a node, from 1; nil: a line is a line
}

// Place is where a token of a source is.
type Place struct {
	Line, Column       int // of its first byte, from 1; Column 0: not known
	EndLine, EndColumn int // behind its last byte; 0: not known
}

// Comment is a comment that begins with two hyphens and ends with its line.
type Comment struct {
	Line, Column int    // of the hyphens
	Text         string // without them and the spaces around
	Alone        bool   // nothing stands before it in the line
}

// Inspect reads a folder as Load does, with the same problems, and the tests in it; a folder in which files are wrong
// is inspected all the same. The error is Load's about the folder itself.
func Inspect(dir string, known Known) (*Inspection, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.close()
	l := newLoader(f, known)
	l.run(f)
	n := &Inspection{Defined: l.defined(), TablesFile: f.tables}
	for _, s := range l.sources {
		inspected := &Source{File: s.file, Method: s.name, Modules: s.names, Preemptive: s.attributes.preemptive}
		if s.tree != nil {
			inspected.read(s.content)
		}
		n.Sources = append(n.Sources, inspected)
	}
	for _, test := range f.tests {
		l.inspectTest(f, n, test)
	}
	l.problems.sort()
	l.warnings.sort()
	n.Problems, n.Warnings = l.problems, l.warnings
	slices.SortFunc(n.Sources, func(a, b *Source) int { return strings.Compare(a.File, b.File) })
	return n, nil
}

func (l *loader) inspectTest(f *folder, n *Inspection, file string) {
	content, err := f.read(file)
	if err != nil {
		l.fail(Problem{File: file, Message: err.Error(), Rule: RuleFile})
		return
	}
	problem := textProblem(file, content)
	if problem == nil {
		var tree []ast.Stmt
		if tree, problem = parseChunk(content, file); problem == nil {
			_, problem = compileChunk(tree, file)
		}
	}
	s := &Source{File: file, Test: true}
	if problem != nil {
		l.fail(*problem)
	} else {
		s.read(content)
	}
	n.Sources = append(n.Sources, s)
}

// Inspected is the source of a text that is in no folder: of an example. The error is a [Problems] of one problem.
func Inspected(content, file string) (*Source, error) {
	if _, err := Compile(content, file); err != nil {
		return nil, err
	}
	s := &Source{File: file}
	s.read(content)
	return s, nil
}

// read fills in what a source that can be parsed has.
func (s *Source) read(content string) {
	text := luaText(content)
	s.lines = splitLines(text)
	spread, places, comments := spreadTokens(text, s.lines, s.File)
	s.Comments = comments
	if spread != "" {
		if tree, problem := parseChunk(spread, s.File); problem == nil {
			s.Tree, s.places = tree, places
			return
		}
	}
	s.Tree, _ = parseChunk(content, s.File)
}

// Place is where the first token of a node is; of an expression in parentheses, the parenthesis.
func (s *Source) Place(node ast.PositionHolder) Place { return s.place(node.Line()) }

// PlaceAt is the token that begins at a place; of the zero Place, or one where none begins, only the beginning.
func (s *Source) PlaceAt(line, column int) Place {
	i, found := slices.BinarySearchFunc(s.places, Place{Line: line, Column: column}, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if !found {
		return Place{Line: line, Column: column}
	}
	return s.places[i]
}

// EndOf is where the last token of a block or a function is, its end; the zero Place of other nodes.
func (s *Source) EndOf(node ast.PositionHolder) Place {
	if node.LastLine() <= 0 {
		return Place{}
	}
	return s.place(node.LastLine())
}

func (s *Source) place(line int) Place {
	switch {
	case s.places == nil:
		return Place{Line: line}
	case line < 1 || line > len(s.places):
		return Place{}
	}
	return s.places[line-1]
}

// Line is the text of a line, "" when there is none of that number.
func (s *Source) Line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return strings.TrimRight(s.lines[n-1], "\r\n")
}

// Children calls expression with the place of each expression directly below a node, and block with each list of
// statements, in the order of the source.
func Children(node ast.PositionHolder, expression func(*ast.Expr), block func([]ast.Stmt)) {
	children(node, expression, block)
}

// splitLines divides a text as the scanner counts its lines, each with what ends it.
func splitLines(text string) []string {
	var lines []string
	for start, i := 0, 0; ; i++ {
		if i >= len(text) {
			return append(lines, text[start:])
		}
		if text[i] != '\n' && text[i] != '\r' {
			continue
		}
		if i+1 < len(text) && (text[i+1] == '\n' || text[i+1] == '\r') && text[i+1] != text[i] {
			i++
		}
		lines = append(lines, text[start:i+1])
		start = i + 1
	}
}
