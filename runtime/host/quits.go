package host

import (
	"errors"
	"sync"
	"time"
)

// QuitMode is one of the four ways to end a server (4D's quit dialog, exit.md).
type QuitMode uint8

const (
	QuitIn         QuitMode = iota // clients have so long to leave; then they are disconnected, sleeping ones too
	QuitWait                       // when all clients have left
	QuitWaitActive                 // when all clients that do not sleep have left
	QuitNow                        // at once
)

// String is the mode as moongate quit writes it.
func (m QuitMode) String() string { return [...]string{"in", "wait", "wait-active", "now"}[m] }

// QuitRequest is what somebody asked for who wants the server to stop.
type QuitRequest struct {
	Mode    QuitMode
	Delay   time.Duration // of QuitIn
	Message string        // for the clients; "": the host's own

	// Replaced says that another process lets clients in from now on, and this one waits until those that it has are gone.
	// Who is logging in goes on. It cannot be canceled.
	Replaced bool

	signal bool // asked by the operating system
	script bool // asked by quit_4d, whose caller goes on: a startup method that asks is not ended
}

// ErrTooLate is returned by CancelQuit when the shutdown has gone on, ErrNoQuit when nobody has asked for one.
var (
	ErrTooLate = errors.New("the clients are being disconnected already, or another process serves in place of this one: the shutdown can no longer be canceled")
	ErrNoQuit  = errors.New("nobody has asked the server to stop")
)

// quits collects the requests to stop. With several the one that ends first wins: each condition to go on that was asked
// for stands.
type quits struct {
	mu        sync.Mutex
	asked     chan struct{} // closed by the first request, made anew when it is canceled
	outside   chan struct{} // closed by the first request that is no script's; likewise
	forced    bool          // a second signal came: nothing can be canceled any more
	changed   chan struct{} // closed and made anew by every change of the terms, for the stage that waits
	any       bool
	committed bool // the point of no return is behind: it can no longer be canceled
	signal    bool
	urged     bool     // outside is closed
	replaced  bool     // a request has Replaced
	stopping  bool     // one has not: nobody comes in any more
	mode      QuitMode // of the request that ends first, for reports
	until     time.Time
	active    bool // sleeping clients do not count
	message   string
}

// init makes the channels.
func (q *quits) init() {
	q.asked, q.outside, q.changed = make(chan struct{}), make(chan struct{}), make(chan struct{})
}

func (q *quits) ask(r QuitRequest) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.askLocked(r)
}

// demand asks for the end at once, and that cannot be canceled.
func (q *quits) demand() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.askLocked(QuitRequest{Mode: QuitNow, script: true})
	q.committed = true
}

func (q *quits) askLocked(r QuitRequest) {
	q.signal, q.replaced, q.stopping = q.signal || r.signal, q.replaced || r.Replaced, q.stopping || !r.Replaced
	if !r.script && !q.urged {
		q.urged = true
		close(q.outside)
	}
	news := !q.any || r.Message != "" && r.Message != q.message
	if r.Message != "" {
		q.message = r.Message
	}
	until := time.Time{}
	switch r.Mode {
	case QuitIn:
		until = time.Now().Add(r.Delay)
	case QuitNow:
		until = time.Now()
	case QuitWaitActive:
		news = news || !q.active
		q.active = true
	}
	sooner := !until.IsZero() && (q.until.IsZero() || until.Before(q.until))
	if sooner {
		q.until, news = until, true
	}
	if !q.any || sooner || r.Mode == QuitWaitActive && q.until.IsZero() {
		q.mode = r.Mode
	}
	if !q.any {
		q.any = true
		close(q.asked)
	}
	if news {
		q.changeLocked()
	}
}

func (q *quits) changeLocked() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// cancel takes all requests back.
func (q *quits) cancel() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !q.any:
		return ErrNoQuit
	case q.committed || q.forced || q.replaced:
		return ErrTooLate
	}
	if q.urged {
		q.outside = make(chan struct{})
	}
	q.asked = make(chan struct{})
	q.any, q.signal, q.urged, q.active, q.stopping, q.until, q.message = false, false, false, false, false, time.Time{}, ""
	q.changeLocked()
	return nil
}

// commit is the point of no return, if the terms are still those by which somebody found that it is reached. It reports
// false when they have changed since, or all was canceled.
func (q *quits) commit(t terms) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.any && q.changed == t.changed {
		q.committed = true
	}
	return q.committed
}

// isCommitted reports whether the point of no return is behind.
func (q *quits) isCommitted() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.committed
}

// wanted is closed while somebody wants the server to stop.
func (q *quits) wanted() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.asked
}

// interrupted is closed when somebody outside of the scripts wants the server to stop.
func (q *quits) interrupted() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.outside
}

// force notes a second signal. It reports false when it is not one.
func (q *quits) force() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.any || !q.signal {
		return false
	}
	q.forced = true
	return true
}

// isStopping reports whether somebody wants the server to stop, and not only to go when another takes its place.
func (q *quits) isStopping() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stopping || q.committed
}

func (q *quits) isAsked() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.any
}

// terms are what the stage that waits for the clients goes by.
type terms struct {
	any       bool
	committed bool
	mode      QuitMode
	until     time.Time // when clients must have left; zero: when they like
	active    bool      // sleeping clients do not count
	message   string
	replaced  bool          // another process lets clients in
	changed   chan struct{} // closed when any of this changes; it tells these terms from all others
}

func (q *quits) terms() terms {
	q.mu.Lock()
	defer q.mu.Unlock()
	return terms{q.any, q.committed, q.mode, q.until, q.active, q.message, q.replaced, q.changed}
}
