package signature

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, test := range []struct{ signature, names, result string }{
		{"f()", "", ""},
		{"f() -> number", "", "number"},
		{"f(a, b) -> table or nil", "a b", "table or nil"},
		{"f(a [, b])", "a b?", ""},
		{"f([a])", "a?", ""},
		{"f([output,] message [, importance])", "output? message importance?", ""},
		{`f(name [, "*"]) -> number`, `name "*"?`, "number"},
		{`f(m, s [, n [, p ...]] [, "*"]) -> number`, `m s n? p*? "*"?`, "number"},
		{"f(...)", "...*?", ""},
		{"f(value ...)", "value*?", ""},
		{"f(p, name [, name ...])", "p name name*?", ""},
		{"f(p, n, v [, n, v ...])", "p n v n*? v*?", ""},
		{"f([{user=, address=}]) -> number", "{user=, address=}?", "number"},
		{"f{listen=, ...} -> text", "{listen=, ...}", "text"},
		{"f(function or nil)", "function or nil?", ""},
		{"f([code or table [, text]])", "code or table? text?", ""},
	} {
		s, err := Parse(test.signature)
		if err != nil {
			t.Errorf("%s: %v", test.signature, err)
		}
		var names []string
		for _, p := range s.Parameters {
			name := p.Name
			if p.Repeats {
				name += "*"
			}
			if p.Optional {
				name += "?"
			}
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != test.names || s.Result != test.result || s.Name != "f" {
			t.Errorf("%s: got %s -> %q, want %s -> %q", test.signature, got, s.Result, test.names, test.result)
		}
	}
}

func TestCount(t *testing.T) {
	for text, want := range map[string]string{
		"f()": "0 0", "f(a [, b])": "1 2", "f(a, b [, c ...])": "2 -1", "f(...)": "0 -1", "f([o,] m [, i])": "1 3",
		"f(function or nil)": "0 1",
	} {
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		least, most := s.Count()
		if got := fmt.Sprint(least, most); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, text := range []string{"", "f", "f(", "(a)", "f(a]) -> x", "f([a)", "f() number", "f() ->"} {
		if s, err := Parse(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("f([a, [b ...] {c=}]) -> d")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := Parse(text); err == nil {
			s.Count()
		}
	})
}
