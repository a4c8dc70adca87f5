package host_test

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"moongate/runtime/gate"
)

// TestTransferIsByteForByteTheSame sends a gigabyte through a gate, both ways, while the scripts are loaded again and again, and another
// process loops for ever.
func TestTransferIsByteForByteTheSame(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 64 << 20
	}
	s := serveGates(t, files{
		"loops.lua":                      `while not process_aborted() do n = (n or 0) + 1 end`,
		"on_server_startup.lua":          `new_process("loops", 0, "Looper")`,
		"on_server_open_connection.lua":  `return 0`,
		"on_server_close_connection.lua": `print(">", connection_info().bytes_in, connection_info().bytes_out)`,
	}, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{upstream(t, func(c *net.TCPConn) {
		c.SetDeadline(time.Time{}) // the client's is for both
		io.Copy(c, c)
	})}})
	c := s.enter("g")
	c.SetDeadline(time.Now().Add(5 * time.Minute))
	sent, received, reloaded := sha256.New(), sha256.New(), make(chan struct{})
	over := make(chan error, 2)
	go func() { // ends with the transfer
		_, err := io.Copy(io.MultiWriter(c, sent), io.LimitReader(rand.NewChaCha8([32]byte{1}), size))
		c.(*net.TCPConn).CloseWrite()
		over <- err
	}()
	go func() {
		n, err := io.Copy(received, c)
		if err == nil && n != size {
			t.Errorf("received %d of %d bytes", n, size)
		}
		over <- err
	}()
	go func() { // ends with the transfer too
		defer close(reloaded)
		for version := 0; ; version++ {
			text := "return 0 --" + string(rune('a'+version%26))
			if err := os.WriteFile(filepath.Join(s.folder, "on_server_open_connection.lua"), []byte(text), 0o644); err != nil {
				t.Error(err)
			}
			if err := s.Scripts().Reload(); err != nil {
				t.Error(err)
			}
			say(t, s.enter("g"), "others come", "others come")
			if len(over) == cap(over) {
				return
			}
		}
	}()
	<-reloaded
	for range 2 {
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
	if string(sent.Sum(nil)) != string(received.Sum(nil)) {
		t.Error("what came back is not what was sent")
	}
	loaded, _ := s.Reloads()
	if loaded == 0 {
		t.Error("the scripts were never loaded again")
	}
}

// TestUpstreamThatDoesNotAnswer holds the time to connect: an upstream whose queue is full takes nobody.
func TestUpstreamThatDoesNotAnswer(t *testing.T) {
	full := fullListener(t)
	up := echo(t)
	s := serveGates(t, both, gate.Definition{Name: "slow", Listen: "127.0.0.1:0", Upstreams: []string{full}, ConnectTimeout: 50 * time.Millisecond},
		gate.Definition{Name: "other", Listen: "127.0.0.1:0", Upstreams: []string{full, up}, ConnectTimeout: 50 * time.Millisecond},
		gate.Definition{Name: "patient", Listen: "127.0.0.1:0", Upstreams: []string{full}, ConnectTimeout: time.Hour})
	expect(t, "the end", end(t, s.enter("slow")), "end")
	say(t, s.enter("other"), "another one answers", "another one answers")

	// Who waits for it can be sent away, and so can the client leave.
	c := s.enter("patient")
	s.until("it is led", func() bool { return s.Gates()[1].Upstreams[0].Live == 1 })
	for _, live := range s.Sessions().Live() {
		if live.Peer.Gate == "patient" {
			s.DropConnection(live.ID)
		}
	}
	expect(t, "the end of who was dropped", end(t, c), "end")
	rows := s.rows()
	causes := map[string]string{}
	for _, r := range rows {
		causes[r.Gate] = r.Cause
	}
	expect(t, "causes", causes, map[string]string{"slow": "upstream timeout", "other": "shutdown", "patient": "dropped"})
}

// fullListener is an upstream whose queue of connections is full, so that the next one is not answered.
func fullListener(t *testing.T) string {
	t.Helper()
	l := listenShort(t)
	for range 64 {
		c, err := net.DialTimeout("tcp", l, 200*time.Millisecond)
		if err != nil {
			return l
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("the queue of a listener cannot be filled here")
	return ""
}

// TestUpstreamSpeaksFirst holds that what an upstream says reaches a client that has said nothing.
func TestUpstreamSpeaksFirst(t *testing.T) {
	s := serveGates(t, both, gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{upstream(t, func(c *net.TCPConn) {
		io.WriteString(c, "220 welcome\n")
		io.Copy(io.Discard, c)
	})}})
	c := s.enter("g")
	b := make([]byte, 12)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "220 welcome\n" {
		t.Errorf("got %q, %v", b, err)
	}
}

// TestClientsThatNeverRead holds that they hold up nobody else, and that a shutdown ends them.
func TestClientsThatNeverRead(t *testing.T) {
	flood := upstream(t, func(c *net.TCPConn) {
		b := make([]byte, 64<<10)
		for {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	up := echo(t)
	s := serveGates(t, both, gate.Definition{Name: "flood", Listen: "127.0.0.1:0", Upstreams: []string{flood}},
		gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{up}})
	for range 20 {
		s.enter("flood")
	}
	c := s.enter("g")
	for range 100 {
		say(t, c, "still quick", "still quick")
	}
	if left := s.stop().Left; len(left) > 0 {
		t.Errorf("did not end: %v", left)
	}
}

// TestBytesPerSecond holds a connection to its speed: what is beyond the first second's share comes later.
func TestBytesPerSecond(t *testing.T) {
	s := serveGates(t, files{"on_server_open_connection.lua": `return 0, nil, { bytes_per_second = 100000 }`},
		gate.Definition{Name: "g", Listen: "127.0.0.1:0", Upstreams: []string{upstream(t, func(c *net.TCPConn) { c.Write(make([]byte, 200000)) })}})
	c := s.enter("g")
	began := time.Now()
	if n, err := io.Copy(io.Discard, c); n != 200000 || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("200,000 bytes took %v at 100,000 a second", took)
	}
}
