package account

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func number(t *testing.T, n *Numbers, name string, want Number) {
	t.Helper()
	got, err := n.Of(name)
	if err != nil || got != want {
		t.Errorf("%s: got %d, %v, want %d", name, got, err, want)
	}
}

func TestNumbersStayAcrossRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers")
	n := numbersOf(t, path)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file for its owner only", info, err)
	}
	number(t, n, "Ada", 3)
	number(t, n, "bob", 4)
	number(t, n, "ADA", 3)
	number(t, n, "designer", Designer)
	number(t, n, "ADMINISTRATOR", Administrator)
	expect(t, "file", content(t, path), "3\tAda\n4\tbob\n")
	n = numbersOf(t, path)
	number(t, n, "cyn", 5)
	number(t, n, "ada", 3)
	for want, name := range map[Number]string{1: "Designer", 2: "Administrator", 3: "Ada", 4: "bob", 5: "cyn", 6: "", 0: "", -1: ""} {
		expect(t, fmt.Sprint("name of ", want), n.Name(want), name)
	}
	number(t, n, "2001:db8::1", 6) // names that no account has
	number(t, n, "CN=ada,O=moon", 7)
}

func TestNamesWithoutANumber(t *testing.T) {
	n := numbersOf(t, filepath.Join(t.TempDir(), "numbers"))
	for _, name := range []string{"", "a\tb", "a\nb", "a\x00", "a\xff", " a", "a ", strings.Repeat("x", maxNumbered+1)} {
		got, err := n.Of(name)
		expect(t, fmt.Sprintf("%.10q", name), got, 0)
		expectError(t, fmt.Sprintf("%.10q", name), err, "user name")
	}
	number(t, n, "ada", 3)
}

func TestTornLastLineIsMended(t *testing.T) {
	for _, c := range []struct{ text, mended string }{
		{"3\tada\n4\tbob", "3\tada\n4\tbob\n5\tnew\n"}, // or somebody's editor has left the end out
		{"3\tada\n4\t", "3\tada\n4\tnew\n"},
		{"3\tada\n4", "3\tada\n4\tnew\n"},
		{"3\tada\n\x00\x00\x00\x00", "3\tada\n4\tnew\n"},
		{"3\tada\n4\tada", "3\tada\n4\tnew\n"},
		{"3\tada\n4\tb\xc3", "3\tada\n4\tnew\n"},
		{"3", "3\tnew\n"},
	} {
		path := filepath.Join(t.TempDir(), "numbers")
		write(t, path, c.text)
		n := numbersOf(t, path)
		if got := content(t, path); !strings.HasPrefix(c.mended, got) || !strings.HasSuffix(got, "\n") && got != "" {
			t.Errorf("%q: got %q after the start, want whole lines", c.text, got)
		}
		if _, err := n.Of("new"); err != nil {
			t.Errorf("%q: %v", c.text, err)
		}
		expect(t, fmt.Sprintf("%q", c.text), content(t, path), c.mended)
		numbersOf(t, path)
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
		{"3\t\n", []string{":1: the user name is empty"}},
	} {
		path := filepath.Join(t.TempDir(), "numbers")
		write(t, path, c.text)
		n, err := OpenNumbers(path)
		expect(t, c.text, n, nil)
		expectError(t, c.text, err, append(c.words, path)...)
		expect(t, "file", content(t, path), c.text)
	}
	_, err := OpenNumbers(filepath.Join(t.TempDir(), "none", "numbers"))
	expectError(t, "no folder", err, "the data folder must be writable")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want one that wraps %v", err, fs.ErrNotExist)
	}
}

