package sandbox

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const (
	maxCaptures = 32
	// maxDepth bounds the recursion of a match, which is one level for each repeated item and each capture of the
	// pattern.
	maxDepth = 200
	noMatch  = -1
)

// What a capture's length says before it is one.
const (
	captureOpen     = -1
	capturePosition = -2
)

type capture struct{ start, length int }

// matcher matches one Lua 5.1 pattern against one subject, by the algorithm of the reference implementation
// (lstrlib.c): backtracking over the pattern's text, nothing compiled, nothing allocated. A pattern can make it run for
// ever, so every step is charged. Positions are byte offsets from 0. Unlike there, a pattern may contain zero bytes.
type matcher struct {
	tally
	subject, pattern string
	anchored         bool
	// first is the byte that every match begins with, or -1: it lets search skip what cannot match.
	first    int
	depth    int
	level    int
	captures [maxCaptures]capture
}

// start prepares m. A pattern's leading ^ anchors it where anchors says so; elsewhere it is a character like any other.
func (m *matcher) start(L *lua.LState, subject, pattern string, anchors bool) {
	m.tally = newTally(L)
	m.subject = subject
	m.anchored = anchors && strings.HasPrefix(pattern, "^")
	if m.anchored {
		pattern = pattern[1:]
	}
	m.pattern = pattern
	m.first = firstByte(pattern)
}

// firstByte returns the byte that every match of pattern begins with, or -1 when there is no such byte.
func firstByte(pattern string) int {
	if pattern == "" || strings.IndexByte("%[.()$", pattern[0]) >= 0 {
		return -1
	}
	if len(pattern) > 1 && strings.IndexByte("*?-", pattern[1]) >= 0 {
		return -1
	}
	return int(pattern[0])
}

// search returns the first match that begins at s or later, or noMatch, noMatch.
func (m *matcher) search(s int) (start, end int) {
	for ; s <= len(m.subject); s++ {
		if m.first >= 0 && !m.anchored {
			skip := strings.IndexByte(m.subject[s:], byte(m.first))
			if skip < 0 {
				m.spend((len(m.subject) - s) / bytesPerStep)
				break
			}
			m.spend(skip / bytesPerStep)
			s += skip
		}
		m.level = 0
		m.spend(1)
		if end := m.match(s, 0); end != noMatch {
			return s, end
		}
		if m.anchored {
			break
		}
	}
	return noMatch, noMatch
}

// match matches the pattern from p on against the subject from s on, and returns the end of the match or noMatch.
func (m *matcher) match(s, p int) int {
	if p == len(m.pattern) {
		return s
	}
	if m.depth == maxDepth {
		m.L.RaiseError("pattern too complex")
	}
	m.depth++
	end := m.matchItems(s, p)
	m.depth--
	return end
}

// matchItems goes along the items of the pattern, and leaves to match what may have to be tried more than once.
func (m *matcher) matchItems(s, p int) int {
	for p < len(m.pattern) {
		m.spend(1)
		switch m.pattern[p] {
		case '(':
			return m.openCapture(s, p+1)
		case ')':
			return m.closeCapture(s, p+1)
		case '$':
			if p+1 == len(m.pattern) {
				if s == len(m.subject) {
					return s
				}
				return noMatch
			}
		case '%':
			if after, length := m.matchEscape(s, p); length > 0 {
				if after == noMatch {
					return noMatch
				}
				s, p = after, p+length
				continue
			}
		}
		end := m.itemEnd(p)
		switch repetition := m.repetition(end); repetition {
		case '*', '+', '-':
			return m.matchRepeated(repetition, s, p, end)
		case '?':
			if m.matchesOne(s, p, end) {
				if after := m.match(s+1, end+1); after != noMatch {
					return after
				}
			}
			p = end + 1
		default:
			if !m.matchesOne(s, p, end) {
				return noMatch
			}
			s, p = s+1, end
		}
	}
	return s
}

// repetition returns what follows a single-character item, 0 at the end of the pattern.
func (m *matcher) repetition(p int) byte {
	if p < len(m.pattern) {
		return m.pattern[p]
	}
	return 0
}

