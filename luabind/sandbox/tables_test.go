package sandbox

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// tableCases are what the reference implementation of Lua 5.1 shows for the library table and unpack.
var tableCases = []libraryCase{
	{`table.concat({})`, `""`},
	{`table.concat({1, 2, 3})`, `"123"`},
	{`table.concat({1, 2, 3}, ", ")`, `"1, 2, 3"`},
	{`table.concat({"a", "b", "c"}, "-", 2)`, `"b-c"`},
	{`table.concat({"a", "b", "c"}, "-", 2, 3)`, `"b-c"`},
	{`table.concat({"a", "b", "c"}, "-", 3, 2)`, `""`},
	{`table.concat({"a", "b", "c"}, "-", 1, 1)`, `"a"`},
	{`table.concat({"a", "b"}, 1)`, `"a1b"`},
	{`table.concat({"a", "b"}, "-", 1, 3)`, `error: invalid value (nil) at index 3 in table for 'concat'`},
	{`table.concat({"a", "b"}, "-", 0, 1)`, `error: invalid value (nil) at index 0 in table for 'concat'`},
	{`table.concat({"a", {}, "b"})`, `error: invalid value (table) at index 2 in table for 'concat'`},
	{`table.concat({"a", true})`, `error: invalid value (boolean) at index 2 in table for 'concat'`},
	{`table.concat({1.5, 2, "x"}, "|")`, `"1.5|2|x"`},
	{`table.concat({[0]="z", "a"}, "-", 0)`, `"z-a"`},
	{`table.concat({[-1]="y", [0]="z", "a"}, "-", -1, 1)`, `"y-z-a"`},
	{`table.concat("x")`, `error: bad argument #1 to concat (table expected, got string)`},
	{`table.concat({}, {})`, `error: bad argument #2 to concat (string expected, got table)`},
	{`table.concat({}, "x", 1, 0)`, `""`},
	{`(function() local t = {} table.insert(t, 1) table.insert(t, 2) return unpack(t) end)()`, `1 2`},
	{`(function() local t = {1, 2} table.insert(t, 1, 0) return unpack(t) end)()`, `0 1 2`},
	{`(function() local t = {1, 2} table.insert(t, 2, 9) return unpack(t) end)()`, `1 9 2`},
	{`(function() local t = {1, 2} table.insert(t, 3, 3) return unpack(t) end)()`, `1 2 3`},
	{`(function() local t = {1, 2} table.insert(t, "2", 9) return unpack(t) end)()`, `1 9 2`},
	{`(function() local t = {} table.insert(t, nil) return #t end)()`, `0`},
	{`table.insert({})`, `error: wrong number of arguments to 'insert'`},
	{`table.insert({}, 1, 2, 3)`, `error: wrong number of arguments to 'insert'`},
	{`table.insert(nil, 1)`, `error: bad argument #1 to insert (table expected, got nil)`},
	{`table.insert({}, "x", 1)`, `error: bad argument #2 to insert (number expected, got string)`},
	{`(function() local t = {1, 2, 3} return table.remove(t), #t, unpack(t) end)()`, `3 2 1 2`},
	{`(function() local t = {1, 2, 3} return table.remove(t, 1), #t, unpack(t) end)()`, `1 2 2 3`},
	{`(function() local t = {1, 2, 3} return table.remove(t, 2), #t, unpack(t) end)()`, `2 2 1 3`},
	{`(function() local t = {1, 2, 3} return table.remove(t, 3), #t, unpack(t) end)()`, `3 2 1 2`},
	{`table.remove({})`, ``},
	{`select("#", table.remove({}))`, `0`},
	{`select("#", table.remove({1, 2}, 3))`, `0`},
	{`table.remove({}, "x")`, `error: bad argument #2 to remove (number expected, got string)`},
	{`table.remove()`, `error: bad argument #1 to remove (table expected, got nil)`},
	{`(function() local t = {} for i = 1, 100 do table.insert(t, 1, i) end local s = 0 for i = 1, 100 do s = s + table.remove(t, 1) * i end return s, #t end)()`, `171700 0`},
	{`table.maxn({})`, `0`},
	{`table.maxn({1, 2, 3})`, `3`},
	{`table.maxn({1, nil, 3})`, `3`},
	{`table.maxn({[10]=1, [2.5]=1})`, `10`},
	{`table.maxn({[-1]=1, x=2})`, `0`},
	{`table.maxn({[1e10]=1, 5})`, `10000000000`},
	{`table.getn({1, 2, 3})`, `3`},
	{`table.getn({})`, `0`},
	{`(function() local t = {3, 1, 2} table.sort(t) return unpack(t) end)()`, `1 2 3`},
	{`(function() local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return unpack(t) end)()`, `3 2 1`},
	{`(function() local t = {"b", "a", "c", "B", "aa", ""} table.sort(t) return unpack(t) end)()`, `"" "B" "a" "aa" "b" "c"`},
	{`(function() local t = {} table.sort(t) return #t end)()`, `0`},
	{`(function() local t = {1, "x"} table.sort(t) end)()`, `error: attempt to compare string with number`},
	{`(function() local t = {1, 2, 3} table.sort(t, 5) end)()`, `error: bad argument #2 to sort (function expected, got number)`},
	{`(function() local t = {{n=2}, {n=1}} table.sort(t, function(a, b) return a.n < b.n end) return t[1].n, t[2].n end)()`, `1 2`},
	{`(function() local m = {__lt=function(a, b) return a.n < b.n end} local t = {} for _, n in ipairs{3, 1, 2} do t[#t+1] = setmetatable({n=n}, m) end table.sort(t) return t[1].n, t[2].n, t[3].n end)()`, `1 2 3`},
	{`(function() local t = {} for i = 1, 1000 do t[i] = (i * 7919) % 1000 end table.sort(t) for i = 2, 1000 do if t[i-1] > t[i] then return "unsorted" end end return #t end)()`, `1000`},
	{`(function() local t = {} for i = 1, 1000 do t[i] = i % 3 end table.sort(t, function(a, b) return a > b end) return t[1], t[500], t[1000] end)()`, `2 1 0`},
	{`table.sort({3, 1, 2}, nil)`, ``},
	{`table.sort()`, `error: bad argument #1 to sort (table expected, got nil)`},
	{`unpack({1, 2, 3})`, `1 2 3`},
	{`unpack({1, 2, 3}, 2)`, `2 3`},
	{`unpack({1, 2, 3}, 2, 3)`, `2 3`},
	{`unpack({1, 2, 3}, 3, 2)`, ``},
	{`unpack({1, nil, 3}, 1, 3)`, `1 nil 3`},
	{`unpack({}, 1, 3)`, `nil nil nil`},
	{`unpack({[0]=5, 6}, 0, 1)`, `5 6`},
	{`unpack({1, 2}, -1, 1)`, `nil nil 1`},
	{`unpack({1, 2}, 2^40, 2^40)`, `nil`},
	{`unpack({1,2}, "1", "2")`, `1 2`},
	{`unpack()`, `error: bad argument #1 to unpack (table expected, got nil)`},
	{`unpack({}, 1, 1e8)`, `error: too many results to unpack`},
}

