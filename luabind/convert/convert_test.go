package convert_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"moongate/luabind/convert"
	_ "moongate/luabind/sandbox" // sets the interpreter's limits
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// evaluate gives the value of a Lua expression.
func evaluate(t testing.TB, L *lua.LState, code string) lua.LValue {
	t.Helper()
	if err := L.DoString("return " + code); err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	v := L.Get(-1)
	L.Pop(1)
	return v
}

func newState(t testing.TB) *lua.LState {
	L := lua.NewState()
	t.Cleanup(L.Close)
	return L
}

func TestToGo(t *testing.T) {
	L := newState(t)
	m := func(pairs ...any) wire.Map {
		var m wire.Map
		for i := 0; i < len(pairs); i += 2 {
			m = append(m, wire.Pair{Key: pairs[i], Value: pairs[i+1]})
		}
		return m
	}
	for _, c := range []struct {
		code string
		want any
	}{
		{`nil`, nil},
		{`true`, true},
		{`false`, false},
		{`0`, int64(0)},
		{`-12`, int64(-12)},
		{`1.5`, 1.5},
		{`-0.25`, -0.25},
		{`3.0`, int64(3)},
		{`2^31`, int64(1 << 31)},
		{`2^53`, int64(1 << 53)},
		{`-2^53`, int64(-1 << 53)},
		{`2^53 - 1`, int64(1<<53 - 1)},
		{`2^53 + 2`, float64(1<<53 + 2)}, // its neighbours are not told apart
		{`2^60`, float64(1 << 60)},
		{`1e300`, 1e300},
		{`1/0`, math.Inf(1)},
		{`-1/0`, math.Inf(-1)},
		{`""`, ""},
		{`"text"`, "text"},
		{`"\0\255\r\n"`, "\x00\xff\r\n"},
		{`"12"`, "12"},
		{`{}`, []any{}},
		{`{1, "a", true}`, []any{int64(1), "a", true}},
		{`{{}, {{1.5}}}`, []any{[]any{}, []any{[]any{1.5}}}},
		{`{a = 1}`, m("a", int64(1))},
		{`{a = {b = {}}}`, m("a", m("b", []any{}))},
		{`{1, 2, a = 3}`, m(int64(1), int64(1), int64(2), int64(2), "a", int64(3))},
		{`{1, nil, 3}`, m(int64(1), int64(1), int64(3), int64(3))},
		{`{nil, 2}`, m(int64(2), int64(2))},
		{`{[0] = "zero"}`, m(int64(0), "zero")},
		{`{[-1] = 1}`, m(int64(-1), int64(1))},
		{`{[1.5] = 1}`, m(1.5, int64(1))},
		{`{[true] = 1}`, m(true, int64(1))},
		{`{[1] = "a", [2] = "b"}`, []any{"a", "b"}},
		{`(function() local t = {} for i = 3, 1, -1 do t[i] = i end return t end)()`, []any{int64(1), int64(2), int64(3)}},
		{`(function() local t = {1, 2, 3} t[3] = nil return t end)()`, []any{int64(1), int64(2)}},
		{`(function() local t = {1, 2, 3} t[1] = nil return t end)()`, m(int64(2), int64(2), int64(3), int64(3))},
		{`(function() local t = {a = 1} t.a = nil return t end)()`, []any{}},
		{`(function() local t = {1, a = 1} t.a = nil return t end)()`, []any{int64(1)}},
		{`(function() local shared = {1} return {shared, shared} end)()`, []any{[]any{int64(1)}, []any{int64(1)}}},
		{`setmetatable({1}, {__index = function() return 7 end, __len = function() return 9 end})`, []any{int64(1)}},
	} {
		got, err := convert.ToGo(evaluate(t, L, c.code))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, %v, want %#v", c.code, got, err, c.want)
		}
	}
	if got, err := convert.ToGo(evaluate(t, L, `0/0`)); err != nil || !math.IsNaN(got.(float64)) {
		t.Errorf("0/0: got %v, %v, want nan", got, err)
	}
	if got, err := convert.ToGo(lua.LNumber(math.Copysign(0, -1))); err != nil || got != int64(0) {
		t.Errorf("-0: got %v, %v, want 0", got, err)
	}
}

func TestWhatHasNoGoValue(t *testing.T) {
	L := newState(t)
	L.SetGlobal("userdata", L.NewUserData())
	for code, want := range map[string]string{
		`print`:                         "a function cannot leave its process",
		`function() end`:                "a function cannot leave its process",
		`{1, {a = print}}`:              "a function cannot leave its process",
		`{[print] = 1}`:                 "a function cannot leave its process",
		`coroutine.create(print)`:       "a thread cannot leave its process",
		`userdata`:                      "a userdata cannot leave its process",
		`{userdata}`:                    "a userdata cannot leave its process",
		nested(33):                      "more than 32 tables inside each other",
		`{` + nested(32) + `}`:          "more than 32 tables inside each other",
		`{[` + nested(32) + `] = true}`: "more than 32 tables inside each other",
		`(function() local t = {} t[1] = t return t end)()`:  "more than 32 tables inside each other",
		`(function() local t = {} t.a = {t} return t end)()`: "more than 32 tables inside each other",
	} {
		got, err := convert.ToGo(evaluate(t, L, code))
		if err == nil || err.Error() != want {
			t.Errorf("%.60s: got %T, %v, want the error %q", code, got, err, want)
		}
	}
}

