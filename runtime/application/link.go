package application

import (
	"math"
	"slices"
	"time"

	"moongate/runtime/listener"
	"moongate/runtime/session"
	"moongate/runtime/wire"
)

// maxArgument is the longest argument of a link's command, in bytes: packed arguments are one, with the longest text that Lua
// has in it, and what goes with that.
const maxArgument = 20 << 20

// becomeLink goes on as a link: its replies are counted and the last is kept.
func (st *stay) becomeLink() {
	st.replies = st.guest.Replies()
	st.turn = st.replies.attach(&st.server.kept, st.overtake)
	st.undecided, st.opening = false, false
	st.known.Store(true)
	st.remote.Store(true)
	st.reader.SetLimits(st.limits())
	st.speak(wire.RESP3)
	st.recording = recording{replies: st.replies, out: st.writer}
	st.recorder = wire.NewWriter(&st.recording)
	st.recorder.SetVersion(wire.RESP3)
	listener.WatchLink(st.conn)
}

// payReply sends the reply that a client which has resumed its link has not had.
func (st *stay) payReply() {
	switch owed, lost := st.replies.owing(); {
	case lost:
		st.writer.WriteError("ERR", errNoReply.Error())
	case owed:
		st.writer.WriteRaw(st.replies.last)
	}
}

// answer carries a command out and writes its reply. It reports false, and carries out nothing, when the client has come
// back by another transport.
func (st *stay) answer(command wire.Command) bool {
	r := st.replies
	if r == nil {
		st.carryOut(command)
		return true
	}
	if !r.begin(st.turn) {
		return false
	}
	st.guest.Awake()
	st.recording.begin()
	reply := st.writer
	st.writer = st.recorder
	st.carryOut(command)
	st.recorder.Flush() // into memory
	st.writer = reply
	st.giveRoom()
	r.end()
	st.writer.WriteRaw(r.last) // nothing, if it was too long to be kept and is written already
	return true
}

// overtake makes the serving goroutine leave this transport: another one has become the link's. It is called from any
// goroutine. What runs is over first.
func (st *stay) overtake() {
	st.mu.Lock()
	st.conn.SetWriteDeadline(time.Unix(1, 0))
	st.mu.Unlock()
	st.nudge()
}

// leaveTransport gives the transport to the link that RESUME has found.
func (st *stay) leaveTransport() session.Cause {
	if err := st.writer.Flush(); err != nil {
		return session.ConnectionLost
	}
	st.mu.Lock()
	ended := st.ended
	st.handed = ended == session.NoCause
	st.mu.Unlock()
	if ended != session.NoCause {
		return ended
	}
	st.known.Store(true) // nobody waits for a login any more
	st.enter(running)
	st.conn.SetReadDeadline(time.Time{})
	st.handOver()
	return session.Resumed
}

// longestQueue is how many messages may wait for a client that is busy; older ones are dropped.
const longestQueue = 16

// Kinds of pushes.
const (
	pushNotice    = "notice"
	pushOrder     = "order"
	pushQuit      = "quit"
	pushStay      = "stay"
	pushStructure = "structure"
)

// Tell leaves a message for the client, from any goroutine. RESP2 has no messages.
func (st *stay) Tell(text string) bool { return st.push(wire.Push{pushNotice, text}) }

// Quit tells a link's client that the server is going to quit, and when: -1 is when its clients have left. It reports
// false for a client that knows messages only.
func (st *stay) Quit(delay time.Duration, text string) bool {
	if !st.remote.Load() {
		return false
	}
	seconds := int64(-1)
	if delay >= 0 {
		seconds = int64(math.Ceil(delay.Seconds()))
	}
	return st.push(wire.Push{pushQuit, seconds, text})
}

// Order gives a link's client an order.
func (st *stay) Order(o session.Order) {
	packed, err := wire.Pack(o.Args)
	if err != nil { // which no value of a script's is
		packed, _ = wire.Pack(nil)
	}
	st.push(wire.Push{pushOrder, o.ID, o.Method, string(packed)})
}

// Push leaves a push of another kind for a link's client, in place of one of that kind that is still there.
func (st *stay) Push(kind string, values ...any) bool {
	return st.remote.Load() && st.push(append(wire.Push{kind}, values...))
}

// push leaves a push, from any goroutine. What it makes void is taken away, so that a client which reads nothing for long
// costs no more than the queue; orders come one at a time.
func (st *stay) push(p wire.Push) bool {
	if !st.resp3.Load() {
		return false
	}
	st.mu.Lock()
	switch kind := p[0]; kind {
	case pushNotice:
		notices := 0
		for _, waiting := range st.pushes {
			if waiting[0] == pushNotice {
				notices++
			}
		}
		if notices == longestQueue {
			st.pushes = slices.Delete(st.pushes, st.first(pushNotice), st.first(pushNotice)+1)
		}
	case pushOrder: // one that was given again, because it may have been lost, is the same
		st.pushes = slices.DeleteFunc(st.pushes, func(w wire.Push) bool { return w[0] == pushOrder && w[1] == p[1] })
	case pushQuit, pushStay:
		st.pushes = slices.DeleteFunc(st.pushes, func(w wire.Push) bool { return w[0] == pushQuit || w[0] == pushStay })
	default:
		st.pushes = slices.DeleteFunc(st.pushes, func(w wire.Push) bool { return w[0] == kind })
	}
	st.pushes = append(st.pushes, p)
	st.mu.Unlock()
	st.nudge()
	return true
}

// first is where the first push of a kind waits.
func (st *stay) first(kind string) int {
	return slices.IndexFunc(st.pushes, func(w wire.Push) bool { return w[0] == kind })
}