// matchEscape matches an item at p that begins with % and is not a single character: %b, %f, %1. It returns where the
// subject goes on and the length of the item, which is 0 when it is none of these.
func (m *matcher) matchEscape(s, p int) (after, length int) {
	if p+1 == len(m.pattern) {
		return s, 0
	}
	switch c := m.pattern[p+1]; {
	case c == 'b':
		return m.matchBalance(s, p+2), 4
	case c == 'f':
		return m.matchFrontier(s, p+2)
	case '0' <= c && c <= '9':
		return m.matchCapture(s, c), 2
	}
	return s, 0
}

// matchBalance matches %bxy, whose x is at p.
func (m *matcher) matchBalance(s, p int) int {
	if p+1 >= len(m.pattern) {
		m.L.RaiseError("unbalanced pattern")
	}
	opening, closing := m.pattern[p], m.pattern[p+1]
	if s == len(m.subject) || m.subject[s] != opening {
		return noMatch
	}
	open := 1
	for s++; s < len(m.subject); s++ {
		m.spend(1)
		switch m.subject[s] {
		case closing:
			open--
			if open == 0 {
				return s + 1
			}
		case opening:
			open++
		}
	}
	return noMatch
}

// matchFrontier matches %f[set], whose set is at p. Before and after the subject it sees a zero byte.
func (m *matcher) matchFrontier(s, p int) (after, length int) {
	if p == len(m.pattern) || m.pattern[p] != '[' {
		m.L.RaiseError("missing '[' after '%cf' in pattern", '%')
	}
	end := m.itemEnd(p)
	var previous, next byte
	if s > 0 {
		previous = m.subject[s-1]
	}
	if s < len(m.subject) {
		next = m.subject[s]
	}
	if m.inSet(previous, p, end-1) || !m.inSet(next, p, end-1) {
		return noMatch, end - p + 2
	}
	return s, end - p + 2
}

// matchCapture matches %1 to %9: the text of an earlier capture once more.
func (m *matcher) matchCapture(s int, digit byte) int {
	index := int(digit) - '1'
	if index < 0 || index >= m.level || m.captures[index].length == captureOpen {
		m.L.RaiseError("invalid capture index")
	}
	c := m.captures[index]
	if c.length == capturePosition || len(m.subject)-s < c.length {
		return noMatch
	}
	m.spend(c.length / bytesPerStep)
	if m.subject[c.start:c.start+c.length] != m.subject[s:s+c.length] {
		return noMatch
	}
	return s + c.length
}

// matchRepeated matches the item from p to end, which *, + or - follows, and the rest of the pattern.
func (m *matcher) matchRepeated(repetition byte, s, p, end int) int {
	if repetition == '-' {
		return m.matchFewest(s, p, end)
	}
	if repetition == '+' {
		if !m.matchesOne(s, p, end) {
			return noMatch
		}
		s++
	}
	return m.matchMost(s, p, end)
}

// matchMost matches the item from p to end as often as it can, then as often less as the rest of the pattern needs.
func (m *matcher) matchMost(s, p, end int) int {
	count := 0
	for m.matchesOne(s+count, p, end) {
		m.spend(1)
		count++
	}
	for ; count >= 0; count-- {
		m.spend(1)
		if after := m.match(s+count, end+1); after != noMatch {
			return after
		}
	}
	return noMatch
}

// matchFewest matches the item from p to end as seldom as the rest of the pattern allows.
func (m *matcher) matchFewest(s, p, end int) int {
	for {
		m.spend(1)
		if after := m.match(s, end+1); after != noMatch {
			return after
		}
		if !m.matchesOne(s, p, end) {
			return noMatch
		}
		s++
	}
}

// openCapture opens a capture, or notes a position for (), and matches the rest of the pattern.
func (m *matcher) openCapture(s, p int) int {
	length := captureOpen
	if p < len(m.pattern) && m.pattern[p] == ')' {
		length = capturePosition
		p++
	}
	if m.level == maxCaptures {
		m.L.RaiseError("too many captures")
	}
	m.captures[m.level] = capture{s, length}
	m.level++
	after := m.match(s, p)
	if after == noMatch {
		m.level--
	}
	return after
}