// nested is so many tables inside each other.
func nested(depth int) string { return strings.Repeat("{", depth) + strings.Repeat("}", depth) }

func TestUpToTheLimits(t *testing.T) {
	L := newState(t)
	if _, err := convert.ToGo(evaluate(t, L, nested(32))); err != nil {
		t.Errorf("32 tables inside each other: %v", err)
	}
	for rows, want := range map[int]string{1000: "<nil>", 1001: "more than 1000000 values in a table"} {
		row := `local row = {} for i = 1, 999 do row[i] = i end`
		code := fmt.Sprintf(`(function() %s local t = {} for i = 1, %d do t[i] = row end return t end)()`, row, rows)
		if _, err := convert.ToGo(evaluate(t, L, code)); fmt.Sprint(err) != want {
			t.Errorf("%d rows of 999 values: got %v, want %s", rows, err, want)
		}
	}
}

// A list is one however it came about: the interpreter keeps the elements beyond a limit in another place, in the
// order of their coming.
func TestLongLists(t *testing.T) {
	saved := lua.MaxArrayIndex
	lua.MaxArrayIndex = 16
	defer func() { lua.MaxArrayIndex = saved }()
	L := newState(t)
	for _, code := range []string{
		`(function() local t = {} for i = 1, 40 do t[i] = i end return t end)()`,
		`(function() local t = {} for i = 40, 1, -1 do t[i] = i end return t end)()`,
		`(function() local t = {} for i = 1, 40 do t[i] = i end t[30] = nil t[30] = 30 return t end)()`,
		`(function() local t = {} for i = 1, 40 do t[i] = i end t[41], t[42] = 1, 1 t[42], t[41] = nil, nil return t end)()`,
		`(function() local t = {x = 1} for i = 1, 40 do t[i] = i end t.x = nil return t end)()`,
	} {
		got, err := convert.ToGo(evaluate(t, L, code))
		list, ok := got.([]any)
		if err != nil || !ok || len(list) != 40 {
			t.Errorf("%s: got %v, %v, want a list of 40", code, got, err)
			continue
		}
		for i, v := range list {
			if v != int64(i+1) {
				t.Errorf("%s: element %d is %v", code, i+1, v)
			}
		}
	}
	if got, err := convert.ToGo(evaluate(t, L, `(function() local t = {} for i = 1, 40 do t[i] = i end t[30] = nil return t end)()`)); err != nil {
		t.Error(err)
	} else if pairs, ok := got.(wire.Map); !ok || len(pairs) != 39 {
		t.Errorf("a list with a hole: got %v, want a map of 39", got)
	}
}

func TestNumber(t *testing.T) {
	for _, f := range []float64{0, 1, -1, 1 << 53, -1 << 53, 1<<53 - 1, 0.5, 1<<53 + 2, -1<<53 - 2, 1 << 62, 1 << 63, -1 << 63, 1e19, math.MaxFloat64, math.Inf(1), math.SmallestNonzeroFloat64} {
		want := any(f)
		if f == math.Trunc(f) && f >= -1<<53 && f <= 1<<53 {
			want = int64(f)
		}
		if got := convert.Number(lua.LNumber(f)); got != want {
			t.Errorf("Number(%v): got %T %v, want %T %v", f, got, got, want, want)
		}
	}
}

func TestToLua(t *testing.T) {
	L := newState(t)
	for _, c := range []struct {
		value any
		check string // of the value, which is v
	}{
		{nil, `v == nil`},
		{true, `v == true`},
		{7, `v == 7`},
		{int64(-7), `v == -7`},
		{1.5, `v == 1.5`},
		{math.Inf(1), `v == 1/0`},
		{math.NaN(), `v ~= v`},
		{"a\x00b", `v == "a\0b"`},
		{[]any{}, `type(v) == "table" and next(v) == nil and #v == 0 and getmetatable(v) == nil`},
		{[]any{"a", int64(2), []any{true}}, `#v == 3 and v[1] == "a" and v[2] == 2 and v[3][1] == true`},
		{wire.Map{}, `type(v) == "table" and next(v) == nil`},
		{wire.Map{{Key: "a", Value: int64(1)}, {Key: int64(1), Value: "x"}, {Key: true, Value: wire.Map{{Key: 1.5, Value: "y"}}}}, `v.a == 1 and v[1] == "x" and v[true][1.5] == "y"`},
		{[]any{nil, int64(2)}, `v[1] == nil and v[2] == 2`},
	} {
		L.SetGlobal("v", convert.ToLua(c.value))
		if evaluate(t, L, c.check) != lua.LTrue {
			t.Errorf("ToLua(%#v): %s is not true", c.value, c.check)
		}
	}
}

