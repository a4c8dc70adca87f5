package cli

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"ann":                      "ann",
		"Zoë 日本 👩 e\u0301":         "Zoë 日本 👩 e\u0301",
		"\x1b[31mred\x1b]0;x\x07":  `\x1b[31mred\x1b]0;x\a`,
		"a\r\nb\tc":                `a\r\nb\tc`,
		"\u009b31m\u202egnp.exe":   `\u009b31m\u202egnp.exe`,
		"\xff\xfeA":                `\xff\xfeA`,
		"nul\x00 del\x7f":          `nul\x00 del\x7f`,
		`C:\temp`:                  `C:\temp`,
		"zero\u200bwidth \u00a0nb": `zero\u200bwidth \u00a0nb`,
	} {
		if got := printable(text); got != want {
			t.Errorf("got %s of %q, want %s", got, text, want)
		}
	}
}

func TestDisplayWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "ann": 3, "Zoë": 3, "Zoe\u0308": 3, "日本": 4, "ﾊﾝｶｸ": 4, "한국어": 6, "👍": 2, "ж": 1, "…": 1, "漢字kana": 8, "❤️": 1,
	} {
		if got := displayWidth(text); got != want {
			t.Errorf("got %d columns of %q, want %d", got, text, want)
		}
	}
}

func TestCutTo(t *testing.T) {
	for _, test := range []struct {
		text    string
		columns int
		want    string
	}{
		{"Designer", 8, "Designer"}, {"Designer", 7, "Design…"}, {"Designer", 1, "…"}, {"Designer", 0, ""}, {"Designer", -3, ""},
		{"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"日本語", 2, "…"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		if got := cutTo(test.text, test.columns); got != test.want {
			t.Errorf("got %q of %q in %d columns, want %q", got, test.text, test.columns, test.want)
		}
	}
}

// TestWideIsSorted holds what the search in the table needs.
func TestWideIsSorted(t *testing.T) {
	last := rune(0)
	for _, r := range wide {
		if r[0] <= last || r[1] < r[0] {
			t.Errorf("%x to %x is out of order", r[0], r[1])
		}
		last = r[1]
	}
}

// FuzzPrintable holds that no text can do anything to a terminal, and that what is cut fits.
func FuzzPrintable(f *testing.F) {
	f.Add("\x1b[2J日本\u202e", 3)
	f.Add("e\u0301\xff", 1)
	f.Fuzz(func(t *testing.T, text string, columns int) {
		safe := printable(text)
		if !utf8.ValidString(safe) {
			t.Fatalf("got %q, which is no UTF-8", safe)
		}
		for _, r := range safe {
			if !strconv.IsPrint(r) {
				t.Fatalf("got %q of %q, with %q in it", safe, text, r)
			}
		}
		if got := displayWidth(cutTo(safe, columns)); got > max(0, columns) {
			t.Fatalf("got %d columns, want %d at the most", got, columns)
		}
	})
}

// FuzzInert holds that it stays the same document.
func FuzzInert(f *testing.F) {
	f.Add("ann\u009b\U000e0001\u2028<>&\ufffd", 1.5)
	f.Fuzz(func(t *testing.T, text string, n float64) {
		document, err := json.MarshalIndent(map[string]any{text: n, "text": text}, "", "\t")
		if err != nil {
			return // a number that JSON does not have
		}
		got := inert(document)
		if strings.ContainsFunc(got, func(r rune) bool { return !strconv.IsPrint(r) && r != utf8.RuneError }) {
			t.Fatalf("got %q, which can do something to a terminal", got)
		}
		var before, after any
		json.Unmarshal(document, &before)
		if err := json.Unmarshal([]byte(got), &after); err != nil {
			t.Fatalf("got %q: %v", got, err)
		}
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(after)
		if string(a) != string(b) {
			t.Fatalf("got %s, want %s", b, a)
		}
	})
}
