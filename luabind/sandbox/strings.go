package sandbox

import (
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxResults is how many values one call of string.byte or unpack gives at the most.
const maxResults = 8000

// stringFunctions is the library string.
var stringFunctions = map[string]lua.LGFunction{
	"byte":    stringByte,
	"char":    stringChar,
	"dump":    unavailable("string.dump", unavailableFunctions["string.dump"]),
	"find":    stringFind,
	"format":  stringFormat,
	"gmatch":  stringGmatch,
	"gsub":    stringGsub,
	"len":     stringLen,
	"lower":   stringLower,
	"match":   stringMatch,
	"rep":     stringRep,
	"reverse": stringReverse,
	"sub":     stringSub,
	"upper":   stringUpper,
}

// startIndex turns a Lua index, which counts from the end when negative, into one that counts from 1; 0 or less means
// before the beginning.
func startIndex(index, length int) int {
	if index < 0 {
		index += length + 1
	}
	return index
}

// optIndex is startIndex of the argument n, or of standard when there is none.
func optIndex(L *lua.LState, n, standard, length int) int {
	return startIndex(optInteger(L, n, standard), length)
}

// piece returns s[start:end]. A small piece of a long string is copied: otherwise a word cut out of a document would
// keep the whole document in memory.
func piece(s string, start, end int) string {
	if len(s) > 4096 && end-start < len(s)/16 {
		return strings.Clone(s[start:end])
	}
	return s[start:end]
}

func stringByte(L *lua.LState) int {
	s := L.CheckString(1)
	start := optIndex(L, 2, 1, len(s))
	end := min(optIndex(L, 3, start, len(s)), len(s))
	start = max(start, 1)
	if start > end {
		return 0
	}
	if end-start >= maxResults {
		L.RaiseError("string slice too long")
	}
	for _, c := range []byte(s[start-1 : end]) {
		L.Push(number(int(c)))
	}
	return end - start + 1
}

func stringChar(L *lua.LState) int {
	var small [32]byte
	bytes := small[:0]
	for n := 1; n <= L.GetTop(); n++ {
		c := checkInteger(L, n)
		if c != c&0xff {
			L.ArgError(n, "invalid value")
		}
		bytes = append(bytes, byte(c))
	}
	L.Push(lua.LString(bytes))
	return 1
}

func stringLen(L *lua.LState) int {
	L.Push(number(len(L.CheckString(1))))
	return 1
}

func stringSub(L *lua.LState) int {
	s := L.CheckString(1)
	start := max(startIndex(checkInteger(L, 2), len(s)), 1)
	end := min(optIndex(L, 3, -1, len(s)), len(s))
	if start > end {
		L.Push(lua.LString(""))
	} else {
		L.Push(lua.LString(piece(s, start-1, end)))
	}
	return 1
}

func stringRep(L *lua.LState) int {
	s, n := L.CheckString(1), checkInteger(L, 2)
	if n <= 0 || s == "" {
		L.Push(lua.LString(""))
		return 1
	}
	total := math.MaxInt
	if n <= math.MaxInt/len(s) {
		total = n * len(s)
	}
	grow(L, total)
	step(L, total/bytesPerStep)
	L.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

func stringLower(L *lua.LState) int {
	return convertBytes(L, func(b []byte) {
		for i, c := range b {
			if 'A' <= c && c <= 'Z' {
				b[i] = c | 0x20
			}
		}
	})
}

func stringUpper(L *lua.LState) int {
	return convertBytes(L, func(b []byte) {
		for i, c := range b {
			if 'a' <= c && c <= 'z' {
				b[i] = c &^ 0x20
			}
		}
	})
}

// convertBytes pushes the first argument after convert has gone through its bytes, a part at a time.
func convertBytes(L *lua.LState, convert func([]byte)) int {
	s := L.CheckString(1)
	var small [smallResult]byte
	if len(s) <= len(small) {
		b := small[:copy(small[:], s)]
		convert(b)
		L.Push(lua.LString(b))
		return 1
	}
	grow(L, len(s))
	var result strings.Builder
	result.Grow(len(s))
	for rest := s; rest != ""; {
		n := copy(small[:], rest)
		convert(small[:n])
		result.Write(small[:n])
		rest = rest[n:]
	}
	step(L, len(s)/bytesPerStep)
	L.Push(lua.LString(result.String()))
	return 1
}

func stringReverse(L *lua.LState) int {
	s := L.CheckString(1)
	grow(L, len(s))
	step(L, len(s)/bytesPerStep)
	var result strings.Builder
	result.Grow(len(s))
	for i := len(s) - 1; i >= 0; i-- {
		result.WriteByte(s[i])
	}
	L.Push(lua.LString(result.String()))
	return 1
}

func stringFind(L *lua.LState) int {
	s, pattern := L.CheckString(1), L.CheckString(2)
	init := findInit(L, len(s))
	step(L, len(pattern)/bytesPerStep)
	if L.ToBool(4) || !hasSpecials(pattern) {
		start := findPlain(L, s, pattern, init)
		if start == noMatch {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(number(start + 1))
		L.Push(number(start + len(pattern)))
		return 2
	}
	var m matcher
	m.start(L, s, pattern, true)
	start, end := m.search(init)
	if start == noMatch {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(number(start + 1))
	L.Push(number(end))
	if m.level == 0 {
		return 2
	}
	return 2 + m.pushCaptures(start, end)
}

func stringMatch(L *lua.LState) int {
	s, pattern := L.CheckString(1), L.CheckString(2)
	var m matcher
	m.start(L, s, pattern, true)
	start, end := m.search(findInit(L, len(s)))
	if start == noMatch {
		L.Push(lua.LNil)
		return 1
	}
	return m.pushCaptures(start, end)
}

// findInit is where string.find and string.match begin, from 0: their third argument, kept inside the subject.
func findInit(L *lua.LState, length int) int {
	return min(max(optIndex(L, 3, 1, length)-1, 0), length)
}

// hasSpecials reports whether a pattern is more than plain text.
func hasSpecials(pattern string) bool {
	for i := range len(pattern) {
		switch pattern[i] {
		case '^', '$', '*', '+', '?', '.', '(', '[', '%', '-':
			return true
		}
	}
	return false
}

// findPlain returns where text is in s at from or later, or noMatch.
func findPlain(L *lua.LState, s, text string, from int) int {
	part := max(sweep, 4*len(text))
	for {
		end := min(from+part+len(text), len(s))
		index := strings.Index(s[from:end], text)
		if index >= 0 {
			step(L, (index+len(text))/bytesPerStep)
			return from + index
		}
		step(L, (end-from)/bytesPerStep)
		if end == len(s) {
			return noMatch
		}
		from += part
	}
}

// stringGmatch returns a function that finds one match a call, so that leaving the loop early leaves the rest undone.
func stringGmatch(L *lua.LState) int {
	s, pattern := L.CheckString(1), L.CheckString(2)
	from := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		if from > len(s) {
			return 0
		}
		var m matcher
		m.start(L, s, pattern, false)
		start, end := m.search(from)
		if start == noMatch {
			from = len(s) + 1
			return 0
		}
		from = max(end, start+1)
		return m.pushCaptures(start, end)
	}))
	return 1
}

func stringGsub(L *lua.LState) int {
	s, pattern := L.CheckString(1), L.CheckString(2)
	replacement := checkReplacement(L, 3)
	limit := optInteger(L, 4, math.MaxInt)
	var m matcher
	m.start(L, s, pattern, true)
	var small [smallResult]byte
	out := buffer(small[:0])
	count, copied := 0, 0
	for from := 0; count < limit && from <= len(s); {
		start, end := m.search(from)
		if start == noMatch {
			break
		}
		count++
		var replaced bool
		if out, replaced = m.replace(out, replacement, s[copied:start], start, end); replaced {
			copied = end
		}
		// After an empty match the next one is tried a byte later, and that byte stays.
		from = max(end, start+1)
		if m.anchored {
			break
		}
	}
	if copied == 0 && len(out) == 0 {
		L.Push(lua.LString(s))
	} else {
		L.Push(out.add(L, s[copied:]).value(L))
	}
	L.Push(number(count))
	return 2
}

// checkReplacement returns the argument n if string.gsub can replace with it.
func checkReplacement(L *lua.LState, n int) lua.LValue {
	switch v := L.Get(n).(type) {
	case lua.LString, *lua.LTable, *lua.LFunction:
		return v
	case lua.LNumber:
		return lua.LString(v.String())
	}
	L.ArgError(n, "string/function/table expected")
	return nil
}

// replace adds to out what comes before a match and what replaces it; it reports false, and adds nothing, when the
// match stays as it is.
func (m *matcher) replace(out buffer, replacement lua.LValue, before string, start, end int) (buffer, bool) {
	var v lua.LValue
	switch r := replacement.(type) {
	case lua.LString:
		return m.expand(out.add(m.L, before), string(r), start, end), true
	case *lua.LTable:
		v = m.L.GetTable(r, m.capture(0, start, end))
	default:
		m.L.Push(r)
		m.L.Call(m.pushCaptures(start, end), 1)
		v = m.L.Get(-1)
		m.L.Pop(1)
	}
	if lua.LVIsFalse(v) {
		return out, false
	}
	if !lua.LVCanConvToString(v) {
		m.L.RaiseError("invalid replacement value (a %s)", v.Type().String())
	}
	return out.add(m.L, before).add(m.L, v.String()), true
}

// expand adds the replacement text of string.gsub, in which %0 is the match and %1 to %9 are its captures.
func (m *matcher) expand(out buffer, text string, start, end int) buffer {
	for {
		m.spend(1)
		percent := strings.IndexByte(text, '%')
		if percent < 0 {
			return out.add(m.L, text)
		}
		out = out.add(m.L, text[:percent])
		if percent+1 == len(text) {
			m.L.RaiseError("invalid use of '%c' in replacement string", '%')
		}
		switch c := text[percent+1]; {
		case c == '0':
			out = out.add(m.L, m.subject[start:end])
		case isDigit(c):
			out = out.add(m.L, m.capture(int(c)-'1', start, end).String())
		default:
			out = out.add(m.L, text[percent+1:percent+2])
		}
		text = text[percent+2:]
	}
}

// concatOperator is the operator .. for all its values at once: a .. b .. c is one call with three. It does and says
// what the VM's own instruction would, which announces nothing to the meter.
func concatOperator(L *lua.LState) int {
	last := L.GetTop()
	first, size := textsBefore(L, last)
	if first == 1 {
		L.Push(joined(L, 1, last, size))
		return 1
	}
	for last > 1 {
		var result lua.LValue
		if first < last {
			result = joined(L, first, last, size)
			last = first
		} else {
			result = concatMeta(L, L.Get(last-1), L.Get(last))
			last--
		}
		L.SetTop(last)
		L.Replace(last, result)
		first, size = textsBefore(L, last)
	}
	return 1
}

// textsBefore returns where the strings and numbers begin that end at last, last+1 when the value there is neither, and
// how many bytes they have at the most.
func textsBefore(L *lua.LState, last int) (first, size int) {
	for first = last; first >= 1; first-- {
		switch v := L.Get(first).(type) {
		case lua.LString:
			size += len(v)
		case lua.LNumber:
			size += numberSize
		default:
			return first + 1, size
		}
	}
	return 1, size
}

// joined is the text of the values from first to last, which are strings and numbers of at most size bytes.
func joined(L *lua.LState, first, last, size int) lua.LString {
	if size <= smallResult {
		var small [smallResult]byte
		return lua.LString(appendValues(small[:0], L, first, last))
	}
	grow(L, size)
	step(L, size/bytesPerStep)
	var result strings.Builder
	result.Grow(size)
	var scratch [numberSize]byte
	for i := first; i <= last; i++ {
		switch v := L.Get(i).(type) {
		case lua.LString:
			result.WriteString(string(v))
		case lua.LNumber:
			result.Write(appendNumber(scratch[:0], v))
		}
	}
	return lua.LString(result.String())
}

func appendValues(bytes []byte, L *lua.LState, first, last int) []byte {
	for i := first; i <= last; i++ {
		switch v := L.Get(i).(type) {
		case lua.LString:
			bytes = append(bytes, v...)
		case lua.LNumber:
			bytes = appendNumber(bytes, v)
		}
	}
	return bytes
}

// concatMeta concatenates two values by a metamethod.
func concatMeta(L *lua.LState, left, right lua.LValue) lua.LValue {
	method := L.GetMetaField(left, "__concat")
	if method == lua.LNil {
		method = L.GetMetaField(right, "__concat")
	}
	if method.Type() != lua.LTFunction {
		L.RaiseError("cannot perform concat operation between %v and %v", left.Type().String(), right.Type().String())
	}
	L.Push(method)
	L.Push(left)
	L.Push(right)
	L.Call(2, 1)
	result := L.Get(-1)
	L.Pop(1)
	return result
}