func TestTables(t *testing.T) { testCases(t, tableCases) }

func TestTablesBeyondReference(t *testing.T) {
	testCases(t, []libraryCase{
		{`table.insert({1}, 0, 1)`, `error: bad argument #2 to insert (position out of bounds)`},
		{`table.insert({1}, 3, 1)`, `error: bad argument #2 to insert (position out of bounds)`},
		{`table.insert({1}, -1e300, 1)`, `error: bad argument #2 to insert (position out of bounds)`},
		{`table.remove({1}, 0)`, `error: bad argument #2 to remove (position out of bounds)`},
		{`table.remove({1}, 3)`, `error: bad argument #2 to remove (position out of bounds)`},
		{`table.remove({1}, -1e300)`, `error: bad argument #2 to remove (position out of bounds)`},
		{`table.concat({}, "x", -1e300)`, `error: invalid value (nil) at index -9223372036854775808 in table for 'concat'`},
		{`table.concat({}, "x", 1e300, 1e300)`, `error: invalid value (nil) at index 9223372036854775807 in table for 'concat'`},
		{`table.sort({3, nil, 1}, function(a, b) return a < b end)`, `error: attempt to compare nil with number`},
		{`table.sort({3, nil, 1})`, `error: attempt to compare nil with number`},
		{`select("#", unpack({}, 1, 8000))`, `8000`},
		{`unpack({}, 1, 8001)`, `error: too many results to unpack`},
		{`unpack({}, -1e300, 1e300)`, `error: too many results to unpack`},
		{`unpack({}, 1e300, 1e300)`, `nil`},
	})
}

// A comparison that contradicts itself ends, and loses no element.
func TestSortWithInconsistentOrder(t *testing.T) {
	L := newLibraryState(t)
	for _, order := range []string{`true`, `false`, `math.random(2) == 1`, `a ~= b`, `(a * b) % 3 == 0`} {
		code := `local t, sum = {}, 0 for i = 1, 1000 do t[i] = i end
			table.sort(t, function(a, b) return ` + order + ` end)
			for i = 1, 1000 do sum = sum + t[i] end return #t, sum`
		if got, want := evaluate(t, L, code), "1000 500500"; got != want {
			t.Errorf("order %s: got %s, want %s", order, got, want)
		}
	}
}

// The comparison may change what is being sorted.
func TestSortWhileTheTableChanges(t *testing.T) {
	L := newLibraryState(t)
	for _, change := range []string{`t[#t] = nil`, `t[#t+1] = 1`, `table.remove(t, 1)`, `table.sort(t)`, `t[1] = "x"`} {
		code := `local t, n = {}, 0 for i = 1, 100 do t[i] = -i end
			table.sort(t, function(a, b) n = n + 1 if n < 50 then ` + change + ` end return n % 2 == 0 end) return true`
		if got := evaluate(t, L, code); got != "true" {
			t.Errorf("%s: got %s", change, got)
		}
	}
}

