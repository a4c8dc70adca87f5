package sandbox

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// formatCases are what the reference implementation of Lua 5.1 shows for string.format.
var formatCases = []libraryCase{
	{`string.format("%d", 42)`, `"42"`},
	{`string.format("%i", 42)`, `"42"`},
	{`string.format("%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42)`, `"   42|42   |00042|+42| 42"`},
	{`string.format("%.3d|%5.3d|%-5.3d|%05.3d|%+.3d", 7, 7, 7, 7, 7)`, `"007|  007|007  |  007|+007"`},
	{`string.format("%.0d|%.0d|%5.0d|%+.0d", 0, 1, 0, 0)`, `"|1|     |+"`},
	{`string.format("%d", 3.7)`, `"3"`},
	{`string.format("%d", -3.7)`, `"-3"`},
	{`string.format("%d", "10")`, `"10"`},
	{`string.format("%d", 2^40)`, `"1099511627776"`},
	{`string.format("%d", -2^63)`, `"-9223372036854775808"`},
	{`string.format("%u", 42)`, `"42"`},
	{`string.format("%u", -1)`, `"18446744073709551615"`},
	{`string.format("%x|%X|%#x|%#X|%08x|%#08x|%-8x|", 255, 255, 255, 255, 255, 255, 255)`, `"ff|FF|0xff|0XFF|000000ff|0x0000ff|ff      |"`},
	{`string.format("%#x|%#o|%x", 0, 0, 0)`, `"0|0|0"`},
	{`string.format("%o|%#o|%5o|%#.3o", 8, 8, 8, 8)`, `"10|010|   10|010"`},
	{`string.format("%.0o|%#.0o|%#.0x", 0, 0, 0)`, `"|0|"`},
	{`string.format("%x", -1)`, `"ffffffffffffffff"`},
	{`string.format("%x", 2^53)`, `"20000000000000"`},
	{`string.format("%x", 2^63)`, `"8000000000000000"`},
	{`string.format("%c%c%c", 76, 117, 97)`, `"Lua"`},
	{`string.format("%5c|%-5c|", 65, 65)`, `"    A|A    |"`},
	{`string.format("%f|%.2f|%8.2f|%-8.2f|%08.2f|%+.1f", 3.14159, 3.14159, 3.14159, 3.14159, 3.14159, 3.14159)`, `"3.141590|3.14|    3.14|3.14    |00003.14|+3.1"`},
	{`string.format("%5.1f", 3.14159)`, `"  3.1"`},
	{`string.format("%.0f|%#.0f|%.0f|%.0f|%.0f", 2.5, 2.5, 0.5, 1.5, -0.4)`, `"2|2.|0|2|-0"`},
	{`string.format("%.20f", 0.1)`, `"0.10000000000000000555"`},
	{`string.format("%.99f", 1/3)`, `"0.333333333333333314829616256247390992939472198486328125000000000000000000000000000000000000000000000"`},
	{`string.format("%.3f", 1e300)`, `"1000000000000000052504760255204420248704468581108159154915854115511802457988908195786371375080447864043704443832883878176942523235360430575644792184786706982848387200926575803737830233794788090059368953234970799945081119038967640880074652742780142494579258788820056842838115669472196386865459400540160.000"`},
	{`string.format("%e|%.0e|%#.0e|%E|%12.3e|%-12.3e|%012.3e", 12345.678, 12345.678, 12345.678, 12345.678, 12345.678, 12345.678, 12345.678)`, `"1.234568e+04|1e+04|1.e+04|1.234568E+04|   1.235e+04|1.235e+04   |0001.235e+04"`},
	{`string.format("%e", 0)`, `"0.000000e+00"`},
	{`string.format("%e", 1e-300)`, `"1.000000e-300"`},
	{`string.format("%g|%g|%g|%g|%g|%g", 100000, 1e6, 1e20, 0.0001, 0.00001, 123456789)`, `"100000|1e+06|1e+20|0.0001|1e-05|1.23457e+08"`},
	{`string.format("%g|%g|%g|%g", 0, 1, -1, 0.1)`, `"0|1|-1|0.1"`},
	{`string.format("%G|%G", 1e20, 1e-10)`, `"1E+20|1E-10"`},
	{`string.format("%.3g|%.10g|%.0g|%#g|%#.3g|%#g", 1234.5678, 1234.5678, 1234.5678, 1.5, 1, 1e20)`, `"1.23e+03|1234.5678|1e+03|1.50000|1.00|1.00000e+20"`},
	{`string.format("%#.0g|%#.1g|%#G|%#g|%#g", 3, 3, 1e-7, 0, 123456)`, `"3.|3.|1.00000E-07|0.00000|123456."`},
	{`string.format("%10g|%-10g|%010g|%+g|% g", 1.5, 1.5, 1.5, 1.5, 1.5)`, `"       1.5|1.5       |00000001.5|+1.5| 1.5"`},
	{`string.format("%.14g|%.17g", 0.1, 0.1)`, `"0.1|0.10000000000000001"`},
	{`string.format("%.14g", 2^53)`, `"9.007199254741e+15"`},
	{`string.format("%g|%f|%e", 1/0, 1/0, 1/0)`, `"inf|inf|inf"`},
	{`string.format("%g|%f", -1/0, -1/0)`, `"-inf|-inf"`},
	{`string.format("%G|%E", 1/0, 1/0)`, `"INF|INF"`},
	{`string.format("%05g|%+g|%5g|%-5g|% f", 1/0, 1/0, 1/0, 1/0, 1/0)`, `"  inf|+inf|  inf|inf  | inf"`},
	{`string.format("%s", "x")`, `"x"`},
	{`string.format("%s %s", 1, "b")`, `"1 b"`},
	{`string.format("%10s|%-10s|%.2s|%10.2s|%-10.2s|", "hello", "hello", "hello", "hello", "hello")`, `"     hello|hello     |he|        he|he        |"`},
	{`string.format("%.0s|%5.0s|%.s", "abc", "abc", "abc")`, `"|     |"`},
	{`string.format("%s", ("x"):rep(200)):len()`, `200`},
	{`string.format("%.99s", ("x"):rep(200)):len()`, `99`},
	{`string.format("%99s", "x"):len()`, `99`},
	{`string.format("%q", 'a "quoted" \\ line\nnext\r\0end')`, "\"\"a \\\"quoted\\\" \\\\ line\\\nnext\\r\\000end\"\""},
	{`string.format("%q", "")`, `""""`},
	{`string.format("%q", 12)`, `""12""`},
	{`string.format("%%")`, `"%"`},
	{`string.format("%5%", 1)`, `error: invalid option '%%' to 'format'`},
	{`string.format("100%% of %s", "it")`, `"100% of it"`},
	{`string.format("")`, `""`},
	{`string.format("no directive")`, `"no directive"`},
	{`string.format("%d")`, `error: bad argument #2 to format (no value)`},
	{`string.format("%s")`, `error: bad argument #2 to format (no value)`},
	{`string.format("%d", "x")`, `error: bad argument #2 to format (number expected, got string)`},
	{`string.format("%d", {})`, `error: bad argument #2 to format (number expected, got table)`},
	{`string.format("%s%s", "a")`, `error: bad argument #3 to format (no value)`},
	{`string.format("%y", 1)`, `error: invalid option '%y' to 'format'`},
	{`string.format("%", 1)`, `error: invalid option '%' to 'format'`},
	{`string.format("%123d", 1)`, `error: invalid format (width or precision too long)`},
	{`string.format("%.123d", 1)`, `error: invalid format (width or precision too long)`},
	{`string.format("%2000000000d", 1)`, `error: invalid format (width or precision too long)`},
	{`string.format("%1.2.3d", 1)`, `error: invalid option '%.' to 'format'`},
	{`string.format("%------d", 1)`, `error: invalid format (repeated flags)`},
	{`string.format("%-+ #0d", 1)`, `"+1"`},
	{`string.format("%10q", "x")`, `""x""`},
	{`string.format("%F", 1)`, `error: invalid option '%F' to 'format'`},
	{`string.format("%a", 1)`, `error: invalid option '%a' to 'format'`},
	{`string.format("%p", 1)`, `error: invalid option '%p' to 'format'`},
	{`string.format("%n", 1)`, `error: invalid option '%n' to 'format'`},
	{`string.format("%l", 1)`, `error: invalid option '%l' to 'format'`},
	{`string.format("%*d", 1, 2)`, `error: invalid option '%*' to 'format'`},
	{`string.format("%v", 1)`, `error: invalid option '%v' to 'format'`},
	{`string.format("%t", true)`, `error: invalid option '%t' to 'format'`},
	{`string.format("%d%d", 1, 2, 3)`, `"12"`},
	{`string.format("% 5d|%+5d|%-+5d|%+05d", 42, 42, 42, 42)`, `"   42|  +42|+42  |+0042"`},
	{`string.format("%-05d|", 42)`, `"42   |"`},
	{`string.format("%+s|% s", "a", "b")`, `"a|b"`},
	{`string.format()`, `error: bad argument #1 to format (string expected, got nil)`},
	{`string.format(12)`, `"12"`},
	{`string.format("%s", string.format("%s", string.format("%d", 7)))`, `"7"`},
	{`string.format("\0%s\0", "a"):len()`, `3`},
	{`("%d-%d"):format(1, 2)`, `"1-2"`},
}

