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
	out := buffer{L: L, bytes: small[:0]}
	argument := 1
	for {
		percent := strings.IndexByte(format, '%')
		if percent < 0 {
			out.add(format)
			break
		}
		out.add(format[:percent])
		format = format[percent+1:]
		if strings.HasPrefix(format, "%") {
			out.addByte('%')
			format = format[1:]
			continue
		}
		argument++
		d := parseDirective(L, format)
		d.write(&out, argument)
		format = format[d.length:]
	}
	L.Push(out.value())
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
func (d *directive) write(out *buffer, n int) {
	L := out.L
	if n > L.GetTop() {
		L.ArgError(n, "no value")
	}
	switch d.verb {
	case 'd', 'i':
		d.writeSigned(out, checkInteger(L, n))
	case 'u', 'o', 'x', 'X':
		d.writeUnsigned(out, unsigned(checkNumber(L, n)))
	case 'e', 'E', 'f', 'g', 'G':
		d.writeFloat(out, checkNumber(L, n))
	case 'c':
		d.writeText(out, string([]byte{byte(checkInteger(L, n))}))
	case 'q':
		writeQuoted(out, L.CheckString(n))
	case 's':
		d.writeText(out, d.cut(tostring(L, L.Get(n))))
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

func (d *directive) writeSigned(out *buffer, n int) {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude
	}
	var scratch [24]byte
	d.writeDigits(out, d.sign(n < 0), strconv.AppendUint(scratch[:0], magnitude, 10))
}

func (d *directive) writeUnsigned(out *buffer, n uint64) {
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
			digits[i] = c &^ (c & 0x40 >> 1)
		}
	}
	if d.verb == 'o' && d.alternate && n != 0 {
		d.precision = max(d.precision, len(digits)+1)
	}
	d.writeDigits(out, prefix, digits)
}

// writeDigits adds an integer: the precision is the least number of digits, and with one the flag 0 means nothing.
func (d *directive) writeDigits(out *buffer, prefix string, digits []byte) {
	if d.precision >= 0 {
		d.zero = false
		if d.precision == 0 && string(digits) == "0" && !(d.alternate && d.verb == 'o') {
			digits = nil
		}
	}
	d.writeNumber(out, prefix, max(d.precision-len(digits), 0), digits)
}

func (d *directive) writeFloat(out *buffer, x float64) {
	prefix := d.sign(math.Signbit(x) && !math.IsNaN(x))
	var scratch [64]byte
	d.writeNumber(out, prefix, 0, d.appendFloat(scratch[:0], math.Abs(x)))
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

func (d *directive) writeText(out *buffer, s string) {
	d.zero = false
	after := d.open(out, "", 0, len(s))
	out.add(s)
	out.fill(' ', after)
}

// writeNumber adds a number: prefix, zeros, digits.
func (d *directive) writeNumber(out *buffer, prefix string, zeros int, digits []byte) {
	after := d.open(out, prefix, zeros, len(digits))
	out.addBytes(digits)
	out.fill(' ', after)
}

// open adds what comes before a body of so many bytes, and returns how many spaces come after it.
func (d *directive) open(out *buffer, prefix string, zeros, length int) (after int) {
	missing := max(d.width-len(prefix)-zeros-length, 0)
	switch {
	case d.minus:
		after = missing
	case d.zero:
		zeros += missing
	default:
		out.fill(' ', missing)
	}
	out.add(prefix)
	out.fill('0', zeros)
	return after
}

// writeQuoted adds s as a literal that the compiler reads back.
func writeQuoted(out *buffer, s string) {
	out.addByte('"')
	for {
		special := strings.IndexAny(s, "\"\\\n\r\x00")
		if special < 0 {
			break
		}
		out.add(s[:special])
		switch c := s[special]; c {
		case '\r':
			out.add(`\r`)
		case 0:
			out.add(`\000`)
		default:
			out.addByte('\\')
			out.addByte(c)
		}
		s = s[special+1:]
	}
	out.add(s)
	out.addByte('"')
}
