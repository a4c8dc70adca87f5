package host

import (
	"context"
	"net"
	"sync"
	"time"

	"moongate/runtime/account"
	"moongate/runtime/application"
	"moongate/runtime/datastore"
	"moongate/runtime/listener"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// lostGrace is how long a link is kept whose transport has ended without a word: the client's program has died, or its
// network has cut the connection and it comes back at once.
const lostGrace = 5 * time.Second

// link is the host's part of a client process of a remote session: what outlives the transports, one after the other, by
// which the client process asks. The guest that made it is its conversation, and the goroutine of that guest is the
// link's until its end. Where it stands is the session.Link's; see there for the steps.
type link struct {
	*session.Link
	host    *Host
	guest   *guest
	replies application.Replies
	account account.Mark    // of the Application process's link: whose session this is, as of the login
	ctx     context.Context // of acts of data; ends when the link's end is asked for
	cancel  context.CancelCauseFunc
	ending  chan struct{}  // closed when the end is asked for
	next    chan transport // takes the transport by which the client has come back
	over    chan struct{}  // closed when all is freed

	shown  string // the tables as the client was told of them, "" when that is not sure; guarded by Host.showing
	pushed bool   // it was told by a push, which may not have arrived; likewise

	data *datastore.Context // of both twins; nil before the first needs it. Of the link's goroutine
	twin *process.Process   // the data twin; likewise

	mu      sync.Mutex
	stay    session.Stay // who serves the transport; nil between two
	conn    net.Conn     // the transport; nil between two
	cause   session.Cause
	timer   *time.Timer // ends the link if nobody comes back; nil before the first loss
	in, out int64       // bytes of earlier transports
}

// transport is a connection by which a client comes back.
type transport struct {
	conn net.Conn
	peer session.Peer
}

// newLink makes the link of a client process, which belongs to no session yet.
func newLink(g *guest, number int64, name string) *link {
	l := &link{host: g.host, guest: g, ending: make(chan struct{}), next: make(chan transport, 1), over: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	l.Link = session.NewLink(l, number, name, time.Now())
	return l
}

// keeper is the host's part of a link that somebody has found in a session.
func keeper(l *session.Link) *link { return l.Keeper.(*link) }

// outlive serves the link with one transport after the other, from the moment that the first has ended with that cause, and
// returns when the link's end has come: with the transport that is left, nil for none.
func (l *link) outlive(cause session.Cause, conn net.Conn) net.Conn {
	for {
		l.detach() // before the loss is noted: see unclaim
		if !l.survives(cause) {
			l.End(cause)
			<-l.ending // who has asked for the end has said why, before the close method is told of it
			return conn
		}
		conn.Close()
		if conn = l.await(); conn == nil {
			return nil
		}
		cause = l.guest.stay(conn)
	}
}

// survives notes how a transport has ended, and reports whether the link goes on.
func (l *link) survives(cause session.Cause) bool {
	if !l.lost(cause) && cause != session.Resumed {
		return false
	}
	state, _ := l.State()
	return state < session.LinkEnding
}

// losses are the causes that are no end of a link, and what happens to it by them.
var losses = map[session.Cause]session.LinkEvent{
	session.ConnectionLost: session.TransportLost,
	session.Unreachable:    session.TransportSilent,
	session.TooSlow:        session.TransportSilent,
}

// lost notes that the transport was lost, if that is what the cause says. It may be called from any goroutine.
func (l *link) lost(cause session.Cause) bool {
	event, lost := losses[cause]
	if lost && l.Step(event, time.Now()) {
		state, _ := l.State()
		l.log("link "+state.String(), "cause", cause.String())
		l.arm()
	}
	return lost
}

// log says in the log what becomes of the link.
func (l *link) log(message string, more ...any) {
	h := l.host
	if h.mayLog(&h.visits, time.Now()) {
		about := []any{"session", l.Session.ID, "client_process", l.Process, "user", l.Session.User.Name}
		h.log.Info(message, append(about, more...)...)
	}
}

// arm has the link end when nobody has come back by its deadline. It is called when that may have changed.
func (l *link) arm() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	if deadline, any := l.Deadline(lostGrace, l.host.config.SessionTimeout); any {
		l.timer = time.AfterFunc(time.Until(deadline), l.expire)
	}
}

// expire ends the link if nobody has come back.
func (l *link) expire() {
	deadline, any := l.Deadline(lostGrace, l.host.config.SessionTimeout)
	if !any || time.Now().Before(deadline) { // it came back, and was perhaps lost anew
		return
	}
	cause := session.ConnectionLost
	if state, _ := l.State(); state == session.LinkUnreachable {
		cause = session.Unreachable
	}
	l.end(session.TimeOver, cause)
}

// rearm is arm for all links of a session, whose sleep began or ended.
func rearm(s *session.Session) {
	for _, l := range s.Links() {
		keeper(l).arm()
	}
}

// await waits until the client comes back, and gives its transport; nil when the link's end has come first.
func (l *link) await() net.Conn {
	for {
		select {
		case t := <-l.next:
			if conn := l.take(t); conn != nil {
				return conn
			}
		case <-l.ending:
			return nil
		}
	}
}

// hand gives the link a transport by which its client has come back. There is room: it was claimed for this one. While the
// link has no time for it, because a request runs, it is looked after: its client may go again.
func (l *link) hand(t transport) {
	l.next <- t
	select {
	case <-l.over:
		l.refuse()
		return
	default:
	}
	time.AfterFunc(queueLook, func() { // again and again, until the link has taken the transport or ends
		if len(l.next) > 0 {
			l.Stray()
		}
	})
}

// queueLook is the time between two looks at a transport that waits for the link.
const queueLook = time.Second

// refuse closes a transport that came too late.
func (l *link) refuse() {
	select {
	case t := <-l.next:
		t.conn.Close()
	default:
	}
}

// take goes on with a transport by which the client has come back, unless the end has come.
func (l *link) take(t transport) net.Conn {
	if !l.host.sessions.Take(l.Link, t.peer, time.Now()) {
		t.conn.Close()
		return nil
	}
	rearm(l.Session)
	l.log("link resumed", "address", t.peer.Address)
	return t.conn
}

// claim reserves the link for a client with the token that wants to come back, after so many replies. It gives how many
// requests were carried out or begun. unclaim must be called if nothing comes of it.
func (l *link) claim(got int64) (int64, error) {
	if !l.Step(session.Claim, time.Now()) {
		l.Stray()
		if !l.Step(session.Claim, time.Now()) {
			return 0, application.ErrInUse
		}
	}
	done, err := l.replies.Resume(got)
	if err != nil {
		l.unclaim()
		return 0, err
	}
	return done, nil
}

// unclaim leaves the link as it was. A sleeper's transport that was there may have ended meanwhile, which nobody could note.
func (l *link) unclaim() {
	if !l.Step(session.Unclaim, time.Now()) {
		return
	}
	l.arm()
	l.mu.Lock()
	gone := l.conn == nil
	l.mu.Unlock()
	if gone {
		l.lost(session.ConnectionLost)
	}
}

// Stray looks whether the transport is there, for a client that says it is not.
func (l *link) Stray() {
	select {
	case t := <-l.next: // it came back, and the link had no time for it yet
		presence := listener.Look(t.conn)
		if presence == listener.Present {
			l.hand(t)
			return
		}
		t.conn.Close()
		event := session.ClaimLost
		if presence == listener.Vanished {
			event = session.ClaimSilent
		}
		if l.Step(event, time.Now()) {
			state, _ := l.State()
			l.log("link "+state.String(), "cause", "gone again while a request runs")
			l.arm()
		}
	default:
		if l.isGone() {
			l.lost(session.ConnectionLost)
		}
	}
}

// isGone reports whether the client has left the transport that the link has now.
func (l *link) isGone() bool {
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	return conn != nil && listener.Gone(conn)
}

// attach says who serves a transport now. If the end was asked for already, it is told at once. An order that may have
// been lost with the transport before is given again.
func (l *link) attach(stay session.Stay, conn net.Conn) {
	l.mu.Lock()
	l.stay, l.conn = stay, conn
	cause := l.cause
	l.mu.Unlock()
	if cause != session.NoCause {
		stay.End(cause)
	}
	l.host.sessions.Clients().Again(l)
	if l.Application { // by its first transport nothing is told yet
		l.host.showStructure(l)
		if t := l.host.quits.terms(); t.any {
			l.Quit(t.notice())
		}
	}
}

// detach forgets the transport. What was pushed to it may not have arrived.
func (l *link) detach() {
	l.mu.Lock()
	if l.stay != nil {
		in, out := l.stay.Bytes()
		l.in, l.out = l.in+in, l.out+out
	}
	l.stay, l.conn = nil, nil
	l.mu.Unlock()
	l.host.showing.Lock()
	defer l.host.showing.Unlock()
	if l.pushed {
		l.shown = ""
	}
}

// server is who serves the transport; nil between two.
func (l *link) server() session.Stay {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stay
}

// asked is the cause for which the end was asked for; NoCause while nobody has.
func (l *link) asked() session.Cause {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// End asks for the end of the link, from any goroutine, and returns at once. The first cause stays. When it is the
// Application process's, it is the end of all others too, and nobody joins any more.
func (l *link) End(cause session.Cause) { l.end(session.EndAsked, cause) }

func (l *link) end(event session.LinkEvent, cause session.Cause) {
	if !l.Step(event, time.Now()) {
		return
	}
	l.mu.Lock()
	l.cause = cause
	stay := l.stay
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	if c := l.Connection(); c != nil {
		c.End(cause)
	}
	close(l.ending)
	if stay != nil {
		stay.End(cause)
	} else {
		l.interrupt()
	}
	if !l.Application {
		return
	}
	others := cause
	if cause != session.Dropped && cause != session.Shutdown {
		others = session.SessionEnded
	}
	for _, other := range l.host.sessions.Expire(l.Session) {
		other.End(others)
	}
}

// interrupt ends what runs for the link, if its end was asked for: what a lost client has asked runs on. The connection has
// the cause first, whoever comes before end: the kill would be one.
func (l *link) interrupt() {
	cause := l.asked()
	if cause == session.NoCause {
		return
	}
	l.cancel(errDropped)
	if c := l.Connection(); c != nil {
		c.End(cause)
		l.guest.kill(c, cause)
	}
}

// Tell gives the client a message. Between two transports there is nobody to hear it.
func (l *link) Tell(text string) bool {
	stay := l.server()
	return stay != nil && stay.Tell(text)
}

// Quit says that the server is going to quit.
func (l *link) Quit(delay time.Duration, text string) bool {
	stay := l.server()
	return stay != nil && stay.Quit(delay, text)
}

// Push gives the client a notice of some kind.
func (l *link) Push(kind string, values ...any) bool {
	stay := l.server()
	return stay != nil && stay.Push(kind, values...)
}

// Order gives the client an order. Between two transports it gets it with the next one: see take.
func (l *link) Order(o session.Order) {
	if stay := l.server(); stay != nil {
		stay.Order(o)
	}
}

// Idle is how long the client process has asked for nothing.
func (l *link) Idle() time.Duration {
	if stay := l.server(); stay != nil {
		return stay.Idle()
	}
	_, since := l.State()
	return time.Since(since)
}

// Bytes is how many bytes have come from the client process and gone to it, over all transports.
func (l *link) Bytes() (in, out int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stay != nil {
		in, out = l.stay.Bytes()
	}
	return l.in + in, l.out + out
}

var _ session.Keeper = (*link)(nil)
