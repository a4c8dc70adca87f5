package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// newLibraryState makes a bare state of the interpreter with the library on top of the interpreter's own base functions.
func newLibraryState(t testing.TB) *lua.LState {
	L := lua.NewState(lua.Options{SkipOpenLibs: true, RegistrySize: 1 << 10, RegistryMaxSize: 1 << 16, RegistryGrowStep: 1 << 12})
	t.Cleanup(L.Close)
	L.Push(L.NewFunction(lua.OpenBase))
	L.Call(0, 0)
	set := func(table string, functions map[string]lua.LGFunction) *lua.LTable {
		tb := L.NewTable()
		L.SetGlobal(table, L.SetFuncs(tb, functions))
		return tb
	}
	for name, f := range baseFunctions {
		L.SetGlobal(name, L.NewFunction(f))
	}
	L.SetGlobal("concat", L.NewFunction(concatOperator))
	strings := L.NewTable()
	strings.RawSetString("__index", set("string", stringFunctions))
	L.SetMetatable(lua.LString(""), strings)
	set("table", tableFunctions)
	set("os", osFunctions(testClock))
	maths := set("math", mathFunctions(newRandom(1, 2)))
	for name, v := range mathConstants {
		maths.RawSetString(name, v)
	}
	return L
}

func testClock() time.Time {
	return time.Date(2024, time.February, 29, 13, 4, 5, 0, time.FixedZone("CET", 3600))
}

// evaluate runs code and shows its results: texts in quotes, numbers with 14 digits, errors without their place.
func evaluate(t testing.TB, L *lua.LState, code string) string {
	fn, err := L.Load(strings.NewReader(code), "chunk")
	if err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	base := L.GetTop()
	defer L.SetTop(base)
	L.Push(fn)
	if err := L.PCall(0, lua.MultRet, nil); err != nil {
		var raised *lua.ApiError
		if !errors.As(err, &raised) || raised.Type != lua.ApiErrorRun {
			t.Fatalf("%s: not a Lua error: %v", code, err)
		}
		return "error: " + errorPlace.ReplaceAllString(raised.Object.String(), "")
	}
	var shown []string
	for i := base + 1; i <= L.GetTop(); i++ {
		shown = append(shown, show(L.Get(i)))
	}
	return strings.Join(shown, " ")
}

var errorPlace = regexp.MustCompile(`^(chunk:\d+:)? `)

func show(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return `"` + string(v) + `"`
	case lua.LNumber:
		if math.IsInf(float64(v), 0) {
			return strings.ToLower(strings.TrimPrefix(fmt.Sprint(float64(v)), "+"))
		}
		return strconv.FormatFloat(float64(v), 'g', 14, 64)
	}
	return v.String()
}

// libraryCase is an expression and what it shows.
type libraryCase struct{ code, want string }

func testCases(t *testing.T, cases []libraryCase) {
	t.Helper()
	L := newLibraryState(t)
	for _, c := range cases {
		if got := evaluate(t, L, "return "+c.code); got != c.want {
			t.Errorf("%s\n\t got %s\n\twant %s", c.code, got, c.want)
		}
	}
}

// testMeter stops its process after so many steps or at a piece of memory too large.
type testMeter struct {
	context.Context
	steps, piece int
}

func (m *testMeter) Step(L *lua.LState, n int) {
	if m.steps -= n; m.steps < 0 {
		L.RaiseError("out of steps")
	}
}

func (m *testMeter) Grow(L *lua.LState, n int) {
	if n > m.piece {
		L.RaiseError("piece of %d bytes", n)
	}
}

// measure runs code under a meter of so many steps and returns what it showed and the steps it took.
func measure(t testing.TB, L *lua.LState, steps int, code string) (shown string, took int) {
	meter := &testMeter{Context: context.Background(), steps: steps, piece: MaxString}
	L.SetContext(meter)
	defer L.RemoveContext()
	shown = evaluate(t, L, code)
	return shown, steps - meter.steps
}

func TestGrowEnforcesTheLimitWithoutMeter(t *testing.T) {
	L := newLibraryState(t)
	L.SetGlobal("grow", L.NewFunction(func(L *lua.LState) int {
		grow(L, L.CheckInt(1))
		step(L, 1<<30)
		return 0
	}))
	for code, want := range map[string]string{
		`grow(16777216)`: ``,
		`grow(16777217)`: `error: string of 16777217 bytes is too long (the limit is 16777216)`,
	} {
		if got := evaluate(t, L, code); got != want {
			t.Errorf("%s: got %s, want %s", code, got, want)
		}
	}
}

// Everything that makes a string announces it.
func TestStringsAreAnnounced(t *testing.T) {
	L := newLibraryState(t)
	L.SetGlobal("s", lua.LString(strings.Repeat("x", 6000)))
	L.SetGlobal("t", L.NewTable())
	evaluate(t, L, `for i = 1, 100 do t[i] = s end`)
	for _, code := range []string{
		`return ("x"):rep(10000)`, `return (s):upper()`, `return s:lower()`, `return s:reverse()`, `return s:gsub("x", "yy")`,
		`return s:gsub("x", function() return "yy" end)`, `return ("%s%s"):format(s, s)`, `return table.concat(t)`, `return concat(s, s)`,
	} {
		L.SetContext(&testMeter{Context: context.Background(), steps: 1 << 30, piece: 5000})
		if got := evaluate(t, L, code); !strings.HasPrefix(got, "error: piece of ") {
			t.Errorf("%s: got %.50s, want an error of the meter", code, got)
		}
	}
}

func TestTallyChargesInBatches(t *testing.T) {
	L := newLibraryState(t)
	meter := &testMeter{Context: context.Background(), steps: 1 << 30}
	L.SetContext(meter)
	work := newTally(L)
	for range 10 * batch {
		work.spend(1)
	}
	if got, want := 1<<30-meter.steps, 10*batch; got != want {
		t.Errorf("charged %d steps, want %d", got, want)
	}
}
