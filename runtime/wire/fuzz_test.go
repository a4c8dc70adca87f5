package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// fuzzLimits are small enough for a fuzzer to reach them.
var fuzzLimits = Limits{MaxInline: 200, MaxArguments: 20, MaxBulk: 100, MaxCommand: 400}

func FuzzReadCommand(f *testing.F) {
	for _, seed := range []string{
		"", "PING\r\n", "*1\r\n$4\r\nPING\r\n", "*0\r\n*-1\r\n\r\n\nPING\n", "*2\r\n$4\r\nECHO\r\n$5\r\nhe\r\no\r\n*1\r\n$1\r\n",
		"SET 'a b' \"\\x00\\n\" c\n", "\"a\"b\n", "*1\r\n*1\r\n", "*10000000\r\n", "*1\r\n$1073741824\r\n", "*01\r\n", "*1\r\n$1\r\nab\r\n",
		strings.Repeat("*1\r\n$4\r\nPING\r\n", 50), strings.Repeat("x", 300), "*3\r\n" + strings.Repeat("$50\r\n"+strings.Repeat("y", 50)+"\r\n", 3),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		commands, err := readCommands(bytes.NewReader(input), fuzzLimits)
		slowly, slowErr := readCommands(iotest.OneByteReader(bytes.NewReader(input)), fuzzLimits)
		if !reflect.DeepEqual(commands, slowly) || err != slowErr && err.Error() != slowErr.Error() {
			t.Fatalf("at once: got %q, %v; byte by byte: %q, %v", commands, err, slowly, slowErr)
		}
		var broken ProtocolError
		if err != io.EOF && err != io.ErrUnexpectedEOF && !errors.As(err, &broken) {
			t.Fatalf("got error %v", err)
		}
		if strings.ContainsAny(string(broken), "\r\n") {
			t.Fatalf("got error %q; want one line", broken)
		}
		for _, command := range commands {
			checkCommandRoundTrip(t, command)
		}
		checkReaderMemory(t, input)
	})
}

// checkCommandRoundTrip writes a command as an array and reads it again.
func checkCommandRoundTrip(t *testing.T, command []string) {
	var list []any
	for _, argument := range command {
		list = append(list, argument)
	}
	again, err := readCommands(strings.NewReader(encode(t, RESP2, list)), Limits{})
	if err != io.EOF || len(again) != 1 || !reflect.DeepEqual(again[0], command) {
		t.Fatalf("got %q, %v; want %q", again, err, command)
	}
}

// checkReaderMemory reads with the standard limits and looks at the buffer after each command.
func checkReaderMemory(t *testing.T, input []byte) {
	r := NewReader(bytes.NewReader(input), Limits{})
	for {
		_, err := r.ReadCommand()
		if f := r.frame; f != nil && (len(f.data) > max(keepSize, 2*len(input)) || cap(f.args) > max(keepArguments, len(input))) {
			t.Fatalf("%d bytes of input: got a buffer of %d bytes and %d arguments", len(input), len(f.data), cap(f.args))
		}
		if err != nil {
			return
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		"", "n", "t", "i\x01\x02\x03\x04\x05\x06\x07\x08", "d\x3f\xf8\x00\x00\x00\x00\x00\x00", "s\x03abc", "+\x02OK", "-\x03no\n",
		"l\x02nl\x01t", "m\x02s\x01ans\x01bl\x00", "p\x02+\x01mm\x01nt", strings.Repeat("l\x01", MaxDepth+2),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		v := (&source{bytes: input}).value(0)
		checkValueRoundTrip(t, RESP3, v, v)
		if _, ok := v.(Push); !ok {
			checkValueRoundTrip(t, RESP2, v, inRESP2(v))
		}
	})
}

// checkValueRoundTrip writes a value, reads it at once and byte by byte, and wants it to be as expected.
func checkValueRoundTrip(t *testing.T, version Version, v, want any) {
	text := encode(t, version, v)
	for way, arrive := range ways {
		r := NewReplyReader(arrive(strings.NewReader(text)), Limits{})
		got, err := r.ReadReply()
		if err != nil || !same(got, want) {
			t.Fatalf("RESP%d, %s: %q: got %#v, %v; want %#v", version, way, text, got, err, want)
		}
		if _, err := r.ReadReply(); err != io.EOF {
			t.Fatalf("RESP%d, %s: %q: got %v after the reply; want %v", version, way, text, err, io.EOF)
		}
	}
}

