package luabind

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/luabind/script"

	lua "github.com/yuin/gopher-lua"
)

// Bounds of what is printed, so that every value is readable and none takes long.
const (
	deepest      = 6     // tables inside tables
	mostEntries  = 100   // of one table
	mostValues   = 2_000 // in all
	longestText  = 4_000 // bytes of a string
	longestInner = 200   // bytes of a string in a table
	widest       = 76    // columns of a table in one line
	chargeEvery  = 256   // values looked at between two charges
)

// printing writes values for people: strings in quotes, tables with their keys sorted. It is one goroutine's, under the
// baton.
type printing struct {
	program program
	L       *lua.LState
	left    int                       // values that may still be printed
	looked  int                       // values looked at and not charged
	within  []any                     // the tables and shared objects that are being printed, the outermost first
	named   map[*lua.LFunction]string // the functions of the library; nil: not yet asked for
}

// printed is the values of L, each in lines of its own, without a line end after the last.
func (p program) printed(L *lua.LState) string {
	w := &printing{program: p, L: L, left: mostValues}
	n := L.GetTop()
	lines := make([]string, 0, min(n, mostEntries+1))
	for i := 1; i <= n; i++ {
		if i > mostEntries {
			lines = append(lines, more(n-mostEntries))
			break
		}
		lines = append(lines, w.value(L.Get(i)))
	}
	return strings.Join(lines, "\n")
}

// more says that so many entries are left out.
func more(n int) string { return "... " + grouped(n) + " more" }

// grouped is a number with commas between its thousands.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// look charges a value that was looked at. Others may have the lane meanwhile.
func (w *printing) look() {
	if w.looked++; w.looked == chargeEvery {
		w.looked = 0
		lane.Running(w.L).Step(w.L, 8*chargeEvery)
	}
}

// value is a value; its second line and those after it have no indentation of their own.
func (w *printing) value(v lua.LValue) string {
	w.left--
	w.look()
	switch v := v.(type) {
	case lua.LString:
		return quoted(string(v), w.longest())
	case *lua.LTable:
		return w.enter(v, func() string { return w.table(v) })
	case *lua.LFunction:
		return w.function(v)
	case *lua.LUserData:
		if s, ok := v.Value.(convert.Shared); ok {
			return w.enter(s, func() string { return w.shared(s) })
		}
		return w.described(v)
	case *lua.LState:
		return "coroutine"
	default:
		return w.described(v)
	}
}

func (w *printing) longest() int {
	if len(w.within) == 0 {
		return longestText
	}
	return longestInner
}

// described is what Lua's tostring gives, without what would disturb a terminal.
func (w *printing) described(v lua.LValue) string {
	if tostring, ok := field(w.program.Environment(), "tostring").(*lua.LFunction); ok && tostring.IsG {
		w.L.Push(tostring)
		w.L.Push(v)
		w.L.Call(1, 1)
		v = w.L.Get(-1)
		w.L.Pop(1)
	}
	text := quoted(v.String(), longestInner)
	return text[1 : len(text)-1]
}

// enter prints what may contain itself.
func (w *printing) enter(v any, print func() string) string {
	switch {
	case slices.Contains(w.within, v):
		return "<cycle>"
	case len(w.within) == deepest:
		return "{...}"
	}
	w.within = append(w.within, v)
	defer func() { w.within = w.within[:len(w.within)-1] }()
	return print()
}

// entry is one line of a table.
type entry struct {
	key   lua.LValue // nil: the next element of the list
	value lua.LValue
}

// table is a table: first the list in it, then the other keys, sorted. What stands behind a library is shown in its place.
func (w *printing) table(t *lua.LTable) string {
	if k, _ := t.Next(lua.LNil); k == lua.LNil {
		if library := indexOf(t); library != nil && t.Metatable.(*lua.LTable).RawGetString("__metatable") == lua.LString("read-only") {
			t = library
		}
	}
	var entries []entry
	n := 0 // elements of the list
	for ; ; n++ {
		v := t.RawGetInt(n + 1)
		if v == lua.LNil {
			break
		}
		w.look()
		if n < mostEntries {
			entries = append(entries, entry{nil, v})
		}
	}
	keys, others := w.firstKeys(t, n, mostEntries-len(entries))
	for _, k := range keys {
		entries = append(entries, entry{k, t.RawGet(k)})
	}
	return w.braces(entries, n+others)
}

// firstKeys are the first keys in their order, so many at the most, of those that are not elements 1 to list, and how many
// of them there are.
func (w *printing) firstKeys(t *lua.LTable, list, most int) (first []lua.LValue, all int) {
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		w.look()
		if n, ok := k.(lua.LNumber); ok && n >= 1 && n <= lua.LNumber(list) && n == lua.LNumber(int(n)) {
			continue
		}
		all++
		i, _ := slices.BinarySearchFunc(first, k, compareKeys)
		if i >= most {
			continue
		}
		if len(first) == most {
			first = first[:most-1]
		}
		first = slices.Insert(first, i, k)
	}
	return first, all
}

