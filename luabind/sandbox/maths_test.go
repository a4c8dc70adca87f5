package sandbox

import "testing"

// mathCases are what the reference implementation of Lua 5.1 shows for the library math.
var mathCases = []libraryCase{
	{`math.abs(-3), math.abs(3), math.abs("-2")`, `3 3 2`},
	{`math.acos(1), math.asin(0), math.atan(1)`, `0 0 0.78539816339745`},
	{`math.atan2(1, 1), math.atan2(-1, -1), math.atan2(0, -1)`, `0.78539816339745 -2.3561944901923 3.1415926535898`},
	{`math.ceil(1.2), math.ceil(-1.2), math.ceil(3)`, `2 -1 3`},
	{`math.floor(1.8), math.floor(-1.2), math.floor(3)`, `1 -2 3`},
	{`math.cos(0), math.sin(0), math.tan(0)`, `1 0 0`},
	{`math.cosh(1), math.sinh(1), math.tanh(1)`, `1.5430806348152 1.1752011936438 0.76159415595576`},
	{`math.deg(math.pi), math.rad(180)`, `180 3.1415926535898`},
	{`math.exp(1), math.log(math.exp(2)), math.log10(1000)`, `2.718281828459 2 3`},
	{`math.fmod(7, 3), math.fmod(-7, 3), math.fmod(7, -3), math.fmod(5.5, 2)`, `1 -1 1 1.5`},
	{`math.mod(7, 3)`, `1`},
	{`math.fmod(5, math.huge)`, `5`},
	{`math.frexp(8)`, `0.5 4`},
	{`math.frexp(0)`, `0 0`},
	{`math.frexp(-3.5)`, `-0.875 2`},
	{`math.ldexp(0.5, 4), math.ldexp(1, -1074), math.ldexp(1, 5000), math.ldexp(1, -5000)`, `8 4.9406564584125e-324 inf 0`},
	{`math.huge, -math.huge`, `inf -inf`},
	{`math.pi`, `3.1415926535898`},
	{`math.max(1, 3, 2), math.min(3, 1, 2), math.max(5), math.max("10", 9)`, `3 1 5 10`},
	{`math.max()`, `error: bad argument #1 to max (number expected, got nil)`},
	{`math.min({})`, `error: bad argument #1 to min (number expected, got table)`},
	{`math.modf(3.7)`, `3 0.7`},
	{`math.modf(-3.7)`, `-3 -0.7`},
	{`math.modf(5)`, `5 0`},
	{`math.modf(1/0)`, `inf 0`},
	{`math.modf(-1/0)`, `-inf -0`},
	{`math.pow(2, 10), math.pow(2, 0.5), math.pow(0, 0)`, `1024 1.4142135623731 1`},
	{`math.sqrt(2), math.sqrt(16)`, `1.4142135623731 4`},
	{`math.sqrt(-1) ~= math.sqrt(-1)`, `true`},
	{`math.abs()`, `error: bad argument #1 to abs (number expected, got nil)`},
	{`math.abs("x")`, `error: bad argument #1 to abs (number expected, got string)`},
	{`math.abs(nil)`, `error: bad argument #1 to abs (number expected, got nil)`},
	{`math.atan2(1)`, `error: bad argument #2 to atan2 (number expected, got nil)`},
	{`math.random(0)`, `error: bad argument #1 to random (interval is empty)`},
	{`math.random(2, 1)`, `error: bad argument #2 to random (interval is empty)`},
	{`math.random(1, 2, 3)`, `error: wrong number of arguments`},
	{`math.random("x")`, `error: bad argument #1 to random (number expected, got string)`},
	{`math.random(1), math.random(5, 5), math.random(-3, -3)`, `1 5 -3`},
	{`(function() for i = 1, 1000 do local x = math.random(3) if x < 1 or x > 3 or x % 1 ~= 0 then return x end end return true end)()`, `true`},
	{`(function() for i = 1, 1000 do local x = math.random(-2, 2) if x < -2 or x > 2 or x % 1 ~= 0 then return x end end return true end)()`, `true`},
	{`(function() for i = 1, 1000 do local x = math.random() if x < 0 or x >= 1 then return x end end return true end)()`, `true`},
	{`(function() math.randomseed(7) local a, b = math.random(1000), math.random() math.randomseed(7) return a == math.random(1000), b == math.random() end)()`, `true true`},
	{`(function() local seen = {} for i = 1, 1000 do seen[math.random(1, 4)] = true end return seen[1], seen[2], seen[3], seen[4], seen[5] end)()`, `true true true true nil`},
	{`math.randomseed()`, `error: bad argument #1 to randomseed (number expected, got nil)`},
}

func TestMath(t *testing.T) { testCases(t, mathCases) }

func TestMathBeyondReference(t *testing.T) {
	testCases(t, []libraryCase{
		{`math.ldexp(1, 1e300), math.ldexp(1, -1e300)`, `inf 0`},
		{`(function() for i = 1, 100 do local x = math.random(-1e300, 1e300) if x ~= math.floor(x) then return x end end return true end)()`, `true`},
		{`math.abs("1_000")`, `error: bad argument #1 to abs (number expected, got string)`},
		{`math.abs("nan")`, `error: bad argument #1 to abs (number expected, got string)`},
		{`math.abs(("1"):rep(5000))`, `error: bad argument #1 to abs (number expected, got string)`},
	})
}

// Two VMs share no random numbers: seeding one changes nothing in the other.
func TestRandomIsTheVMs(t *testing.T) {
	a, b, alone := newLibraryState(t), newLibraryState(t), newLibraryState(t)
	const draw = `return math.random(1e9), math.random(1e9)`
	evaluate(t, a, `math.randomseed(42)`)
	seeded := evaluate(t, a, draw)
	if got, want := evaluate(t, b, draw), evaluate(t, alone, draw); got != want {
		t.Errorf("got %s after seeding another VM, want %s", got, want)
	}
	if got := evaluate(t, b, `math.randomseed(42) `+draw); got != seeded {
		t.Errorf("got %s with the same seed, want %s", got, seeded)
	}
}
