package sandbox

import (
	"math"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// stringCases are what the reference implementation of Lua 5.1 shows for the other functions on strings.
var stringCases = []libraryCase{
	{`("abc"):byte()`, `97`},
	{`("abc"):byte(2)`, `98`},
	{`("abc"):byte(-1)`, `99`},
	{`("abc"):byte(1, -1)`, `97 98 99`},
	{`("abc"):byte(0)`, ``},
	{`("abc"):byte(10)`, ``},
	{`("abc"):byte(2, 10)`, `98 99`},
	{`("abc"):byte(3, 2)`, ``},
	{`("abc"):byte(-10, 10)`, `97 98 99`},
	{`(""):byte()`, ``},
	{`("\255\0"):byte(1, 2)`, `255 0`},
	{`string.char()`, `""`},
	{`string.char(72, 105)`, `"Hi"`},
	{`string.char(0, 255):len()`, `2`},
	{`string.char(256)`, `error: bad argument #1 to char (invalid value)`},
	{`string.char(-1)`, `error: bad argument #1 to char (invalid value)`},
	{`string.char("65")`, `"A"`},
	{`string.char("x")`, `error: bad argument #1 to char (number expected, got string)`},
	{`("abc"):len()`, `3`},
	{`("a\0b"):len()`, `3`},
	{`string.len(123)`, `3`},
	{`("hello"):sub(2)`, `"ello"`},
	{`("hello"):sub(2, 3)`, `"el"`},
	{`("hello"):sub(-3)`, `"llo"`},
	{`("hello"):sub(-3, -2)`, `"ll"`},
	{`("hello"):sub(0)`, `"hello"`},
	{`("hello"):sub(10)`, `""`},
	{`("hello"):sub(3, 2)`, `""`},
	{`("hello"):sub(-100, 100)`, `"hello"`},
	{`("hello"):sub(2, -10)`, `""`},
	{`("hello"):sub("2", "3")`, `"el"`},
	{`("hello"):sub(2.9)`, `"ello"`},
	{`string.sub("hello")`, `error: bad argument #2 to sub (number expected, got nil)`},
	{`("ab"):rep(3)`, `"ababab"`},
	{`("ab"):rep(0)`, `""`},
	{`("ab"):rep(-1)`, `""`},
	{`(""):rep(10)`, `""`},
	{`("ab"):rep("2")`, `"abab"`},
	{`("x"):rep(2.9)`, `"xx"`},
	{`("abc"):reverse()`, `"cba"`},
	{`(""):reverse()`, `""`},
	{`("aBc1é"):upper()`, `"ABC1é"`},
	{`("ABcÉ"):lower()`, `"abcÉ"`},
	{"(\"[@`{az\"):upper()", "\"[@`{AZ\""},
	{"(\"[@`{AZ\"):lower()", "\"[@`{az\""},
	{`string.upper()`, `error: bad argument #1 to upper (string expected, got nil)`},
	{`string.rep("x")`, `error: bad argument #2 to rep (number expected, got nil)`},
	{`string.sub(12345, 2, 3)`, `"23"`},
}

func TestStrings(t *testing.T) { testCases(t, stringCases) }

func TestStringsBeyondReference(t *testing.T) {
	testCases(t, []libraryCase{
		{`("x"):rep(3e8)`, `error: string of 300000000 bytes is too long (the limit is 16777216)`},
		{`("xy"):rep(1e300)`, `error: string of 9223372036854775807 bytes is too long (the limit is 16777216)`},
		{`("x"):rep(0/0)`, `""`},
		{`("x"):rep(2^24):len()`, `16777216`},
		{`("x"):rep(2^24 + 1)`, `error: string of 16777217 bytes is too long (the limit is 16777216)`},
		{`select("#", ("x"):rep(8000):byte(1, -1))`, `8000`},
		{`("x"):rep(8001):byte(1, -1)`, `error: string slice too long`},
		{`("x"):sub(-1e300, 1e300)`, `"x"`},
		{`("aé"):rep(200):upper() == ("Aé"):rep(200)`, `true`},
		{`("AÉ"):rep(200):lower() == ("aÉ"):rep(200)`, `true`},
		{`("ab"):rep(200):reverse() == ("ba"):rep(200)`, `true`},
		{`string.dump(print)`, `error: string.dump is not available in scripts: a function has no text`},
		{`string.gfind`, `nil`},
		{`(("x"):rep(1e5) .. "needle"):find("needle", 1, true)`, `100001 100006`},
		{`(("x"):rep(65533) .. "needle"):find("needle", 1, true)`, `65534 65539`},
		{`(("x"):rep(1e5)):find("needle")`, `nil`},
	})
}

func TestStringsAreMetered(t *testing.T) {
	L := newLibraryState(t)
	for _, code := range []string{
		`return ("x"):rep(6e6)`,
		`local s = ("x"):rep(3e6) return s:upper()`,
		`local s = ("x"):rep(3e6) return s:lower()`,
		`local s = ("x"):rep(3e6) return s:reverse()`,
		`local s = ("x"):rep(3e6) return concat(s, "y")`,
	} {
		const steps = 300_000
		shown, _ := measure(t, L, steps, code)
		if want := "error: out of steps"; shown != want {
			t.Errorf("%s\n\t got %.100s\n\twant %s", code, shown, want)
		}
	}
}

// A small piece must not keep the long string it was cut from.
func TestPieceOfLongStringIsCopied(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	var kept string
	if n := testing.AllocsPerRun(10, func() { kept = piece(long, 10, 20) }); n != 1 {
		t.Errorf("a small piece: got %v allocations, want 1", n)
	}
	if n := testing.AllocsPerRun(10, func() { kept = piece(long, 10, 1<<19) }); n != 0 {
		t.Errorf("a large piece: got %v allocations, want 0", n)
	}
	if len(kept) != 1<<19-10 {
		t.Errorf("got a piece of %d bytes", len(kept))
	}
}

func TestConcatOperator(t *testing.T) {
	testCases(t, []libraryCase{
		{`concat("a", "b")`, `"ab"`},
		{`concat("a", 1, "b", 2.5, 1e300, -0.1)`, `"a1b2.51e+300-0.1"`},
		{`concat(1, 2)`, `"12"`},
		{`concat(("x"):rep(300), 7, ("y"):rep(300)):len()`, `601`},
		{`concat("a", nil)`, `error: cannot perform concat operation between string and nil`},
		{`concat(nil, "a", "b")`, `error: cannot perform concat operation between nil and string`},
		{`concat("a", {}, "b")`, `error: cannot perform concat operation between table and string`},
		{`concat({}, true)`, `error: cannot perform concat operation between table and boolean`},
	})
}

// The same values in a random mix, by the VM's operator and by the function.
func TestConcatOperatorIsTheVMs(t *testing.T) {
	L := newLibraryState(t)
	values := []string{`"a"`, `""`, `-2.5`, `m`, `n`, `("x"):rep(300)`, `nil`}
	count := len(values)
	prelude := `
		local function name(v) return type(v) == "table" and v.name or tostring(v) end
		local m = setmetatable({name="m"}, {__concat = function(a, b) return "(" .. name(a) .. "," .. name(b) .. ")" end})
		local n = setmetatable({name="n"}, {__concat = function(a, b) return m end})
		return name(`
	for i := range count * count * count * count {
		a, b, c, d := values[i%count], values[i/count%count], values[i/count/count%count], values[i/count/count/count]
		want := evaluate(t, L, prelude+strings.Join([]string{a, b, c, d}, " .. ")+")")
		got := evaluate(t, L, prelude+"concat("+strings.Join([]string{a, b, c, d}, ", ")+"))")
		if got != want {
			t.Fatalf("%s .. %s .. %s .. %s:\n\t got %s\n\twant %s", a, b, c, d, got, want)
		}
	}
}

func TestConcatOperatorAllocates(t *testing.T) {
	L := newLibraryState(t)
	f := L.NewFunction(concatOperator)
	values := []lua.LValue{lua.LString("connection "), lua.LNumber(1234), lua.LString(" of "), lua.LString("user")}
	if n := testing.AllocsPerRun(100, func() {
		L.Push(f)
		for _, v := range values {
			L.Push(v)
		}
		L.Call(len(values), 1)
		L.Pop(1)
	}); n > 2 {
		t.Errorf("got %v allocations, want 2: the bytes and the value", n)
	}
}

func TestNumbersAsTextAreTheVMs(t *testing.T) {
	for _, x := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, -0.1, 1e15, 1e16, 1e20, 1e21, 1e22, 1 << 53, 1 << 62, 1 << 63, -(1 << 63), 1e-4, 1e-5,
		1e-300, 123456.789, math.Pi, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, -math.SmallestNonzeroFloat64,
		-2.2250738585072014e-308, 100000, 1e6, 1234567890123.5,
	} {
		got, want := string(appendNumber(nil, lua.LNumber(x))), lua.LNumber(x).String()
		if got != want || len(got) > numberSize {
			t.Errorf("%g: got %q, want %q of at most %d bytes", x, got, want, numberSize)
		}
	}
}

func BenchmarkConcat(b *testing.B) {
	for _, bench := range []struct{ name, operator, function string }{
		{"2 strings", `a .. b`, `concat(a, b)`},
		{"3 values", `a .. n .. b`, `concat(a, n, b)`},
		{"6 values", `a .. b .. a .. n .. a .. b`, `concat(a, b, a, n, a, b)`},
		{"2 long", `x .. b`, `concat(x, b)`},
	} {
		prelude := `local concat, a, b, n, x = concat, "connection ", "user", 1234, ("x"):rep(1000) return function() for i = 1, 100 do local s = `
		b.Run(bench.name, func(b *testing.B) {
			benchmarkCode(b, newLibraryState(b), prelude+bench.function+" end end")
		})
		b.Run(bench.name+"/interpreter", func(b *testing.B) {
			benchmarkCode(b, newLibraryState(b), prelude+bench.operator+" end end")
		})
	}
}
