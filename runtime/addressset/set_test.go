package addressset

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const list = "\ufeff# bad ones\r\n\n10.0.0.0/8\n192.168.1.*  # the printer's\n2001:db8::/32\n203.0.113.7 ; one\n203.0.113.7\n"

func TestContains(t *testing.T) {
	s, err := Read("list.txt", strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "11.0.0.1": false, "192.168.1.200": true, "192.168.2.1": false,
		"2001:db8:1::1": true, "2001:db9::1": false, "203.0.113.7": true, "203.0.113.8": false, "fe80::1%eth0": false,
	} {
		if got := s.Contains(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
	if got := s.Len(); got != 4 {
		t.Errorf("%d networks, want 4", got)
	}
	if s.Contains(netip.Addr{}) || (&Set{}).Contains(netip.MustParseAddr("10.1.2.3")) {
		t.Error("no address, or no network, is found")
	}
	if got, err := Of([]string{"10.*"}); err != nil || !got.Contains(netip.MustParseAddr("10.1.2.3")) {
		t.Errorf("10.* is %v (%v)", got, err)
	}
}

func TestWrongLines(t *testing.T) {
	_, err := Read("list.txt", strings.NewReader("10.0.0.0/8\nnonsense\n10.0.0.0/33\n1.2.3.4 5.6.7.8\nmore\n"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`list.txt:2: "nonsense"`, `list.txt:3: "10.0.0.0/33"`, "list.txt:4: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q in it", err, want)
		}
	}
	if strings.Contains(err.Error(), "more") {
		t.Errorf("error %q tells of more than three lines", err)
	}
	if _, err := Read("list.txt", strings.NewReader("\n"+strings.Repeat("1", MaxLine+1))); err == nil || !strings.HasPrefix(err.Error(), "list.txt:2: more than") {
		t.Errorf("a long line: %v", err)
	}
}

// TestFileThatChanges holds that a set follows its file, keeps the last good one, and says what is wrong once.
func TestFileThatChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "list.txt")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		folder := NewFolder(dir, slog.New(slog.NewTextHandler(&log, nil)))
		address := netip.MustParseAddr("10.1.2.3")
		write(t, path, "10.0.0.0/8\n")
		file, err := folder.Open("sub/list.txt")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := folder.Open("sub/list.txt"); again != file || err != nil || folder.Known("sub/list.txt") != file {
			t.Errorf("the same file is another set (%v)", err)
		}
		want := func(step string, want bool) {
			t.Helper()
			time.Sleep(2 * time.Second) // of the bubble
			file.Set()
			synctest.Wait()
			if got := file.Set().Contains(address); got != want {
				t.Errorf("%s: %t, want %t", step, got, want)
			}
		}
		want("at first", true)
		write(t, path, "11.0.0.0/8\n# changed")
		want("changed", false)
		write(t, path, "10.0.0.0/8\nnonsense")
		want("wrong", false)
		want("still wrong", false)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		want("gone", false)
		write(t, path, "10.0.0.0/8 # mended")
		want("mended", true)
		if got := strings.Count(log.String(), "not loaded"); got != 2 {
			t.Errorf("%d problems in the log, want 2:\n%s", got, log.String())
		}
		folder.Close()
		write(t, path, "")
		want("after Close", true)
	})
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, outside, "10.0.0.0/8")
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skip("no links here")
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	folder := NewFolder(dir, slog.New(slog.DiscardHandler))
	defer folder.Close()
	for _, name := range []string{"", "missing", "../x", outside, "link", "folder"} {
		if _, err := folder.Open(name); err == nil || strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want one line without the folder's path", name, err)
		}
	}
	write(t, filepath.Join(dir, "missing"), "10.0.0.0/8")
	if _, err := folder.Open("missing"); err != nil {
		t.Errorf("a file that is there now: %v", err)
	}
}

func TestContainsDoesNotAllocate(t *testing.T) {
	s, _ := Of([]string{"10.0.0.0/8", "2001:db8::/32"})
	address := netip.MustParseAddr("2001:db8::1")
	if got := testing.AllocsPerRun(100, func() { s.Contains(address) }); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(list)
	f.Add("10.*\n::/0\n0.0.0.0/0\n::ffff:1.2.3.4/100")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Read("f", strings.NewReader(text))
		if (err == nil) == (s == nil) {
			t.Fatalf("set %v and error %v", s, err)
		}
		if err == nil {
			s.Contains(netip.MustParseAddr("1.2.3.4"))
		}
	})
}

// million is a list of a million networks, as those of countries are.
func million() string {
	var b strings.Builder
	r := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		v := r.Uint32()
		fmt.Fprintf(&b, "%d.%d.%d.0/%d\n", v>>24, v>>16&255, v>>8&255, 20+v%5)
	}
	return b.String()
}

func BenchmarkReadMillion(b *testing.B) {
	text := million()
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		s, err := Read("f", strings.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(s.Len()), "B/network")
		runtime.KeepAlive(s)
	}
}

func BenchmarkContains(b *testing.B) {
	s, err := Read("f", strings.NewReader(million()))
	if err != nil {
		b.Fatal(err)
	}
	addresses := make([]netip.Addr, 1024)
	for i := range addresses {
		v := rand.Uint32()
		addresses[i] = netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Contains(addresses[i%1024])
		i++
	}
}
