package application

import (
	"os"
	"sync/atomic"

	"moongate/runtime/session"
)

// What the clients of remote sessions may have in the server's memory all together. A link may send long commands, and keeps
// its last reply; that must not be multiplied by the number of links.

// room is a bound of how many links may have sent so much of a command that is not whole yet. Who meets the end of one waits,
// and what it sends with it; a command that takes too long for that ends as any slow one.
type room struct {
	from   int // bytes of the command that have come
	places chan struct{}
}

// newRooms is the bounds, the lowest first. A link that waits for the next room keeps its place in those before: nobody waits
// for a place in a lower one who has one in a higher.
func newRooms() []room {
	return []room{
		{from: 256 << 10, places: make(chan struct{}, 128)},
		{from: 2 << 20, places: make(chan struct{}, 8)},
	}
}

// takeRoom is called before more of a command is read, and waits until there is room for it. The error is
// os.ErrDeadlineExceeded, as that of a read is, when somebody has left a note.
func (st *stay) takeRoom() error {
	for rooms := st.server.rooms; st.rooms < len(rooms) && st.reader.Buffered() >= rooms[st.rooms].from; st.rooms++ {
		places := rooms[st.rooms].places
		select {
		case places <- struct{}{}:
			continue
		default:
		}
		st.mu.Lock()
		if st.nudged == nil {
			st.nudged = make(chan struct{}, 1)
		}
		nudged, ended := st.nudged, st.ended
		st.mu.Unlock()
		if ended != session.NoCause {
			return os.ErrDeadlineExceeded
		}
		select {
		case places <- struct{}{}:
		case <-nudged:
			return os.ErrDeadlineExceeded
		}
	}
	return nil
}

// release gives the memory of the command back that is about to be carried out, which may take long, and its room.
func (st *stay) release() {
	st.reader.Release()
	st.giveRoom()
}

// giveRoom is called when the command has gone from the buffer.
func (st *stay) giveRoom() {
	for ; st.rooms > 0; st.rooms-- {
		<-st.server.rooms[st.rooms-1].places
	}
}

// Bounds of the replies that are kept, in bytes.
const (
	alwaysKept = 64 << 10  // a reply up to this is kept in any case
	mostKept   = 256 << 20 // of longer ones, those of all links together
)

// reserve takes room for so many bytes of a long reply from what all links have together. It reports false if there is not
// so much.
func reserve(kept *atomic.Int64, bytes int64) bool {
	if kept.Add(bytes) <= mostKept {
		return true
	}
	kept.Add(-bytes)
	return false
}
