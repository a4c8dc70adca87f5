package command

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// evaluate gives what an expression shows, with the commands about time.
func evaluate(t *testing.T, code string) string {
	t.Helper()
	L := lua.NewState()
	defer L.Close()
	e := &environment{started: time.Now().Add(-90 * time.Second)}
	for _, c := range timeCommands {
		L.SetGlobal(c.Name, L.NewFunction(func(L *lua.LState) int { return c.run(e, L) }))
	}
	if err := L.DoString("return " + code); err != nil {
		return "error: " + err.(*lua.ApiError).Object.String()
	}
	return L.Get(-1).String()
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]int{
		"00:00": 0, "00:00:00": 0, "02:00": 7200, "2:00": 7200, "02:00:01": 7201, "23:59:59": 86399, "24:00": 86400, "100:00:00": 360000, "1:2:3": 3723,
		"65535:59:59": 65535*3600 + 3599,
	} {
		if got, ok := parseTime(text); !ok || got != want {
			t.Errorf("parseTime(%q): got %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", ":", "02", "02:", ":00", "02:60", "02:00:60", "-02:00", "+2:00", "02:00:00:00", "02.00", " 02:00", "02:00 ", "2h", "02:0x1", "02:-1", "1e1:00", "65536:00", "１:00",
	} {
		if got, ok := parseTime(text); ok {
			t.Errorf("parseTime(%q): got %d, want none", text, got)
		}
	}
}

// The second example of the page On Server Open Connection: no connections from two to before four.
func TestBetweenTimes(t *testing.T) {
	for _, c := range []struct {
		from, to string
		inside   []string
		outside  []string
	}{
		{"02:00", "04:00", []string{"02:00:00", "02:00:01", "03:59:59"}, []string{"01:59:59", "04:00:00", "04:59:59", "00:00:00", "23:59:59"}},
		{"22:00", "06:00", []string{"22:00:00", "23:59:59", "00:00:00", "05:59:59"}, []string{"21:59:59", "06:00:00", "12:00:00"}}, // over midnight
		{"00:00", "24:00", []string{"00:00:00", "12:00:00", "23:59:59"}, nil},
		{"12:00", "24:00", []string{"12:00:00", "23:59:59"}, []string{"11:59:59", "00:00:00"}},
		{"24:00", "06:00", []string{"00:00:00", "05:59:59"}, []string{"06:00:00", "23:59:59"}},
		{"23:59:59", "00:00:01", []string{"23:59:59", "00:00:00"}, []string{"23:59:58", "00:00:01"}},
		{"02:00", "02:00", nil, []string{"01:59:59", "02:00:00", "02:00:01"}}, // a span without a second in it
		{"02:00", "00:00", []string{"02:00:00", "23:59:59"}, []string{"00:00:00", "01:59:59"}},
	} {
		for want, times := range map[bool][]string{true: c.inside, false: c.outside} {
			for _, at := range times {
				code := fmt.Sprintf("between_times(%q, %q, %q)", c.from, c.to, at)
				if got := evaluate(t, code); got != fmt.Sprint(want) {
					t.Errorf("%s: got %s, want %v", code, got, want)
				}
			}
		}
	}
}

// The same by the clock.
func TestBetweenTimesNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y, m, d := time.Now().Date()
		for _, c := range []struct{ hour, minute, second, nanosecond int }{{1, 59, 59, 0}, {1, 59, 59, 999_999_999}, {2, 0, 0, 0}, {3, 59, 59, 999_999_999}, {4, 0, 0, 0}, {22, 30, 0, 0}} {
			at := time.Date(y, m, d+1, c.hour, c.minute, c.second, c.nanosecond, time.Local)
			time.Sleep(time.Until(at))
			if got, want := evaluate(t, `between_times("02:00", "04:00")`), fmt.Sprint(c.hour == 2 || c.hour == 3); got != want {
				t.Errorf("02:00 to 04:00 at %v: got %s, want %s", at, got, want)
			}
			if got, want := evaluate(t, `between_times("22:00", "02:00")`), fmt.Sprint(c.hour == 22 || c.hour == 1); got != want {
				t.Errorf("22:00 to 02:00 at %v: got %s, want %s", at, got, want)
			}
			if got, want := evaluate(t, "current_time()"), fmt.Sprint(c.hour*3600+c.minute*60+c.second); got != want {
				t.Errorf("current_time at %v: got %s, want %s", at, got, want)
			}
			if got, want := evaluate(t, `time_string(current_time("*"))`), at.Format(time.TimeOnly); got != want {
				t.Errorf("time_string at %v: got %s, want %s", at, got, want)
			}
			if got, want := evaluate(t, "current_date()"), at.Format(time.DateOnly); got != want {
				t.Errorf("current_date at %v: got %s, want %s", at, got, want)
			}
		}
	})
}

