package script

import (
	"strings"
	"testing"
)

func TestUnknownNames(t *testing.T) {
	known := Known{"print": true, "pairs": true, "string": true, "current_time": true, "_G": true, "hidden": false}
	for _, test := range []struct {
		source string
		want   []string
	}{
		{"local t = current_time()\n\nprint(t,\n  curent_time())", []string{"m.lua:4:3: unknown name curent_time; did you mean current_time?"}},
		{"print(a, a, b)\nprint(a)", []string{"m.lua:1:7: unknown name a", "m.lua:1:13: unknown name b", "m.lua:2:7: unknown name a"}},
		{"print(other())", nil},
		{"print(othre())", []string{"m.lua:1:7: unknown name othre; did you mean other?"}},
		{"print(set_in_other)", nil},
		{"print(set_in_module)", nil},
		{"print(set_in_ohter)", []string{"m.lua:1:7: unknown name set_in_ohter; did you mean set_in_other?"}},
		{"print(hidden)", []string{"m.lua:1:7: unknown name hidden"}},
		{"Print()", []string{"m.lua:1:1: unknown name Print; did you mean print?"}},
		{"qqq = 1 print(qqq)", nil},
		{"print(qqq) function qqq() end", nil},
		{"function qqq.a() end", []string{"m.lua:1:10: unknown name qqq"}},
		{"function qqq:a() end", []string{"m.lua:1:10: unknown name qqq"}},
		{"qqq.a = 1", []string{"m.lua:1:1: unknown name qqq"}},
		{"print(({qqq = 1}).qqq, string.qqq, string:qqq())", nil},
		{"print({qqq = qqq})", []string{"m.lua:1:14: unknown name qqq"}},
		{"local qqq = qqq", []string{"m.lua:1:13: unknown name qqq"}},
		{"local qqq = 1 print(qqq)", nil},
		{"do local qqq = 1 end print(qqq)", []string{"m.lua:1:28: unknown name qqq"}},
		{"local user = 1 print(usr)", []string{"m.lua:1:22: unknown name usr; did you mean user?"}},
		{"local f = function() return f end", nil},
		{"local function f() return f end", nil},
		{"local f, g = function() return f end", []string{"m.lua:1:32: unknown name f"}},
		{"local function f(a, b) return a, b end", nil},
		{"local function f(...) return arg, ... end", nil},
		{"local function f() return arg end", []string{"m.lua:1:27: unknown name arg"}},
		{"local t = {} function t:f() return self end", nil},
		{"local t = {} function t.f() return self end", []string{"m.lua:1:36: unknown name self"}},
		{"for i = 1, 2 do print(i) end", nil},
		{"for i = i, 2 do print(i) end", []string{"m.lua:1:9: unknown name i"}},
		{"for i = 1, 2 do end print(i)", []string{"m.lua:1:27: unknown name i"}},
		{"for k, v in pairs({}) do print(k, v) end", nil},
		{"for k in k do end", []string{"m.lua:1:10: unknown name k"}},
		{"repeat local qqq = 1 until qqq", nil},
		{"repeat local qqq = 1 until true print(qqq)", []string{"m.lua:1:39: unknown name qqq"}},
		{"while qqq do local qqq end", []string{"m.lua:1:7: unknown name qqq"}},
		{"if qqq then elseif rrr then else print(sss) end", []string{
			"m.lua:1:4: unknown name qqq", "m.lua:1:20: unknown name rrr", "m.lua:1:40: unknown name sss"}},
		{"goto qqq ::qqq::", nil},
		{"print((\n\nqqq))", []string{"m.lua:3:1: unknown name qqq"}},
		{"print('a' .. qqq .. 'b')", []string{"m.lua:1:14: unknown name qqq"}},
		{"local function f() local function g() return qqq end end", []string{"m.lua:1:46: unknown name qqq"}},
		{"print(-qqq, not qqq, #qqq, qqq + 1)", []string{"m.lua:1:8: unknown name qqq"}},
		{"#!x\nprint(qqq)", []string{"m.lua:2:7: unknown name qqq"}},
		{"print(_G)", nil},
	} {
		set, err := Load(write(t, map[string]string{"m.lua": test.source, "other.lua": "set_in_other = 1",
			"lib/util.lua": "function set_in_module() end", "on_startup.lua": ""}), known)
		if err != nil {
			t.Errorf("%s: %v", test.source, err)
			continue
		}
		if got, want := Problems(set.Warnings).Error(), strings.Join(test.want, "\n"); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", test.source, got, want)
		}
	}
}

func TestDatabaseMethodsCannotBeCalled(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{"\n  on_server_shutdown()", "m.lua:2:3: on_server_shutdown: database methods cannot be called"},
		{"local ok = pcall(on_startup, 1)", "m.lua:1:18: on_startup: database methods cannot be called"},
		{"local on_startup = 1 return on_startup", "no error"},
		{"return ({on_startup = 1}).on_startup", "no error"},
		{"function on_startup() end on_startup()", "no error"},
		{"return on_weekends", "no error"},
	} {
		_, err := Load(write(t, map[string]string{"m.lua": test.source, "on_startup.lua": ""}), Known{"pcall": true})
		wantError(t, err, test.want)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"current_time", "current_date", "delay_process", "print", "pairs", "ipairs", "os", "tick_count"}
	for _, test := range []struct{ name, want string }{
		{"curent_time", "current_time"},
		{"CurrentTime", "current_time"},
		{"current_tiem", "current_time"},
		{"crrnt_tme", "current_time"},
		{"delay_proces", "delay_process"},
		{"pritn", "print"},
		{"prnt", "print"},
		{"pair", "pairs"},
		{"airs", "pairs"},
		{"prxxt", "print"},
		{"xxint", "print"},
		{"xxxnt", ""},
		{"sO", "os"},
		{"x", ""},
		{"io", ""},
		{"unrelated_thing", ""},
	} {
		if got := suggest(test.name, func(yield func(string) bool) {
			for _, name := range names {
				if !yield(name) {
					return
				}
			}
		}); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "A", 0}, {"ab", "ba", 1}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "abcd", 1},
		{"abc", "", 3}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
	} {
		for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
			if got := distance(pair[0], pair[1], 10); got != test.want {
				t.Errorf("%q and %q: got %d, want %d", pair[0], pair[1], got, test.want)
			}
		}
	}
}
