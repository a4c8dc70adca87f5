package policytest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"moongate/luabind/lane"
	"moongate/luabind/script"
	"moongate/runtime/trial"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// cover counts how often code comes to a line. Its methods may be called from any goroutine.
type cover struct {
	mu    sync.Mutex
	times map[string]int64         // by file:line
	last  map[*lane.Program]string // where each was
}

func newCover() *cover { return &cover{times: map[string]int64{}, last: map[*lane.Program]string{}} }

// count notes that a program is at a place, before each of its instructions.
func (c *cover) count(program *lane.Program, place string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last[program] != place {
		c.last[program] = place
		c.times[place]++
	}
}

// of is the coverage of a folder's scripts. A file that cannot be read any more is left out.
func (c *cover) of(f *folder) trial.Coverage {
	c.mu.Lock() // a test that could not be stopped counts on
	defer c.mu.Unlock()
	var all trial.Coverage
	for _, name := range f.sources {
		content, err := os.ReadFile(filepath.Join(f.path, filepath.FromSlash(name)))
		if err != nil {
			continue
		}
		covered := trial.Covered{File: name}
		for _, line := range executable(string(content), name) {
			covered.Lines = append(covered.Lines, trial.Line{Number: line, Times: c.times[fmt.Sprintf("%s:%d", name, line)]})
		}
		all = append(all, covered)
	}
	return all
}

// executable are the lines on which a statement begins that has instructions: not those of end or else, which would look as
// if they had not run.
func executable(content, file string) []int {
	proto, err := script.Compile(content, file)
	if err != nil {
		return nil
	}
	source, err := script.Inspected(content, file)
	if err != nil {
		return nil
	}
	instructed := map[int]bool{}
	collect(proto, instructed)
	found := map[int]bool{}
	var block func(statements []ast.Stmt)
	expression := func(e *ast.Expr) { inExpression(*e, block) }
	block = func(statements []ast.Stmt) {
		for _, s := range statements {
			if line := source.Place(s).Line; instructed[line] && line > 0 {
				found[line] = true
			}
			script.Children(s, expression, block)
		}
	}
	block(source.Tree)
	var lines []int
	for line := range found {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// inExpression finds the blocks of the functions in an expression.
func inExpression(e ast.Expr, block func([]ast.Stmt)) {
	script.Children(e, func(inner *ast.Expr) { inExpression(*inner, block) }, block)
}

// collect notes the lines of a function's instructions, and of those in it.
func collect(proto *lua.FunctionProto, lines map[int]bool) {
	for _, line := range proto.DbgSourcePositions {
		lines[line] = true
	}
	for _, inner := range proto.FunctionPrototypes {
		collect(inner, lines)
	}
}
