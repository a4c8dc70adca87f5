package sandbox

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// mathConstants are the fields of the library math that are no functions.
var mathConstants = map[string]lua.LValue{
	"huge": lua.LNumber(math.Inf(1)),
	"pi":   lua.LNumber(math.Pi),
}

// mathFunctions is the library math. Its random numbers come from random, which math.randomseed seeds anew.
func mathFunctions(random *random) map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"abs":        unary(math.Abs),
		"acos":       unary(math.Acos),
		"asin":       unary(math.Asin),
		"atan":       unary(math.Atan),
		"atan2":      binary(math.Atan2),
		"ceil":       unary(math.Ceil),
		"cos":        unary(math.Cos),
		"cosh":       unary(math.Cosh),
		"deg":        unary(func(x float64) float64 { return x * 180 / math.Pi }),
		"exp":        unary(math.Exp),
		"floor":      unary(math.Floor),
		"fmod":       binary(math.Mod),
		"frexp":      mathFrexp,
		"ldexp":      mathLdexp,
		"log":        unary(math.Log),
		"log10":      unary(math.Log10),
		"max":        func(L *lua.LState) int { return extreme(L, func(a, b float64) bool { return a > b }) },
		"min":        func(L *lua.LState) int { return extreme(L, func(a, b float64) bool { return a < b }) },
		"mod":        binary(math.Mod),
		"modf":       mathModf,
		"pow":        binary(math.Pow),
		"rad":        unary(func(x float64) float64 { return x * math.Pi / 180 }),
		"random":     func(L *lua.LState) int { return mathRandom(L, random.by(L)) },
		"randomseed": func(L *lua.LState) int { return mathRandomseed(L, random) },
		"sin":        unary(math.Sin),
		"sinh":       unary(math.Sinh),
		"sqrt":       unary(math.Sqrt),
		"tan":        unary(math.Tan),
		"tanh":       unary(math.Tanh),
	}
}

func unary(f func(float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		L.Push(lua.LNumber(f(checkNumber(L, 1))))
		return 1
	}
}

func binary(f func(a, b float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		L.Push(lua.LNumber(f(checkNumber(L, 1), checkNumber(L, 2))))
		return 1
	}
}

// extreme pushes the argument that is better than those before it.
func extreme(L *lua.LState, better func(a, b float64) bool) int {
	best := checkNumber(L, 1)
	for n := 2; n <= L.GetTop(); n++ {
		if x := checkNumber(L, n); better(x, best) {
			best = x
		}
	}
	L.Push(lua.LNumber(best))
	return 1
}

func mathFrexp(L *lua.LState) int {
	fraction, exponent := math.Frexp(checkNumber(L, 1))
	L.Push(lua.LNumber(fraction))
	L.Push(lua.LNumber(exponent))
	return 2
}

func mathLdexp(L *lua.LState) int {
	// Beyond these exponents every number is 0 or infinite; math.Ldexp itself may overflow.
	exponent := min(max(checkInteger(L, 2), -10000), 10000)
	L.Push(lua.LNumber(math.Ldexp(checkNumber(L, 1), exponent)))
	return 1
}

func mathModf(L *lua.LState) int {
	x := checkNumber(L, 1)
	whole, fraction := math.Modf(x)
	if math.IsInf(x, 0) {
		fraction = math.Copysign(0, x)
	}
	L.Push(lua.LNumber(whole))
	L.Push(lua.LNumber(fraction))
	return 2
}

// mathRandom is math.random: a fraction, a whole number from 1 to m, or one from m to n.
func mathRandom(L *lua.LState, random *random) int {
	low, high := 1, 0
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(random.Float64()))
		return 1
	case 1:
		high = checkInteger(L, 1)
	case 2:
		low, high = checkInteger(L, 1), checkInteger(L, 2)
	default:
		L.RaiseError("wrong number of arguments")
	}
	if low > high {
		L.ArgError(L.GetTop(), "interval is empty")
	}
	width := uint64(high) - uint64(low)
	if width < math.MaxUint64 {
		width++
	}
	L.Push(lua.LNumber(low + int(random.Uint64N(width))))
	return 1
}

