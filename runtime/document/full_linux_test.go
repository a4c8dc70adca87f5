package document

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// On a full disk a packet is refused, what was kept stays kept, and closing says that it is lost.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there is no /dev/full: %v", err)
	}
	f := New(t.TempDir())
	d := &Document{folder: f, name: "log", file: full, held: make(chan struct{}, 1), reader: reader{from: full}}
	f.add(d)
	expectFull := func(what string, err error) {
		t.Helper()
		var failed *Error
		if !errors.As(err, &failed) || failed.Code != CodeDiskFull {
			t.Errorf("%s: got %v, want an error with %d", what, err, CodeDiskFull)
		}
	}
	if !d.TrySend("kept") {
		t.Error("a small packet is not kept")
	}
	expectFull("Send", d.Send(strings.Repeat("x", pendingSize)))
	expectFull("Send again", d.Send("x"))
	if got, want := string(d.pending), "kept"; got != want {
		t.Errorf("got %q pending, want %q", got, want)
	}
	expectFull("Close", d.Close())
	if n := f.Count(); n != 0 {
		t.Errorf("%d documents are open", n)
	}
}
