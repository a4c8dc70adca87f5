package host_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/account"
	"moongate/runtime/host"
	"moongate/runtime/session"

	"golang.org/x/crypto/argon2"
)

// accounts is a users file of people whose password is their name, at the lowest costs that there are.
func accounts(t *testing.T, names ...string) string {
	t.Helper()
	var b strings.Builder
	for _, name := range names {
		state := ""
		if strings.HasPrefix(name, "no ") {
			state = "disabled"
		}
		salt := []byte("12345678")
		hash := argon2.IDKey([]byte(name), salt, 1, 8, 1, 16)
		encode := base64.RawStdEncoding.EncodeToString
		fmt.Fprintf(&b, "%s:%s:$argon2id$v=19$m=8,t=1,p=1$%s$%s\n", name, state, encode(salt), encode(hash))
	}
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// serveUsers runs a server with the accounts of ann, Bob, Designer and "no more", who is disabled.
func serveUsers(t *testing.T, f files, change func(*host.Config), do func(t *testing.T, s *server)) {
	t.Helper()
	users := accounts(t, "ann", "Bob", "Designer", "no more")
	serveWith(t, f, func(c *host.Config) {
		var err error
		if c.Users, err = account.Open(users, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		c.LoginTimeout = 30 * time.Second
		change(c)
	}, func(t *testing.T, s *server) {
		s.SetData(host.Data{Numbers: newBook()})
		do(t, s)
	})
}

// book is a host's numbers, in memory. A name is known when somebody has asked for it.
type book struct {
	mu    sync.Mutex
	names []string        // of number 3 and so on
	known map[string]bool // asked for
	asked int             // how often somebody had to wait
	fault error           // what waiting gives, nil: what was asked for
	stuck <-chan struct{} // nil, or the wait ends when it is closed, at the latest with the context
}

func newBook() *book { return &book{known: map[string]bool{}} }

func (b *book) number(name string) int64 {
	switch strings.ToLower(name) {
	case "designer":
		return 1
	case "administrator":
		return 2
	}
	for i, n := range b.names {
		if strings.EqualFold(n, name) {
			return int64(i) + 3
		}
	}
	return 0
}

// wait is the time that a data store takes.
func (b *book) wait(ctx context.Context) error {
	b.mu.Lock()
	b.asked++
	stuck, fault := b.stuck, b.fault
	b.mu.Unlock()
	if stuck != nil {
		select {
		case <-stuck:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fault
}

func (b *book) UserNumber(ctx context.Context, name string) (int64, error) {
	b.mu.Lock()
	n := b.number(name)
	known := n == 1 || n == 2 || b.known[strings.ToLower(name)]
	b.mu.Unlock()
	if known {
		return n, nil
	}
	if err := b.wait(ctx); err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[strings.ToLower(name)] = true
	if n := b.number(name); n != 0 {
		return n, nil
	}
	b.names = append(b.names, name)
	return b.number(name), nil
}

func (b *book) UserName(ctx context.Context, number int64) (string, error) {
	if name := b.KnownUser(number); name != "" {
		return name, nil
	}
	if err := b.wait(ctx); err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := int(number) - 3; i >= 0 && i < len(b.names) {
		b.known[strings.ToLower(b.names[i])] = true
		return b.names[i], nil
	}
	return "", nil
}

func (b *book) KnownUser(number int64) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := int(number) - 3; i >= 0 && i < len(b.names) && b.known[strings.ToLower(b.names[i])] {
		return b.names[i]
	}
	return ""
}

const wrongPassword = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"

func same(*host.Config) {}

var greeting = files{
	"on_server_open_connection.lua": `
local user, connection, zero = ...
print(">", "open", user, connection, zero, current_user(), user_name(user))
if current_user() == "Bob" then return 22000, "not Bob" end`,
	"on_server_close_connection.lua": `print(">", "close", ...)`,
	"alias.lua":                      `set_user_alias((...)) return current_user() .. "/" .. current_user(1) .. "/" .. current_user(2)`,
}

// With accounts the open method runs when the client has logged in, with the user's number and name.
func TestClientsLogIn(t *testing.T) {
	serveUsers(t, greeting, same, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		for _, command := range []string{"PING", "CALL alias x", "CLIENT ID", "INFO", "HELLO 3"} {
			if got := c.ask(command); !strings.HasPrefix(got, "-NOAUTH ") {
				t.Errorf("%s before the login: got %q, want -NOAUTH", command, got)
			}
		}
		s.expectNotes()
		expect(t, "counted", s.Sessions().Count(session.Filter{}), 0)
		expect(t, "processes", s.Processes().Count(nil), 2)
		c.expectReply("AUTH ann wrong", wrongPassword)
		c.expectReply("AUTH Ann nobody", wrongPassword)
		c.expectReply("AUTH ann no", wrongPassword)
		time.Sleep(time.Second)
		synctest.Wait()
		if _, err := c.conn.Write([]byte("AUTH ANN ann\r\n")); err != nil { // the fourth try
			t.Fatal(err)
		}
		time.Sleep(9 * second)
		expect(t, "what came within 9 s", c.take(), "")
		time.Sleep(time.Second)
		expect(t, "what came then", c.take(), "+OK\r\n")
		c.expectReply("PING", "+PONG\r\n")
		c.expectReply(`CALL alias Annie`, "$15\r\nAnnie/ann/Annie\r\n")
		c.expectReply("AUTH Designer Designer", "-ERR this connection is logged in already; connect again to be another user\r\n")
		c.expectReply("AUTH ann ann", "+OK\r\n")

		d := s.connectAccepted()
		if got := d.ask("HELLO 3 AUTH Designer Designer SETNAME d"); !strings.HasPrefix(got, hello3) {
			t.Errorf("HELLO AUTH: got %q", got)
		}
		e := s.connectAccepted()
		e.expectReply("AUTH Designer", "+OK\r\n")
		c.conn.Close()
		s.expectNotes("11s: open 3 1 0 ann ann", "11s: open 1 2 0 Designer Designer", "11s: open 1 3 0 Designer Designer", "11s: close 3 1 0")
	})
}

// A name that nobody has, a disabled user and a wrong password are not to be told apart; and what the journal and the log
// call a wrong password was one.
func TestWrongLogins(t *testing.T) {
	serveUsers(t, greeting, same, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		c.expectReply("AUTH ann wrong", wrongPassword)
		c.expectReply("AUTH nobody ann", wrongPassword)
		c.expectReply(`AUTH "no more" "no more"`, wrongPassword)
		c.conn.Close()
		d := s.connectAccepted()
		d.expectReply("AUTH ann ann", "") // delayed
		s.AskToQuit(host.QuitRequest{Mode: host.QuitNow})
		s.wait()
		var reasons []string
		for _, l := range s.log.with("connection refused") {
			reasons = append(reasons, l.attrs["reason"])
		}
		expect(t, "reasons", reasons, []string{"wrong user name or password", "did not log in: shutdown"})
	})
}

// A stranger's commands are short: many of them must not take the memory of those who are known.
func TestStrangersAreBrief(t *testing.T) {
	serveUsers(t, greeting, same, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		if got := c.ask("*2\r\n$4\r\nAUTH\r\n$100000"); !strings.HasPrefix(got, "-ERR Protocol error: invalid bulk length") {
			t.Errorf("a long password: got %q", got)
		}
		d := s.connectAccepted()
		d.expectReply("AUTH ann ann", "+OK\r\n")
		long := strings.Repeat("x", 100000)
		d.expectReply("ECHO "+long[:60000], "$60000\r\n"+long[:60000]+"\r\n")
	})
}