// A table made by ToLua is a table like any other to a script.
func TestTablesCanBeUsed(t *testing.T) {
	L := newState(t)
	L.SetGlobal("list", convert.ToLua([]any{"a"}))
	L.SetGlobal("map", convert.ToLua(wire.Map{{Key: "a", Value: int64(1)}}))
	if err := L.DoString(`
		list[#list + 1] = "b" table.insert(list, "c") list.x = 1
		assert(table.concat(list) == "abc" and list.x == 1)
		map.b = 2 map[1] = "one" map.a = nil
		local n = 0 for k, v in pairs(map) do n = n + 1 end
		assert(n == 2)
		setmetatable(map, {__index = function() return 9 end})
		assert(map.zzz == 9)`); err != nil {
		t.Error(err)
	}
}

func TestToLuaPanicsOnOtherTypes(t *testing.T) {
	for _, v := range []any{uint(1), []string{"a"}, map[string]any{}, struct{}{}, []byte("x"), float32(1)} {
		func() {
			defer func() {
				if want := fmt.Sprintf("convert: no Lua value for a %T", v); recover() != want {
					t.Errorf("ToLua of a %T: no panic, want %q", v, want)
				}
			}()
			convert.ToLua(v)
		}()
	}
}

// random makes a value of the package's out of bytes.
type random struct{ data []byte }

func (r *random) next() int {
	if len(r.data) == 0 {
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return int(b)
}

func (r *random) value(depth int) any {
	kind := r.next() % 9
	if depth > 6 {
		kind %= 6
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return r.next()%2 == 1
	case 2:
		return int64(r.next()-128) << (r.next() % 2 * 46) // small or huge: a key of a million would fill an array up to there
	case 3:
		return float64(r.next()-128)*math.Pow(2, float64(r.next()*8-1024)) + 0.5
	case 4, 5:
		n := min(r.next(), len(r.data))
		text := string(r.data[:n])
		r.data = r.data[n:]
		return text
	case 6, 7:
		list := []any{}
		for range r.next() % 8 {
			list = append(list, r.value(depth+1))
		}
		return list
	default:
		pairs := wire.Map{}
		for range r.next() % 8 {
			pairs = append(pairs, wire.Pair{Key: r.value(depth + 7), Value: r.value(depth + 1)})
		}
		return pairs
	}
}

// normal is what becomes of a value on its way to Lua and back: keys without a value, and values without a key, are
// gone; a map whose keys are 1 to n is a list; a whole number is an integer.
func normal(v any) any {
	switch v := v.(type) {
	case float64:
		return convert.Number(lua.LNumber(v))
	case []any:
		pairs := wire.Map{}
		for i, e := range v {
			pairs = append(pairs, wire.Pair{Key: int64(i + 1), Value: e})
		}
		return normal(pairs)
	case wire.Map:
		table := map[any]any{}
		for _, p := range v {
			key := normal(p.Key)
			if key == nil || key != key {
				continue
			}
			if table[key] = normal(p.Value); p.Value == nil {
				delete(table, key)
			}
		}
		list := []any{}
		for e, ok := table[int64(1)]; ok; e, ok = table[int64(len(list)+1)] {
			list = append(list, e)
		}
		if len(list) == len(table) {
			return list
		}
		return table
	default:
		return v
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{6, 3, 2, 5, 4, 3, 'a', 'b', 'c', 8, 2, 4, 1, 'k', 1, 1, 2, 7, 7, 0})
	f.Add([]byte{8, 3, 2, 129, 0, 1, 1, 2, 130, 0, 4, 1, 'x', 0, 1, 1})
	f.Add([]byte("66666666666666666"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v := (&random{data}).value(0)
		if hasNilKey(v) {
			return // no Lua table has such a key, so none is ever converted
		}
		back, err := convert.ToGo(convert.ToLua(v))
		if err != nil {
			t.Fatalf("%#v: %v", v, err)
		}
		if got, want := normal(back), normal(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%#v:\n got %#v\nwant %#v", v, got, want)
		}
		again, err := convert.ToGo(convert.ToLua(back))
		if err != nil || !reflect.DeepEqual(normal(again), normal(back)) {
			t.Fatalf("%#v: the second time %#v, %v", back, again, err)
		}
	})
}

func hasNilKey(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if hasNilKey(e) {
				return true
			}
		}
	case wire.Map:
		for _, p := range v {
			if p.Key == nil || hasNilKey(p.Value) {
				return true
			}
		}
	}
	return false
}

// TestKeysThatNoTableHas has what a client may send: maps of RESP3 take any key.
func TestKeysThatNoTableHas(t *testing.T) {
	v := convert.ToLua(wire.Map{{Key: nil, Value: "a"}, {Key: math.NaN(), Value: "b"}, {Key: []any{int64(1)}, Value: "c"}, {Key: "d", Value: "e"}}).(*lua.LTable)
	n := 0
	v.ForEach(func(lua.LValue, lua.LValue) { n++ })
	if n != 2 || v.RawGetString("d") != lua.LString("e") {
		t.Errorf("got %d fields, want those under the list and under d", n)
	}
}
