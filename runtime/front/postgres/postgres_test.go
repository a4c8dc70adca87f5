package postgres

import (
	"encoding/binary"
	"errors"
	"testing"
	"unicode/utf8"
)

const login = "\x00\x00\x00\x28\x00\x03\x00\x00user\x00alice\x00database\x00shop123456\x00\x00"

func TestMeasureInPieces(t *testing.T) {
	for n := range len(login) {
		if got, err := Measure([]byte(login[:n])); got != 0 || err != nil {
			t.Errorf("%d bytes measure %d (%v), want 0", n, got, err)
		}
	}
	if got, err := Measure([]byte(login + "after")); got != len(login) || err != nil {
		t.Errorf("measured %d (%v), want %d", got, err, len(login))
	}
}

func TestGarbageIsKnownAtOnce(t *testing.T) {
	for _, b := range []string{"G", "\x16", "\x00\x01"} {
		if _, err := Measure([]byte(b)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v, want ErrMalformed", b, err)
		}
	}
}

func TestLongReasonIsCutAtACharacter(t *testing.T) {
	reason := make([]byte, 0, 2000)
	for len(reason) < 1999 {
		reason = append(reason, "é"...)
	}
	packet := AppendError(nil, StateRefused, "x"+string(reason))
	if len(packet) > maxReason+40 || !utf8.Valid(packet[5:]) || int(binary.BigEndian.Uint32(packet[1:])) != len(packet)-1 {
		t.Errorf("a packet of %d bytes: %q", len(packet), packet)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(login))
	f.Add(AppendTLSRequest(nil))
	f.Add([]byte("\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Measure(b)
		if err != nil || n == 0 {
			return
		}
		if n > len(b) || n > MaxPacket {
			t.Fatalf("a packet of %d bytes in %d", n, len(b))
		}
		first, err := Parse(b[:n])
		if err == nil && first.Kind == Login && (first.User == "" || first.Database == "") {
			t.Fatalf("a login without a name: %+v", first)
		}
	})
}
