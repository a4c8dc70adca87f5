package script

import (
	"fmt"

	"github.com/yuin/gopher-lua/parse"
)

const (
	// maxNesting bounds the brackets, blocks and waiting operators that are open at one place, as
	// LUAI_MAXCCALLS does in PUC Lua. It bounds the parser's stack.
	maxNesting = 200
	// maxJumps bounds the labels and goto statements of one chunk together: gopher-lua compares each label
	// with each goto before it, which takes minutes for a file full of them.
	maxJumps = 10_000
)

// nesting follows the tokens of a chunk and knows how deep each one is. It never has to know whether the
// chunk is correct: until the first syntax error it is exact enough, and after it nobody parses.
//
// An operator waits while the parser must read on before it can apply it: a unary one, .. and ^ (which take
// their right side first). The others are applied at once and cost no depth here; the tree that they make is
// bounded by maxDepth.
type nesting struct {
	open  []opening // the chunk itself, and what is open in it
	depth int       // of all openings with their waiting operators
	last  int       // kind of the token before
	jumps int
}

// opening is a bracket or a block that is not closed yet.
type opening struct {
	kind, line int
	concats    int // waiting .. operators
	tight      int // waiting unary operators and ^
}

// effect is what a token does to the operators that wait.
type effect int

const (
	none       effect = iota
	settles           // nothing waits after it: a comma, a comparison, the beginning of a statement
	settlesAll        // as settles, then opens a block
	binds             // arithmetic: what binds tighter is applied
	opens
	closes
	waitsTight
	waitsConcat
)

var effects = map[int]effect{
	'(': opens, '[': opens, '{': opens, parse.TFunction: opens,
	')': closes, ']': closes, '}': closes, parse.TEnd: closes, parse.TUntil: closes,
	parse.TDo: settlesAll, parse.TIf: settlesAll, parse.TRepeat: settlesAll,
	parse.TNot: waitsTight, '#': waitsTight, '^': waitsTight, parse.T2Comma: waitsConcat,
	'+': binds, '-': binds, '*': binds, '/': binds, '%': binds,
	',': settles, ';': settles, '=': settles, '<': settles, '>': settles,
	parse.TEqeq: settles, parse.TNeq: settles, parse.TLte: settles, parse.TGte: settles,
	parse.TAnd: settles, parse.TOr: settles, parse.TThen: settles, parse.TElse: settles,
	parse.TElseIf: settles, parse.TIn: settles, parse.TLocal: settles, parse.TReturn: settles,
	parse.TWhile: settles, parse.TFor: settles, parse.TBreak: settles, parse.TGoto: settles,
	parse.T2Colon: settles,
}

// checkNesting reads a whole source. It returns what is still open at the end, for the message about it.
func checkNesting(source, chunk string) (opening, *Problem) {
	n := nesting{open: make([]opening, 1, 16), depth: 1}
	for t, problem := range scan(source, chunk) {
		if problem != nil {
			return opening{}, problem
		}
		n.add(t)
		if n.depth > maxNesting {
			return opening{}, &Problem{File: chunk, Line: t.line, Column: t.column, Message: fmt.Sprintf("nested too deep: more than "+
				"%d brackets, blocks and operators are open here", maxNesting)}
		}
		if n.jumps > maxJumps {
			return opening{}, &Problem{File: chunk, Line: t.line, Column: t.column,
				Message: fmt.Sprintf("more than %d labels and goto statements in one file", maxJumps)}
		}
	}
	return *n.top(), nil
}

func (n *nesting) top() *opening { return &n.open[len(n.open)-1] }

func (n *nesting) add(t token) {
	switch n.effect(t) {
	case settles:
		n.settle()
	case settlesAll:
		n.settle()
		n.push(t)
	case binds:
		n.depth -= n.top().tight
		n.top().tight = 0
	case opens:
		n.push(t)
	case closes:
		n.pop()
	case waitsTight:
		n.top().tight++
		n.depth++
	case waitsConcat:
		n.depth += 1 - n.top().tight
		n.top().tight = 0
		n.top().concats++
	}
	if t.kind == parse.TGoto || t.kind == parse.T2Colon {
		n.jumps++
	}
	n.last = t.kind
}

// effect is the effect of a token where it stands.
func (n *nesting) effect(t token) effect {
	switch {
	case t.kind == '-' && !endsOperand(n.last):
		return waitsTight
	case t.kind == parse.TIdent && endsOperand(n.last): // the next statement: a = b c = d
		return settles
	case t.kind == parse.TFunction && endsOperand(n.last): // the statement, not the expression
		return settlesAll
	}
	return effects[t.kind]
}

func (n *nesting) settle() {
	n.depth -= n.top().concats + n.top().tight
	n.top().concats, n.top().tight = 0, 0
}

func (n *nesting) push(t token) {
	n.open = append(n.open, opening{kind: t.kind, line: t.line})
	n.depth++
}

func (n *nesting) pop() {
	if len(n.open) == 1 {
		return
	}
	n.settle()
	n.open = n.open[:len(n.open)-1]
	n.depth--
}

// endsOperand reports whether a token can be the last of an expression, so that what follows is an operator
// or the next statement.
func endsOperand(kind int) bool {
	switch kind {
	case parse.TIdent, parse.TNumber, parse.TString, parse.T3Comma, parse.TNil, parse.TTrue, parse.TFalse,
		parse.TEnd, ')', ']', '}':
		return true
	}
	return false
}
