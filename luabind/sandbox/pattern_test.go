package sandbox

import (
	"fmt"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// patternCases are what the reference implementation of Lua 5.1 shows for string.find, match, gmatch and gsub.
var patternCases = []libraryCase{
	{`("hello world"):find("wor")`, `7 9`},
	{`("hello world"):find("o", 6)`, `8 8`},
	{`("hello"):find("l+")`, `3 4`},
	{`("hello"):find("(l)(l)")`, `3 4 "l" "l"`},
	{`("hello"):find("()ll()")`, `3 4 3 5`},
	{`("hello"):find("xyz")`, `nil`},
	{`("a.b"):find(".", 1, true)`, `2 2`},
	{`("a.b"):find("%.")`, `2 2`},
	{`("abc"):find("", 10)`, `4 3`},
	{`("abc"):find("", 4)`, `4 3`},
	{`("abc"):find("b", -1)`, `nil`},
	{`("abc"):find("b", -2)`, `2 2`},
	{`("abc"):find("b", -100)`, `2 2`},
	{`(""):find("")`, `1 0`},
	{`(""):find("x*")`, `1 0`},
	{`("abc"):find("^b", 2)`, `2 2`},
	{`("abc"):find("^b")`, `nil`},
	{`("a^b"):find("a^b")`, `1 3`},
	{`("a$b"):find("a$b")`, `1 3`},
	{`("ab$"):find("$", 1, true)`, `3 3`},
	{`("abc"):find("c$")`, `3 3`},
	{`("abcabc"):find("c$")`, `6 6`},
	{`("THE (quick) fox"):find("%((%a+)%)")`, `5 11 "quick"`},
	{`("abc"):match("b")`, `"b"`},
	{`("abc"):match("b()")`, `3`},
	{`("abc"):match("(a)(b)(c)")`, `"a" "b" "c"`},
	{`("key = value"):match("^(%w+)%s*=%s*(%w+)$")`, `"key" "value"`},
	{`("  trim  "):match("^%s*(.-)%s*$")`, `"trim"`},
	{`("2024-01-31"):match("(%d+)-(%d+)-(%d+)")`, `"2024" "01" "31"`},
	{`("abc"):match(".-")`, `""`},
	{`("abc"):match(".-$")`, `"abc"`},
	{`("aaab"):match("a-b")`, `"aaab"`},
	{`("aaab"):match("a?a?a?a?b")`, `"aaab"`},
	{`("abc"):match("x?abc")`, `"abc"`},
	{`("x=1, y=2"):match("y=(%d)")`, `"2"`},
	{`("[[x]]"):match("%[%[(.-)%]%]")`, `"x"`},
	{`("f(a(b)c)d"):match("%b()")`, `"(a(b)c)"`},
	{`("f(a(b)c"):match("%b()")`, `"(b)"`},
	{`("((("):match("%b()")`, `nil`},
	{`("THE (quick) fox"):gsub("%f[%a]%a+", "<%0>")`, `"<THE> (<quick>) <fox>" 3`},
	{`("THE (quick) fox"):find("%f[%a]%a+%f[%A]", 5)`, `6 10`},
	{`("foo"):find("%f[%z]")`, `4 3`},
	{`("abab"):match("(ab)%1")`, `"ab"`},
	{`("abba"):match("(a)(b)%2%1")`, `"a" "b"`},
	{`("\"x\" 'y'"):match("([\"'])(.-)%1")`, `""" "x"`},
	{`("a]b"):match("[]]")`, `"]"`},
	{`("a]b"):match("[^]]+")`, `"a"`},
	{`("a-b"):match("[a-]+")`, `"a-"`},
	{`("a-b"):match("[-a]+")`, `"a-"`},
	{`("x^y"):match("[x^]+")`, `"x^"`},
	{`("abc123"):match("[%a]+")`, `"abc"`},
	{`("abc123"):match("[^%a]+")`, `"123"`},
	{`("abc123"):match("[%a1-2]+")`, `"abc12"`},
	{`("a%b"):match("[%%]")`, `"%"`},
	{`("AbC"):match("[A-C]+")`, `"A"`},
	{`("\0a"):match("%z")`, "\"\x00\""},
	{`("\0a"):match("%Z")`, `"a"`},
	{`("a\tb\n"):match("%c")`, "\"\t\""},
	{`("hello, world!"):match("%p")`, `","`},
	{`("0xFFg"):match("%x+", 3)`, `"FF"`},
	{`("éa"):match("%a")`, `"a"`},
	{`("abc"):match("%u")`, `nil`},
	{`("aBc"):match("%u")`, `"B"`},
	{`("abc"):match("((a)(b))")`, `"ab" "a" "b"`},
	{`("abc"):match("", 2)`, `""`},
	{`("abc"):match("a*?")`, `nil`},
	{`("a?c"):match("a%?")`, `"a?"`},
	{`("a*"):match("*")`, `"*"`},
	{`("+a"):match("+")`, `"+"`},
	{`("abc"):match("(a*(.)%w(%s*))")`, `"abc" "b" ""`},
	{`("abc"):find("[a-c")`, `error: malformed pattern (missing ']')`},
	{`("abc"):find("%")`, `error: malformed pattern (ends with '%')`},
	{`("abc"):find("(a")`, `error: unfinished capture`},
	{`("abc"):find("a)")`, `nil`},
	{`("abc"):find("%1")`, `error: invalid capture index`},
	{`("abc"):find("(a)%2")`, `error: invalid capture index`},
	{`("abc"):find("(a%1)")`, `error: invalid capture index`},
	{`("abc"):find("%f")`, `error: missing '[' after '%f' in pattern`},
	{`("abc"):find("%fa")`, `error: missing '[' after '%f' in pattern`},
	{`("abc"):find("%b")`, `error: unbalanced pattern`},
	{`("abc"):find("%bx")`, `error: unbalanced pattern`},
	{`("abc"):find("[a%")`, `error: malformed pattern (missing ']')`},
	{`("abc"):find("[^")`, `error: malformed pattern (missing ']')`},
	{`("abc"):find("[]")`, `error: malformed pattern (missing ']')`},
	{`("abc"):find("[^]")`, `error: malformed pattern (missing ']')`},
	{`("x"):rep(40):find(("(x)"):rep(33))`, `error: too many captures`},
	{`select("#", ("x"):rep(40):find(("(x)"):rep(32)))`, `34`},
	{`("hello"):gsub("l", "L")`, `"heLLo" 2`},
	{`("hello"):gsub("l", "L", 1)`, `"heLlo" 1`},
	{`("hello"):gsub("l", "L", 0)`, `"hello" 0`},
	{`("hello"):gsub("l", "L", -1)`, `"hello" 0`},
	{`("hello"):gsub("", "-")`, `"-h-e-l-l-o-" 6`},
	{`("abc"):gsub("%w", "%0%0")`, `"aabbcc" 3`},
	{`("abc"):gsub("(%w)(%w)", "%2%1")`, `"bac" 1`},
	{`("abc"):gsub("%w*", "x")`, `"xx" 2`},
	{`("abc d"):gsub("%w*", "x")`, `"xx xx" 4`},
	{`("abc"):gsub("b*", "-")`, `"-a--c-" 4`},
	{`("hello world"):gsub("o", {o="0"})`, `"hell0 w0rld" 2`},
	{`("hello world"):gsub("%w+", {hello="bye"})`, `"bye world" 2`},
	{`("hello world"):gsub("%w+", function(w) return w:upper() end)`, `"HELLO WORLD" 2`},
	{`("hello world"):gsub("%w+", function(w) end)`, `"hello world" 2`},
	{`("hello world"):gsub("%w+", function(w) return false end)`, `"hello world" 2`},
	{`("hello"):gsub("l", function() return 1 end)`, `"he11o" 2`},
	{`("hello"):gsub("l", function() return {} end)`, `error: invalid replacement value (a table)`},
	{`("hello"):gsub("l", {l=true})`, `error: invalid replacement value (a boolean)`},
	{`("$name is $age"):gsub("%$(%w+)", {name="Ann", age=7})`, `"Ann is 7" 2`},
	{`("abc"):gsub("()", "%1")`, `"1a2b3c4" 4`},
	{`("abc"):gsub("b", "%%")`, `"a%c" 1`},
	{`("abc"):gsub("b", "%a")`, `"aac" 1`},
	{`("abc"):gsub("b", "%1")`, `"abc" 1`},
	{`("abc"):gsub("b", "%2")`, `error: invalid capture index`},
	{`("abc"):gsub("^a", "x")`, `"xbc" 1`},
	{`("aaa"):gsub("^a", "x")`, `"xaa" 1`},
	{`("aaa"):gsub("a$", "x")`, `"aax" 1`},
	{`("abc"):gsub("b", 12)`, `"a12c" 1`},
	{`string.gsub("abc", "b", true)`, `error: bad argument #3 to gsub (string/function/table expected)`},
	{`string.gsub("abc", "b")`, `error: bad argument #3 to gsub (string/function/table expected)`},
	{`("a,b,,c"):gsub(",", ";")`, `"a;b;;c" 3`},
	{`("x"):gsub("x", "%0%0%0")`, `"xxx" 1`},
	{`("abc"):gsub("(b)()", "[%1%2]")`, `"a[b3]c" 1`},
	{`("one two"):gsub("(%w+) (%w+)", "%2 %1")`, `"two one" 1`},
	{`(function() local t={} for w in ("one two three"):gmatch("%a+") do t[#t+1]=w end return unpack(t) end)()`, `"one" "two" "three"`},
	{`(function() local t={} for k,v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do t[#t+1]=k..v end return unpack(t) end)()`, `"a1" "b2"`},
	{`(function() local t={} for p in ("abc"):gmatch("()") do t[#t+1]=p end return unpack(t) end)()`, `1 2 3 4`},
	{`(function() local t={} for w in ("abc"):gmatch("^a") do t[#t+1]=w end return #t end)()`, `0`},
	{`(function() local t={} for w in ("a^ab"):gmatch("^a") do t[#t+1]=w end return #t, t[1] end)()`, `1 "^a"`},
	{`(function() local t={} for w in ("abc"):gmatch("b*") do t[#t+1]="<"..w..">" end return table.concat(t) end)()`, `"<><b><><>"`},
	{`(function() local t={} for w in (""):gmatch("x*") do t[#t+1]="<"..w..">" end return table.concat(t) end)()`, `"<>"`},
	{`("a\nb"):match("a.b")`, "\"a\nb\""},
	{`("aXb"):gsub("%u", "%%%0")`, `"a%Xb" 1`},
	{`("/a/b/c"):match("([^/]*)$")`, `"c"`},
	{`("192.168.0.1"):match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")`, `"192" "168" "0" "1"`},
	{`("abc"):find("b", nil)`, `2 2`},
	{`("abc"):find("b", "2")`, `2 2`},
	{`("abc"):find(2)`, `nil`},
	{`string.find(123, 2)`, `2 2`},
	{`string.find("abc")`, `error: bad argument #2 to find (string expected, got nil)`},
	{`string.find()`, `error: bad argument #1 to find (string expected, got nil)`},
	{`string.match("abc", {})`, `error: bad argument #2 to match (string expected, got table)`},
	{`string.gmatch("abc")`, `error: bad argument #2 to gmatch (string expected, got nil)`},
}

func TestPatterns(t *testing.T) { testCases(t, patternCases) }

func TestPatternsBeyondReference(t *testing.T) {
	testCases(t, []libraryCase{
		{`("a\0b"):find("\0")`, `2 2`},
		{`("a\0b"):find("%z(.)")`, `2 3 "b"`},
		{`("a\0b"):match("[\0]b")`, "\"\x00b\""},
		{`("abc"):gsub("b", "%")`, `error: invalid use of '%' in replacement string`},
		{`("x"):rep(300):find(("x?"):rep(300))`, `error: pattern too complex`},
		{`("x"):rep(300):find(("x?"):rep(150))`, `1 150`},
		{`("x"):find(("x"):rep(300))`, `nil`},
	})
}

// Text of every byte, each class against it: the C locale, as the reference implementation has it.
func TestPatternClasses(t *testing.T) {
	L := newLibraryState(t)
	for class, want := range map[string]int{
		"a": 52, "c": 33, "d": 10, "l": 26, "p": 32, "s": 6, "u": 26, "w": 62, "x": 22, "z": 1,
	} {
		code := fmt.Sprintf(`local t = {} for i = 0, 255 do t[#t+1] = string.char(i) end t = table.concat(t)
			return select(2, t:gsub("%%%s", "")), select(2, t:gsub("%%%s", "")), select(2, t:gsub("[%%%s]", ""))`,
			class, strings.ToUpper(class), class)
		if got, want := evaluate(t, L, code), fmt.Sprint(want, 256-want, want); got != want {
			t.Errorf("%%%s: got %s, want %s", class, got, want)
		}
	}
}

// What no pattern and no subject may do is run on after its meter says stop.
func TestPatternsAreMetered(t *testing.T) {
	L := newLibraryState(t)
	for _, code := range []string{
		`return string.find(("a"):rep(30000), ("a*"):rep(6).."b")`,
		`return string.match(("a"):rep(30000), ("a-"):rep(6).."b")`,
		`return string.find(("a"):rep(30000), ("(a?)"):rep(30).."b")`,
		`return string.find(("x"):rep(1e6), ".-y")`,
		`return string.find(("x"):rep(3e6), "[" .. ("ab"):rep(1e6) .. "]y")`,
		`return string.find(("("):rep(30000), "%b()")`,
		`return string.find(("x"):rep(9e6), "y", 1, true)`,
		`return string.find(("x"):rep(9e6), "y%z")`,
		`return string.find(("ab"):rep(2e6), "^(.*)%1c")`,
		`return string.gsub(("a"):rep(30000), ("a*"):rep(6).."b", "")`,
		`return string.gsub(("a"):rep(3e6), "", "x")`,
		`return string.gsub("a", "a", ("x"):rep(9e6))`,
		`for w in string.gmatch(("a"):rep(30000), ("a*"):rep(6).."b") do end`,
		`for w in string.gmatch(("a"):rep(9e6), "b") do end`,
	} {
		const steps = 500_000
		shown, _ := measure(t, L, steps, code)
		if want := "error: out of steps"; shown != want {
			t.Errorf("%s\n\t got %.100s\n\twant %s", code, shown, want)
		}
	}
}

func TestGmatchIsLazy(t *testing.T) {
	L := newLibraryState(t)
	_, took := measure(t, L, 1<<30, `for w in (("word "):rep(1e6)):gmatch("%a+") do if w then return w end end`)
	if limit := 5_000_000/bytesPerStep + batch; took > limit {
		t.Errorf("the first match took %d steps, want at most the %d of making the subject", took, limit)
	}
}

func TestMatchingAllocatesNothing(t *testing.T) {
	L := newLibraryState(t)
	var m matcher
	if n := testing.AllocsPerRun(100, func() {
		m.start(L, "key = value", "^(%w+)%s*=%s*(%w+)$", true)
		m.search(0)
	}); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"hello world", "(%w+) (%w+)"}, {"((x)", "%b()"}, {"aaa", "a-b"}, {"THE x", "%f[%a]%a+"},
		{"abab", "(ab)%1"}, {"x", "[^]]"}, {"x", "[a-"}, {"", "()"}, {"a.b", "%."}, {"ab", "^(.-)$"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, subject, pattern string) {
		L := newLibraryState(t)
		L.SetGlobal("s", lua.LString(subject))
		L.SetGlobal("p", lua.LString(pattern))
		for _, code := range []string{
			`return s:find(p)`, `return s:match(p, -3)`, `return s:gsub(p, "<%0%1>")`, `return s:gsub(p, {x = 1})`,
			`local n = 0 for a, b in s:gmatch(p) do n = n + 1 end return n`,
		} {
			const steps = 1 << 20
			// A batch, or one set as long as the pattern, is charged at once.
			if _, took := measure(t, L, steps, code); took > steps+batch+len(pattern)+len(subject) {
				t.Errorf("%s took %d steps after the meter said stop", code, took-steps)
			}
		}
	})
}

