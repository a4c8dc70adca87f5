package host_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// pair is a client and its server, in one bubble.
type pair struct {
	*desk  // the client, with its console
	server *server
	ports  atomic.Uint32
	mu     sync.Mutex
	lines  []net.Conn // the client's ends of its connections
	began  chan struct{}
	failed error // with which Run returned; after ended
	ended  chan struct{}
	report host.Report
}

// together runs a server and a client of it. What do has not ended is ended afterwards, and then nothing may be left on either side.
func together(t *testing.T, onServer, onClient files, change func(*host.ClientOptions), do func(t *testing.T, p *pair)) {
	t.Helper()
	folder := onClient.write(t)
	serve(t, onServer, func(t *testing.T, s *server) {
		p := &pair{server: s, began: make(chan struct{}), ended: make(chan struct{})}
		p.desk = &desk{t: t, log: &logbook{start: time.Now()}}
		log := slog.New(p.desk.log)
		p.Host = host.New(host.Config{Role: method.Remote, Log: log, MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond, QuitWindow: 13 * time.Second})
		scripts, err := luabind.Open(host.ScriptsConfig{Folder: folder, Role: method.Remote, Log: log, Slice: 10 * time.Millisecond, Host: p.Host})
		if err != nil {
			t.Fatal(err)
		}
		p.SetScripts(quiet{scripts})
		options := host.ClientOptions{Machine: "ann", Register: true, Design: true}
		if change != nil {
			change(&options)
		}
		synctest.Wait() // until the server serves
		if err := p.Connect(t.Context(), remote.Config{Address: "server:19813", Machine: remote.Machine{Name: "ann"}, Dial: p.dial, Log: log}, options); err != nil {
			t.Fatal(err)
		}
		go func() { // ends with the client
			defer close(p.ended)
			p.report, p.failed = p.Run(func() { close(p.began) }, func() {})
		}()
		synctest.Wait()
		if p.AwaitStartup(t.Context(), false) {
			if p.console, err = p.OpenConsole(); err != nil {
				t.Fatal(err)
			}
		}
		do(t, p)
		p.Host.Quit(0)
		<-p.ended
		if n := p.Host.Processes().Count((*process.Process).RunsScripts); n > 0 {
			t.Errorf("%d processes of the client are left", n)
		}
		expect(t, "faults of the client", len(p.desk.log.with("fault of the host")), 0)
		p.server.Quit(0)
		<-p.server.over
		expect(t, "what the server has left", p.server.report.Left, nil)
	})
}

// dial is a connection to the server, as its listener would accept it.
func (p *pair) dial(context.Context, string) (net.Conn, error) {
	select {
	case <-p.server.over:
		return nil, errors.New("nobody is there")
	default:
	}
	ours, theirs := net.Pipe()
	peer := session.Peer{
		Address:  netip.AddrPortFrom(netip.MustParseAddr("192.0.2.7"), uint16(40000+p.ports.Add(1))),
		Local:    netip.MustParseAddrPort("127.0.0.1:19813"),
		Listener: "test",
	}
	go func() { // ends with the connection
		guest, answer := p.server.Open(peer, func() {})
		p.server.Rest()
		if guest == nil {
			ours.Write(answer)
			ours.Close()
			return
		}
		guest.Serve(ours)
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, theirs)
	return theirs, nil
}

// cut breaks the connections that there are.
func (p *pair) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.lines {
		conn.Close()
	}
	p.lines = nil
}

// count is how many lines of the client's log begin so.
func (p *pair) count(message string) int {
	synctest.Wait()
	p.desk.log.mu.Lock()
	defer p.desk.log.mu.Unlock()
	n := 0
	for _, l := range p.desk.log.lines {
		if strings.HasPrefix(l.message, message) {
			n++
		}
	}
	return n
}

// table is the client's processes: number, name and type.
func (p *pair) table() (rows []string) {
	for _, q := range p.Host.Processes().All() {
		rows = append(rows, q.Name()+", "+q.Type().String())
	}
	return rows
}

var asked = files{
	"on_server_open_connection.lua":  `local user, connection = ... print(">", "open", user, connection, current_process())`,
	"on_server_close_connection.lua": `local user, connection = ... print(">", "close", user, connection, current_process())`,
}

