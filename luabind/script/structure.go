package script

import (
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// Structure is a structure.lua, compiled: the declaration of the tables of the data. It is no method: the commands do not
// exist for it, and nobody calls it but the host, once for each content.
type Structure struct {
	// Set has it as its only method, StructureMethod; nil when the folder has no structure.lua.
	Set *Set
	// Content is the hash of the file, "" when there is none.
	Content string

	lines map[string]int
}

// StructureMethod is the name of the method of a Structure's set.
const StructureMethod = "structure"

// LoadStructure reads and compiles the structure.lua of a scripts folder. Without one it gives a Structure without a set.
// Errors are as Load's.
func LoadStructure(dir string) (*Structure, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if !f.tables {
		return &Structure{}, nil
	}
	content, err := f.read(tablesFile)
	if err != nil {
		return nil, Problems{{File: tablesFile, Message: err.Error()}}
	}
	if problem := textProblem(tablesFile, content); problem != nil {
		return nil, Problems{*problem}
	}
	tree, problem := parseChunk(content, tablesFile)
	if problem != nil {
		return nil, Problems{*problem}
	}
	s := &Structure{Content: hashOf(content), lines: map[string]int{}}
	s.findLines(tree) // before the tree is changed
	proto, problem := compileChunk(tree, tablesFile)
	if problem != nil {
		return nil, Problems{*problem}
	}
	m := &Method{Name: StructureMethod, File: tablesFile, Proto: proto, Hash: s.Content}
	s.Set = &Set{Version: s.Content, Methods: []*Method{m}, methods: map[string]*Method{StructureMethod: m}}
	return s, nil
}

// Line is where something of the returned table stands: the value of a key at each level, an element by its number; 0 when
// the file does not write it down there, but computes it. Of what has no line, what is around it has one.
func (s *Structure) Line(path ...any) int {
	for n := len(path); n >= 0; n-- {
		if line := s.lines[placeOf(path[:n]...)]; line > 0 {
			return line
		}
	}
	return 0
}

func placeOf(path ...any) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprintln(path...), " ", "\x00"), "\n")
}

// findLines notes the lines of the table that the file returns, if its last statement has it.
func (s *Structure) findLines(tree []ast.Stmt) {
	if len(tree) == 0 {
		return
	}
	returned, ok := tree[len(tree)-1].(*ast.ReturnStmt)
	if !ok || len(returned.Exprs) == 0 {
		return
	}
	s.noteLines(returned.Exprs[0])
}

// deepestLine is how far inside the table lines are of use: an element of an index is the deepest.
const deepestLine = 4

func (s *Structure) noteLines(e ast.Expr, path ...any) {
	table, ok := e.(*ast.TableExpr)
	s.lines[placeOf(path...)] = e.Line()
	if !ok || len(path) == deepestLine {
		return
	}
	elements := 0
	for _, field := range table.Fields {
		inner := path[:len(path):len(path)]
		switch key := field.Key.(type) {
		case nil:
			elements++
			inner = append(inner, elements)
		case *ast.StringExpr:
			inner = append(inner, key.Value)
		default:
			continue
		}
		s.noteLines(field.Value, inner...)
	}
}

// structureContent is what the watcher compares of a structure.lua.
func structureContent(f *folder) string {
	if !f.tables {
		return ""
	}
	content, err := f.read(tablesFile)
	if err != nil {
		return err.Error()
	}
	return hashOf(content)
}