// source makes values out of a fuzzer's bytes.
type source struct{ bytes []byte }

func (s *source) next() byte {
	if len(s.bytes) == 0 {
		return 0
	}
	c := s.bytes[0]
	s.bytes = s.bytes[1:]
	return c
}

func (s *source) uint64() uint64 {
	var b [8]byte
	s.bytes = s.bytes[copy(b[:], s.bytes):]
	return binary.BigEndian.Uint64(b[:])
}

func (s *source) text() string {
	n := min(int(s.next()), len(s.bytes))
	text := string(s.bytes[:n])
	s.bytes = s.bytes[n:]
	return text
}

// value is a value that stands inside depth others; only containers that the depth allows.
func (s *source) value(depth int) any {
	kind := s.next()
	switch kind {
	case 't', 'f':
		return kind == 't'
	case 'i':
		return int64(s.uint64())
	case 'd':
		return math.Float64frombits(s.uint64())
	case 's':
		return s.text()
	case '+':
		return SimpleString(lineBreaks.Replace(s.text()))
	case '-':
		return Error{Code: "CODE", Message: lineBreaks.Replace(s.text())}
	}
	if depth == MaxDepth {
		return nil
	}
	switch kind {
	case 'l':
		return s.list(depth + 1)
	case 'm':
		m := Map{}
		for range s.next() % 8 {
			m = append(m, Pair{s.value(depth + 1), s.value(depth + 1)})
		}
		return m
	case 'p':
		if depth == 0 {
			return Push(s.list(1))
		}
	}
	return nil
}

func (s *source) list(depth int) []any {
	list := []any{}
	for range s.next() % 8 {
		list = append(list, s.value(depth))
	}
	return list
}

// inRESP2 is what is left of a value in RESP2.
func inRESP2(v any) any {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case float64:
		return string(appendDouble(nil, v))
	case []any:
		list := []any{}
		for _, element := range v {
			list = append(list, inRESP2(element))
		}
		return list
	case Map:
		list := []any{}
		for _, pair := range v {
			list = append(list, inRESP2(pair.Key), inRESP2(pair.Value))
		}
		return list
	}
	return v
}

// same is reflect.DeepEqual, but NaN is the same as NaN and 0 is not -0.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && (math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b))
	case []any:
		b, ok := b.([]any)
		return ok && sameLists(a, b)
	case Push:
		b, ok := b.(Push)
		return ok && sameLists(a, b)
	case Map:
		b, ok := b.(Map)
		return ok && sameLists(flat(a), flat(b))
	}
	return reflect.DeepEqual(a, b)
}

func sameLists(a, b []any) bool {
	for i := range a {
		if i >= len(b) || !same(a[i], b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

func flat(m Map) (list []any) {
	for _, pair := range m {
		list = append(list, pair.Key, pair.Value)
	}
	return list
}

func FuzzReadReply(f *testing.F) {
	for _, seed := range []string{
		"+OK\r\n", "-ERR no\r\n", ":1\r\n", "$5\r\nhello\r\n", "*2\r\n:1\r\n*1\r\n_\r\n", "%1\r\n+a\r\n#t\r\n", ">1\r\n,1.5\r\n",
		"~1\r\n(123\r\n", "|1\r\n+a\r\n+b\r\n=5\r\ntxt:a\r\n", "!5\r\nE a\nb\r\n", "*10000000\r\n", "$1073741824\r\n", "$-1\r\n", "*-1\r\n",
		strings.Repeat("*1\r\n", MaxDepth) + "*0\r\n", ",inf\r\n,-0\r\n,nan\r\n,1e400\r\n", "$?\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		r := NewReplyReader(bytes.NewReader(input), fuzzLimits)
		slow := NewReplyReader(iotest.OneByteReader(bytes.NewReader(input)), fuzzLimits)
		for {
			v, err := r.ReadReply()
			slowly, slowErr := slow.ReadReply()
			if !same(v, slowly) || err != slowErr && err.Error() != slowErr.Error() {
				t.Fatalf("at once: got %#v, %v; byte by byte: %#v, %v", v, err, slowly, slowErr)
			}
			if err != nil {
				return
			}
			checkValueRoundTrip(t, RESP3, v, v)
		}
	})
}