// The three processes of a client are there before on_startup, in this order, each with its own open call; the close methods run when it leaves.
func TestAClientEnters(t *testing.T) {
	together(t, asked, files{"on_startup.lua": `print("begins")`}, nil, func(t *testing.T, p *pair) {
		expect(t, "processes", p.table(), []string{"Main process, main process", "ann, execute on client process", "Design process, design process",
			"P_1, created from execution dialog"})
		p.server.expectNotes("0s: open 1 1 3", "0s: open 1 2 4", "0s: open 1 3 5")
		p.expect("current_time('*') ~= nil", "true")
		expect(t, "open calls", p.server.count("open"), 4)
		p.Host.Quit(0)
		<-p.ended
		expect(t, "close calls", p.server.count("close"), 4)
		expect(t, "error", p.failed, nil)
		expect(t, "left", p.report.Left, nil)
		notes := p.server.notes()
		expect(t, "the last", notes[len(notes)-1], "0s: close 1 1 3")
	})
}

// A process has nothing on the server before it asks for something, and nothing any more when it has ended; a local one never has.
func TestLinksAreAsLongAsTheirProcesses(t *testing.T) {
	together(t, asked, files{
		"asks.lua":  `result = current_time("*") delay_process(current_process(), 60)`,
		"idle.lua":  `delay_process(current_process(), 60)`,
		"alone.lua": `ok, problem = pcall(current_time, "*") delay_process(current_process(), 60)`,
	}, nil, func(t *testing.T, p *pair) {
		p.expect("n = new_process('idle', 0, 'idle')", "")
		synctest.Wait()
		expect(t, "open calls", p.server.count("open"), 3)
		p.expect("a = new_process('asks', 0, 'asks') l = new_process('alone', 0, '$local')", "")
		synctest.Wait()
		expect(t, "open calls", p.server.count("open"), 4)
		p.expect("(get_process_variable(l, 'problem'))",
			`"current_time: process 7, $local, is local, as the $ says, and has nothing on the server: do that in a process whose name begins with another character"`)
		time.Sleep(2 * time.Second)
		expect(t, "close calls", p.server.count("close"), 1)
		p.expect("process_state(a)", "-100")
	})
}

// Orders are carried out one after the other, also when one fails or is of a method that is not there.
func TestOrders(t *testing.T) {
	together(t, files{"order.lua": `return execute_on_client(...)`}, files{
		"on_startup.lua": `delay_process(current_process(), 60)`,
		"does.lua":       `local n = ... seen = (seen or "") .. n delay_process(current_process(), 60) seen = seen .. n`,
		"fails.lua":      `error("on purpose")`,
	}, nil, func(t *testing.T, p *pair) {
		c := p.server.connectAccepted()
		for _, order := range []string{"ann does a", "ann fails", "AN@ absent", "a@ does b", "ann on_exit", "bob does x"} {
			c.ask("CALL order " + order)
		}
		time.Sleep(5 * time.Second)
		p.expect("(get_process_variable(2, 'seen'))", `"aabb"`)
		expect(t, "failed", p.count("script failed"), 1)
		expect(t, "not carried out", p.count("order not carried out"), 2)
		p.expect("register_client('zoe')", "false")
		p.expect("get_registered_clients()[1].name .. #get_registered_clients()", `"ann1"`)

		c.ask("CALL order ann does c") // it goes on; the one after it does not
		c.ask("CALL order ann does d")
		p.expect("unregister_client(), unregister_client(), #get_registered_clients()", "true\nfalse\n0")
		p.expect("register_client('zoe'), get_registered_clients()[1].name", `true`+"\n"+`"zoe"`)
		p.expect("(get_process_variable(2, 'seen'))", `"aabbc"`)
		c.ask("CALL order zoe does e")
		time.Sleep(2 * time.Second)
		p.expect("process_state(2), (get_process_variable(process_number('zoe'), 'seen'))", "-1\n\"ee\"")
		p.Host.Processes().Named("zoe").Kill(nil)
		time.Sleep(time.Second)
		p.expect("#get_registered_clients()", "0")
		for name, want := range map[string]string{"": "is empty", "$x": "$ begins", "a@": "@ stands"} {
			if err := host.CheckClientName(name); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %v, want an error with %q", name, err, want)
			}
		}
		c.conn.Close()
	})
}

