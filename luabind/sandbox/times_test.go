package sandbox

import (
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// The clock of these tests stands at 13:04:05 on Thursday, 29 February 2024, an hour east of Greenwich.
func TestTimes(t *testing.T) {
	testCases(t, []libraryCase{
		{`os.time()`, `1709208245`},
		{`os.time{year=2024, month=2, day=29, hour=13, min=4, sec=5}`, `1709208245`},
		{`os.time{year=2024, month=2, day=29}`, `1709204400`},
		{`os.time{year=1970, month=1, day=1, hour=1}`, `0`},
		{`os.time{year=2024, month=14, day=-3} == os.time{year=2025, month=1, day=28}`, `true`},
		{`os.time{year="2024", month="2", day="29", hour="13", min="4", sec=5.9, isdst=true}`, `1709208245`},
		{`os.time{year=2024, month=2}`, `error: field 'day' missing in date table`},
		{`os.time{year=2024, day=2}`, `error: field 'month' missing in date table`},
		{`os.time{}`, `error: field 'year' missing in date table`},
		{`os.time{year="x", month=1, day=1}`, `error: field 'year' missing in date table`},
		{`os.time(1)`, `error: bad argument #1 to time (table expected, got number)`},
		{`os.date()`, `"Thu Feb 29 13:04:05 2024"`},
		{`os.date("%a %A %b %B %d %H %I %j %m %M %p %S %U %w %W %x %X %y %Y %Z %%")`,
			`"Thu Thursday Feb February 29 13 01 060 02 04 PM 05 08 4 09 02/29/24 13:04:05 24 2024 CET %"`},
		{`os.date("%F %T %R %D %e %h %z")`, `"2024-02-29 13:04:05 13:04 02/29/24 29 Feb +0100"`},
		{`os.date("%c", 0), os.date("!%c", 0)`, `"Thu Jan  1 01:00:00 1970" "Thu Jan  1 00:00:00 1970"`},
		{`os.date("!%H:%M %Z")`, `"12:04 UTC"`},
		{`os.date("")`, `""`},
		{`os.date("%k")`, `error: bad argument #1 to date (invalid conversion specifier '%k')`},
		{`os.date("%")`, `error: bad argument #1 to date (invalid conversion specifier '%')`},
		{`os.date(("x"):rep(4097))`, `error: bad argument #1 to date (format too long)`},
		{`os.date("%Y", 1e300)`, `nil`},
		{`os.date("%Y", -2^55) ~= nil`, `true`},
		{`(function() local d = os.date("*t") return d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday, d.isdst end)()`,
			`2024 2 29 13 4 5 5 60 false`},
		{`os.date("!*t", 0).hour, os.date("*t", 0).hour`, `0 1`},
		{`os.time(os.date("*t", 1700000000))`, `1700000000`},
		{`os.difftime(10, 4), os.difftime(10)`, `6 10`},
		{`os.difftime()`, `error: bad argument #1 to difftime (number expected, got nil)`},
		{`os.clock()`, `0`},
		{`os.execute`, `nil`},
	})
}

func TestClockIsTheHosts(t *testing.T) {
	L := newLibraryState(t)
	at := testClock()
	L.SetGlobal("os", L.SetFuncs(L.NewTable(), osFunctions(func() time.Time { return at })))
	at = at.Add(1500 * time.Millisecond)
	if got, want := evaluate(t, L, `return os.clock(), os.time()`), "1.5 1709208246"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The fields of a date come in the same order in every run.
func TestDateTableIsOrdered(t *testing.T) {
	L := newLibraryState(t)
	const code = `local names = {} for name in pairs(os.date("*t")) do names[#names+1] = name end return table.concat(names, " ")`
	if got, want := evaluate(t, L, code), `"year month day hour min sec wday yday isdst"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzDate(f *testing.F) {
	f.Add("%a %A %b %B %d %H", 0.0)
	f.Add("!*t", 1e18)
	f.Fuzz(func(t *testing.T, format string, seconds float64) {
		L := newLibraryState(t)
		L.SetGlobal("f", lua.LString(format))
		L.SetGlobal("s", lua.LNumber(seconds))
		if got := evaluate(t, L, `return os.date(f, s)`); len(got) > 100+maxDateFormat*32 {
			t.Errorf("%q gave %d bytes", strings.ToValidUTF8(format, "?"), len(got))
		}
	})
}