func TestTimeCommands(t *testing.T) {
	const (
		noTime = "error: <string>:1: bad argument #%d to %s (time expected, as \"02:00\", \"02:00:00\" or seconds)"
		noDay  = "error: <string>:1: bad argument #%d to between_times (time of day expected, 00:00 to 24:00)"
	)
	synctest.Test(t, func(t *testing.T) { // the clock stands still
		for code, want := range map[string]string{
			`time("02:00")`: "7200", `time("02:00:30")`: "7230", `time(7200)`: "7200", `time("100:00")`: "360000",
			`time()`: "error: <string>:1: bad argument #1 to time (value expected)", `time("2")`: fmt.Sprintf(noTime, 1, "time"),
			`time({})`: fmt.Sprintf(noTime, 1, "time"), `time(nil)`: fmt.Sprintf(noTime, 1, "time"), `time(true)`: fmt.Sprintf(noTime, 1, "time"),
			`time_string(0)`: "00:00:00", `time_string(7230)`: "02:00:30", `time_string(86400)`: "24:00:00", `time_string(360000)`: "100:00:00",
			`time_string(-1)`: "-00:00:01", `time_string(-3661)`: "-01:01:01", `time_string(1.9)`: "00:00:01",
			`time_string(time("01:02:03"))`:        "01:02:03",
			`time_string()`:                        "error: <string>:1: bad argument #1 to time_string (number expected, got nil)",
			`between_times(7200, 14400, 7200)`:     "true",
			`between_times("02:00")`:               "error: <string>:1: bad argument #2 to between_times (value expected)",
			`between_times("x", "04:00")`:          fmt.Sprintf(noTime, 1, "between_times"),
			`between_times("02:00", "x")`:          fmt.Sprintf(noTime, 2, "between_times"),
			`between_times("02:00", "04:00", "x")`: fmt.Sprintf(noTime, 3, "between_times"),
			`between_times("25:00", "04:00")`:      fmt.Sprintf(noDay, 1),
			`between_times("02:00", "24:00:01")`:   fmt.Sprintf(noDay, 2),
			`between_times(-1, "04:00")`:           fmt.Sprintf(noDay, 1),
			`between_times(0/0, "04:00")`:          fmt.Sprintf(noDay, 1),
			`tickcount()`:                          "5400",
			`milliseconds()`:                       "90000",
		} {
			if got := evaluate(t, code); got != want {
				t.Errorf("%s: got %s, want %s", code, got, want)
			}
		}
	})
}

// Milliseconds are 32 bits, as in 4D: after some 24 days they are negative.
func TestMillisecondsTurnNegative(t *testing.T) {
	for age, want := range map[time.Duration]int32{
		(1<<31 - 1) * time.Millisecond: 1<<31 - 1, (1 << 31) * time.Millisecond: -1 << 31, (1<<32 - 1) * time.Millisecond: -1, (1<<32 + 5) * time.Millisecond: 5,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &environment{started: time.Now().Add(-age)}
			L := lua.NewState()
			defer L.Close()
			milliseconds(e, L)
			if got := L.Get(-1).(lua.LNumber); got != lua.LNumber(want) {
				t.Errorf("after %v: got %v, want %v", age, got, want)
			}
		})
	}
}

// What a time cannot be is an error, and not nonsense.
func TestTimesThatAreNone(t *testing.T) {
	for _, code := range []string{`time(0/0)`, `time(1/0)`, `time_string(0/0)`, `time_string(1/0)`, `time_string(1e300)`} {
		if got := evaluate(t, code); len(got) < 6 || got[:6] != "error:" {
			t.Errorf("%s: got %s, want an error", code, got)
		}
	}
}