// The server goes without waiting: on_exit runs, can start nothing and reach nothing, and nobody is waited for.
func TestTheServerIsGone(t *testing.T) {
	for name, end := range map[string]func(p *pair){
		"it quits at once":             func(p *pair) { p.server.AskToQuit(host.QuitRequest{Mode: host.QuitNow}) },
		"the administrator drops them": func(p *pair) { p.server.Drop(p.server.Sessions().Live()[0].Session()) },
	} {
		t.Run(name, func(t *testing.T) {
			together(t, asked, files{
				"on_startup.lua": `new_process("sleeps", 0, "sleeper") new_process("links", 0, "linked")`,
				"sleeps.lua":     `while true do delay_process(current_process(), 3600) end`,
				"links.lua":      `current_time("*") while true do delay_process(current_process(), 3600) end`,
				"on_exit.lua": `
					local _, why = pcall(new_process, "sleeps", 0, "more") 
					print(">", "start", last_errors() and last_errors()[1].err_code)
					print(">", "ask", select(4, pcall(current_time, "*")))
					delay_process(current_process(), 120)`,
			}, nil, func(t *testing.T, p *pair) {
				synctest.Wait()
				began := time.Now()
				end(p)
				<-p.ended
				if took := time.Since(began); took < 2*time.Second || took > 2100*time.Millisecond {
					t.Errorf("the end took %v, want the 2s of on_exit", took)
				}
				if !errors.Is(p.failed, host.ErrServerGone) {
					t.Errorf("got %v, want an error that wraps ErrServerGone", p.failed)
				}
				expect(t, "start", p.count(">\tstart\t10002"), 1)
				expect(t, "ask", p.count(">\task\t10001"), 1)
				expect(t, "close calls", p.server.count("close"), 4)
			})
		})
	}
}

// The user leaves within the time that the server has announced: on_exit runs as ever, and its processes reach the server.
func TestLeavingInTime(t *testing.T) {
	together(t, asked, files{
		"asks.lua":    `print(">", "asked", current_time("*") ~= nil)`,
		"on_exit.lua": `new_process("asks", 0, "asker") delay_process(current_process(), 60)`,
	}, nil, func(t *testing.T, p *pair) {
		p.server.AskToQuit(host.QuitRequest{Mode: host.QuitIn, Delay: time.Minute, Message: "back at noon"})
		time.Sleep(45 * time.Second)
		expect(t, "times told", p.count("the server is going to quit"), 3)
		p.Host.Quit(0)
		<-p.ended
		expect(t, "error", p.failed, nil)
		expect(t, "asked", p.count(">\tasked\ttrue"), 1)
		expect(t, "the server goes on to its end", p.server.stopped(), true)
	})
}

// With the option to leave early it leaves as soon as the server says that it is going to quit.
func TestLeavingWithTheServer(t *testing.T) {
	together(t, asked, files{"on_exit.lua": `print(">", "exit")`}, func(o *host.ClientOptions) { o.Leave = true }, func(t *testing.T, p *pair) {
		p.server.AskToQuit(host.QuitRequest{Mode: host.QuitWait})
		<-p.ended
		expect(t, "error", p.failed, nil)
		expect(t, "exits", p.count(">\texit"), 1)
	})
}

// A server that goes while on_exit runs ends the waiting for others, and is reported.
func TestTheServerGoesDuringTheWindow(t *testing.T) {
	together(t, asked, files{
		"on_startup.lua": `new_process("deaf", 0, "deaf")`,
		"deaf.lua":       `while true do delay_process(current_process(), 3600) end`,
		"on_exit.lua":    `delay_process(current_process(), 60)`,
	}, nil, func(t *testing.T, p *pair) {
		synctest.Wait()
		began := time.Now()
		p.Host.Quit(0)
		time.Sleep(3 * time.Second)
		p.server.AskToQuit(host.QuitRequest{Mode: host.QuitNow})
		<-p.ended
		if took := time.Since(began); took < 3*time.Second || took > 3100*time.Millisecond {
			t.Errorf("the end took %v, want 3s", took)
		}
		expect(t, "error", p.failed, nil)
		if !slices.ContainsFunc(p.report.Left, func(s string) bool { return strings.HasPrefix(s, "the session on the server: ") }) {
			t.Errorf("got %q, want the session among what did not end by itself", p.report.Left)
		}
	})
}