// compareKeys orders numbers before strings, and those before all others.
func compareKeys(a, b lua.LValue) int {
	rank := func(v lua.LValue) int {
		return cmp.Or(map[lua.LValueType]int{lua.LTNumber: -3, lua.LTString: -2, lua.LTBool: -1}[v.Type()], int(v.Type()))
	}
	if by := cmp.Compare(rank(a), rank(b)); by != 0 {
		return by
	}
	switch a := a.(type) {
	case lua.LNumber:
		return cmp.Compare(a, b.(lua.LNumber))
	case lua.LString:
		return cmp.Compare(a, b.(lua.LString))
	case lua.LBool:
		return cmp.Compare(a.String(), b.String())
	default:
		return 0
	}
}

// braces prints entries, of which there are so many in all.
func (w *printing) braces(entries []entry, all int) string {
	parts := make([]string, 0, len(entries)+1)
	for _, e := range entries {
		if w.left <= 0 {
			break
		}
		parts = append(parts, w.entry(e))
	}
	shown := len(parts)
	if shown < all {
		parts = append(parts, more(all-shown))
	}
	return laidOut(parts, shown)
}

func (w *printing) entry(e entry) string {
	if e.key == nil {
		return w.value(e.value)
	}
	if name, ok := e.key.(lua.LString); ok && isName.MatchString(string(name)) && !script.IsKeyword(string(name)) {
		return string(name) + " = " + w.value(e.value)
	}
	return "[" + w.value(e.key) + "] = " + w.value(e.value)
}

// laidOut puts parts between braces: in one line if they fit, else each into lines of its own, but several short ones into
// one line. The first so many of them are followed by commas.
func laidOut(parts []string, commas int) string {
	inOne := "{" + strings.Join(parts, ", ") + "}"
	if utf8.RuneCountInString(inOne) <= widest && !strings.Contains(inOne, "\n") {
		return inOne
	}
	const short = 24
	var b strings.Builder
	b.WriteString("{")
	column := 0
	for i, part := range parts {
		width := utf8.RuneCountInString(part)
		small := width <= short && !strings.Contains(part, "\n") && !strings.Contains(part, " = ")
		if i > 0 && small && column > 0 && column+width+2 <= widest {
			b.WriteByte(' ')
			column += width + 2
		} else {
			b.WriteString("\n  ")
			column = width + 3
			if !small {
				column = 0
			}
		}
		b.WriteString(strings.ReplaceAll(part, "\n", "\n  "))
		if i < commas {
			b.WriteByte(',')
		}
	}
	return b.String() + "\n}"
}

// shared is a shared object, collection or signal with what is in it now.
func (w *printing) shared(s convert.Shared) string {
	names, values := s.Snapshot()
	var entries []entry
	for i, v := range values {
		if i == mostEntries {
			break
		}
		e := entry{nil, sharedValue(v)}
		if names != nil {
			e.key = lua.LString(names[i])
		}
		entries = append(entries, e)
	}
	return fmt.Sprintf("%v %s", s, w.braces(entries, len(values)))
}

// function says what a function is: a command, one of the library, a method, or where it was written.
func (w *printing) function(f *lua.LFunction) string {
	if !f.IsG {
		if m, ok := w.program.Set().Method(strings.TrimSuffix(f.Proto.SourceName, ".lua")); ok && m.Proto == f.Proto {
			return fmt.Sprintf("project method %s (%s)", m.Name, m.File)
		}
		return fmt.Sprintf("function (%s:%d)", f.Proto.SourceName, f.Proto.LineDefined)
	}
	if w.named == nil {
		w.named = map[*lua.LFunction]string{}
		eachField(indexOf(w.program.Environment()), func(name string, value lua.LValue) { w.name(name, value, true) })
	}
	switch name := w.named[f]; {
	case name == "":
		return "function"
	case commandNamed(name) != nil:
		return "command " + commandNamed(name).Signature
	default:
		return "function " + name
	}
}

// name keeps the name of a function of the library, or those of the functions in a table of it.
func (w *printing) name(name string, value lua.LValue, tables bool) {
	switch v := value.(type) {
	case *lua.LFunction:
		w.named[v] = name
	case *lua.LTable:
		if tables && name != "interprocess" {
			eachField(v, func(field string, value lua.LValue) { w.name(name+"."+field, value, false) })
		}
	}
}

// quoted is a string as it would be written in Lua, cut if it is longer than so many bytes. What is not printable is
// written as \ddd.
func quoted(s string, longest int) string {
	cut := len(s) > longest
	shown := s
	if cut {
		for shown = s[:longest]; len(shown) > longest-utf8.UTFMax && !utf8.RuneStart(s[len(shown)]); {
			shown = shown[:len(shown)-1]
		}
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(shown); {
		r, size := utf8.DecodeRuneInString(shown[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unicode.IsPrint(r) && !(r == utf8.RuneError && size == 1):
			b.WriteRune(r)
		default:
			for _, c := range []byte(shown[i : i+size]) {
				fmt.Fprintf(&b, `\%03d`, c)
			}
		}
		i += size
	}
	if cut {
		return b.String() + `..." (` + grouped(len(s)) + " bytes)"
	}
	return b.String() + `"`
}