// Who has asked for the end of an arrival must not wait for the connection that it became.
func TestTheEndOfAnArrivalThatWasLetIn(t *testing.T) {
	serveUsers(t, greeting, same, func(t *testing.T, s *server) {
		c := s.connectOn(terms{slow: 2 * second}) // its first change of the write deadline takes so long
		time.Sleep(29500 * time.Millisecond)
		c.ask("PING")
		time.Sleep(time.Second) // the sweep asks for the end, and is held up in it
		io.WriteString(c.conn, "AUTH ann ann\r\n")
		time.Sleep(10 * second)
		expect(t, "over", c.isOver(), true)
	})
}

// New connections that are refused are those of who is logging in, too.
func TestRefuseNewDuringALogin(t *testing.T) {
	serveUsers(t, greeting, same, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		s.Sessions().RefuseNew(true)
		c.expectReply("AUTH ann ann", "-REFUSED -10515 the server takes no new connections now\r\n")
		expect(t, "over", c.isOver(), true)
		s.expectNotes()
	})
}

// A refusal is the answer to the login, and the end.
func TestALoginIsRefused(t *testing.T) {
	serveUsers(t, greeting, same, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		c.expectReply("AUTH Bob Bob", "-REFUSED 22000 not Bob\r\n")
		expect(t, "over", c.isOver(), true)
		d := s.connectAccepted()
		d.expectReply("HELLO 2 AUTH bob Bob", "-REFUSED 22000 not Bob\r\n")
		expect(t, "over", d.isOver(), true)
		s.expectNotes("0s: open 3 1 0 Bob Bob", "0s: open 3 2 0 Bob Bob") // one number for one name
		expect(t, "processes", s.Processes().Count(nil), 2)
	})
}

// Who does not log in is sent away, and takes a place until then.
func TestTheLoginTimeout(t *testing.T) {
	serveUsers(t, greeting, func(c *host.Config) { c.MaxConnections = 1 }, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		s.connect().expectRefused("-REFUSED -10514 the maximum number of connections is reached\r\n")
		time.Sleep(29 * second)
		c.ask("PING") // does not help
		expect(t, "over before its time", c.isOver(), false)
		time.Sleep(2 * second)
		expect(t, "over", c.isOver(), true)
		if got := c.take(); !strings.HasSuffix(got, "-CLOSED nobody logged in in time\r\n") {
			t.Errorf("at the end came %q", got)
		}
		d := s.connectAccepted()
		d.expectReply("AUTH ann ann", "+OK\r\n")
		time.Sleep(time.Hour)
		d.expectReply("PING", "+PONG\r\n")
	})
}