func BenchmarkPattern(b *testing.B) {
	for _, bench := range []struct{ name, code string }{
		{"find", `local s = ("x"):rep(200) .. "key = value" return function() return s:find("%w+ = (%w+)") end`},
		{"find plain", `local s = ("x"):rep(200) .. "key" return function() return s:find("key", 1, true) end`},
		{"match", `local s = "2024-01-31" return function() return s:match("(%d+)-(%d+)-(%d+)") end`},
		{"gsub text", `local s = ("some words "):rep(20) return function() return s:gsub("%w+", "<%0>") end`},
		{"gsub function", `local s, f = ("some words "):rep(20), function(w) return w end return function() return s:gsub("%w+", f) end`},
		{"gmatch", `local s = ("some words "):rep(20) return function() for w in s:gmatch("%w+") do end end`},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkCode(b, newLibraryState(b), bench.code) })
		b.Run(bench.name+"/interpreter", func(b *testing.B) {
			L := lua.NewState()
			defer L.Close()
			benchmarkCode(b, L, bench.code)
		})
	}
}

// benchmarkCode runs the function that code returns.
func benchmarkCode(b *testing.B, L *lua.LState, code string) {
	if err := L.DoString(code); err != nil {
		b.Fatal(err)
	}
	f := L.Get(-1)
	b.ReportAllocs()
	for b.Loop() {
		L.Push(f)
		L.Call(0, 0)
	}
}
