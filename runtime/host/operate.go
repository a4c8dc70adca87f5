package host

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"moongate/runtime/process"
	"moongate/runtime/session"
	"moongate/runtime/shutdown"
)

// What an administrator does to a server is here. None of it runs a script or waits for one.

// Errors of the acts.
var (
	ErrGone    = errors.New("there is no such thing (any more)")
	ErrNotUser = errors.New("only user processes can be aborted, paused and activated")
)

// userProcess finds a process to act on ("only user processes can be acted on", 4D's Processes page). id is its unique
// number, 0 when that does not matter.
func (h *Host) userProcess(n process.Number, id process.ID) (*process.Process, error) {
	p := h.processes.Get(n)
	switch {
	case p == nil:
		return nil, fmt.Errorf("process %d: %w", n, ErrGone)
	case id != 0 && p.ID() != id:
		return nil, fmt.Errorf("process %d is another one by now: %w", n, ErrGone)
	case !p.RunsScripts() || p.Type() == process.OnExit:
		return nil, fmt.Errorf("process %d (%s): %w", n, p.Type(), ErrNotUser)
	}
	return p, nil
}

// Abort ends a user process: a stored procedure ends, a client's twin ends with its connection. It does not wait.
func (h *Host) Abort(n process.Number, id process.ID) error {
	p, err := h.userProcess(n, id)
	if err != nil {
		return err
	}
	p.Kill(process.ErrEnded)
	return nil
}

// Pause makes a user process wait until Activate.
func (h *Host) Pause(n process.Number, id process.ID) error {
	p, err := h.userProcess(n, id)
	if err == nil {
		p.Pause()
	}
	return err
}

// Activate wakes a user process that was paused or delayed.
func (h *Host) Activate(n process.Number, id process.ID) error {
	p, err := h.userProcess(n, id)
	if err == nil {
		p.Resume()
	}
	return err
}

// DropConnection ends a connection. It does not wait.
func (h *Host) DropConnection(id session.ConnectionID) error {
	c := h.sessions.Get(id)
	if c == nil {
		return fmt.Errorf("connection %d: %w", id, ErrGone)
	}
	h.end(c, session.Dropped)
	return nil
}

// DropUser ends all connections of a user, given by name, alias or number, and says how many.
func (h *Host) DropUser(user string) (int, error) {
	found := h.OfUser(user)
	if len(found) == 0 {
		return 0, fmt.Errorf("user %q is not connected: %w", user, ErrGone)
	}
	for _, c := range found {
		h.end(c, session.Dropped)
	}
	return len(found), nil
}

// OfUser are the live connections of a user, given by name, alias or number. Case does not count, as in 4D's
// comparisons of text.
func (h *Host) OfUser(user string) []*session.Connection {
	if user == "" {
		return nil
	}
	number, err := strconv.ParseInt(user, 10, 64)
	return slices.DeleteFunc(h.sessions.Live(), func(c *session.Connection) bool {
		named := strings.EqualFold(c.Account, user) || strings.EqualFold(c.Alias(), user)
		return !named && (err != nil || int64(c.User) != number)
	})
}

// Send gives a message to the clients of some connections, and says to how many it could, of how many: one that speaks RESP2
// can get none. A remote client gets it once, by its Application process.
func (h *Host) Send(text string, to []*session.Connection) (told, clients int) {
	all := clientsOf(to)
	for _, client := range all {
		if client.Tell(text) {
			told++
		}
	}
	return told, len(all)
}

// receiver is a client as its messages reach it.
type receiver interface {
	Tell(text string) bool
	Quit(delay time.Duration, text string) bool
	Push(kind string, values ...any) bool
}

// clientsOf are the clients of connections: of a remote session the Application process's link, once.
func clientsOf(all []*session.Connection) []receiver {
	var clients []receiver
	seen := map[*session.Link]bool{}
	for _, c := range all {
		l := c.Link()
		if l == nil {
			clients = append(clients, c)
			continue
		}
		if l = l.Session.Application(); l != nil && !seen[l] {
			seen[l] = true
			clients = append(clients, l.Keeper)
		}
	}
	return clients
}

// Scripts is what the host runs.
func (h *Host) Scripts() Scripts { return h.scripts }

// Shutdown is how far the end of the server is.
type Shutdown struct {
	Stage      string            // that runs; "" before the shutdown, and between two stages
	Over       []shutdown.Result // the stages that are over
	Asked      bool              // somebody wants the server to stop
	Cancelable bool
	Mode       QuitMode
	Until      time.Time // when clients must have left; zero: when they like
	Message    string    // of the administrator; "": the host's own
	Waiting    []*session.Connection
}

// Shutdown tells how far the end of the server is.
func (h *Host) Shutdown() Shutdown {
	t := h.quits.terms()
	s := Shutdown{Asked: t.any, Cancelable: t.any && !t.committed, Mode: t.mode, Until: t.until, Message: t.message}
	if t.any {
		s.Waiting = h.waitingFor(t)
	}
	h.progress.mu.Lock()
	defer h.progress.mu.Unlock()
	s.Stage, s.Over = h.progress.stage, slices.Clone(h.progress.over)
	return s
}

// Started is when the server was made.
func (h *Host) Started() time.Time { return h.started }

// UsersProblem is why the accounts in use are not those of the users file, "" when they are or there are none.
func (h *Host) UsersProblem() string {
	if h.logins.users == nil {
		return ""
	}
	return h.logins.users.Problem()
}

// HasAccounts reports whether clients have to log in.
func (h *Host) HasAccounts() bool { return h.logins.users != nil }
