package application

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// maxKept is how much of a reply is kept for a client whose transport is lost before it arrives, in bytes.
const maxKept = 4 << 20

// Replies is what a link knows of its requests, over all of its transports: how many there were, and the last reply. With
// that a client whose transport was lost can tell what was carried out. The zero value is that of a new link. Its methods
// may be called from any goroutine and do not block; the reply itself belongs to the goroutine that serves the link.
type Replies struct {
	mu        sync.Mutex
	count     int64  // requests carried out or begun
	running   bool   // the last of them has no reply yet
	owed      bool   // the next transport begins with the last reply
	turn      int    // of the transport that may ask
	interrupt func() // ends the wait of whoever serves the transport; nil: nobody does

	last     []byte        // the last reply, up to maxKept
	lost     bool          // it was longer, or there was no room for it: it is not there
	kept     *atomic.Int64 // bytes of the long replies of all links
	reserved int64         // of those, this link's
}

// Errors of Resume, for the client to read.
var (
	errNoReply    = errors.New("the reply was too big to be kept")
	errStillOwing = errors.New("that reply has not been given yet")
)

// Count is how many requests were carried out or begun: "done" in the reply of RESUME.
func (r *Replies) Count() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// Resume has the link go on with its next transport, to a client that has had so many replies. It gives how many requests
// were carried out or begun: as many, or one more, whose reply the transport then begins with. The error is for the client;
// then nothing has changed. Otherwise whoever serves the transport before this one carries out nothing more that comes by
// it, and Serve returns as soon as what runs is over.
func (r *Replies) Resume(got int64) (done int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	owed := r.count-got == 1
	switch {
	case got < 0 || got > r.count || r.count-got > 1:
		return 0, fmt.Errorf("the client has had %d replies, but %d requests were carried out", got, r.count)
	case !owed && r.running:
		return 0, errStillOwing
	case owed && r.lost && !r.running:
		return 0, errNoReply
	}
	r.owed = owed
	r.turn++
	if r.interrupt != nil {
		r.interrupt()
	}
	return r.count, nil
}

// Forget gives up what is kept, when the link has ended.
func (r *Replies) Forget() {
	r.last = nil
	r.giveBack()
}

// giveBack gives back the room of a long reply.
func (r *Replies) giveBack() {
	if r.reserved > 0 {
		r.kept.Add(-r.reserved)
		r.reserved = 0
	}
}

// hasRoom reports whether a reply of so many bytes can be kept.
func (r *Replies) hasRoom(bytes int) bool {
	if bytes > maxKept {
		return false
	}
	more := int64(bytes) - r.reserved
	if bytes <= alwaysKept || more <= 0 {
		return true
	}
	if !reserve(r.kept, more) {
		return false
	}
	r.reserved += more
	return true
}

// attach begins a transport, with what all links keep together. interrupt must not block; it is called, under the lock of the replies, when another transport
// takes over.
func (r *Replies) attach(kept *atomic.Int64, interrupt func()) (turn int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = kept
	if r.running { // a fault of the host has ended the request
		r.running, r.lost = false, true
	}
	r.interrupt = interrupt
	return r.turn
}

// owing reports, once, whether the transport begins with the last reply, and whether that is lost.
func (r *Replies) owing() (owed, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	owed, r.owed = r.owed, false
	return owed, owed && r.lost
}

// detach ends a transport.
func (r *Replies) detach() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.interrupt = nil
}

// begin counts a request. It reports false, and counts nothing, when another transport has taken over.
func (r *Replies) begin(turn int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if turn != r.turn {
		return false
	}
	r.count++
	r.running = true
	return true
}

// end says that the last request has its reply.
func (r *Replies) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = false
}

// current reports whether a transport is still the one that may ask.
func (r *Replies) current(turn int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return turn == r.turn
}

// smallReply is the size of a buffer that is kept from one reply to the next, in bytes.
const smallReply = 4 << 10

// recording takes a reply down, and passes on to out at once what is beyond the bound.
type recording struct {
	replies *Replies
	out     interface{ WriteRaw([]byte) }
}

// begin forgets the reply before.
func (c *recording) begin() {
	r := c.replies
	if cap(r.last) > smallReply {
		r.last = nil
	}
	r.last = r.last[:0]
	r.giveBack()
	r.mu.Lock()
	r.lost = false
	r.mu.Unlock()
}

// Write takes down a part of the reply. It never fails.
func (c *recording) Write(b []byte) (int, error) {
	r := c.replies
	switch {
	case !r.lost && !r.hasRoom(len(r.last)+len(b)):
		c.out.WriteRaw(r.last)
		r.last = nil
		r.giveBack()
		r.mu.Lock()
		r.lost = true
		r.mu.Unlock()
		c.out.WriteRaw(b)
	case r.lost:
		c.out.WriteRaw(b)
	default:
		r.last = append(r.last, b...)
	}
	return len(b), nil
}
