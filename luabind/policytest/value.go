package policytest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"moongate/luabind/script"

	lua "github.com/yuin/gopher-lua"
)

// Bounds of what is compared and shown.
const (
	deepest     = 16  // tables inside tables
	mostEntries = 40  // of a table that is shown
	mostShown   = 200 // bytes of a text that is shown
)

// equal reports whether two values are the same, or tables with the same in them.
func equal(a, b lua.LValue, depth int) bool {
	left, ok := a.(*lua.LTable)
	right, both := b.(*lua.LTable)
	if !ok || !both || a == b {
		return a == b
	}
	if depth > deepest {
		return false
	}
	same, count := true, 0
	left.ForEach(func(k, v lua.LValue) {
		count++
		same = same && equal(v, right.RawGet(k), depth+1)
	})
	right.ForEach(func(_, _ lua.LValue) { count-- })
	return same && count == 0
}

// shown is a value for people: texts in quotes, tables with their keys sorted.
func shown(L *lua.LState, v lua.LValue) string { return show(L, v, nil) }

func show(L *lua.LState, v lua.LValue, within []*lua.LTable) string {
	switch v := v.(type) {
	case lua.LString:
		if len(v) > mostShown {
			return strconv.Quote(string(v[:mostShown])) + "..."
		}
		return strconv.Quote(string(v))
	case *lua.LTable:
		if c := clientOf(v); c != nil {
			return c.String()
		}
		if v.Metatable == lua.LNil {
			if slices.Contains(within, v) || len(within) > deepest {
				return "{...}"
			}
			return showTable(L, v, append(within, v))
		}
	}
	return L.ToStringMeta(v).String()
}

// showTable writes a list as {1, 2}, and what else there is as {name = 1, [2] = 3}.
func showTable(L *lua.LState, t *lua.LTable, within []*lua.LTable) string {
	var parts, named []string
	n := t.Len()
	for i := 1; i <= n; i++ {
		parts = append(parts, show(L, t.RawGetInt(i), within))
	}
	t.ForEach(func(k, v lua.LValue) {
		if i, ok := k.(lua.LNumber); ok && i >= 1 && i <= lua.LNumber(n) && i == lua.LNumber(int(i)) {
			return
		}
		key := "[" + show(L, k, within) + "]"
		if s, ok := k.(lua.LString); ok && script.IsName(string(s)) {
			key = string(s)
		}
		named = append(named, key+" = "+show(L, v, within))
	})
	slices.Sort(named)
	parts = append(parts, named...)
	if len(parts) > mostEntries {
		parts = append(parts[:mostEntries], fmt.Sprintf("... %d more", len(parts)-mostEntries))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// meant asks whether another name was meant.
func meant[V any](name string, known map[string]V) string {
	return script.DidYouMean(name, maps.Keys(known))
}
