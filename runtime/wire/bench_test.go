package wire

import (
	"io"
	"strings"
	"testing"
)

// loop is a source that repeats the same bytes, one read a round, like a client that waits for the replies.
type loop struct{ text string }

func (l *loop) Read(p []byte) (int, error) { return copy(p, l.text), nil }

func benchmarkRead(b *testing.B, text string, commands int) {
	r := NewReader(&loop{text}, Limits{})
	b.ReportAllocs()
	for b.Loop() {
		for range commands {
			if _, err := r.ReadCommand(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkReadPingInline(b *testing.B) { benchmarkRead(b, "PING\r\n", 1) }

func BenchmarkReadPingArray(b *testing.B) { benchmarkRead(b, "*1\r\n$4\r\nPING\r\n", 1) }

func BenchmarkReadSet(b *testing.B) {
	benchmarkRead(b, "*3\r\n$3\r\nSET\r\n$16\r\nkey:__rand_int__\r\n$3\r\nxxx\r\n", 1)
}

// A round is sixteen commands, in two reads.
func BenchmarkReadPipelined16(b *testing.B) {
	text := strings.Repeat("*1\r\n$4\r\nPING\r\n", 16)
	r := NewReader(&loop{}, Limits{})
	b.ReportAllocs()
	for b.Loop() {
		r.src = strings.NewReader(text)
		for range 16 {
			if _, err := r.ReadCommand(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkReadBulk100KiB(b *testing.B) {
	text := "*1\r\n$102400\r\n" + strings.Repeat("x", 100<<10) + "\r\n"
	r := NewReader(strings.NewReader(""), Limits{})
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.src = strings.NewReader(text)
		if _, err := r.ReadCommand(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkWrite(b *testing.B, write func(*Writer)) {
	w := NewWriter(io.Discard)
	if err := w.SetVersion(RESP3); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		write(w)
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteSimple(b *testing.B) {
	benchmarkWrite(b, func(w *Writer) { w.WriteSimple("PONG") })
}

func BenchmarkWriteBulk(b *testing.B) {
	benchmarkWrite(b, func(w *Writer) { w.WriteBulk("hello, world") })
}

func BenchmarkWriteBulk100KiB(b *testing.B) {
	long := strings.Repeat("x", 100<<10)
	benchmarkWrite(b, func(w *Writer) { w.WriteBulk(long) })
}

func BenchmarkWriteNested(b *testing.B) {
	v := any([]any{"message", int64(1), nil, true, 1.5, Map{{"name", "Designer"}, {"connections", []any{int64(1), int64(2), int64(3)}}}})
	benchmarkWrite(b, func(w *Writer) { w.WriteValue(v) })
}

func BenchmarkReadReplyNested(b *testing.B) {
	r := NewReplyReader(&loop{"*3\r\n$7\r\nmessage\r\n:1\r\n%1\r\n$4\r\nname\r\n$8\r\nDesigner\r\n"}, Limits{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadReply(); err != nil {
			b.Fatal(err)
		}
	}
}
