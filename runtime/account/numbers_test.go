package account

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// numbersIn reads a file of numbers with this text.
func numbersIn(t *testing.T, text string) (map[int64]string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "numbers")
	write(t, path, text)
	names, err := ReadNumbers(path)
	if err != nil && !strings.HasPrefix(err.Error(), path+":") {
		t.Errorf("%q: got error %v, want one that begins with the file", text, err)
	}
	expect(t, "file", content(t, path), text)
	return names, err
}

// TestReadNumbers reads what older versions have written, and a last line that a crash has torn.
func TestReadNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "map[]",
		"3\tAda\n4\tbob\n7\tCN=ada,O=moon\n": "map[3:Ada 4:bob 7:CN=ada,O=moon]",
		"3\tada\n4\tbob":                     "map[3:ada 4:bob]",
		"3\tada\n4\t":                        "map[3:ada]",
		"3\tada\n4":                          "map[3:ada]",
		"3\tada\n\x00\x00\x00\x00":           "map[3:ada]",
		"3\tada\n4\tada":                     "map[3:ada]",
		"3\tada\n4\tb\xc3":                   "map[3:ada]",
		"3":                                  "map[]",
	} {
		names, err := numbersIn(t, text)
		if got := fmt.Sprint(names); got != want || err != nil {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
	}
	_, err := ReadNumbers(filepath.Join(t.TempDir(), "numbers"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v, want one that wraps %v", err, fs.ErrNotExist)
	}
}

func TestBrokenNumbersNameTheLineAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		text  string
		words []string
	}{
		{"3\tada\nbob\n4\tcyn\n", []string{":2:", `"bob"`, "mend the line"}},
		{"3\tada\n\n", []string{":2:"}},
		{"3\tada\n3\tbob\n", []string{":2: the number 3 is ada's already", "delete"}},
		{"3\tada\n4\tADA\n", []string{":2: ADA has the number 3 already", "delete"}},
		{"2\tada\n", []string{":1: the number is 2"}},
		{"2147483648\tada\n", []string{":1: the number is 2147483648"}},
		{"99999999999999999999\tada\n", []string{":1:"}},
		{"03\tada\n", []string{":1:"}},
		{"3\tdesigner\n", []string{":1: designer has the number 1 already"}},
		{"3\tada\r\n", []string{":1:", "user name"}},
		{"3\ta\tb\n", []string{":1:", "U+0009"}},
		{"3\t" + strings.Repeat("x", maxNumbered+1) + "\n", []string{":1: the user name has 1025 characters"}},
		{"3\t\n", []string{":1: the user name is empty"}},
	} {
		names, err := numbersIn(t, c.text)
		expect(t, c.text, len(names), 0)
		expectError(t, c.text, err, c.words...)
	}
}
