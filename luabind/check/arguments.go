package check

import (
	"fmt"

	"moongate/runtime/signature"

	"github.com/yuin/gopher-lua/ast"
)

// missingArguments finds calls of commands with too few arguments.
func missingArguments(l *look) {
	l.counts(func(c call, s signature.Signature, text string) {
		least, _ := s.Count()
		if given := len(c.Args); given < least && !open(c.Args) {
			l.found(c, fmt.Sprintf("%s is given %s and needs %d: %s", c.what(), arguments(given), least, text))
		}
	})
}

// extraArguments finds calls of commands with too many.
func extraArguments(l *look) {
	l.counts(func(c call, s signature.Signature, text string) {
		_, most := s.Count()
		given := len(c.Args)
		if open(c.Args) {
			given-- // it may be none
		}
		if most >= 0 && given > most {
			l.found(c.Args[most], fmt.Sprintf("%s takes %s, the others have no effect: %s", c.what(), arguments(most), text))
		}
	})
}

// counts calls compare for each call of something whose signature is known.
func (l *look) counts(compare func(c call, s signature.Signature, text string)) {
	for _, c := range l.calls {
		if d, ok := l.folder.command(c); ok {
			compare(c, d.signature, d.Signature)
		} else if f, s, ok := l.dataFunction(c); ok {
			compare(c, s, f)
		} else if r, s, ok := l.testFunction(c); ok {
			compare(c, s, r.Signature)
		}
	}
}

// what is what a call calls, for messages.
func (c call) what() string {
	if c.name != "" {
		return c.name
	}
	return c.Method
}

func arguments(n int) string {
	switch n {
	case 0:
		return "no argument"
	case 1:
		return "one argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// open reports whether the last argument can be any number of values.
func open(args []ast.Expr) bool {
	if len(args) == 0 {
		return false
	}
	switch e := args[len(args)-1].(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}
