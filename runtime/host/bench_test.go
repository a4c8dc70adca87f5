package host_test

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/listener"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// policy is a stateful policy: a time window, a count for each user, refuse over a limit.
const policy = `
local user, id = ...
local open, per_user = interprocess.open, interprocess.per_user
if not open then
  open, per_user = {}, {}
  interprocess.open, interprocess.per_user = open, per_user
end
local now = current_time()
user, id = id % 1000, id % 5000
open[id] = (open[id] or 0) + 1
local n = (per_user[user] or 0) + 1
per_user[user] = n
if now < 0 or n > 1e9 then return 429 end
return %d`

func withCode(code int) files {
	return files{"on_server_open_connection.lua": policy[:len(policy)-2] + strconv.Itoa(code)}
}

// newHostScripts is a host and its scripts, not running.
func newHostScripts(b testing.TB, f files) (*host.Host, host.Scripts) {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	h := host.New(host.Config{Log: log, MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond, QuitWindow: 13 * time.Second})
	scripts, err := luabind.Open(host.ScriptsConfig{Folder: f.write(b), Role: method.Server, Log: log, Host: h})
	if err != nil {
		b.Fatal(err)
	}
	h.SetScripts(scripts)
	return h, scripts
}

// ask calls the open method of a program.
func ask(b *testing.B, p host.Program, id int64) {
	results, err := p.Call(host.CallOptions{Door: true}, method.OnServerOpenConnection, int64(1), id, int64(0))
	if err != nil || len(results) != 1 {
		b.Fatalf("got %v, %v", results, err)
	}
}

// BenchmarkVerdictAlone is the method itself: one process asks again and again.
func BenchmarkVerdictAlone(b *testing.B) {
	h, scripts := newHostScripts(b, withCode(0))
	program := scripts.NewProgram(h.Processes().Start(process.Spec{}), nil)
	b.ReportAllocs()
	for id := int64(0); b.Loop(); id++ {
		ask(b, program, id)
	}
}

// BenchmarkVerdictFreshEnvironment is the method in a process of its own each time.
func BenchmarkVerdictFreshEnvironment(b *testing.B) {
	h, scripts := newHostScripts(b, withCode(0))
	p := h.Processes().Start(process.Spec{})
	b.ReportAllocs()
	for id := int64(0); b.Loop(); id++ {
		program := scripts.NewProgram(p, nil)
		ask(b, program, id)
		program.Close()
	}
}

// BenchmarkVerdictContended is the method with a hundred goroutines that want the same lane.
func BenchmarkVerdictContended(b *testing.B) {
	h, scripts := newHostScripts(b, withCode(0))
	b.SetParallelism(100 / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		program := scripts.NewProgram(h.Processes().Start(process.Spec{}), nil)
		for id := int64(0); pb.Next(); id++ {
			ask(b, program, id)
		}
	})
}

var benchPeer = session.Peer{
	Address: netip.MustParseAddrPort("127.0.0.1:40000"), Local: netip.MustParseAddrPort("127.0.0.1:19813"), Listener: "bench",
}

// BenchmarkRefuse is a connection without its socket: checks, twin, connection, environment, method, answer.
func BenchmarkRefuse(b *testing.B) {
	h, _ := newHostScripts(b, withCode(22000))
	h.Sessions().SetStage(session.Serving)
	b.ReportAllocs()
	for b.Loop() {
		h.Open(benchPeer, func() {})
	}
}

// BenchmarkAcceptToVerdict is a whole refused connection over loopback, the client's side included: connect, read the refusal, read the end of
// file.
func BenchmarkAcceptToVerdict(b *testing.B) {
	address := listen(b, withCode(22000))
	answer := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		c, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.ReadFull(c, answer); n == 0 || err == nil {
			b.Fatalf("got %d bytes, %v", n, err)
		}
		c.Close()
	}
}

// BenchmarkHeldConnection opens a thousand connections and keeps them; B/conn is the memory that each takes in the program that has both ends, the
// client's socket included.
func BenchmarkHeldConnection(b *testing.B) {
	const connections = 1000
	address := listen(b, withCode(0))
	bytes := 0.0
	for b.Loop() {
		before := memoryInUse()
		held := make([]net.Conn, connections)
		pong := make([]byte, 7)
		for i := range held {
			c, err := net.Dial("tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			held[i] = c
			c.Write([]byte("PING\r\n"))
			if _, err := io.ReadFull(c, pong); err != nil {
				b.Fatal(err)
			}
		}
		bytes = max(bytes, float64(memoryInUse()-before)) // a later round finds stacks that an earlier one left
		for _, c := range held {
			c.Close()
		}
	}
	b.ReportMetric(bytes/connections, "B/conn")
}

func memoryInUse() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

// listen serves scripts on loopback until the test or benchmark is over.
func listen(b testing.TB, f files) string {
	_, address := listening(b, f)
	return address
}

// listening is listen for who wants to look at the host.
func listening(b testing.TB, f files) (h *host.Host, address string) {
	h, _ = newHostScripts(b, f)
	l, err := listener.Open("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	over := make(chan struct{})
	ready := make(chan struct{})
	go func() {
		defer close(over)
		h.Run(func() {
			go l.Serve(h)
			close(ready)
		}, l.Close)
	}()
	<-ready
	b.Cleanup(func() {
		h.Quit(0)
		<-over
	})
	return h, l.Address().String()
}
