package wire

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestPackAndUnpack(t *testing.T) {
	for _, test := range []struct {
		values []any
		packed string
		want   []any // nil: values
	}{
		{[]any{}, "*0\r\n", nil},
		{nil, "*0\r\n", []any{}},
		{[]any{nil, true, false}, "*3\r\n_\r\n#t\r\n#f\r\n", nil},
		{[]any{int64(-12), int64(math.MaxInt64), 7}, "*3\r\n:-12\r\n:9223372036854775807\r\n:7\r\n", []any{int64(-12), int64(math.MaxInt64), int64(7)}},
		{[]any{1.5, 2.0, math.Inf(-1), 1e21}, "*4\r\n,1.5\r\n,2\r\n,-inf\r\n,1e+21\r\n", nil},
		{[]any{"", "a\r\nb", "\x00\xff"}, "*3\r\n$0\r\n\r\n$4\r\na\r\nb\r\n$2\r\n\x00\xff\r\n", nil},
		{[]any{[]byte("b"), SimpleString("s")}, "*2\r\n$1\r\nb\r\n$1\r\ns\r\n", []any{"b", "s"}},
		{[]any{[]any{}, Map{}, Map{{Key: "a", Value: []any{nil}}}}, "*3\r\n*0\r\n%0\r\n%1\r\n$1\r\na\r\n*1\r\n_\r\n", nil},
	} {
		got, err := Pack(test.values)
		if string(got) != test.packed || err != nil {
			t.Errorf("Pack(%v): got %q, %v; want %q", test.values, got, err, test.packed)
		}
		want := test.want
		if want == nil {
			want = test.values
		}
		if back, err := Unpack([]byte(test.packed)); !reflect.DeepEqual(back, want) || err != nil {
			t.Errorf("Unpack(%q): got %#v, %v; want %#v", test.packed, back, err, want)
		}
	}
	if got, err := Unpack([]byte("*1\r\n+simple\r\n")); !reflect.DeepEqual(got, []any{"simple"}) || err != nil {
		t.Errorf("a simple string: got %v, %v", got, err)
	}
}

