package document

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// plain is what a packet is, said plainly: the packet, what is left behind it, and whether there is one.
func plain(text string, u Until) (packet, rest string, ok bool) {
	switch {
	case text == "":
		return "", "", false
	case u.Stop != "":
		packet, rest, _ = strings.Cut(text, u.Stop)
		return packet, rest, true
	}
	rest = text
	for range u.Length {
		_, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
	}
	return text[:len(text)-len(rest)], rest, true
}

// FuzzPackets reads a document by packets of one kind, however the disk gives its bytes, and compares with plain.
func FuzzPackets(f *testing.F) {
	f.Add([]byte("one\ntwo\nthree"), "\n", 0, 5)
	f.Add([]byte("a--b---c"), "--", 0, 3)
	f.Add([]byte("ação🌙\xff\xe2\x82"), "", 2, 4)
	f.Add([]byte(strings.Repeat("x", 40_000)+"END"+strings.Repeat("é", 40_000)), "END", 0, 1<<10)
	f.Add([]byte(strings.Repeat("🌙", 70_000)), "", 33_333, 1<<20)
	f.Fuzz(func(t *testing.T, content []byte, stop string, length, readAhead int) {
		if len(stop) > MaxStop {
			return
		}
		u := Until{Stop: stop, Length: 1 + max(0, length)%(1<<20)}
		r := reader{from: bytes.NewReader(content), room: make([]byte, 1+max(0, readAhead)%(1<<16))}
		for rest := string(content); ; {
			p, found := r.peek(u)
			if !found {
				var err error
				if p, err = r.measure(u); err != nil && err != io.EOF {
					t.Fatal(err)
				} else if err == io.EOF {
					if rest != "" {
						t.Fatalf("the end, with %q left", rest)
					}
					return
				}
			}
			want, left, ok := plain(rest, u)
			got, err := r.take(p)
			if !ok || got != want || err != nil {
				t.Fatalf("got %q, %v, want %q, %v", got, err, want, ok)
			}
			if at := len(content) - len(left); int(r.at) != at {
				t.Fatalf("it stands at %d, want %d", r.at, at)
			}
			rest = left
		}
	})
}
