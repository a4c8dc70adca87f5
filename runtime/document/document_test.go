package document_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"moongate/runtime/document"
)

func line(stop string) document.Until { return document.Until{Stop: stop} }

func letters(n int) document.Until { return document.Until{Length: n} }

// receive reads the next packet as the commands do.
func receive(d *document.Document, u document.Until) (string, error) {
	p, found := d.Peek(u)
	if !found {
		var err error
		if p, err = d.Measure(u); err != nil {
			return "", err
		}
	}
	return d.Take(p)
}

func send(t testing.TB, d *document.Document, packet string) {
	t.Helper()
	if d.TrySend(packet) {
		return
	}
	if err := d.Send(packet); err != nil {
		t.Error(err)
	}
}

func expectPacket(t testing.TB, d *document.Document, u document.Until, want string) {
	t.Helper()
	if got, err := receive(d, u); got != want || err != nil {
		t.Errorf("packet until %+v: got %.40q, %v, want %.40q", u, got, err, want)
	}
}

func expectEnd(t testing.TB, d *document.Document) {
	t.Helper()
	for _, u := range []document.Until{line("\n"), letters(1)} {
		if got, err := receive(d, u); err != io.EOF {
			t.Errorf("at the end: got %q, %v, want io.EOF", got, err)
		}
	}
}

func TestPackets(t *testing.T) {
	f, path := newFolder(t)
	write(t, filepath.Join(path, "text"), "one\ntwo\r\n\nação🌙x\xffy, END, rest")
	d := must[*document.Document](t)(f.Open(me, "text", document.Read))
	expectPacket(t, d, line("\n"), "one")
	expectPacket(t, d, line("\r\n"), "two")
	expectPacket(t, d, line("\n"), "")
	expectPacket(t, d, letters(5), "ação🌙")
	expectPacket(t, d, letters(3), "x\xffy")
	expectPacket(t, d, line(", END"), "")
	expectPacket(t, d, line("no such stop"), ", rest")
	expectEnd(t, d)
	write(t, filepath.Join(path, "empty"), "")
	expectEnd(t, must[*document.Document](t)(f.Open(me, "empty", document.ReadWrite)))
}

// One place is written and read at; append begins at the end.
func TestOnePlace(t *testing.T) {
	f, path := newFolder(t)
	d := must[*document.Document](t)(f.Create(me, "text"))
	send(t, d, "one\ntwo\nthree\n")
	expectEnd(t, d)
	d.Close()
	d = must[*document.Document](t)(f.Open(me, "text", document.ReadWrite))
	expectPacket(t, d, line("\n"), "one")
	send(t, d, "TW")
	expectPacket(t, d, line("\n"), "o")
	send(t, d, "T")
	d.Close()
	expectFile(t, filepath.Join(path, "text"), "one\nTWo\nThree\n")
	d = must[*document.Document](t)(f.Append(me, "text"))
	expectEnd(t, d)
	send(t, d, "four\n")
	d.Close()
	expectFile(t, filepath.Join(path, "text"), "one\nTWo\nThree\nfour\n")
}

func TestModes(t *testing.T) {
	f, path := newFolder(t)
	write(t, filepath.Join(path, "text"), "text")
	d := must[*document.Document](t)(f.Open(me, "text", document.Read))
	if d.TrySend("x") {
		t.Error("TrySend on a document that is read")
	}
	expectCode(t, "Send", d.Send("x"), document.CodeNotPermitted)
	d.Close()
	d = must[*document.Document](t)(f.Open(me, "text", document.Write))
	_, err := receive(d, letters(1))
	expectCode(t, "Measure", err, document.CodeNotPermitted)
	send(t, d, "T")
	d.Close()
	expectFile(t, filepath.Join(path, "text"), "Text")
	expectCode(t, "Send after Close", d.Send("x"), document.CodeNotOpen)
	_, err = receive(d, letters(1))
	expectCode(t, "Measure after Close", err, document.CodeNotOpen)
	_, err = d.Take(document.Packet{Size: 1})
	expectCode(t, "Take after Close", err, document.CodeNotOpen)
	expectCode(t, "Close after Close", d.Close(), document.CodeNotOpen)
}

func TestLargePackets(t *testing.T) {
	f, path := newFolder(t)
	d := must[*document.Document](t)(f.Create(me, "large"))
	var want strings.Builder
	for _, n := range []int{1, 100, 16 << 10, 16<<10 - 1, 16<<10 + 1, 1 << 20, 3, 64 << 10} {
		packet := strings.Repeat("é", n)[:n] + ";"
		want.WriteString(packet)
		send(t, d, packet)
	}
	d.Close()
	expectFile(t, filepath.Join(path, "large"), want.String())
	d = must[*document.Document](t)(f.Open(me, "large", document.Read))
	for packet := range strings.SplitSeq(strings.TrimSuffix(want.String(), ";"), ";") {
		expectPacket(t, d, line(";"), packet)
	}
	expectEnd(t, d)
}

