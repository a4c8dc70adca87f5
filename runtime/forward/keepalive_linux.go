package forward

import (
	"time"

	"golang.org/x/sys/unix"
)

// Keep-alive finds an upstream that has gone without a word, as it does for clients: after 15 s of silence, every 15
// s, 9 times. Most connections are over before that matters, and setting it costs 2 us of about 80. So it is set for
// those that are still there after some seconds, all at once.
const sweepAfter = 5 * time.Second

var keepAliveOptions = []struct{ level, name, value int }{
	{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
	{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
	{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
	{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9},
}

// keepAlive sets keep-alive for the upstreams that the engine has connected and that have none yet.
func (l *loop) keepAlive() {
	var fresh []*flow
	l.mu.Lock()
	for _, s := range l.slots {
		if s.flow != nil && s.flow.ours {
			fresh = append(fresh, s.flow)
		}
	}
	l.mu.Unlock()
	for _, f := range fresh {
		f.keepAlive()
	}
}

func (f *flow) keepAlive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over || f.kept {
		return
	}
	f.kept = true
	for _, option := range keepAliveOptions {
		unix.SetsockoptInt(int(f.ends[upstreamSide].fd), option.level, option.name, option.value)
	}
}
