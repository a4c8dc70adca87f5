package sandbox

import (
	"math"
	"strconv"
	"time"

	lua "github.com/yuin/gopher-lua"
)

const (
	// maxDateFormat is the longest format of os.date, in bytes.
	maxDateFormat = 4096
	// maxTime is how many seconds a time may be away from 1970. Beyond it a year is no number that C's calendar has.
	maxTime = 1 << 55
)

// osFunctions is the library os, as far as scripts have it. now is its clock; local time is the time of the clock's
// zone.
func osFunctions(now func() time.Time) map[string]lua.LGFunction {
	start := now()
	seen := func(L *lua.LState) time.Time {
		if ctx, running := L.Context().(Context); running {
			return ctx.Now(L, now)
		}
		return now()
	}
	return map[string]lua.LGFunction{
		"clock": func(L *lua.LState) int {
			pushMeasure(L, "os.clock", now().Sub(start).Seconds())
			return 1
		},
		"date":     func(L *lua.LState) int { return osDate(L, seen(L)) },
		"difftime": osDifftime,
		"time":     func(L *lua.LState) int { return osTime(L, seen(L)) },
	}
}

// pushMeasure pushes a number that is not the same in every run, as the process sees it.
func pushMeasure(L *lua.LState, what string, x float64) {
	if ctx, running := L.Context().(Context); running {
		x = math.Float64frombits(ctx.Seen(L, what, math.Float64bits(x)))
	}
	L.Push(lua.LNumber(x))
}

func osDifftime(L *lua.LState) int {
	earlier := 0.0
	if L.Get(2) != lua.LNil {
		earlier = checkNumber(L, 2)
	}
	L.Push(lua.LNumber(checkNumber(L, 1) - earlier))
	return 1
}

// osTime is os.time: now, or the local time that a table of fields names. The field isdst is not asked: the zone knows.
func osTime(L *lua.LState, now time.Time) int {
	if L.Get(1) == lua.LNil {
		L.Push(lua.LNumber(now.Unix()))
		return 1
	}
	t := L.CheckTable(1)
	date := time.Date(
		requiredField(L, t, "year"), time.Month(requiredField(L, t, "month")), requiredField(L, t, "day"),
		optField(L, t, "hour", 12), optField(L, t, "min", 0), optField(L, t, "sec", 0), 0, now.Location())
	L.Push(lua.LNumber(date.Unix()))
	return 1
}

func requiredField(L *lua.LState, t *lua.LTable, name string) int {
	value, ok := dateField(L, t, name)
	if !ok {
		L.RaiseError("field '%s' missing in date table", name)
	}
	return value
}

func optField(L *lua.LState, t *lua.LTable, name string, standard int) int {
	if value, ok := dateField(L, t, name); ok {
		return value
	}
	return standard
}

// dateField returns a field as C's int has it.
func dateField(L *lua.LState, t *lua.LTable, name string) (int, bool) {
	var x float64
	ok := false
	switch v := L.GetField(t, name).(type) {
	case lua.LNumber:
		x, ok = float64(v), true
	case lua.LString:
		x, ok = parseNumber(string(v))
	}
	return min(max(integer(x), math.MinInt32), math.MaxInt32), ok
}

// osDate is os.date.
func osDate(L *lua.LState, now time.Time) int {
	format := "%c"
	if L.Get(1) != lua.LNil {
		format = L.CheckString(1)
	}
	if len(format) > maxDateFormat {
		L.ArgError(1, "format too long")
	}
	date := now
	if L.Get(2) != lua.LNil {
		seconds := checkInteger(L, 2)
		if seconds < -maxTime || seconds > maxTime {
			L.Push(lua.LNil)
			return 1
		}
		date = time.Unix(int64(seconds), 0).In(now.Location())
	}
	if len(format) > 0 && format[0] == '!' {
		format, date = format[1:], date.UTC()
	}
	if len(format) >= 2 && format[:2] == "*t" {
		L.Push(dateTable(L, date))
	} else {
		L.Push(lua.LString(appendDate(L, nil, format, date)))
	}
	return 1
}

func dateTable(L *lua.LState, date time.Time) *lua.LTable {
	t := L.CreateTable(0, 9)
	// In this order, always: pairs() must go through the fields the same way in every run.
	for _, field := range []struct {
		name  string
		value int
	}{
		{"year", date.Year()}, {"month", int(date.Month())}, {"day", date.Day()},
		{"hour", date.Hour()}, {"min", date.Minute()}, {"sec", date.Second()},
		{"wday", int(date.Weekday()) + 1}, {"yday", date.YearDay()},
	} {
		t.RawSetString(field.name, number(field.value))
	}
	t.RawSetString("isdst", lua.LBool(date.IsDST()))
	return t
}

// dateLayouts are the conversions of strftime in the C locale that Go has a layout for.
var dateLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06",
	'e': "_2", 'F': "2006-01-02", 'h': "Jan", 'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM", 'R': "15:04",
	'S': "05", 'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

// appendDate adds a date as strftime writes it.
func appendDate(L *lua.LState, bytes []byte, format string, date time.Time) []byte {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			bytes = append(bytes, format[i])
			continue
		}
		i++
		if i == len(format) {
			L.ArgError(1, "invalid conversion specifier '%'")
		}
		if layout, ok := dateLayouts[format[i]]; ok {
			bytes = date.AppendFormat(bytes, layout)
			continue
		}
		switch conversion := format[i]; conversion {
		case '%':
			bytes = append(bytes, '%')
		case 'j':
			bytes = appendPadded(bytes, date.YearDay(), 3)
		case 'U':
			bytes = appendPadded(bytes, (date.YearDay()+6-int(date.Weekday()))/7, 2)
		case 'w':
			bytes = appendPadded(bytes, int(date.Weekday()), 1)
		case 'W':
			bytes = appendPadded(bytes, (date.YearDay()+6-int(date.Weekday()+6)%7)/7, 2)
		default:
			L.ArgError(1, "invalid conversion specifier '%"+string(rune(conversion))+"'")
		}
	}
	return bytes
}

// appendPadded adds n with zeros before it, up to width digits.
func appendPadded(bytes []byte, n, width int) []byte {
	digits := strconv.Itoa(n)
	for range width - len(digits) {
		bytes = append(bytes, '0')
	}
	return append(bytes, digits...)
}
