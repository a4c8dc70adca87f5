package host

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"moongate/runtime/account"
	"moongate/runtime/application"
	"moongate/runtime/session"
)

// Numbers has the numbers of user names: of those who log in, and of those whom a gate knows by their certificates. A
// name, without regard to case, has one number for ever. The methods may be called from any goroutine.
type Numbers interface {
	// UserNumber is the number of a name, a new one if it has none. It blocks for a name that this host does not know
	// yet, until ctx ends at the latest.
	UserNumber(ctx context.Context, name string) (int64, error)
	// UserName is the name of a number, "" when nobody has it. It blocks for one that KnownUser does not know.
	UserName(ctx context.Context, number int64) (string, error)
	// KnownUser is the name of a number, "" when this host does not know it yet. It never blocks.
	KnownUser(number int64) string
}

// logins is what the host knows of users who log in.
type logins struct {
	users   *account.Users // nil: no accounts, everybody is the Designer
	numbers Numbers        // nil: there are none
	tries   account.Tries
}

// errInterrupted is what a client is told whose login was interrupted by the end of its connection.
var errInterrupted = errors.New("the login was interrupted")

// errNoNumber is what a client is told when there is no number for its user.
var errNoNumber = errors.New("the server has no number for this user; see its log")

// errKnown is what a client is told that logs in as somebody else.
var errKnown = errors.New("this connection is logged in already; connect again to be another user")

// identify checks a name and a password that came from a peer. It blocks: from the fourth try of an address on for
// 10 seconds first (CHANGE CURRENT USER), and then until the password has been hashed. ctx ends it.
func (h *Host) identify(ctx context.Context, peer session.Peer, name string, password []byte) (session.User, error) {
	try, err := h.logins.tries.Begin(peer.Address.Addr(), name, time.Now())
	if err != nil {
		return session.User{}, application.ErrBusy
	}
	succeeded := false
	defer func() { try.End(succeeded) }()
	if try.Delay > 0 {
		timer := time.NewTimer(try.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return session.User{}, errInterrupted
		}
	}
	user, err := h.logins.users.Verify(ctx, name, password)
	switch {
	case errors.Is(err, account.ErrWrongPassword):
		if h.mayLog(&h.refusals, time.Now()) {
			h.log.Info("login failed", "user", limited(name), "address", peer.Address)
		}
		return session.User{}, application.ErrWrongPassword
	case errors.Is(err, account.ErrBusy):
		return session.User{}, application.ErrBusy
	case err != nil:
		return session.User{}, errInterrupted
	}
	succeeded = true
	known, err := h.numbered(ctx, user.Name)
	if err != nil && ctx.Err() != nil {
		return session.User{}, errInterrupted
	}
	return known, err
}

// numbered is the user of a name, with its number. It blocks for a name that this host does not know yet. The error is
// errNoNumber, and the log says why.
func (h *Host) numbered(ctx context.Context, name string) (session.User, error) {
	number, err := h.logins.numbers.UserNumber(ctx, name)
	if err == nil {
		return session.User{Number: session.UserNumber(number), Name: name}, nil
	}
	if !errors.Is(ctx.Err(), context.Canceled) && h.mayLog(&h.refusals, time.Now()) {
		h.log.Error("user has no number", "user", limited(name), "error", err)
	}
	return session.User{Name: name}, errNoNumber
}

// limited is a name as the log gets it.
func limited(name string) string {
	const most = 80
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "..."
	}
	return name
}

// Identify says who the client is.
func (g *guest) Identify(name string, password []byte) error {
	if g.connection != nil {
		if !strings.EqualFold(g.connection.Account, name) {
			return errKnown
		}
		_, err := g.host.identify(g.context(), g.connection.Peer, name, password)
		return err
	}
	mark := g.host.logins.users.Mark(name) // before, or a change meanwhile would not be noticed
	user, err := g.host.identify(g.context(), g.arrival.Peer, name, password)
	if err != nil {
		g.user.Name = limited(name)
		if errors.Is(err, application.ErrWrongPassword) {
			g.failed++
		}
		return err
	}
	g.user, g.account = user, mark
	return nil
}

// Enter asks the open method about the user that Identify has found.
func (g *guest) Enter() error {
	if g.connection != nil {
		return nil
	}
	h, a := g.host, g.arrival
	c := h.admit(a, g.user)
	if c == nil {
		r := h.sessions.Check(a.Peer)
		if r.Code == 0 { // it was ended meanwhile
			return errInterrupted
		}
		g.told = true
		h.refused(a.Peer, nil, g.user, r, a.Since, asked{})
		return &application.Refused{Code: r.Code, Reason: r.Reason}
	}
	g.told = true
	if err := g.enterAs(c); err != nil {
		return err
	}
	if g.server != nil { // nobody serves yet who is let in before the first word
		c.ServedBy(g.server)
	}
	return nil
}

// enterAs asks the open method about a connection that the guest is about to have.
func (g *guest) enterAs(c *session.Connection) error {
	g.setConnection(c)
	defer func() {
		if g.program == nil {
			g.setConnection(nil)
		}
	}()
	program, ruling := g.host.decide(c, nil)
	if ruling.Code != 0 {
		return &application.Refused{Code: ruling.Code, Reason: ruling.Reason}
	}
	g.program, g.decided = program, time.Now()
	g.limit(ruling.Terms)
	g.endsWithTwin()
	return nil
}

// context ends when the conversation is asked to end before the client has logged in, or logs in again.
func (g *guest) context() context.Context {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx == nil {
		g.ctx, g.cancel = context.WithCancelCause(context.Background())
	}
	return g.ctx
}

// leftUnheard is what the journal says of somebody who has gone before the first command, and might have been a client process
// of a remote session.
var leftUnheard = session.Refusal{Code: -10515, Reason: "left before the first command", By: "session"}

// notLoggedIn ends the stay of somebody who was never let in.
func (g *guest) notLoggedIn(cause session.Cause) {
	h := g.host
	defer h.sessions.Leave(g.arrival)
	switch {
	case g.told:
	case g.undecided && h.logins.users == nil:
		h.refused(g.arrival.Peer, nil, g.user, leftUnheard, g.arrival.Since, asked{})
	default:
		h.refused(g.arrival.Peer, nil, g.user, refusedByLogin(g.failed, cause), g.arrival.Since, asked{})
	}
}

// UserName is the name of the user with that number, as far as this host knows it: "" when nobody has it, or only another
// host of the database has met that user since the start. It never blocks.
func (h *Host) UserName(n session.UserNumber) string {
	if name := session.UserName(n); name != "" || n <= 0 || h.logins.numbers == nil {
		return cmp.Or(name, addressOf(n))
	}
	return h.logins.numbers.KnownUser(int64(n))
}

// FindUserName is the name of the user with that number, "" when nobody has it. It blocks for the data store when UserName
// does not know it; ctx ends the wait. The error is the data store's.
func (h *Host) FindUserName(ctx context.Context, n session.UserNumber) (string, error) {
	if name := h.UserName(n); name != "" || n <= 0 || h.logins.numbers == nil {
		return name, nil
	}
	return h.logins.numbers.UserName(ctx, int64(n))
}