// The tries of an address are counted over all its connections, and a try that is delayed ends with its connection.
func TestTriesOfAnAddress(t *testing.T) {
	serveUsers(t, greeting, same, func(t *testing.T, s *server) {
		for range 3 {
			c := s.connectAccepted()
			c.expectReply("AUTH ann wrong", wrongPassword)
			c.conn.Close()
		}
		c := s.connectAccepted()
		c.expectReply("AUTH ann wrong", "")
		c.conn.Close()
		time.Sleep(11 * second) // of one name at one address one try waits at a time
		d := s.connectAccepted()
		d.expectReply("AUTH ann ann", "")
		time.Sleep(10 * second)
		expect(t, "after 10 s", d.take(), "+OK\r\n")
		s.connectAccepted().expectReply("AUTH ann wrong", wrongPassword) // forgotten
	})
}

// A shutdown does not wait for those who are not known, and ends them.
func TestAShutdownDuringALogin(t *testing.T) {
	serveUsers(t, greeting, same, func(t *testing.T, s *server) {
		c := s.connectAccepted()
		for range 3 {
			c.expectReply("AUTH ann wrong", wrongPassword)
		}
		c.expectReply("AUTH ann ann", "") // delayed
		d := s.connectAccepted()
		s.AskToQuit(host.QuitRequest{Mode: host.QuitWait})
		s.wait()
		expect(t, "took", s.took, time.Duration(0))
		for _, c := range []*client{c, d} {
			if got := c.take(); !strings.HasSuffix(got, "-CLOSED the server is stopping\r\n") {
				t.Errorf("at the end came %q", got)
			}
		}
		s.expectNotes()
	})
}

// asking is a server whose numbers are this book.
func asking(t *testing.T, b *book, do func(s *server)) {
	t.Helper()
	methods := files{"look.lua": `local name, problem = user_name(tonumber((...))) return name or problem`}
	for name, text := range greeting {
		methods[name] = text
	}
	serveUsers(t, methods, same, func(t *testing.T, s *server) {
		s.SetData(host.Data{Numbers: b})
		do(s)
	})
}

// A user whom the host knows never waits for a number again, and user_name asks for those whom only others know.
func TestKnownUsersDoNotWait(t *testing.T) {
	b := newBook()
	b.names = []string{"zoe", "ann"} // other hosts of the database have met these
	asking(t, b, func(s *server) {
		c := s.connectAccepted()
		c.expectReply("AUTH ann ann", "+OK\r\n")
		c.expectReply("CALL look 4", "$3\r\nann\r\n")
		expect(t, "waits", b.asked, 1)
		c.expectReply("CALL look 3", "$3\r\nzoe\r\n")
		c.expectReply("CALL look 3", "$3\r\nzoe\r\n")
		c.expectReply("CALL look 1", "$8\r\nDesigner\r\n")
		c.expectReply("CALL look 5", "$0\r\n\r\n")
		expect(t, "waits", b.asked, 3)
		b.stuck = make(chan struct{}) // for ever
		for range 3 {
			s.connectAccepted().expectReply("AUTH ann ann", "+OK\r\n")
		}
		expect(t, "waits", b.asked, 3)
	})
}

// Without numbers a user who is not known is not let in, whoever is known still is, and the log says why.
func TestAUserWithoutANumber(t *testing.T) {
	b := newBook()
	asking(t, b, func(s *server) {
		s.connectAccepted().expectReply("AUTH ann ann", "+OK\r\n")
		b.fault = errors.New("the database is away")
		c := s.connectAccepted()
		c.expectReply("AUTH Bob Bob", "-ERR the server has no number for this user; see its log\r\n")
		d := s.connectAccepted()
		d.expectReply("AUTH ann ann", "+OK\r\n")
		d.expectReply("AUTH ann ann", "+OK\r\n")
		d.expectReply("CALL look 4", "$20\r\nthe database is away\r\n")
		expect(t, "lines", len(s.log.with("user has no number")), 1)
		b.fault = nil
		c.expectReply("AUTH Bob Bob", "-REFUSED 22000 not Bob\r\n")
	})
}

// Who waits for a number is let go by the end of the connection, and nobody else waits for it.
func TestWaitingForANumberEnds(t *testing.T) {
	b := newBook()
	asking(t, b, func(s *server) {
		b.stuck = make(chan struct{})
		c := s.connectAccepted()
		c.expectReply("AUTH ann ann", "")
		s.connectAccepted().expectReply("AUTH Designer Designer", "+OK\r\n")
		c.conn.Close()
		d := s.connectAccepted()
		d.expectReply("AUTH Designer Designer", "+OK\r\n")
		io.WriteString(d.conn, "CALL look 3\r\n")
		s.AskToQuit(host.QuitRequest{Mode: host.QuitNow})
		s.wait()
		expect(t, "lines", len(s.log.with("user has no number")), 0)
	})
}