func TestFormat(t *testing.T) { testCases(t, formatCases) }

func TestFormatBeyondReference(t *testing.T) {
	testCases(t, []libraryCase{
		{`string.format("%s %s", nil, true)`, `"nil true"`},
		{`string.format("%5s|", setmetatable({}, {__tostring=function() return "me" end}))`, `"   me|"`},
		{`string.format("%s", setmetatable({}, {__tostring=function() return {} end}))`, `error: '__tostring' must return a string`},
		{`string.format("%d", 1e300)`, `"9223372036854775807"`},
		{`string.format("%d", 0/0)`, `"0"`},
		{`string.format("%x", 1e300)`, `"ffffffffffffffff"`},
		{`string.format("%u", 2^64 - 2048)`, `"18446744073709549568"`},
		{`string.format("%g|%5.1f|%G", 0/0, 0/0, 0/0)`, `"nan|  nan|NAN"`},
		{`string.format("%c", 0):byte()`, `0`},
		{`string.format("%s", "a\0b"):len()`, `3`},
		{`string.format(("%99d"):rep(60), unpack((function() local t = {} for i = 1, 60 do t[i] = i end return t end)())):len()`, `5940`},
		{`string.format("%y")`, `error: invalid option '%y' to 'format'`},
	})
}

func TestFormatIsMetered(t *testing.T) {
	L := newLibraryState(t)
	for code, want := range map[string]string{
		`local s = ("x"):rep(4e6) return s:format()`:                  "error: out of steps",
		`local s = ("x"):rep(4e6) return ("%s"):format(s)`:            "error: out of steps",
		`local s = ("x"):rep(4e6) return ("%q"):format(s)`:            "error: out of steps",
		`local s = ("x"):rep(2^23) return ("%s%s%s"):format(s, s, s)`: "error: string of 25165824 bytes is too long (the limit is 16777216)",
	} {
		steps := 400_000
		if strings.Contains(want, "limit") {
			steps = 1 << 30
		}
		if got, _ := measure(t, L, steps, code); got != want {
			t.Errorf("%s\n\t got %.100s\n\twant %s", code, got, want)
		}
	}
}

