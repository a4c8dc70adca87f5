//go:build unix

package cli_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// listening is a bound socket as systemd would hand it over.
func listening(t *testing.T) (address string, file *os.File) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err = l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return l.Addr().String(), file
}

// activate has a program be started with sockets, as by systemd.
func activate(names string, files ...*os.File) func(*exec.Cmd) {
	return func(c *exec.Cmd) {
		c.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", c.Path}, c.Args[1:]...)
		c.Path = "/bin/sh"
		c.ExtraFiles = files
		c.Env = append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES="+names)
	}
}

// TestSystemdTells reads what a server says to systemd from its start to its end, the watchdog and a restart included, and
// comes in by sockets that were there before it.
func TestSystemdTells(t *testing.T) {
	folder, err := os.MkdirTemp("", "notify") // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "s")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	hear := func(want string) {
		t.Helper()
		notify.SetReadDeadline(time.Now().Add(patience))
		room, heard := make([]byte, 4096), ""
		for {
			n, err := notify.Read(room)
			if err != nil {
				t.Fatalf("got %q, then %v, want %s", heard, err, want)
			}
			if heard += string(room[:n]) + "\n"; strings.Contains(string(room[:n]), want) {
				return
			}
		}
	}
	byAddress, first := listening(t)
	byName, second := listening(t)
	adminAt, third := listening(t)
	h := startLineage(t, map[string]string{"on_server_open_connection.lua": `return 0`}, func(c *exec.Cmd) {
		activate("some.socket:listen:admin", first, second, third)(c)
		c.Env = append(c.Env, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=100000")
	}, "--listen", byAddress, "--listen", "127.0.0.1:1", "--admin", "127.0.0.1:2")
	if want := []string{byAddress, byName}; fmt.Sprint(h.clients) != fmt.Sprint(want) {
		t.Errorf("got addresses %v, want %v", h.clients, want)
	}
	if h.adminAt != adminAt {
		t.Errorf("got admin address %s, want %s", h.adminAt, adminAt)
	}
	for _, address := range h.clients {
		d, err := dial(address)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := d.ask("PING"); err != nil || answer != "+PONG" {
			t.Errorf("got %q, %v, want PONG", answer, err)
		}
		d.Close()
	}
	hear("READY=1")
	hear("WATCHDOG=1")
	if code, text := h.restart(); code != 0 {
		t.Fatalf("got exit code %d and %s, want 0", code, text)
	}
	hear(fmt.Sprintf("MAINPID=%d", h.pid()))
	hear("WATCHDOG=1")
	hear("WATCHDOG=1")
	var ending sync.WaitGroup
	ending.Go(h.end)
	hear("STOPPING=1")
	ending.Wait()
}

// TestSystemdSocketsThatAreWrong says what is wrong with the sockets, and does not start.
func TestSystemdSocketsThatAreWrong(t *testing.T) {
	program, err := exec.LookPath("moongate")
	if err != nil {
		t.Fatal(err)
	}
	address, good := listening(t)
	datagram, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer datagram.Close()
	udp, err := datagram.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	plain, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	for _, test := range []struct {
		what  string
		files []*os.File
		names string
		env   string
		want  string
	}{
		{"a file", []*os.File{plain}, "", "", "descriptor 3: it is no listening TCP socket"},
		{"a datagram socket", []*os.File{good, udp}, "a:b", "", "descriptor 4 (b): it is no listening TCP socket"},
		{"too few names", []*os.File{good, good}, "a", "", "LISTEN_FDNAMES has 1 names for 2 sockets"},
		{"too many sockets", []*os.File{good}, "", "LISTEN_FDS=9", "descriptor"},
		{"no number", []*os.File{good}, "", "LISTEN_FDS=x", `LISTEN_FDS is "x"`},
		{"a socket that nobody takes", []*os.File{good}, "nobody", "", address + " (nobody); give --listen"},
	} {
		cmd := exec.Command(program, "serve", "--listen", "127.0.0.1:0", "--admin", "none", "--data", filepath.Join(t.TempDir(), "data"), "--scripts", t.TempDir())
		activate(test.names, test.files...)(cmd)
		if test.env != "" {
			cmd.Env = append(cmd.Env, test.env)
		}
		out, err := cmd.CombinedOutput()
		if exitCode(err) != 1 || !strings.Contains(string(out), test.want) {
			t.Errorf("%s: got exit code %d and %s, want 1 and %s", test.what, exitCode(err), out, test.want)
		}
	}
}
