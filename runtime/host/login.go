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

// logins is what the host knows of users who log in.
type logins struct {
	users   *account.Users // nil: no accounts, everybody is the Designer
	numbers *account.Numbers
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
	number, err := h.logins.numbers.Of(user.Name)
	if err != nil {
		h.log.Error("user number not kept", "user", user.Name, "number", number, "error", err)
	}
	if number == 0 {
		return session.User{}, errNoNumber
	}
	// With the error too: the number holds while this server runs.
	return session.User{Number: session.UserNumber(number), Name: user.Name}, nil
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
	user, err := g.host.identify(g.context(), g.arrival.Peer, name, password)
	if err != nil {
		g.user.Name = limited(name)
		if errors.Is(err, application.ErrWrongPassword) {
			g.failed++
		}
		return err
	}
	g.user = user
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
		h.refused(a.Peer, nil, g.user, r, a.Since, "", "")
		return &application.Refused{Code: r.Code, Reason: r.Reason}
	}
	g.told = true
	g.setConnection(c)
	defer func() {
		if g.program == nil {
			g.setConnection(nil)
		}
	}()
	program, ruling := h.decide(c, nil)
	if ruling.Code != 0 {
		return &application.Refused{Code: ruling.Code, Reason: ruling.Reason}
	}
	g.program, g.decided = program, time.Now()
	g.limit(ruling.Terms)
	g.endsWithTwin()
	c.ServedBy(g.server)
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

// notLoggedIn ends the stay of somebody who was never let in.
func (g *guest) notLoggedIn(cause session.Cause) {
	h := g.host
	defer h.sessions.Leave(g.arrival)
	if !g.told {
		h.refused(g.arrival.Peer, nil, g.user, refusedByLogin(g.failed, cause), g.arrival.Since, "", "")
	}
}

// UserName is the name of the user with that number, "" when nobody has it.
func (h *Host) UserName(n session.UserNumber) string {
	if name := session.UserName(n); name != "" || n < 0 || h.logins.numbers == nil {
		return cmp.Or(name, addressOf(n))
	}
	return h.logins.numbers.Name(account.Number(n))
}
