package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"slices"
	"testing"
)

// both is a header of version 2 with fields.
var both = Header{
	Version: 2, Source: netip.MustParseAddrPort("203.0.113.9:5555"), Destination: netip.MustParseAddrPort("198.51.100.1:443"),
	Fields: []Field{{TypeALPN, []byte("h2")}, {Type(0xe5), []byte{1, 2, 3}}},
}

func TestRoundTrip(t *testing.T) {
	six := Header{Version: 1, Source: netip.MustParseAddrPort("[2001:db8::1]:1"), Destination: netip.MustParseAddrPort("[2001:db8::2]:2")}
	for name, h := range map[string]Header{"two": both, "one": {Version: 1, Source: both.Source, Destination: both.Destination}, "six": six, "local": {Version: 2, Local: true}, "unknown": {Version: 1, Local: true}} {
		b, err := h.Append([]byte("before"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b = b[len("before"):]
		for n := range b {
			if got, err := Measure(b[:n]); got != 0 || err != nil {
				t.Errorf("%s: %d bytes of %d measure %d (%v)", name, n, len(b), got, err)
			}
		}
		if got, err := Measure(append(b, "after"...)); got != len(b) || err != nil {
			t.Errorf("%s: measured %d (%v), want %d", name, got, err, len(b))
		}
		got, err := Parse(b)
		if err != nil || !same(got, h) {
			t.Errorf("%s: read %+v (%v), want %+v", name, got, err, h)
		}
	}
}

func same(a, b Header) bool {
	return a.Version == b.Version && a.Local == b.Local && a.Source == b.Source && a.Destination == b.Destination &&
		slices.EqualFunc(a.Fields, b.Fields, func(a, b Field) bool { return a.Type == b.Type && bytes.Equal(a.Value, b.Value) })
}

func TestChecksum(t *testing.T) {
	h := both
	h.Fields = append(slices.Clone(h.Fields), Field{TypeChecksum, make([]byte, 4)}, Field{TypeNothing, []byte("padding")})
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(b, []byte{byte(TypeChecksum), 0, 4, 0, 0, 0, 0}) + 3
	binary.BigEndian.PutUint32(b[at:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	got, err := Parse(b)
	if err != nil || !same(got, both) {
		t.Errorf("read %+v (%v), want %+v", got, err, both)
	}
	b[20]++
	if _, err := Parse(b); !errors.Is(err, ErrMalformed) {
		t.Errorf("a changed header: %v, want ErrMalformed", err)
	}
}

func FuzzParse(f *testing.F) {
	b, _ := both.Append(nil)
	f.Add(b)
	f.Add([]byte("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	tls := both
	tls.SetTLS(TLS{Version: "TLSv1.2", CommonName: "alice", Verified: true})
	b, _ = tls.Append(nil)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Measure(b)
		if err != nil || n == 0 {
			return
		}
		if n > len(b) || n > MaxV2 {
			t.Fatalf("a header of %d bytes in %d", n, len(b))
		}
		h, err := Parse(b[:n])
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrMissing) && !errors.Is(err, ErrTooLong) {
				t.Fatalf("error %v of no kind", err)
			}
			return
		}
		h.TLS()
		again, err := h.Append(nil)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		if read, err := Parse(again); err != nil || h.Source.Addr().Is4() == h.Destination.Addr().Is4() && !h.Local && h.Source.IsValid() && !same(read, h) {
			t.Fatalf("written and read %+v (%v), was %+v", read, err, h)
		}
	})
}
