package wire

import (
	"reflect"
	"testing"
)

func TestSplitInline(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string
		bad  bool
	}{
		{line: ``},
		{line: "  \t\r\v\f "},
		{line: `a b  c `, want: []string{"a", "b", "c"}},
		{line: `"a b" 'c d'`, want: []string{"a b", "c d"}},
		{line: `"" ''`, want: []string{"", ""}},
		{line: `"\n\r\t\b\a\\\"'"`, want: []string{"\n\r\t\b\a\\\"'"}},
		{line: `"\x41\xfF\x00"`, want: []string{"A\xff\x00"}},
		{line: `"\xg1\x1"`, want: []string{"xg1x1"}},
		{line: `"\q"`, want: []string{"q"}},
		{line: `'\n\'"\x41'`, want: []string{`\n'"\x41`}},
		{line: `a\n`, want: []string{`a\n`}},
		{line: `foo"bar baz" it's\ a''`, bad: true},
		{line: `foo"bar baz" x`, want: []string{"foobar baz", "x"}},
		{line: "\x00 \xff", want: []string{"\x00", "\xff"}},
		{line: `"a`, bad: true},
		{line: `'a`, bad: true},
		{line: `"`, bad: true},
		{line: `a"`, bad: true},
		{line: `"a\`, bad: true},
		{line: `"a\"`, bad: true},
		{line: `'a\'`, bad: true},
		{line: `"a"b`, bad: true},
		{line: `"a""b"`, bad: true},
		{line: `'a'"b"`, bad: true},
	} {
		line := []byte(test.line)
		spans, ok := splitInline(line, nil)
		var got []string
		for _, s := range spans {
			got = append(got, string(line[s.start:s.end]))
		}
		if ok == test.bad || ok && !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %q, %v; want %q, %v", test.line, got, ok, test.want, !test.bad)
		}
	}
}