// TestNumbersThatCannotBeWritten takes the file away, and has a full disk on Linux.
func TestNumbersThatCannotBeWritten(t *testing.T) {
	for _, how := range []string{"", "/dev/full"} {
		path := filepath.Join(t.TempDir(), "numbers")
		n := numbersOf(t, path)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if how != "" {
			if _, err := os.Stat(how); err != nil {
				continue
			}
			if err := os.Symlink(how, path); err != nil {
				t.Fatal(err)
			}
		}
		for i, name := range []string{"ada", "bob"} {
			got, err := n.Of(name)
			expect(t, name, got, Number(3+i))
			expectError(t, name, err, path, "holds until the server stops")
		}
		number(t, n, "ADA", 3)
		expect(t, "name", n.Name(4), "bob")
		os.Remove(path)
		write(t, path, "")
		number(t, n, "cyn", 5)
		expect(t, "file", content(t, path), "3\tada\n4\tbob\n5\tcyn\n")
	}
}

// TestHalfALineIsTakenAway is a write that failed in the middle.
func TestHalfALineIsTakenAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers")
	n := numbersOf(t, path)
	number(t, n, "ada", 3)
	n.torn = true // what a failed write leaves
	write(t, path, "3\tada\n4\tbobbob")
	number(t, n, "cyn", 4)
	expect(t, "file", content(t, path), "3\tada\n4\tcyn\n")
}

func TestNumbersThatSomebodyElseChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers")
	n := numbersOf(t, path)
	number(t, n, "ada", 3)
	for _, text := range []string{"3\tada\n4\tbob\n", "3\n"} {
		write(t, path, text)
		_, err := n.Of("cyn" + text[:1] + fmt.Sprint(len(text)))
		expectError(t, text, err, "changed by somebody else")
		expect(t, "file", content(t, path), text)
	}
}

func TestNumbersAreGivenOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers")
	n := numbersOf(t, path)
	const names, callers = 20, 8
	var got [callers][names]Number
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range names {
				number, err := n.Of(fmt.Sprint([]string{"user", "USER"}[c%2], (i+c)%names))
				if err != nil {
					t.Error(err)
				}
				if !strings.EqualFold(n.Name(number), fmt.Sprint("user", (i+c)%names)) {
					t.Errorf("got name %q of number %d", n.Name(number), number)
				}
				got[c][(i+c)%names] = number
			}
		})
	}
	all.Wait()
	again, seen := numbersOf(t, path), map[Number]bool{}
	for i := range names {
		for c := range callers {
			expect(t, "number", got[c][i], got[0][i])
		}
		number(t, again, fmt.Sprint("user", i), got[0][i])
		seen[got[0][i]] = true
	}
	expect(t, "numbers", len(seen), names)
	expect(t, "lines", strings.Count(content(t, path), "\n"), names)
}

// TestKnownNamesNeverWait asks for a name while another is being written.
func TestKnownNamesNeverWait(t *testing.T) {
	n := numbersOf(t, filepath.Join(t.TempDir(), "numbers"))
	number(t, n, "ada", 3)
	n.writing.Lock()
	defer n.writing.Unlock()
	number(t, n, "Ada", 3)
	expect(t, "name", n.Name(3), "ada")
}

func FuzzNumbers(f *testing.F) {
	f.Add("3\tada\n4\tbob\n")
	f.Add("3\tada\n4")
	f.Add("3\tada\n\n4\tbob")
	path := filepath.Join(f.TempDir(), "numbers")
	f.Fuzz(func(t *testing.T, text string) {
		write(t, path, text)
		n, err := OpenNumbers(path)
		if err != nil {
			if !strings.HasPrefix(err.Error(), path+":") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %q, want one line that begins with %s:", err, path)
			}
			return
		}
		got, err := n.Of("zoë the last")
		if err != nil && n.next <= lastNumber {
			t.Error(err)
		}
		if err == nil {
			number(t, numbersOf(t, path), "ZOË THE LAST", got)
		}
	})
}

func BenchmarkKnownNumber(b *testing.B) {
	n := numbersOf(b, filepath.Join(b.TempDir(), "numbers"))
	n.Of("ada")
	b.ReportAllocs()
	for b.Loop() {
		n.Of("ada")
	}
}
