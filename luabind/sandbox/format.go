package sandbox

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringFormat is string.format. Numbers come out as C's printf writes them, not as Go's.
func stringFormat(L *lua.LState) int {
	format := L.CheckString(1)
	var small [smallResult]byte
	out := buffer(small[:0])
	argument := 1
	work := newTally(L)
	for {
		work.spend(1)
		percent := strings.IndexByte(format, '%')
		if percent < 0 {
			out = out.add(L, format)
			break
		}
		out = out.add(L, format[:percent])
		format = format[percent+1:]
		if strings.HasPrefix(format, "%") {
			out = out.add(L, "%")
			format = format[1:]
			continue
		}
		argument++
		d := parseDirective(L, format)
		out = d.write(L, out, argument)
		format = format[d.length:]
	}
	L.Push(out.value(L))
	return 1
}

// directive is one % of a format.
type directive struct {
	minus, plus, space, alternate, zero bool

	width     int
	precision int // -1 when there is none
	verb      byte
	length    int // in bytes of the format, without the %
}

// parseDirective reads the directive at the beginning of format.
func parseDirective(L *lua.LState, format string) directive {
	d := directive{}
	i := d.parseFlags(format)
	if i > len("-+ #0") {
		L.RaiseError("invalid format (repeated flags)")
	}
	d.width, i = twoDigits(format, i)
	d.precision = -1
	if i < len(format) && format[i] == '.' {
		d.precision, i = twoDigits(format, i+1)
	}
	if i < len(format) && isDigit(format[i]) {
		L.RaiseError("invalid format (width or precision too long)")
	}
	if i == len(format) {
		L.RaiseError("invalid option '%c' to 'format'", '%')
	}
	d.verb = format[i]
	if strings.IndexByte("diucxXoeEfgGqs", d.verb) < 0 {
		L.RaiseError("invalid option '%%%s' to 'format'", format[i:i+1])
	}
	d.length = i + 1
	return d
}

// parseFlags reads the flags and returns how many these are.
func (d *directive) parseFlags(format string) int {
	for i := range len(format) {
		switch format[i] {
		case '-':
			d.minus = true
		case '+':
			d.plus = true
		case ' ':
			d.space = true
		case '#':
			d.alternate = true
		case '0':
			d.zero = true
		default:
			return i
		}
	}
	return len(format)
}

// twoDigits reads a number of at most two digits at i, 0 when there is none, and returns what follows it.
func twoDigits(format string, i int) (value, next int) {
	for next = i; next < len(format) && next < i+2 && isDigit(format[next]); next++ {
		value = 10*value + int(format[next]-'0')
	}
	return value, next
}

// write adds the argument n as the directive says.
func (d *directive) write(L *lua.LState, out buffer, n int) buffer {
	if n > L.GetTop() {
		L.ArgError(n, "no value")
	}
	switch d.verb {
	case 'd', 'i':
		return d.writeSigned(L, out, checkInteger(L, n))
	case 'u', 'o', 'x', 'X':
		return d.writeUnsigned(L, out, unsigned(checkNumber(L, n)))
	case 'e', 'E', 'f', 'g', 'G':
		return d.writeFloat(L, out, checkNumber(L, n))
	case 'c':
		return d.writeText(L, out, string([]byte{byte(checkInteger(L, n))}))
	case 'q':
		return writeQuoted(L, out, L.CheckString(n))
	default:
		return d.writeText(L, out, d.cut(tostring(L, L.Get(n))))
	}
}

// unsigned converts as C does: negative numbers wrap around.
func unsigned(x float64) uint64 {
	switch {
	case x >= 1<<64:
		return math.MaxUint64
	case x >= 1<<63:
		return uint64(x)
	}
	return uint64(integer(x))
}

func (d *directive) writeSigned(L *lua.LState, out buffer, n int) buffer {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude
	}
	var scratch [24]byte
	return d.writeDigits(L, out, d.sign(n < 0), strconv.AppendUint(scratch[:0], magnitude, 10))
}

func (d *directive) writeUnsigned(L *lua.LState, out buffer, n uint64) buffer {
	prefix, base := "", 10
	switch d.verb {
	case 'o':
		base = 8
	case 'x', 'X':
		base = 16
		if d.alternate && n != 0 {
			prefix = "0" + string(d.verb)
		}
	}
	var scratch [24]byte
	digits := strconv.AppendUint(scratch[:0], n, base)
	if d.verb == 'X' {
		for i, c := range digits {
			if c >= 'a' {
				digits[i] = c - 'a' + 'A'
			}
		}
	}
	if d.verb == 'o' && d.alternate && n != 0 && d.precision <= len(digits) {
		prefix = "0"
	}
	return d.writeDigits(L, out, prefix, digits)
}