func mathRandomseed(L *lua.LState, random *random) int {
	random.source.Seed(math.Float64bits(checkNumber(L, 1)), 0)
	return 0
}

// smallNumbers are values made once: a number that becomes a value is otherwise an allocation.
var smallNumbers = func() (values [256]lua.LValue) {
	for n := range values {
		values[n] = lua.LNumber(n)
	}
	return values
}()

// number is n as a value.
func number(n int) lua.LValue {
	if uint(n) < uint(len(smallNumbers)) {
		return smallNumbers[n]
	}
	return lua.LNumber(n)
}

// appendNumber adds a number as its String method writes it.
func appendNumber(bytes []byte, x lua.LNumber) []byte {
	if whole := int64(x); float64(whole) == float64(x) {
		return strconv.AppendInt(bytes, whole, 10)
	}
	return strconv.AppendFloat(bytes, float64(x), 'g', -1, 64)
}

// integer cuts off what is behind the decimal point, and keeps what is no integer at all inside the range of int:
// a conversion would give another number on each machine.
func integer(x float64) int {
	switch {
	case math.IsNaN(x):
		return 0
	case x >= math.MaxInt:
		return math.MaxInt
	case x <= math.MinInt:
		return math.MinInt
	}
	return int(x)
}

// checkNumber returns the argument n, which is a number or the text of one.
func checkNumber(L *lua.LState, n int) float64 {
	switch v := L.Get(n).(type) {
	case lua.LNumber:
		return float64(v)
	case lua.LString:
		if x, ok := parseNumber(string(v)); ok {
			return x
		}
	}
	L.TypeError(n, lua.LTNumber)
	return 0
}

func checkInteger(L *lua.LState, n int) int { return integer(checkNumber(L, n)) }

// optInteger is checkInteger, or standard when the argument is nil or missing.
func optInteger(L *lua.LState, n, standard int) int {
	if L.Get(n) == lua.LNil {
		return standard
	}
	return checkInteger(L, n)
}

// space is what C's isspace skips around a number.
const space = " \t\n\v\f\r"

// maxNumeral is the longest text that is taken for a number, in bytes: longer than any that string.format writes.
const maxNumeral = 1024

// parseNumber reads a number as Lua source writes it, with space around it and a sign before it: decimal, with a
// fraction and an exponent, or hexadecimal. Go's own "1_000", "0b1", "inf" and "nan" are no numbers.
func parseNumber(text string) (float64, bool) {
	if len(text) > maxNumeral {
		return 0, false
	}
	text = strings.Trim(text, space)
	digits, negative := cutSign(text)
	if hex, ok := cutHexPrefix(digits); ok {
		x, ok := parseDigits(hex, 16)
		if negative {
			x = -x
		}
		return x, ok
	}
	if strings.Trim(digits, "0123456789.eE+-") != "" {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil || math.IsInf(x, 0)
}

// parseInteger reads a whole number of a base from 2 to 36, as tonumber does when it is told the base.
func parseInteger(text string, base int) (float64, bool) {
	if len(text) > maxNumeral {
		return 0, false
	}
	digits, negative := cutSign(strings.Trim(text, space))
	if hex, ok := cutHexPrefix(digits); ok && base == 16 {
		digits = hex
	}
	x, ok := parseDigits(digits, base)
	if negative {
		x = -x
	}
	return x, ok
}

func cutSign(text string) (rest string, negative bool) {
	if text != "" && (text[0] == '-' || text[0] == '+') {
		return text[1:], text[0] == '-'
	}
	return text, false
}

func cutHexPrefix(digits string) (rest string, ok bool) {
	if len(digits) >= 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		return digits[2:], true
	}
	return digits, false
}

// parseDigits reads digits of a base from 2 to 36.
func parseDigits(digits string, base int) (float64, bool) {
	x := 0.0
	for i := range len(digits) {
		digit := 36
		switch c := digits[i]; {
		case isDigit(c):
			digit = int(c - '0')
		case isAlpha(c):
			digit = int(c|0x20-'a') + 10
		}
		if digit >= base {
			return 0, false
		}
		x = x*float64(base) + float64(digit)
	}
	return x, digits != ""
}