// What Pack writes is what a Writer would send.
func TestPackIsRESP3(t *testing.T) {
	values := []any{nil, true, int64(1), 0.1, "x", []any{Map{{Key: int64(1), Value: "y"}}}}
	got, err := Pack(values)
	if want := encode(t, RESP3, values); string(got) != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestPackRefuses(t *testing.T) {
	deepMap := any(Map{})
	for range MaxDepth - 1 {
		deepMap = Map{{Key: "k", Value: deepMap}}
	}
	for _, values := range [][]any{{struct{}{}}, {Push{"x"}}, {Error{}}, {[]any{map[string]any{}}}, {nest(int64(1), MaxDepth)}, {deepMap}, {Map{{Key: struct{}{}}}}} {
		if got, err := Pack(values); got != nil || err == nil {
			t.Errorf("%.60v: got %.60q, %v; want an error", values, got, err)
		}
	}
	if _, err := Pack([]any{nest(int64(1), MaxDepth-1)}); err != nil {
		t.Errorf("as deep as it may be: got %v", err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	for _, test := range []struct {
		packed string
		want   error
	}{
		{"", errPackedList}, {":1\r\n", errPackedList}, {"%0\r\n", errPackedList}, {"x", errPackedList},
		{"*", errPackedEnd}, {"*1", errPackedEnd}, {"*1\r\n", errPackedLength}, {"*-1\r\n", errPackedLength}, {"*01\r\n", errPackedLength}, {"*x\r\n", errPackedLength},
		{"*0\r\n*0\r\n", errPackedRest}, {"*0\r\n ", errPackedRest}, {"*1\r\n_\r\n\n", errPackedRest},
		{"*2\r\n_\r\n_\r", errPackedLength}, {"*1\r\n:12", errPackedEnd}, {"*1\r\n_\n\n\n", errPackedLine}, {"*1\r\n+a\rb\r\n", errPackedLine},
		{"*1\r\n$5\r\nhell", errPackedLength}, {"*1\r\n$4\r\nhello", errPackedEnd}, {"*1\r\n$4\r\nhello\r\n", errPackedBulk}, {"*1\r\n$-1\r\n", errPackedLength},
		{"*1\r\n%1\r\n_\r\n", errPackedLength},
		{"*2147483647\r\n", errPackedLength}, {"*9999999999999\r\n", errPackedLength},
		{strings.Repeat("*1\r\n", 10_000), errPackedDepth}, {strings.Repeat("*1\r\n", MaxDepth) + "*0\r\n", errPackedDepth},
		{"*1\r\n" + strings.Repeat("%1\r\n_\r\n", 10_000), errPackedDepth},
		{fmt.Sprintf("*%d\r\n", maxPackedElements+1) + strings.Repeat("_\r\n", maxPackedElements+1), errPackedElements},
	} {
		if got, err := Unpack([]byte(test.packed)); got != nil || err != test.want {
			t.Errorf("%.40q: got %.40v, %v; want %v", test.packed, got, err, test.want)
		}
	}
	for _, packed := range []string{"*1\r\n#x\r\n", "*1\r\n_x\r\n", "*1\r\n:1.5\r\n", "*1\r\n,x\r\n", "*1\r\n(1\r\n", "*1\r\n-ERR\r\n", "*1\r\n>0\r\n", "*1\r\n~0\r\n", "*1\r\n?1\r\n"} {
		if got, err := Unpack([]byte(packed)); got != nil || err == nil || !strings.HasPrefix(err.Error(), "packed: ") {
			t.Errorf("%q: got %v, %v; want an error that begins with packed:", packed, got, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	for _, seed := range []string{"*0\r\n", "*3\r\n_\r\n#t\r\n:1\r\n", "*2\r\n,1.5\r\n$2\r\nab\r\n", "*1\r\n%1\r\n+a\r\n*0\r\n", "*1\r\n*1\r\n*1\r\n", "*1000000\r\n", "*1\r\n,nan\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		before := bytes.Clone(packed)
		values, err := Unpack(packed)
		if !bytes.Equal(packed, before) {
			t.Fatalf("%q became %q", before, packed)
		}
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("got error %q; want one line", err)
			}
			return
		}
		again, err := Pack(values)
		if err != nil {
			t.Fatalf("%q: Unpack gave %v, which Pack does not take: %v", packed, values, err)
		}
		back, err := Unpack(again)
		if err != nil || !same(back, values) {
			t.Fatalf("%q: got %#v, %v; want %#v", again, back, err, values)
		}
		if read, err := NewReplyReader(bytes.NewReader(again), Limits{}).ReadReply(); err != nil || !same(read, values) {
			t.Fatalf("%q as a reply: got %#v, %v; want %#v", again, read, err, values)
		}
	})
}

func FuzzPack(f *testing.F) {
	f.Add([]byte("l\x02i00000000s\x01a"))
	f.Fuzz(func(t *testing.T, input []byte) {
		values := (&source{bytes: input}).list(1)
		packed, err := Pack(values)
		if err != nil { // an Error in it
			return
		}
		back, err := Unpack(packed)
		if err != nil {
			t.Fatalf("%#v: %v", values, err)
		}
		again, _ := Pack(back)
		if !bytes.Equal(again, packed) {
			t.Fatalf("%#v: got %q, then %q", values, packed, again)
		}
	})
}

func BenchmarkPacked(b *testing.B) {
	values := []any{"server_log", Map{{Key: "id", Value: int64(17)}, {Key: "user", Value: "Designer"}, {Key: "at", Value: "2024-05-01T10:00:00Z"}, {Key: "open", Value: true}}}
	b.ReportAllocs()
	for b.Loop() {
		packed, err := Pack(values)
		if err == nil {
			_, err = Unpack(packed)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
