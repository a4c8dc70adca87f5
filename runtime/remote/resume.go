package remote

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"moongate/runtime/wire"
)

// How a lost transport is made again.
const (
	firstWait = 100 * time.Millisecond
	longWait  = 5 * time.Second
	// lostGrace is how long the server keeps what belongs to a link that ended without QUIT, and for how long nobody may
	// listen at its address before it is taken to have ended.
	lostGrace = 5 * time.Second
	// joinPatience is how long a process waits for its number to be free again: the server must notice first that a link
	// before is lost, and end what that had begun.
	joinPatience = time.Minute
)

// retry says when the next attempt to make a transport is made, and until when. It belongs to the link's goroutine.
type retry struct {
	wait    time.Duration // before the next attempt; 0: none
	since   time.Time     // of the first attempt in vain, or of the loss; zero: all is well
	refused time.Time     // since when nobody listens; zero: somebody did at the last attempt
}

// reset is called when a transport has shown that it works.
func (r *retry) reset() { *r = retry{} }

// lasted is called when a transport has ended: one that lasted long has worked.
func (r *retry) lasted(d time.Duration) {
	if d >= longWait {
		r.reset()
	}
}

// next waits for the time of the next attempt, or until ctx ends.
func (r *retry) next(ctx context.Context) error {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	wait := r.wait
	r.wait = min(max(2*wait, firstWait), longWait)
	if wait == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait/2 + rand.N(wait/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hopeless reports whether an attempt in vain was the last: for so long the server keeps the session.
func (r *retry) hopeless(err error, patience time.Duration) bool {
	now := time.Now()
	switch {
	case !nobodyListens(err):
		r.refused = time.Time{}
	case r.refused.IsZero():
		r.refused = now
	}
	return now.Sub(r.since) >= patience || !r.refused.IsZero() && now.Sub(r.refused) >= lostGrace
}

// connect makes a transport for the link, by JOIN the first time and by RESUME later, and tries again until it has
// one, or there is no hope. done is how many requests the server has begun since JOIN.
func (l *link) connect() (t *transport, done int64, err error) {
	resume := l.hadJoined()
	patience := max(l.client.welcome.Timeout, lostGrace)
	for attempt := 0; ; attempt++ {
		if err := l.again.next(l.ctx); err != nil {
			return nil, 0, err
		}
		t, done, err = l.attempt(resume, l.address(attempt))
		switch {
		case err == nil:
			if attempt > 0 || resume {
				l.client.log.Info("connection to the server resumed", "process", l.process.number, "duration", time.Since(l.again.since))
			}
			return t, done, nil
		case isFinal(err) || l.ctx.Err() != nil:
			return nil, 0, err
		case !resume && errors.Is(err, errInUse) && time.Since(l.again.since) >= joinPatience:
			return nil, 0, &Error{Message: "the server still has a process of that number in this session: " + err.Error()}
		case l.again.hopeless(err, patience):
			return nil, 0, lost("%v", err)
		}
	}
}

// address is where the server is looked for: where it was found, and every third time where the name leads by now.
func (l *link) address(attempt int) string {
	if attempt%3 == 2 {
		return l.client.config.Address
	}
	return l.client.peer
}

// errInUse is the server's answer while it takes the transport before to be alive.
var errInUse = errors.New("the process has a transport that the server does not know to be lost")

// attempt makes a transport once.
func (l *link) attempt(resume bool, address string) (*transport, int64, error) {
	ctx, cancel := context.WithTimeoutCause(l.ctx, joinTime, errNoAnswer)
	defer cancel()
	t, err := l.client.dial(ctx, address)
	if err != nil {
		return nil, 0, err
	}
	name, f := "JOIN", newFrame("JOIN", 3).text(l.client.welcome.Token).number(l.process.number).text(l.process.name)
	if resume {
		name, f = "RESUME", newFrame("RESUME", 3).text(l.client.welcome.Token).number(l.process.number).number(l.replies())
	}
	done, err := l.enter(ctx, t, name, f)
	if err != nil {
		t.close()
		return nil, 0, err
	}
	return t, done, nil
}

// replies is how many replies the link has had.
func (l *link) replies() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.got
}

// enter is JOIN or RESUME on a new transport.
func (l *link) enter(ctx context.Context, t *transport, name string, f frame) (done int64, err error) {
	reply, _, err := t.exchange(ctx, f)
	if err != nil {
		return 0, err
	}
	if e, ok := reply.(wire.Error); ok {
		return 0, rejection(name, e)
	}
	fields, err := readFields(name, reply)
	if err != nil {
		return 0, err
	}
	session := fields.text("session")
	if name == "RESUME" {
		done = fields.number("done")
	}
	if err := fields.err(); err != nil {
		return 0, err
	}
	if session != l.client.welcome.Session {
		return 0, nonsense("the answer to %s is of another session", name)
	}
	return done, nil
}

// rejection is the error that an error reply to JOIN or RESUME is. Who is refused while resuming tries again: the
// server may be full for the moment, but the session is there.
func rejection(name string, e wire.Error) error {
	switch {
	case e.Code == "INUSE":
		return errInUse
	case e.Code == "TOKEN":
		return lost("%s", e.Message)
	case e.Code == "REFUSED" && name == "RESUME":
		return errors.New(refused(e.Message).Error())
	case e.Code == "REFUSED":
		return refused(e.Message)
	}
	return lost("%s: %s", name, e.Message)
}