func TestTablesAreMetered(t *testing.T) {
	L := newLibraryState(t)
	for _, code := range []string{
		`local t = {} for i = 1, 3e4 do t[i] = 1 end for i = 1, 3e4 do table.insert(t, 1, i) end`,
		`local t = {} for i = 1, 3e4 do t[i] = 1 end for i = 1, 3e4 do table.insert(t, 2, i) table.remove(t, 1) end`,
		`local t = {} for i = 1, 3e4 do t[i] = 1 end for i = 1, 100 do table.concat(t) end`,
		`local t, s = {}, ("x"):rep(1e5) for i = 1, 60 do t[i] = s end return table.concat(t)`,
		`local t = {} for i = 1, 3e4 do t[i] = math.random() end table.sort(t)`,
		`local t = {} for i = 1, 3e4 do t[i] = math.random() end table.sort(t, math.max)`,
		`local t, s = {}, ("x"):rep(1e5) for i = 1, 30 do t[i] = s .. i end table.sort(t)`,
		`local t = {} for i = 1, 8000 do t[i] = 1 end while true do local n = select("#", unpack(t)) end`,
		`local t = {} for i = 1, 3e4 do t["k" .. i] = 1 end while true do table.maxn(t) end`,
	} {
		const steps = 300_000
		shown, _ := measure(t, L, steps, code)
		if want := "error: out of steps"; shown != want {
			t.Errorf("%s\n\t got %.100s\n\twant %s", code, shown, want)
		}
	}
}

// Elements beyond the array part of the interpreter's tables are elements all the same.
func TestTablesBeyondTheArrayPart(t *testing.T) {
	saved := lua.MaxArrayIndex
	lua.MaxArrayIndex = 16
	defer func() { lua.MaxArrayIndex = saved }()
	testCases(t, []libraryCase{
		{`(function() local t = {} for i = 1, 100 do table.insert(t, i) end return table.getn(t), t[100], table.concat(t, ",", 14, 18) end)()`,
			`100 100 "14,15,16,17,18"`},
		{`(function() local t = {} for i = 1, 40 do table.insert(t, 1, i) end return table.getn(t), t[1], t[20], t[40] end)()`,
			`40 40 21 1`},
		{`(function() local t = {} for i = 1, 40 do table.insert(t, i) end local s = 0
			for i = 1, 40 do s = s + i * table.remove(t, 1) end return table.getn(t), s end)()`, `0 22140`},
		{`(function() local t = {} for i = 1, 40 do table.insert(t, i) end local s = 0
			for i = 40, 1, -1 do s = s + i * table.remove(t) end return table.getn(t), s end)()`, `0 22140`},
		{`(function() local t = {} for i = 1, 40 do table.insert(t, 41 - i) end table.sort(t) return t[1], t[15], t[16], t[40] end)()`,
			`1 15 16 40`},
		{`(function() local t = {} for i = 1, 40 do table.insert(t, i) end return select("#", unpack(t)), (select(40, unpack(t))) end)()`,
			`40 40`},
		{`(function() local t, s = {}, 0 for i = 1, 40 do table.insert(t, i) end for i, v in ipairs(t) do s = s + v end return s end)()`, `820`},
		{`(function() local t = {} for i = 1, 40 do table.insert(t, i) end return table.maxn(t) end)()`, `40`},
	})
}

// Inserting at the front and clearing at the end for ever must not make the table's memory grow.
func TestInsertGivesBackSlots(t *testing.T) {
	L := newLibraryState(t)
	table := L.NewTable()
	for i := range 100 {
		table.RawSetInt(i+1, number(i))
	}
	L.SetGlobal("t", table)
	evaluate(t, L, `for i = 1, 10000 do table.insert(t, 1, i) t[#t] = nil end`)
	slots := 0
	for ; table.Len() > 0; slots++ {
		table.Remove(-1)
	}
	if slots > 101 {
		t.Errorf("got %d slots for 100 elements", slots)
	}
}

func BenchmarkTables(b *testing.B) {
	for _, bench := range []struct{ name, code string }{
		{"concat", `local t = {} for i = 1, 100 do t[i] = "word" .. i end return function() return table.concat(t, ",") end`},
		{"sort", `return function() local t = {} for i = 1, 100 do t[i] = (i * 37) % 101 end table.sort(t) end`},
		{"sort with order", `local f = function(a, b) return a > b end
			return function() local t = {} for i = 1, 100 do t[i] = (i * 37) % 101 end table.sort(t, f) end`},
		{"insert remove", `local t = {} for i = 1, 100 do t[i] = i end return function() table.insert(t, 1, 0) table.remove(t, 1) end`},
		{"pairs", `local t = {} for i = 1, 100 do t[i] = i end return function() for k, v in pairs(t) do end end`},
		{"ipairs", `local t = {} for i = 1, 100 do t[i] = i end return function() for k, v in ipairs(t) do end end`},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkCode(b, newLibraryState(b), bench.code) })
		b.Run(bench.name+"/interpreter", func(b *testing.B) {
			L := lua.NewState()
			defer L.Close()
			benchmarkCode(b, L, bench.code)
		})
	}
}