func FuzzFormat(f *testing.F) {
	for _, c := range formatCases {
		if _, after, ok := strings.Cut(c.code, `format("`); ok {
			format, _, _ := strings.Cut(after, `"`)
			f.Add(format, 3.14159, "text")
		}
	}
	f.Fuzz(func(t *testing.T, format string, x float64, s string) {
		L := newLibraryState(t)
		L.SetGlobal("f", lua.LString(format))
		L.SetGlobal("x", lua.LNumber(x))
		L.SetGlobal("s", lua.LString(s))
		for _, code := range []string{
			`return f:format(x, x, x, x, x, x)`, `return f:format(s, s, s, s)`, `return f:format(x, s, x, s)`, `return f:format()`,
		} {
			// Each directive adds its argument, or less than 500 bytes.
			limit := len(format)*500 + 5*len(s)*2 + 100
			if got := evaluate(t, L, code); len(got) > limit {
				t.Errorf("%s gave %d bytes, want at most %d", code, len(got), limit)
			}
		}
	})
}

func BenchmarkFormat(b *testing.B) {
	for _, bench := range []struct{ name, code string }{
		{"d s", `return function() return ("connection %d of %s"):format(1234, "user") end`},
		{"5.1f", `return function() return ("%5.1f"):format(3.14159) end`},
		{"02d", `return function() return ("%02d:%02d:%02d"):format(1, 2, 3) end`},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkCode(b, newLibraryState(b), bench.code) })
		b.Run(bench.name+"/interpreter", func(b *testing.B) {
			L := lua.NewState()
			defer L.Close()
			benchmarkCode(b, L, bench.code)
		})
	}
}
