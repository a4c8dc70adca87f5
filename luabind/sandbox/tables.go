package sandbox

import (
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// tableFunctions is the library table.
var tableFunctions = map[string]lua.LGFunction{
	"concat": tableConcat,
	"getn":   tableGetn,
	"insert": tableInsert,
	"maxn":   tableMaxn,
	"remove": tableRemove,
	"sort":   tableSort,
}

// element returns t[i] without metamethods.
func element(t *lua.LTable, i int) lua.LValue {
	if 0 < i && i < lua.MaxArrayIndex {
		return t.RawGetInt(i)
	}
	return t.RawGet(lua.LNumber(i))
}

// length is #t. LTable.Len knows only the array part, which ends before lua.MaxArrayIndex; the elements beyond are
// found as the reference implementation finds its border, by doubling and halving.
func length(t *lua.LTable) int {
	n := t.Len()
	if n < lua.MaxArrayIndex-1 {
		return n
	}
	beyond := n + 1
	for element(t, beyond) != lua.LNil {
		n, beyond = beyond, 2*beyond
	}
	return n + sort.Search(beyond-n-1, func(i int) bool { return element(t, n+1+i) == lua.LNil })
}

// lengthOperator is the operator #.
func lengthOperator(L *lua.LState) int {
	switch v := L.Get(1).(type) {
	case lua.LString:
		L.Push(number(len(v)))
	case *lua.LTable:
		if byEvent(L, v, "__len", 1) {
			return 1
		}
		if v.Metatable != lua.LNil {
			v = seen(L, v)
		}
		L.Push(number(length(v)))
	default:
		if byEvent(L, v, "__len", 1) {
			return 1
		}
		L.RaiseError("attempt to get length of a %s value", v.Type())
	}
	return 1
}

// byEvent has a metamethod of a value give so many results, and reports whether there is one.
func byEvent(L *lua.LState, v lua.LValue, event string, results int) bool {
	f := L.GetMetaField(v, event)
	if f == lua.LNil {
		return false
	}
	L.Push(f)
	L.Push(v)
	L.Call(1, results)
	return true
}

// writableTable returns the argument n, a table that is not read-only.
func writableTable(L *lua.LState, n int) *lua.LTable {
	t := L.CheckTable(n)
	if t.Metatable == lua.LNil {
		return t
	}
	refuseReadOnly(L, t)
	return seen(L, t)
}

// readableTable returns the argument n, or for a read-only table the one behind it.
func readableTable(L *lua.LState, n int) *lua.LTable {
	t := L.CheckTable(n)
	if t.Metatable == lua.LNil {
		return t
	}
	return seen(L, t)
}

// seen is the table behind a read-only one or a spy, all of which is going to be read; any other is itself.
func seen(L *lua.LState, t *lua.LTable) *lua.LTable {
	mark := readOnlyMarkOf(t)
	if mark == nil {
		return t
	}
	if mark.whole != nil {
		return mark.whole(L)
	}
	return mark.real
}

func tableGetn(L *lua.LState) int {
	L.Push(number(length(readableTable(L, 1))))
	return 1
}

// tableMaxn is table.maxn, the largest positive number that is a key.
func tableMaxn(L *lua.LState) int {
	t := readableTable(L, 1)
	largest := lua.LNumber(t.Len())
	work := newTally(L)
	key := lua.LNil
	if largest > 0 {
		key = largest
	}
	for {
		work.spend(1)
		key, _ = t.Next(key)
		if key == lua.LNil {
			break
		}
		if n, ok := key.(lua.LNumber); ok {
			largest = max(largest, n)
		}
	}
	L.Push(largest)
	return 1
}

// tableInsert is table.insert. Moving the elements up is charged before it begins, so no other process sees a table
// with half of it moved.
func tableInsert(L *lua.LState) int {
	t := writableTable(L, 1)
	switch L.GetTop() {
	case 2:
		if L.Get(2) != lua.LNil {
			t.RawSetInt(length(t)+1, L.Get(2))
		}
	case 3:
		position := checkInteger(L, 2)
		step(L, length(t)-position)
		insertAt(L, t, length(t), position, L.Get(3))
	default:
		L.RaiseError("wrong number of arguments to 'insert'")
	}
	return 0
}

// insertAt inserts a value before position in a table of n elements.
func insertAt(L *lua.LState, t *lua.LTable, n, position int, value lua.LValue) {
	if position < 1 || position > n+1 {
		L.ArgError(2, "position out of bounds")
	}
	if position <= n && n+1 < lua.MaxArrayIndex {
		t.Remove(n + 1) // gives back one slot after the end if there is any, or each insert would leave one more
		t.Insert(position, value)
		return
	}
	for i := n; i >= position; i-- {
		t.RawSetInt(i+1, element(t, i))
	}
	t.RawSetInt(position, value)
}

func tableRemove(L *lua.LState) int {
	t := writableTable(L, 1)
	if L.Get(2) != lua.LNil {
		step(L, length(t)-checkInteger(L, 2))
	}
	n := length(t)
	position := optInteger(L, 2, n)
	if n == 0 && position == 0 || position == n+1 {
		return 0
	}
	if position < 1 || position > n {
		L.ArgError(2, "position out of bounds")
	}
	L.Push(element(t, position))
	if n < lua.MaxArrayIndex {
		t.Remove(position)
		return 1
	}
	for i := position; i < n; i++ {
		t.RawSetInt(i, element(t, i+1))
	}
	t.RawSetInt(n, lua.LNil)
	return 1
}

// tableConcat is table.concat. It is charged before it begins, so the table is the same in both of its passes.
func tableConcat(L *lua.LState) int {
	t := readableTable(L, 1)
	separator := ""
	if L.Get(2) != lua.LNil {
		separator = L.CheckString(2)
	}
	first, n := optInteger(L, 3, 1), length(t)
	step(L, min(optInteger(L, 4, n), n)-first)
	last := optInteger(L, 4, length(t))
	if first > last {
		L.Push(lua.LString(""))
		return 1
	}
	size := concatSize(L, t, len(separator), first, last)
	grow(L, size)
	step(L, size/bytesPerStep)
	var result strings.Builder
	result.Grow(size)
	var scratch [numberSize]byte
	for i := first; ; i++ {
		switch v := element(t, i).(type) {
		case lua.LString:
			result.WriteString(string(v))
		case lua.LNumber:
			result.Write(appendNumber(scratch[:0], v))
		}
		if i == last {
			break
		}
		result.WriteString(separator)
	}
	L.Push(lua.LString(result.String()))
	return 1
}

// concatSize returns how many bytes the elements from first to last have with separators, and raises an error at an
// element that has no text.
func concatSize(L *lua.LState, t *lua.LTable, separator, first, last int) int {
	var scratch [numberSize]byte
	size := 0
	for i := first; ; i++ {
		switch v := element(t, i).(type) {
		case lua.LString:
			size += len(v)
		case lua.LNumber:
			size += len(appendNumber(scratch[:0], v))
		default:
			L.RaiseError("invalid value (%s) at index %d in table for 'concat'", v.Type().String(), i)
		}
		if i == last {
			return size
		}
		size += separator
	}
}

// sorter sorts a table where it is, so that the comparison may look at it, and even change it.
type sorter struct {
	tally
	table *lua.LTable
	order *lua.LFunction
	n     int
}

func (s *sorter) Len() int { return s.n }

func (s *sorter) Swap(i, j int) {
	a, b := element(s.table, i+1), element(s.table, j+1)
	s.table.RawSetInt(i+1, b)
	s.table.RawSetInt(j+1, a)
}

func (s *sorter) Less(i, j int) bool {
	s.spend(1)
	a, b := element(s.table, i+1), element(s.table, j+1)
	if s.order != nil {
		s.L.Push(s.order)
		s.L.Push(a)
		s.L.Push(b)
		s.L.Call(2, 1)
		less := lua.LVAsBool(s.L.Get(-1))
		s.L.Pop(1)
		return less
	}
	if a, ok := a.(lua.LString); ok {
		if b, ok := b.(lua.LString); ok {
			s.spend(min(len(a), len(b)) / bytesPerStep)
			return a < b
		}
	}
	return s.L.LessThan(a, b)
}

// tableSort is table.sort. Go's algorithm ends after n log n comparisons whatever these answer.
func tableSort(L *lua.LState) int {
	t := writableTable(L, 1)
	var order *lua.LFunction
	if L.Get(2) != lua.LNil {
		order = L.CheckFunction(2)
	}
	sort.Sort(&sorter{tally: newTally(L), table: t, order: order, n: length(t)})
	return 0
}

func baseUnpack(L *lua.LState) int {
	t := readableTable(L, 1)
	first := optInteger(L, 2, 1)
	last := optInteger(L, 3, length(t))
	if first > last {
		return 0
	}
	if uint64(last)-uint64(first) >= maxResults {
		L.RaiseError("too many results to unpack")
	}
	count := last - first + 1
	for i := range count {
		L.Push(element(t, first+i))
	}
	step(L, count/bytesPerStep)
	return count
}
