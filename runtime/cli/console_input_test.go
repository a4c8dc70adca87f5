package cli

import (
	"strings"
	"testing"
)

// What is read of an input that is no terminal: lines with their numbers, without the mark that some programs put before
// the first one, and why it ended early.
func TestInput(t *testing.T) {
	const tooLong = "standard input, line 2: the line is too long (the limit is 262144 bytes); nothing after it was run: put it into a method"
	for _, c := range []struct {
		from  string
		lines []string
		err   string
	}{
		{"", nil, ""},
		{"1 + 1\r\n\n2", []string{"1 + 1", "", "2"}, ""},
		{"\ufeff1 + 1\n\ufeff2", []string{"1 + 1", "\ufeff2"}, ""},
		{"1\n" + strings.Repeat("x", 256<<10) + "\n3", []string{"1"}, tooLong},
	} {
		in := newInput(strings.NewReader(c.from))
		if err := in.open(nil); err != nil {
			t.Fatal(err)
		}
		var got []string
		line, _ := in.next(false)
		for ; !line.end; line, _ = in.next(false) {
			got = append(got, line.text)
			if line.number != len(got) {
				t.Errorf("line %q: got the number %d, want %d", line.text, line.number, len(got))
			}
		}
		if strings.Join(got, "|") != strings.Join(c.lines, "|") {
			t.Errorf("got %q, want %q", got, c.lines)
		}
		problem := ""
		if line.err != nil {
			problem = line.err.Error()
		}
		if problem != c.err {
			t.Errorf("got the error %q, want %q", problem, c.err)
		}
	}
}
