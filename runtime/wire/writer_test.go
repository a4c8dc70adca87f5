package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"unsafe"
)

// encode is a reply in a version; a Push at the top is sent as one.
func encode(t testing.TB, version Version, v any) string {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	if err := w.SetVersion(version); err != nil {
		t.Fatal(err)
	}
	if push, ok := v.(Push); ok {
		w.WritePush(push)
	} else {
		w.WriteValue(v)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// nest puts a value into lists.
func nest(v any, depth int) any {
	for range depth {
		v = []any{v}
	}
	return v
}

func TestWriteValue(t *testing.T) {
	deep := strings.Repeat("*1\r\n", MaxDepth)
	for _, test := range []struct {
		name         string
		value        any
		resp2, resp3 string // resp3 is "" when it is the same
	}{
		{"nil", nil, "$-1\r\n", "_\r\n"},
		{"true", true, ":1\r\n", "#t\r\n"},
		{"false", false, ":0\r\n", "#f\r\n"},
		{"int", -12, ":-12\r\n", ""},
		{"int64", int64(math.MinInt64), ":-9223372036854775808\r\n", ""},
		{"double", 1.5, "$3\r\n1.5\r\n", ",1.5\r\n"},
		{"integral double", 3.0, "$1\r\n3\r\n", ",3\r\n"},
		{"double beyond int64", 1e19, "$20\r\n10000000000000000000\r\n", ",10000000000000000000\r\n"},
		{"large double", 1e21, "$5\r\n1e+21\r\n", ",1e+21\r\n"},
		{"small double", 1e-7, "$5\r\n1e-07\r\n", ",1e-07\r\n"},
		{"shortest double", 0.1, "$3\r\n0.1\r\n", ",0.1\r\n"},
		{"longest double", -math.MaxFloat64, "$24\r\n-1.7976931348623157e+308\r\n", ",-1.7976931348623157e+308\r\n"},
		{"negative zero", math.Copysign(0, -1), "$2\r\n-0\r\n", ",-0\r\n"},
		{"inf", math.Inf(1), "$3\r\ninf\r\n", ",inf\r\n"},
		{"-inf", math.Inf(-1), "$4\r\n-inf\r\n", ",-inf\r\n"},
		{"nan", math.NaN(), "$3\r\nnan\r\n", ",nan\r\n"},
		{"string", "hé\r\n\x00", "$6\r\nhé\r\n\x00\r\n", ""},
		{"empty string", "", "$0\r\n\r\n", ""},
		{"bytes", []byte("hello"), "$5\r\nhello\r\n", ""},
		{"no bytes", []byte(nil), "$0\r\n\r\n", ""},
		{"simple string", SimpleString("OK"), "+OK\r\n", ""},
		{"simple string of lines", SimpleString("a\r\nb\n"), "+a  b \r\n", ""},
		{"error", Error{"WRONGTYPE", "no"}, "-WRONGTYPE no\r\n", ""},
		{"error without code", Error{Message: "no"}, "-ERR no\r\n", ""},
		{"error without message", Error{Code: "BUSY"}, "-BUSY\r\n", ""},
		{"error of lines", Error{"E\nR", "a\r\n+OK\r\n"}, "-E R a  +OK  \r\n", ""},
		{"list", []any{1, "a", nil}, "*3\r\n:1\r\n$1\r\na\r\n$-1\r\n", "*3\r\n:1\r\n$1\r\na\r\n_\r\n"},
		{"empty list", []any{}, "*0\r\n", ""},
		{"nil list", []any(nil), "*0\r\n", ""},
		{"map", Map{{"a", 1}, {2, []any{}}}, "*4\r\n$1\r\na\r\n:1\r\n:2\r\n*0\r\n", "%2\r\n$1\r\na\r\n:1\r\n:2\r\n*0\r\n"},
		{"empty map", Map(nil), "*0\r\n", "%0\r\n"},
		{"error in a list", []any{Error{"ERR", "x"}}, "*1\r\n-ERR x\r\n", ""},
		{"push", Push{"message", true}, "", ">2\r\n$7\r\nmessage\r\n#t\r\n"},
		{"push in a list", []any{Push{}}, "*1\r\n-ERR a value of type wire.Push cannot be sent\r\n", ""},
		{"unknown type", uint8(1), "-ERR a value of type uint8 cannot be sent\r\n", ""},
		{"deepest", nest(1, MaxDepth), deep + ":1\r\n", ""},
		{"too deep", nest([]any{1}, MaxDepth), deep + "-ERR lists and maps are nested more than 64 deep\r\n", ""},
		{"map too deep", nest(Map{}, MaxDepth), deep + "-ERR lists and maps are nested more than 64 deep\r\n", ""},
	} {
		if got := encode(t, RESP2, test.value); got != test.resp2 {
			t.Errorf("%s in RESP2: got %q; want %q", test.name, got, test.resp2)
		}
		if test.resp3 == "" {
			test.resp3 = test.resp2
		}
		if got := encode(t, RESP3, test.value); got != test.resp3 {
			t.Errorf("%s in RESP3: got %q; want %q", test.name, got, test.resp3)
		}
	}
}

func TestErrorReadsAsItIsSent(t *testing.T) {
	for _, e := range []Error{{"WRONGTYPE", "no"}, {"", "no"}, {"BUSY", ""}, {}} {
		if got, want := "-"+e.Error()+"\r\n", encode(t, RESP2, e); got != want {
			t.Errorf("%#v: got %q; want %q", e, got, want)
		}
	}
}

func TestDepthCountsPushesAndMaps(t *testing.T) {
	if got := encode(t, RESP3, Push{nest(1, MaxDepth-1)}); strings.Contains(got, "-ERR") {
		t.Errorf("got %q; want no error", got)
	}
	for name, v := range map[string]any{"push": Push{nest(1, MaxDepth)}, "map": Map{{"k", nest(1, MaxDepth)}}} {
		if got := encode(t, RESP3, v); !strings.Contains(got, "-ERR") {
			t.Errorf("%s: got %q; want an error inside", name, got)
		}
	}
}

func TestWritePushReportsWhetherItWasWritten(t *testing.T) {
	w := NewWriter(io.Discard)
	if w.WritePush(Push{"a"}) || w.block != nil {
		t.Error("a push was written in RESP2; want none")
	}
	if err := w.SetVersion(RESP3); err != nil || !w.WritePush(Push{"a"}) {
		t.Errorf("no push was written in RESP3 (%v); want one", err)
	}
}

func TestSetVersion(t *testing.T) {
	w := NewWriter(io.Discard)
	for _, v := range []Version{0, 1, 4, -3} {
		if err := w.SetVersion(v); err != ErrVersion || w.Version() != RESP2 {
			t.Errorf("%d: got %v, version %d; want %v, version 2", v, err, w.Version(), ErrVersion)
		}
	}
	if err := w.SetVersion(RESP3); err != nil || w.Version() != RESP3 {
		t.Errorf("got %v, version %d; want version 3", err, w.Version())
	}
}

// failingWriter fails always.
type failingWriter struct{ err error }

func (w failingWriter) Write(p []byte) (int, error) { return 0, w.err }

// shortWriter takes half and says nothing.
type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) / 2, nil }