// writeDigits adds an integer: the precision is the least number of digits, and with one the flag 0 means nothing.
func (d *directive) writeDigits(L *lua.LState, out buffer, prefix string, digits []byte) buffer {
	if d.precision >= 0 {
		d.zero = false
		if d.precision == 0 && string(digits) == "0" && !(d.alternate && d.verb == 'o') {
			digits = nil
		}
	}
	return d.writeNumber(L, out, prefix, max(d.precision-len(digits), 0), digits)
}

func (d *directive) writeFloat(L *lua.LState, out buffer, x float64) buffer {
	prefix := d.sign(math.Signbit(x) && !math.IsNaN(x))
	var scratch [64]byte
	return d.writeNumber(L, out, prefix, 0, d.appendFloat(scratch[:0], math.Abs(x)))
}

// appendFloat adds a number that is not negative, as %e, %f or %g write it, to digits.
func (d *directive) appendFloat(digits []byte, x float64) []byte {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		d.zero = false
		return append(digits, d.notFinite(x)...)
	}
	precision := d.precision
	if precision < 0 {
		precision = 6
	}
	if d.alternate {
		return append(digits, d.withPoint(x, precision)...)
	}
	if d.verb == 'g' || d.verb == 'G' {
		precision = max(precision, 1)
	}
	return strconv.AppendFloat(digits, x, d.verb, precision, 64)
}

func (d *directive) notFinite(x float64) string {
	text := "inf"
	if math.IsNaN(x) {
		text = "nan"
	}
	if d.verb < 'a' {
		return strings.ToUpper(text)
	}
	return text
}

// withPoint is a number as the flag # has it: there is always a decimal point, and %g keeps its trailing zeros.
func (d *directive) withPoint(x float64, precision int) string {
	verb := d.verb
	if verb == 'g' || verb == 'G' {
		verb, precision = fullForm(x, verb, max(precision, 1))
	}
	text := strconv.FormatFloat(x, verb, precision, 64)
	if strings.Contains(text, ".") {
		return text
	}
	mantissa, exponent, found := strings.Cut(text, string(verb))
	if !found {
		return mantissa + "."
	}
	return mantissa + "." + string(verb) + exponent
}

// fullForm returns the verb and precision by which %#g writes x: as %g does, but with its trailing zeros.
func fullForm(x float64, verb byte, precision int) (byte, int) {
	verb -= 'g' - 'e'
	_, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', precision-1, 64), "e")
	if e, _ := strconv.Atoi(exponent); e >= -4 && e < precision {
		return 'f', precision - 1 - e
	}
	return verb, precision - 1
}

func (d *directive) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case d.plus:
		return "+"
	case d.space:
		return " "
	}
	return ""
}

// cut is as much of s as the precision lets through.
func (d *directive) cut(s string) string {
	if d.precision >= 0 && d.precision < len(s) {
		return s[:d.precision]
	}
	return s
}

func (d *directive) writeText(L *lua.LState, out buffer, s string) buffer {
	d.zero = false
	out, after := d.open(L, out, "", 0, len(s))
	return out.add(L, s).fill(L, ' ', after)
}

// writeNumber adds a number: prefix, zeros, digits.
func (d *directive) writeNumber(L *lua.LState, out buffer, prefix string, zeros int, digits []byte) buffer {
	out, after := d.open(L, out, prefix, zeros, len(digits))
	return append(out.reserve(L, len(digits)), digits...).fill(L, ' ', after)
}

// open adds what comes before a body of so many bytes, and returns how many spaces come after it.
func (d *directive) open(L *lua.LState, out buffer, prefix string, zeros, length int) (opened buffer, after int) {
	missing := max(d.width-len(prefix)-zeros-length, 0)
	switch {
	case d.minus:
		after = missing
	case d.zero:
		zeros += missing
	default:
		out = out.fill(L, ' ', missing)
	}
	return out.add(L, prefix).fill(L, '0', zeros), after
}

// writeQuoted adds s as a literal that the compiler reads back.
func writeQuoted(L *lua.LState, out buffer, s string) buffer {
	work := newTally(L)
	out = out.add(L, `"`)
	copied := 0
	for i := range len(s) {
		escaped := ""
		switch s[i] {
		case '"', '\\', '\n':
			escaped = `\` + s[i:i+1]
		case '\r':
			escaped = `\r`
		case 0:
			escaped = `\000`
		default:
			continue
		}
		work.spend(1 + (i-copied)/bytesPerStep)
		out = out.add(L, s[copied:i]).add(L, escaped)
		copied = i + 1
	}
	return out.add(L, s[copied:]).add(L, `"`)
}
