package wire

import "testing"

func TestParseLength(t *testing.T) {
	for _, test := range []struct {
		header  string
		n, size int
		ok      bool
	}{
		{"$0\r\n", 0, 4, true},
		{"$-1\r\n", -1, 5, true},
		{"$2147483647\r\nrest", 2147483647, 13, true},
		{"$2147483648\r\n", 0, 0, false},
		{"$", 0, 0, true},
		{"$-", 0, 0, true},
		{"$12", 0, 0, true},
		{"$12\r", 0, 0, true},
		{"$12\rx", 0, 0, false},
		{"$\r", 0, 0, false},
		{"$00", 0, 0, false},
		{"$-0", 0, 0, false},
		{"$1\n", 0, 0, false},
		{"$--1\r\n", 0, 0, false},
	} {
		n, size, ok := parseLength([]byte(test.header))
		if n != test.n || size != test.size || ok != test.ok {
			t.Errorf("%q: got %d, %d, %v; want %d, %d, %v", test.header, n, size, ok, test.n, test.size, test.ok)
		}
	}
}
