package host_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// walker does what a client machine may do, and what may happen to it, in any order.
type walker struct {
	*remoteClient
	t     *testing.T
	r     *rand.Rand
	procs [5]walking // by the process's number; the first is not used
	trail []string   // what it did
}

// walking is a client process.
type walking struct {
	conn *client // nil: no transport
	had  int     // replies
	sent int     // requests
}

// TestAnyOrder walks through the states of links. Whatever happens, each open call has one close call, and nothing is left: the
// end of every server of these tests looks at that.
func TestAnyOrder(t *testing.T) {
	seeds, steps := 60, 60
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			serveLinks(t, func(t *testing.T, s *server) {
				w := &walker{t: t, r: rand.New(rand.NewPCG(uint64(seed), 7))}
				w.begin(s)
				for range steps {
					w.step(s)
					w.look(s)
				}
				if t.Failed() {
					t.Log(strings.Join(w.trail, "; "))
				}
				s.Drop(w.session)
				synctest.Wait()
				if w.r.IntN(2) == 0 {
					expect(t, "links at the end", s.Sessions().Totals().Links, 0)
					expect(t, "sessions at the end", len(s.Sessions().Remotes()), 0)
				}
			})
		})
	}
}

// begin begins a session, unless there is one.
func (w *walker) begin(s *server) {
	if w.remoteClient != nil && w.state() != "over" {
		return
	}
	w.procs = [5]walking{}
	w.remoteClient = s.announce()
	w.procs[1].conn = w.application
}

// look checks what is true at any time.
func (w *walker) look(s *server) {
	synctest.Wait()
	totals, links, spoken := s.Sessions().Totals(), 0, 0
	for _, of := range s.Sessions().Remotes() {
		for _, l := range of.Links() {
			links++
			if l.Connection() != nil {
				spoken++
			}
		}
	}
	expect(w.t, "connections", totals.Live, spoken)
	expect(w.t, "links without", totals.Links, links-spoken)
	expect(w.t, "arrivals", totals.Arrivals, 0)
	expect(w.t, "open and close calls", s.count("open")-s.count("close"), spoken)
}

// step does one thing.
func (w *walker) step(s *server) {
	n := 1 + w.r.IntN(4)
	p := &w.procs[n]
	what := w.r.IntN(16)
	w.trail = append(w.trail, fmt.Sprint(what, " of ", n))
	switch what {
	case 0, 1:
		if p.conn == nil {
			w.join(s, n)
		}
	case 2, 3, 4, 5:
		w.ask(p, words("CALLV", "add", packed(int64(1))))
	case 6:
		w.ask(p, words("CALLV", "sleep", packed(int64(w.r.IntN(600)))))
	case 7:
		w.lose(int64(n))
		w.leave(p, (*client).cut)
	case 8:
		w.leave(p, (*client).silence)
	case 9, 10, 11:
		if p.conn == nil {
			w.comeBack(s, n)
		}
	case 12:
		w.ask(&w.procs[1], words("SLEEP"))
	case 13:
		if w.r.IntN(4) == 0 {
			w.ask(p, words("QUIT"))
		}
	case 14:
		w.disturb(s)
	case 15:
		time.Sleep([]time.Duration{time.Second, 4 * time.Second, 6 * time.Second, time.Minute, 899 * time.Second, 901 * time.Second}[w.r.IntN(6)])
	}
	synctest.Wait()
	w.hear()
	w.begin(s)
}

// ask sends a request; it may not be read before the one that runs is over.
func (w *walker) ask(p *walking, request string) {
	if p.conn == nil {
		return
	}
	if p.sent > p.had { // one at a time
		return
	}
	p.sent++
	go io.WriteString(p.conn.conn, request) // ends at the latest when the transport is closed
}

// leave ends the transport of a process.
func (w *walker) leave(p *walking, how func(*client)) {
	if p.conn != nil {
		w.hear()
		how(p.conn)
		p.conn = nil
	}
}

// hear counts replies.
func (w *walker) hear() {
	synctest.Wait()
	for i := range w.procs {
		p := &w.procs[i]
		if p.conn == nil {
			continue
		}
		if text := p.conn.take(); text != "" && p.sent > p.had && !strings.HasPrefix(text, "-CLOSED") {
			p.had++
		}
		if p.conn.isOver() {
			p.conn = nil
		}
	}
}

func (w *walker) join(s *server, n int) {
	c := s.connectOn(terms{})
	reply := c.say("JOIN", w.token, n, "P")
	if field(reply, "session") == w.session {
		w.procs[n] = walking{conn: c}
	} else if !c.isOver() {
		w.t.Errorf("JOIN: got %q from who stays", reply)
	}
}

func (w *walker) comeBack(s *server, n int) {
	p := &w.procs[n]
	c, reply := w.resume(n, p.had)
	if w.r.IntN(3) == 0 { // and another one at the same time
		if _, other := w.resume(n, p.had); !strings.HasPrefix(other, "-") && !strings.HasPrefix(reply, "-") {
			w.t.Errorf("two RESUMEs: got %q and %q", reply, other)
		}
	}
	if done := field(reply, "done"); done != "" {
		p.conn, p.sent = c, p.had
		if done != fmt.Sprint(p.had) {
			p.sent++
			if i := strings.Index(reply, ":"+done+"\r\n"); len(reply) > i+len(done)+3 { // the reply has come with it
				p.had++
			}
		}
	} else if !c.isOver() {
		w.t.Errorf("RESUME: got %q from who stays", reply)
	}
}

// disturb is what an administrator or a script does.
func (w *walker) disturb(s *server) {
	live := s.Sessions().Live()
	switch c := live[w.r.IntN(len(live))]; w.r.IntN(6) {
	case 0:
		s.Drop(w.session)
	case 1:
		s.DropConnection(c.ID)
	case 2:
		s.Abort(c.Process.Number(), 0)
	case 3:
		s.connectOn(terms{}).conn.Close() // somebody else
	case 4:
		thief := &remoteClient{s: s, token: strings.Repeat("A", 43)}
		thief.resume(1+w.r.IntN(4), 0)
	case 5:
		s.Quit(time.Hour)
		synctest.Wait()
		s.CancelQuit()
	}
}
