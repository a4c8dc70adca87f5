package luabind_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/remote"
	"moongate/runtime/session"
)

// clientHouse is a client of a house, in the same program: all but the network between them is as it is in life.
type clientHouse struct {
	*host.Host
	scripts host.Scripts
	over    chan error     // what Run returned
	serving sync.WaitGroup // of its transports, in the server
}

// dial makes a transport to the server. Its goroutine ends when one of the two closes it.
func (h *clientHouse) dial(server *house) (net.Conn, error) {
	ours, theirs := net.Pipe()
	h.serving.Go(func() {
		guest, refusal := server.Open(session.Peer{
			Address: netip.MustParseAddrPort("192.0.2.9:50000"), Local: netip.MustParseAddrPort("192.0.2.1:19813"), Listener: "192.0.2.1:19813",
		}, func() {})
		if guest == nil {
			theirs.Write(refusal)
			theirs.Close()
			return
		}
		guest.Serve(theirs)
	})
	return ours, nil
}

// connect makes a client of the server with the scripts of a folder, and lets it run until end. The error is the server's.
func connect(server *house, folder string, log *slog.Logger) (*clientHouse, error) {
	h := &clientHouse{over: make(chan error, 1), Host: host.New(host.Config{
		Role: method.Remote, Log: log, Version: "test", MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond, QuitWindow: 13 * time.Second,
	})}
	scripts, err := luabind.Open(host.ScriptsConfig{Folder: folder, Role: method.Remote, Log: log, Slice: 10 * time.Millisecond, Host: h.Host})
	if err != nil {
		return nil, err
	}
	h.scripts = still{scripts}
	h.SetScripts(h.scripts)
	err = h.Connect(context.Background(), remote.Config{
		Address: "192.0.2.1:19813", Machine: remote.Machine{Name: "box", SystemUser: "ann", Version: "test"},
		Dial: func(context.Context, string) (net.Conn, error) { return h.dial(server) },
	}, host.ClientOptions{Machine: "box"})
	if err != nil {
		return nil, err
	}
	running := make(chan struct{})
	go func() { // ends with end
		_, err := h.Run(func() { close(running) }, func() {})
		h.over <- err
	}()
	<-running
	return h, nil
}

// end quits the client, and checks that nothing is left of what ran in it. want is how the error of its end begins.
func (h *clientHouse) end(t *testing.T, want string) {
	t.Helper()
	h.Quit(-1)
	if err := <-h.over; (err != nil) != (want != "") || err != nil && !strings.HasPrefix(err.Error(), want) {
		t.Errorf("the client ended with %v, want %q", err, want)
	}
	h.serving.Wait()
	for _, p := range h.Processes().All() {
		if p.RunsScripts() {
			t.Errorf("process %d %q (%s) of the client is left", p.Number(), p.Name(), p.Method())
		}
	}
}

// call runs a method in a new process of the client.
func (h *clientHouse) call(name string) error {
	p := h.Processes().Start(process.Spec{Name: "Chunk", Type: process.OtherUser, Method: name})
	defer p.End()
	program := h.scripts.NewProgram(p, nil)
	defer program.Close()
	_, err := program.Call(host.CallOptions{Limit: longest}, name)
	return err
}

// callInClient runs a method in a client of the house, which has its scripts.
func (h *house) callInClient(t *testing.T, name string) error {
	t.Helper()
	c, err := connect(h, h.folder, h.log)
	if err != nil {
		return err
	}
	err = c.call(name)
	(&house{Host: c.Host}).settle()
	c.end(t, "")
	return err
}

// whenLost are what a script does without its server, and what that gives.
var whenLost = []struct{ code, want string }{
	{`return current_time("*")`, `<nil> LOST 10001`},
	{`return process_number("x", "*")`, `0 LOST 10001`},
	{`return execute_on_server("m", 0)`, `0 LOST 10001`},
	{`return new_process("m", 0)`, `0 LOST 10002`},
	{`return semaphore("x")`, `true LOST 10001`},
	{`return semaphore("x", 60)`, `true LOST 10001`},
	{`return test_semaphore("x")`, `<nil> LOST 10001`},
	{`return clear_semaphore("x")`, `<nil> LOST 10001`},
	{`return get_process_variable(-1, "a", "b")`, `<nil> <nil> LOST 10001`},
	{`return set_process_variable(-1, "a", 1)`, `<nil> LOST 10001`},
	{`return process_info(-1)`, `<nil> LOST 10001`},
	{`return there()`, `<nil> LOST 10001`},
	{`return get_registered_clients()`, `<nil> LOST 10001`},
	{`return execute_on_client("@", "m")`, `<nil> LOST 10001`},
	{`return register_client("x")`, `<nil> LOST 10002`},
	{`return set_user_alias("x")`, `<nil> LOST 10001`},
	{`return semaphore("$x"), current_user(), application_type()`, `false Designer 4`},
	{`current_time("*") return last_errors()[1].err_code, last_errors()[1].method, last_errors()[1].line`, `10001 lost18 1`},
}

// TestLost has a client whose server is gone: what needs it says so, at once, and everything else goes on.
func TestLost(t *testing.T) {
	s := scripts{"m.lua": "", "there.lua": onServerMark, "over.lua": "interprocess.over = true",
		"on_exit.lua": "while not interprocess.over do delay_process(current_process(), 1) end"}
	for i, c := range whenLost {
		s[fmt.Sprintf("lost%d.lua", i+1)] = c.code
	}
	folder := t.TempDir()
	s.write(t, folder)
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		server, err := open(folder, log)
		if err != nil {
			t.Fatal(err)
		}
		c, err := connect(server, folder, log)
		if err != nil {
			t.Fatal(err)
		}
		p := c.Processes().Start(process.Spec{Name: "Left", Type: process.OtherUser})
		program := c.scripts.NewProgram(p, nil)
		for _, l := range server.Sessions().Live() {
			server.Drop(l.Session())
		}
		synctest.Wait()
		for i, w := range whenLost {
			results, err := program.Call(host.CallOptions{}, fmt.Sprintf("lost%d", i+1))
			if len(results) > 1 {
				if _, isText := results[len(results)-2].(string); isText && i < len(whenLost)-2 {
					results[len(results)-2] = "LOST"
				}
			}
			got := strings.TrimSuffix(fmt.Sprintln(results...), "\n")
			if err != nil || got != w.want {
				t.Errorf("%s: got %s (%v), want %s", w.code, got, err, w.want)
			}
		}
		if _, err := program.Call(host.CallOptions{}, "over"); err != nil {
			t.Error(err)
		}
		program.Close()
		p.End()
		c.end(t, "the server is gone")
		server.close(t)
	})
}

// BenchmarkCurrentTimeOfServer is a question of a client's script to the server and its answer, without a network.
func BenchmarkCurrentTimeOfServer(b *testing.B) {
	folder, log := b.TempDir(), slog.New(slog.DiscardHandler)
	if err := os.WriteFile(folder+"/ask.lua", []byte(`local n = ... for i = 1, n do current_time("*") end`), 0o644); err != nil {
		b.Fatal(err)
	}
	server, err := open(folder, log)
	if err != nil {
		b.Fatal(err)
	}
	c, err := connect(server, folder, log)
	if err != nil {
		b.Fatal(err)
	}
	p := c.Processes().Start(process.Spec{Name: "Asks", Type: process.OtherUser})
	program := c.scripts.NewProgram(p, nil)
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := program.Call(host.CallOptions{}, "ask", b.N); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	program.Close()
	p.End()
	c.Quit(-1)
	<-c.over
	server.Quit(0)
	<-server.over
	server.Store().Close()
}
