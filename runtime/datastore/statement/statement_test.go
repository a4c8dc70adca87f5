package statement

import (
	"strings"
	"testing"

	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"
)

// TestKeywords are found among the words of a text.
func TestKeywords(t *testing.T) {
	for _, test := range []struct {
		text, keyword string
		want          bool
	}{{"the Moon gate", "moon", true}, {"moonlight", "moon", false}, {"moonlight", "moon@", true}, {"full-moon", "moon", true}, {"a moonlit night", "m@l@t", true},
		{"a b", "a b", false}, {"", "a", false}, {"ÄPFEL", "äpfel", true}, {"abc", "@", true}, {"abc", "@c", true}, {"abc", "@b", false}} {
		if got := HasKeyword(test.text, test.keyword); got != test.want {
			t.Errorf("%q among the words of %q: %v; want %v", test.keyword, test.text, got, test.want)
		}
	}
}

// TestFold leaves ASCII's letters to ASCII's.
func TestFold(t *testing.T) {
	for text, want := range map[string]string{"ÄbC 1": "äbc 1", "\u212a": "\u212a"} { // the last is the sign of Kelvin
		if got := Fold(text); got != want {
			t.Errorf("%q folded is %q; want %q", text, got, want)
		}
	}
}

// FuzzValues has no value of a query become part of its text.
func FuzzValues(f *testing.F) {
	f.Add("'; DROP TABLE t", "name = :1")
	f.Add("a@b", "name != :1 or info.a.b = :1")
	f.Add("x", "name in (:1, 'y') and not (name % :1) order by name desc")
	structure := &structure.Table{Name: "t", Columns: []structure.Column{{Name: "id", Type: structure.Integer, Primary: true}, {Name: "name", Type: structure.Text}, {Name: "info", Type: structure.Object}}}
	f.Fuzz(func(t *testing.T, value, text string) {
		q, err := query.Parse(text)
		if err != nil || len(value) < 3 {
			return
		}
		value = "\u2603" + value // no statement has a snowman
		for _, d := range []Dialect{SQLite, PostgreSQL} {
			s, err := NewTable(d, structure, "").Select(q, []any{value, value, value}, 10)
			if err == nil && !strings.Contains(text, "\u2603") && strings.Contains(s.Text, "\u2603") {
				t.Errorf("%q is in %s", value, s.Text)
			}
		}
	})
}