func TestFirstErrorStays(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, test := range []struct {
		dst  io.Writer
		want error
	}{{failingWriter{broken}, broken}, {shortWriter{}, io.ErrShortWrite}} {
		w := NewWriter(test.dst)
		w.WriteSimple("OK")
		for range 2 {
			if err := w.Flush(); err != test.want {
				t.Errorf("got %v; want %v", err, test.want)
			}
			w.dst = failingWriter{errors.New("another error")}
			w.WriteValue([]any{1, strings.Repeat("x", 3*blockSize), 2.5})
		}
	}
}

// recorder remembers each Write without copying it.
type recorder struct{ writes [][]byte }

func (r *recorder) Write(p []byte) (int, error) {
	r.writes = append(r.writes, p)
	return len(p), nil
}

func TestLongStringsAreNotCopied(t *testing.T) {
	long := strings.Repeat("x", 10*blockSize)
	for _, write := range []func(*Writer){
		func(w *Writer) { w.WriteBulk(long) },
		func(w *Writer) { w.WriteValue(long) },
	} {
		var dst recorder
		w := NewWriter(&dst)
		write(w)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if len(dst.writes) != 3 {
			t.Fatalf("got %d writes; want 3: a full buffer, the rest of the string, CR LF", len(dst.writes))
		}
		rest := dst.writes[1]
		if &rest[len(rest)-1] != unsafe.StringData(long[len(long)-1:]) {
			t.Error("the rest of the string is a copy; want the string itself")
		}
	}
}

func TestLongRepliesAreComplete(t *testing.T) {
	var list []any
	var want strings.Builder
	want.WriteString("*5000\r\n")
	for range 2500 {
		list = append(list, 12345, "hello")
		want.WriteString(":12345\r\n$5\r\nhello\r\n")
	}
	if got := encode(t, RESP2, list); got != want.String() {
		t.Errorf("got %d bytes; want %d, or other bytes", len(got), want.Len())
	}
	for size := blockSize - 20; size < blockSize+20; size++ {
		text := strings.Repeat("y", size)
		if got := encode(t, RESP3, SimpleString(text)); got != "+"+text+"\r\n" {
			t.Fatalf("simple string of %d bytes: got %d bytes", size, len(got))
		}
	}
}

func TestIdleWriterHoldsNoBuffer(t *testing.T) {
	if size := unsafe.Sizeof(Writer{}); size > 64 {
		t.Errorf("a writer takes %d bytes; want at most 64", size)
	}
	w := NewWriter(io.Discard)
	w.WriteSimple("OK")
	if err := w.Flush(); err != nil || w.block != nil {
		t.Errorf("after Flush: got %v, a buffer %v; want none", err, w.block != nil)
	}
}