func TestPacketsHaveALimit(t *testing.T) {
	f, path := newFolder(t)
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	file := must[*os.File](t)(os.Create(filepath.Join(path, "zeros")))
	if err := file.Truncate(1 << 40); err != nil {
		t.Skipf("no such large file can be made here: %v", err)
	}
	file.Close()
	d := must[*document.Document](t)(f.Open(me, "zeros", document.ReadWrite))
	_, err := receive(d, line("\n"))
	expectCode(t, "a packet without an end", err, document.CodeIO)
	if got, err := receive(d, letters(document.MaxPacket)); len(got) != document.MaxPacket || err != nil {
		t.Errorf("the longest packet: got %d bytes, %v", len(got), err)
	}
	_, err = receive(d, line(strings.Repeat("x", document.MaxStop+1)))
	expectCode(t, "too long a stop", err, document.CodeIO)
	expectCode(t, "too long a packet", d.Send(strings.Repeat("x", document.MaxPacket+1)), document.CodeIO)
}

// What another writes at the end of a document is there for who reads it.
func TestReadersSeeWhatIsAppended(t *testing.T) {
	f, path := newFolder(t)
	write(t, filepath.Join(path, "log"), "one\n")
	reader := must[*document.Document](t)(f.Open(other, "log", document.Read))
	expectPacket(t, reader, line("\n"), "one")
	expectEnd(t, reader)
	writer := must[*document.Document](t)(f.Append(me, "log"))
	send(t, writer, "two\n")
	writer.Close()
	expectPacket(t, reader, line("\n"), "two")
	expectEnd(t, reader)
	if err := os.Truncate(filepath.Join(path, "log"), 0); err != nil {
		t.Skipf("a document in use cannot be emptied here: %v", err)
	}
	expectEnd(t, reader)
}

// Between Measure and Take the document may become shorter.
func TestTakeOfWhatIsGone(t *testing.T) {
	f, path := newFolder(t)
	write(t, filepath.Join(path, "text"), strings.Repeat("x", 100_000))
	d := must[*document.Document](t)(f.Open(me, "text", document.Read))
	p, err := d.Measure(letters(90_000))
	if p.Size != 90_000 || err != nil {
		t.Fatalf("got %+v, %v", p, err)
	}
	if err := os.Truncate(filepath.Join(path, "text"), 50_000); err != nil {
		t.Skipf("a document in use cannot be made shorter here: %v", err)
	}
	if text, err := d.Take(p); len(text) != 50_000 || err != nil {
		t.Errorf("got %d bytes, %v, want what is left", len(text), err)
	}
	expectEnd(t, d)
}

func TestCloseAllWritesWhatWasSent(t *testing.T) {
	f, path := newFolder(t)
	for _, name := range []string{"a", "b"} {
		send(t, must[*document.Document](t)(f.Create(me, name)), name)
	}
	kept := must[*document.Document](t)(f.Create(other, "c"))
	if err := f.CloseAll(me); err != nil {
		t.Error(err)
	}
	expectFile(t, filepath.Join(path, "a"), "a")
	expectFile(t, filepath.Join(path, "b"), "b")
	if n := f.Count(); n != 1 {
		t.Errorf("%d documents are open, want the other's", n)
	}
	send(t, kept, "c")
}

// Processes may use one document in turns, and close it under each other's hands.
func TestManyHands(t *testing.T) {
	f, path := newFolder(t)
	d := must[*document.Document](t)(f.Create(me, "log"))
	packet := strings.Repeat("x", 1000) + "\n"
	var hands sync.WaitGroup
	for range 8 {
		hands.Go(func() {
			for range 50 {
				d.Hold()
				send(t, d, packet)
				d.Release()
			}
		})
	}
	hands.Wait()
	for range 8 {
		hands.Go(func() {
			if d, err := f.Lookup(other, d.Ref()); err == nil {
				d.Hold()
				d.Close()
				d.Release()
			}
			if err := f.CloseAll(me); err != nil {
				t.Error(err)
			}
		})
	}
	hands.Wait()
	expectFile(t, filepath.Join(path, "log"), strings.Repeat(packet, 400))
}

func BenchmarkSendLine(b *testing.B) {
	f, _ := newFolder(b)
	d := must[*document.Document](b)(f.Create(me, "log"))
	packet := strings.Repeat("x", 79) + "\n"
	b.ReportAllocs()
	for b.Loop() {
		send(b, d, packet)
	}
}

func BenchmarkReceiveLine(b *testing.B) {
	f, path := newFolder(b)
	write(b, filepath.Join(path, "log"), strings.Repeat(strings.Repeat("x", 79)+"\n", 100_000))
	d := must[*document.Document](b)(f.Open(me, "log", document.Read))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := receive(d, line("\n")); err == io.EOF {
			d.Close()
			d = must[*document.Document](b)(f.Open(me, "log", document.Read))
		}
	}
}

// BenchmarkAppendOneLine is a line of a journal: the document is opened, written and closed.
func BenchmarkAppendOneLine(b *testing.B) {
	f, path := newFolder(b)
	write(b, filepath.Join(path, "log"), "")
	b.ReportAllocs()
	for b.Loop() {
		d := must[*document.Document](b)(f.Append(me, "log"))
		send(b, d, "line\n")
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