// Whoever registers the client can be ended while the server has not answered.
func TestARegistrationIsGivenUp(t *testing.T) {
	together(t, files{
		"on_server_open_connection.lua": `if interprocess.slow then delay_process(current_process(), 240) end`,
		"slow.lua":                      `interprocess.slow = true`,
	}, files{"registers.lua": `register_client("zoe")`}, func(o *host.ClientOptions) { o.Register = false }, func(t *testing.T, p *pair) {
		p.server.connectAccepted().ask("CALL slow")
		p.expect("n = new_process('registers', 0, 'registers')", "")
		synctest.Wait()
		p.Host.Processes().Named("registers").Kill(nil)
		time.Sleep(time.Second) // the open method takes four
		expect(t, "who registers has ended", p.Host.Processes().Named("registers") == nil, true)
		expect(t, "who was to be registered too", p.Host.Processes().Named("zoe") == nil, true)
	})
}

// Very many processes that have something on the server leave with the client: each has its close call, and nobody is left.
func TestManyLeave(t *testing.T) {
	together(t, asked, files{
		"on_startup.lua": `for i = 1, 200 do new_process("links", 0, "linked") end`,
		"links.lua":      `current_time("*") while not process_aborted() do delay_process(current_process(), 3600) end`,
		"on_exit.lua":    ``,
	}, nil, func(t *testing.T, p *pair) {
		synctest.Wait()
		expect(t, "open calls", p.server.count("open"), 203)
		p.Host.Quit(0)
		<-p.ended
		expect(t, "error", p.failed, nil)
		expect(t, "left", p.report.Left, nil)
		expect(t, "close calls", p.server.count("close"), 203)
	})
}

// Whatever ends a client, and whenever: Run returns, in time, and neither side has anything left.
func TestAClientEndsSomehow(t *testing.T) {
	ends := []struct {
		name string
		end  func(p *pair)
	}{
		{"quit", func(p *pair) { p.Host.Quit(0) }},
		{"interrupt", func(p *pair) { p.Host.Interrupt() }},
		{"twice", func(p *pair) { p.Host.Interrupt(); p.Host.Interrupt() }},
		{"cut", func(p *pair) { p.cut() }},
		{"server quits", func(p *pair) { p.server.AskToQuit(host.QuitRequest{Mode: host.QuitNow}) }},
		{"server is going to", func(p *pair) { p.server.AskToQuit(host.QuitRequest{Mode: host.QuitIn, Delay: 3 * time.Second}) }},
		{"dropped", func(p *pair) {
			for _, c := range p.server.Sessions().Live() {
				p.server.Drop(c.Session())
			}
		}},
	}
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			together(t, asked, files{
				"on_startup.lua": `
					for i = 1, 5 do new_process("lives", 0, "p" .. i) end
					for i = 1, 20 do current_time("*") delay_process(current_process(), 17) end`,
				"lives.lua": `
					for i = 1, 50 do
						current_time("*")
						delay_process(current_process(), i)
						if i % 10 == 0 then new_process("asks", 0, "") end
						if process_aborted() then break end
					end`,
				"asks.lua":    `current_date("*")`,
				"on_exit.lua": `new_process("asks", 0, "last") delay_process(current_process(), 30)`,
			}, nil, func(t *testing.T, p *pair) {
				for range 3 {
					time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
					e := ends[random.IntN(len(ends))]
					t.Log(e.name)
					e.end(p)
				}
				p.Host.Quit(0)
				began := time.Now()
				<-p.ended
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("the end took %v, want 30s at the most", took)
				}
				expect(t, "close calls", p.server.count("close"), p.server.count("open"))
			})
		})
	}
}