// closeCapture closes the innermost open capture and matches the rest of the pattern.
func (m *matcher) closeCapture(s, p int) int {
	index := m.level - 1
	for index >= 0 && m.captures[index].length != captureOpen {
		index--
	}
	if index < 0 {
		m.L.RaiseError("invalid pattern capture")
	}
	m.captures[index].length = s - m.captures[index].start
	after := m.match(s, p)
	if after == noMatch {
		m.captures[index].length = captureOpen
	}
	return after
}

// itemEnd returns where the single-character item that begins at p ends.
func (m *matcher) itemEnd(p int) int {
	switch m.pattern[p] {
	case '%':
		if p+1 == len(m.pattern) {
			m.L.RaiseError("malformed pattern (ends with '%c')", '%')
		}
		return p + 2
	case '[':
		return m.setEnd(p)
	}
	return p + 1
}

// setEnd returns where the set that begins at p ends. A ] that comes first is a member.
func (m *matcher) setEnd(p int) int {
	end := p + 1
	if end < len(m.pattern) && m.pattern[end] == '^' {
		end++
	}
	for first := true; first || end < len(m.pattern) && m.pattern[end] != ']'; first = false {
		if end < len(m.pattern) && m.pattern[end] == '%' {
			end++
		}
		end++
	}
	if end >= len(m.pattern) {
		m.L.RaiseError("malformed pattern (missing ']')")
	}
	m.spend((end - p) / bytesPerStep)
	return end + 1
}

// matchesOne reports whether the byte at s matches the single-character item from p to end.
func (m *matcher) matchesOne(s, p, end int) bool {
	if s >= len(m.subject) {
		return false
	}
	c := m.subject[s]
	switch m.pattern[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pattern[p+1])
	case '[':
		return m.inSet(c, p, end-1)
	}
	return m.pattern[p] == c
}

// inSet reports whether c is a member of the set whose brackets are at p and end.
func (m *matcher) inSet(c byte, p, end int) bool {
	m.spend((end - p) / bytesPerStep)
	member := true
	if m.pattern[p+1] == '^' {
		member = false
		p++
	}
	for p++; p < end; p++ {
		switch {
		case m.pattern[p] == '%':
			p++
			if inClass(c, m.pattern[p]) {
				return member
			}
		case p+2 < end && m.pattern[p+1] == '-':
			if m.pattern[p] <= c && c <= m.pattern[p+2] {
				return member
			}
			p += 2
		case m.pattern[p] == c:
			return member
		}
	}
	return !member
}

// inClass reports whether c belongs to the class %class, in the C locale. An upper-case letter is the complement, and
// what is no class stands for itself.
func inClass(c, class byte) bool {
	var in bool
	switch class | 0x20 {
	case 'a':
		in = isAlpha(c)
	case 'c':
		in = c < 0x20 || c == 0x7f
	case 'd':
		in = isDigit(c)
	case 'l':
		in = 'a' <= c && c <= 'z'
	case 'p':
		in = 0x20 < c && c < 0x7f && !isAlpha(c) && !isDigit(c)
	case 's':
		in = isSpace(c)
	case 'u':
		in = 'A' <= c && c <= 'Z'
	case 'w':
		in = isAlpha(c) || isDigit(c)
	case 'x':
		in = isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	return in == (class >= 'a')
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// capture returns what the capture index (from 0) holds after a match from start to end; without any capture the
// first one is the whole match.
func (m *matcher) capture(index, start, end int) lua.LValue {
	if index >= m.level {
		if index > 0 {
			m.L.RaiseError("invalid capture index")
		}
		return lua.LString(piece(m.subject, start, end))
	}
	c := m.captures[index]
	switch c.length {
	case captureOpen:
		m.L.RaiseError("unfinished capture")
	case capturePosition:
		return number(c.start + 1)
	}
	return lua.LString(piece(m.subject, c.start, c.start+c.length))
}

// pushCaptures pushes the captures of a match from start to end, the whole match when there are none, and returns how
// many these are.
func (m *matcher) pushCaptures(start, end int) int {
	count := max(m.level, 1)
	for index := range count {
		m.L.Push(m.capture(index, start, end))
	}
	return count
}
