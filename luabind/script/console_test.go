package script

import (
	"errors"
	"strings"
	"testing"
)

func TestTypedTextIsReadInOneOfTwoWays(t *testing.T) {
	for _, c := range []struct{ text, problem string }{
		{"", ""},
		{"-- nothing", ""},
		{"1 + 1", ""},
		{"= 1 + 1", ""},
		{"f(), g", ""},
		{"f()", ""},
		{"x = 1", ""},
		{"x = 1; y = 2", ""},
		{"return 1", ""},
		{"for i = 1, 3 do f(i) end", ""},
		{"function f() return 1 end", ""},
		{"x)", "console:1:2: syntax error near ')'"},
		{"1 + )", "console:1:5: syntax error near ')'"},
		{"  = 1 + )", "console:1:9: syntax error near ')'"},
		{"x = = 1", "console:1:5: syntax error near '='"},
		{"== 1", "console:1:1: syntax error near '=='"},
		{"a b", "console:1:3: syntax error near 'b'"},
		{"f(\n1,\n+)", "console:3:1: syntax error near '+'"},
		{"break", "console:1: break outside of a loop"},
		{`"abc`, "console:1:1: unterminated string"},
		{"a é", "console:1:3: unexpected character 'é'"},
	} {
		proto, err := CompileTyped(c.text, "console", 1)
		got := ""
		if err != nil {
			got = err.Error()
		}
		var open *Unfinished
		if got != c.problem || errors.As(err, &open) || (proto == nil) != (err != nil) {
			t.Errorf("%q: got %q (unfinished %v), want %q", c.text, got, open != nil, c.problem)
		}
	}
}

func TestTypedTextMayGoOn(t *testing.T) {
	for _, c := range []struct{ text, problem string }{
		{"for i = 1, 3 do", ": is an 'end' missing for the 'do' in line 1?"},
		{"for i = 1, 3 do\n  f(", ": is a ')' missing for the '(' in line 2?"},
		{"if x", ""},
		{"if x then f() else", ": is an 'end' missing for the 'if' in line 1?"},
		{"repeat f()", ": is an 'until' missing for the 'repeat' in line 1?"},
		{"function f()", ": is an 'end' missing for the 'function' in line 1?"},
		{"x =", ""},
		{"x +", ""},
		{"1,", ""},
		{"f(1,", ": is a ')' missing for the '(' in line 1?"},
		{"{1, 2", ": is a '}' missing for the '{' in line 1?"},
		{"local", ""},
		{"x.", ""},
		{"not", ""},
		{"[[ text\nand more", ""},
		{"x = [==[ ]]", ""},
		{"--[[ a comment", ""},
		{"\"a string \\", ""},
	} {
		_, err := CompileTyped(c.text, "console", 1)
		var open *Unfinished
		if !errors.As(err, &open) {
			t.Errorf("%q: got %v, want that more lines may complete it", c.text, err)
			continue
		}
		if c.problem != "" && !strings.HasSuffix(open.Error(), "syntax error at the end"+c.problem) {
			t.Errorf("%q: got %q, want %q", c.text, open, c.problem)
		}
	}
}

func TestTypedTextKnowsItsLine(t *testing.T) {
	for line, want := range map[int]string{0: "console:1:2", 1: "console:1:2", 7: "console:7:2"} {
		if _, err := CompileTyped("x)", "console", line); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("line %d: got %v, want %s", line, err, want)
		}
	}
	if _, err := CompileTyped("f(", "console", 7); err == nil || !strings.HasPrefix(err.Error(), "console:7: ") {
		t.Errorf("got %v, want line 7", err)
	}
}

func TestUnknownNamesOfATypedText(t *testing.T) {
	defined := map[string]bool{"current_time": true, "print": true}
	for text, want := range map[string]string{
		"curent_time()":              "unknown name curent_time; did you mean current_time?",
		"prin(x) prin(x)":            "unknown name prin; did you mean print?|unknown name x",
		"local x = 1 print(x)":       "",
		"x.y = 1":                    "unknown name x",
		"x = 1":                      "",
		"f(":                         "",
		"print(function(a) a() end)": "",
	} {
		if got := strings.Join(UnknownNames(text, defined), "|"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// Whatever is typed has one of three ends, and no panic is one of them.
func FuzzCompileTyped(f *testing.F) {
	for _, seed := range []string{"x", "=1", "for i = 1, 3 do", "[[", "f(\n", "\"\\", "--[[", "x = = 1", "\xff"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, line int) {
		if len(text) > 1000 || line > 1000 {
			return
		}
		proto, err := CompileTyped(text, "console", line)
		if (proto == nil) == (err == nil) {
			t.Errorf("got %v, %v", proto, err)
		}
	})
}
