package command

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"moongate/luabind/lane"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

var timeCommands = []Command{
	{Name: "current_time", Signature: `current_time(["*"]) -> seconds`, FourD: "Current time", Since: "0.1", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: `the time of day in seconds since midnight; on a client "*" asks for the server's, here and in current_date`, run: currentTime, own: true},
	{Name: "current_date", Signature: `current_date(["*"]) -> text`, FourD: "Current date", Since: "0.1", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "the date, as 2026-03-01", run: currentDate, own: true},
	{Name: "time", Signature: `time(text) -> seconds`, FourD: "Time", Since: "0.1", Roles: everywhere,
		Meaning: `a time of day ("02:00" or "02:00:00") in seconds since midnight`, run: timeOf},
	{Name: "time_string", Signature: "time_string(seconds) -> text", FourD: "Time string", Since: "0.1", Roles: everywhere,
		Meaning: "seconds as 02:00:00", run: timeString},
	{Name: "between_times", Signature: `between_times(from, to [, time]) -> boolean`, Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: "whether the time of day is from the first time on and before the second; the span may cross midnight", run: betweenTimes, own: true},
	{Name: "tickcount", Signature: "tickcount() -> ticks", FourD: "Tickcount", Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: "1/60 seconds since the host started; never goes back", run: tickcount},
	{Name: "milliseconds", Signature: "milliseconds() -> number", FourD: "Milliseconds", Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: "milliseconds since the host started, as 32 bits: negative after 24 days; only differences mean something", run: milliseconds},
}

// now is the clock as the calling process sees it.
func now(L *lua.LState) time.Time {
	if p, running := L.Context().(*lane.Program); running {
		return p.Now(L, time.Now)
	}
	return time.Now()
}

const day = 24 * 60 * 60

func secondsOfDay(t time.Time) int {
	hour, minute, second := t.Clock()
	return hour*3600 + minute*60 + second
}

func currentTime(e *environment, L *lua.LState) int {
	if e.ofServersClock(L) {
		return e.askFor(L, "current_time")
	}
	return number(L, secondsOfDay(now(L)))
}

// ofServersClock reports whether a client asks for the server's time.
func (e *environment) ofServersClock(L *lua.LState) bool {
	return e.distant() && L.Get(1) == lua.LString("*")
}

func currentDate(e *environment, L *lua.LState) int {
	if e.ofServersClock(L) {
		return e.askFor(L, "current_date")
	}
	L.Push(lua.LString(now(L).Format(time.DateOnly)))
	return 1
}

// parseTime reads 02:00 or 02:00:00 as seconds. Hours may exceed 23, as 4D's times may.
func parseTime(s string) (int, bool) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, false
	}
	seconds := 0
	for i, unit := range []int{3600, 60, 1}[:len(parts)] {
		n, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil || i > 0 && n > 59 {
			return 0, false
		}
		seconds += int(n) * unit
	}
	return seconds, true
}

// checkTime reads a time as text or as seconds.
func checkTime(L *lua.LState, i int) int {
	switch v := L.CheckAny(i).(type) {
	case lua.LNumber:
		return checkSeconds(L, i)
	case lua.LString:
		if seconds, ok := parseTime(string(v)); ok {
			return seconds
		}
	}
	L.ArgError(i, `time expected, as "02:00", "02:00:00" or seconds`)
	return 0
}

// longestTime is the largest number of seconds that is taken for a time.
const longestTime = 1e12

func checkSeconds(L *lua.LState, i int) int {
	n := float64(L.CheckNumber(i))
	if !(math.Abs(n) <= longestTime) {
		L.ArgError(i, "number of seconds expected")
	}
	return int(n)
}

func timeOf(_ *environment, L *lua.LState) int { return number(L, checkTime(L, 1)) }

func timeString(_ *environment, L *lua.LState) int {
	n, sign := checkSeconds(L, 1), ""
	if n < 0 {
		n, sign = -n, "-"
	}
	L.Push(lua.LString(fmt.Sprintf("%s%02d:%02d:%02d", sign, n/3600, n/60%60, n%60)))
	return 1
}

// checkTimeOfDay is checkTime for a time that a day has.
func checkTimeOfDay(L *lua.LState, i int) int {
	if n, ok := L.CheckAny(i).(lua.LNumber); ok && !(n >= 0 && n <= day) {
		L.ArgError(i, "time of day expected, 00:00 to 24:00")
	}
	t := checkTime(L, i)
	if t > day {
		L.ArgError(i, "time of day expected, 00:00 to 24:00")
	}
	return t
}

func betweenTimes(_ *environment, L *lua.LState) int {
	from, to := checkTimeOfDay(L, 1), checkTimeOfDay(L, 2)
	var t int
	if L.Get(3) != lua.LNil {
		t = checkTime(L, 3)
	} else {
		t = secondsOfDay(now(L))
	}
	inside := from <= t && t < to
	if to < from {
		inside = t >= from || t < to
	}
	L.Push(lua.LBool(inside))
	return 1
}

func tickcount(e *environment, L *lua.LState) int {
	return number(L, int64(time.Since(e.started)/process.Tick))
}

func milliseconds(e *environment, L *lua.LState) int {
	return number(L, int32(time.Since(e.started).Milliseconds()))
}
