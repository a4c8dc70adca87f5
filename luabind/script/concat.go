package script

import (
	"github.com/yuin/gopher-lua/ast"
)

// ConcatOperator is the name of the global function that compiled scripts call for a .. b .. c, with all the
// operands in order. It is not an identifier, so that no script can read or assign it by accident.
//
// The function must return exactly one value, what Lua's own operator would give: strings and numbers are
// joined, otherwise the __concat metamethods are called pair by pair from the right. The VM's own instruction
// is not used because it can allocate gigabytes between two looks at a budget.
const ConcatOperator = "concatenation operator"

// LengthOperator is the name of the global function that compiled scripts call for #a, with a. It must return
// what Lua's operator would give. The VM's own instruction looks at the array part of a table only, which the host
// keeps small: a single assignment t[n] = v fills it up to n.
const LengthOperator = "length operator"

// maxOperands is the number of operands of one call: each takes a register of the 200 that a function has.
const maxOperands = 100

// concatenation makes a call of a chain of .. operators. The chain is taken apart on the right side only:
// (a .. b) .. c is two operations, and a metamethod could see the difference.
func (r *rewriter) concatenation(chain *ast.StringConcatOpExpr) ast.Expr {
	operands := []ast.Expr{chain.Lhs}
	rest := chain.Rhs
	for next, ok := rest.(*ast.StringConcatOpExpr); ok; next, ok = rest.(*ast.StringConcatOpExpr) {
		operands = append(operands, next.Lhs)
		rest = next.Rhs
	}
	operands = append(operands, rest)
	for i := range operands {
		r.expression(&operands[i])
	}
	operands = foldStrings(operands)
	if len(operands) == 1 {
		return operands[0]
	}
	for len(operands) > maxOperands {
		first := len(operands) - maxOperands
		operands = append(operands[:first:first], concatCall(chain, operands[first:]))
	}
	return concatCall(chain, operands)
}

// foldStrings joins the literals at the end of a chain. Those before a value stay apart, for its metamethod.
func foldStrings(operands []ast.Expr) []ast.Expr {
	for n := len(operands); n > 1; n-- {
		left, isLeft := operands[n-2].(*ast.StringExpr)
		right, isRight := operands[n-1].(*ast.StringExpr)
		if !isLeft || !isRight {
			break
		}
		joined := &ast.StringExpr{Value: left.Value + right.Value}
		joined.SetLine(left.Line())
		operands = append(operands[:n-2:n-2], joined)
	}
	return operands
}

func concatCall(chain ast.Expr, operands []ast.Expr) *ast.FuncCallExpr {
	return operatorCall(ConcatOperator, chain, operands)
}

// operatorCall calls an operator of the host at the line of the expression that it stands for. The call and its
// last operand give one value each: x .. f() joins the first result of f, and `return a .. b` is no tail call,
// which would lose the line.
func operatorCall(name string, place ast.Expr, operands []ast.Expr) *ast.FuncCallExpr {
	adjust(operands[len(operands)-1])
	operator := &ast.IdentExpr{Value: name}
	call := &ast.FuncCallExpr{Func: operator, Args: operands, AdjustRet: true}
	operator.SetLine(place.Line())
	call.SetLine(place.Line())
	call.SetLastLine(place.LastLine())
	return call
}

// adjust makes an expression give one value, as parentheses do.
func adjust(e ast.Expr) {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
}
