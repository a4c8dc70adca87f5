package check

import (
	"fmt"
	"math"
	"strconv"

	"moongate/runtime/method"

	"github.com/yuin/gopher-lua/ast"
)

// The units of waits, and what is long for somebody who connects: --method-timeout ends a method after five seconds.
const (
	ticksPerSecond = 60
	longDelay      = 1.0 // seconds
	longWait       = 5.0
)

// wait is a call in which the calling process waits.
type wait struct {
	call    call
	seconds float64 // at the most; +Inf: without an end of its own
	what    string
}

// waits are the calls of a source in which its process surely waits by what the call says.
func (f *folder) waits(s *source) []wait {
	if !s.waitsKnown {
		s.waits, s.waitsKnown = f.findWaits(s), true
	}
	return s.waits
}

func (f *folder) findWaits(s *source) []wait {
	var all []wait
	for _, c := range s.calls {
		if f.assigned[c.name] && c.name != "" {
			continue
		}
		switch {
		case c.name == "delay_process" && len(c.Args) == 2 && s.own(c.Args[0]):
			if ticks, ok := s.number(c.Args[1]); ok {
				all = append(all, wait{c, ticks / ticksPerSecond, "delay_process waits"})
			}
		case c.name == "pause_process" && len(c.Args) == 1 && s.own(c.Args[0]):
			all = append(all, wait{c, math.Inf(1), "pause_process waits until somebody resumes the process"})
		case c.name == "semaphore" && len(c.Args) == 2:
			if ticks, ok := s.number(c.Args[1]); ok && ticks > 0 {
				all = append(all, wait{c, ticks / ticksPerSecond, "semaphore waits"})
			}
		case c.Method == "wait" && len(c.Args) == 0:
			all = append(all, wait{c, math.Inf(1), "wait without a number of seconds waits for ever"})
		case c.Method == "wait" && len(c.Args) == 1:
			if seconds, ok := s.number(c.Args[0]); ok {
				all = append(all, wait{c, seconds, "wait waits"})
			}
		}
	}
	return all
}

// long reports whether somebody who connects should not wait so.
func (w wait) long() bool {
	if w.call.name == "delay_process" {
		return w.seconds >= longDelay
	}
	return w.seconds >= longWait
}

// String says what waits and for how long.
func (w wait) String() string {
	if math.IsInf(w.seconds, 1) {
		return w.what
	}
	return fmt.Sprintf("%s up to %s s", w.what, strconv.FormatFloat(math.Round(w.seconds*100)/100, 'f', -1, 64))
}

// longWaits finds waits in the methods that somebody who connects or leaves waits for.
func longWaits(l *look) {
	if l.Method != method.OnServerOpenConnection && l.Method != method.OnServerCloseConnection {
		return
	}
	const advice = ", and the client with it; let a process that new_process starts do that"
	for _, w := range l.folder.waits(l.source) {
		if w.long() {
			l.found(w.call, w.String()+advice)
		}
	}
	for _, c := range l.calls {
		callee := l.folder.methods[c.name]
		if callee == nil || l.folder.assigned[c.name] {
			continue
		}
		for _, w := range l.folder.waits(callee) {
			if w.long() && functionOf(w.call.above) == nil {
				l.found(c, fmt.Sprintf("%s waits (%s: %s)%s", c.name, callee.at(w.call), w, advice))
				break
			}
		}
	}
}

// waitsInUse finds waits while a shared object is in use.
func waitsInUse(l *look) {
	for _, w := range l.folder.waits(l.source) {
		if w.seconds > 0 && l.inUse(w.call) {
			l.found(w.call, w.String()+" inside use, and nobody else can use the object meanwhile; do that before or after it")
		}
	}
}

// inUse reports whether a call is in a function that use is given.
func (l *look) inUse(c call) bool {
	at := c.above
	for at != nil && at.node != ast.PositionHolder(functionOf(c.above)) {
		at = at.up
	}
	if at == nil {
		return false
	}
	around, ok := parent(at.up).(*ast.FuncCallExpr)
	if !ok {
		return false
	}
	name, _ := l.global(around.Func)
	return name == "use" && !l.folder.assigned["use"] && len(around.Args) == 2 && around.Args[1] == at.node
}

// at is the place of a node as file:line.
func (s *source) at(n ast.PositionHolder) string {
	return fmt.Sprintf("%s:%d", s.File, s.Place(n).Line)
}

// own reports whether an expression is the number of the calling process.
func (s *source) own(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		name, ok := s.global(e.Func)
		return ok && name == "current_process"
	case *ast.IdentExpr:
		l := s.names.Of[e]
		return l != nil && l.Value != nil && l.Writes == 0 && s.own(l.Value)
	}
	return false
}

// number is the value of an expression of literal numbers and of locals that are never assigned anything else.
func (s *source) number(e ast.Expr) (float64, bool) { return s.numberWithin(e, deepestNumber) }

// deepestNumber is how deep number looks: each of the locals in a product may be a product of two others.
const deepestNumber = 8

func (s *source) numberWithin(e ast.Expr, depth int) (float64, bool) {
	if depth == 0 {
		return 0, false
	}
	switch e := e.(type) {
	case *ast.NumberExpr:
		n, err := strconv.ParseFloat(e.Value, 64)
		return n, err == nil
	case *ast.IdentExpr:
		if l := s.names.Of[e]; l != nil && l.Value != nil && l.Writes == 0 {
			return s.numberWithin(l.Value, depth-1)
		}
	case *ast.ArithmeticOpExpr:
		left, ok := s.numberWithin(e.Lhs, depth-1)
		right, okRight := s.numberWithin(e.Rhs, depth-1)
		if ok && okRight {
			return calculate(e.Operator, left, right)
		}
	}
	return 0, false
}

func calculate(operator string, left, right float64) (float64, bool) {
	switch operator {
	case "+":
		return left + right, true
	case "-":
		return left - right, true
	case "*":
		return left * right, true
	case "/":
		return left / right, right != 0
	}
	return 0, false
}
