package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// aliveEvery is the time between two signs of life in a stream of events.
const aliveEvery = 15 * time.Second

// serveEvents gives what happens from now on, until the peer leaves, does not take an event in time, or the house has no
// more to say. Events wait in the house for a slow peer; what does not fit there is counted in the next one.
func (l *Listener) serveEvents(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer l.streams.enter(func() {
		cancel()
		http.NewResponseController(w).SetWriteDeadline(time.Now()) // its peer may not read
	})()
	http.NewResponseController(w).SetReadDeadline(time.Time{}) // the request is over, and the peer may be silent
	w.Header().Set("Content-Type", "text/event-stream")
	s := &stream{listener: l, w: w}
	if r.Method == http.MethodHead {
		s.write("")
		return
	}
	events := l.house.Events(ctx) // from here on nothing is missed
	var alive sync.WaitGroup
	defer alive.Wait()
	defer cancel()
	alive.Go(func() { s.live(ctx, cancel) }) // ends with ctx
	if s.write("") != nil {
		cancel() // and nothing comes
	}
	for e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			l.log.Error("fault of the host", "error", err)
			continue
		}
		if s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", e.Kind, data)) != nil {
			return
		}
	}
}

// streams are the streams that there are, the oldest first. The zero streams is ready for use, from any goroutine.
type streams struct {
	mu  sync.Mutex
	all []*func()
}

// enter adds a stream that end ends, and ends the oldest when there are too many. The result takes it away.
func (s *streams) enter(end func()) (leave func()) {
	one := &end
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= mostStreams {
		(*s.all[0])()
		s.all = s.all[1:]
	}
	s.all = append(s.all, one)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all = slices.DeleteFunc(s.all, func(other *func()) bool { return other == one })
	}
}

// stream is an answer to which two goroutines write.
type stream struct {
	listener *Listener
	mu       sync.Mutex
	w        http.ResponseWriter
}

// write writes and sends a part, which the peer must take in time.
func (s *stream) write(part string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener.hurry(s.w)
	if _, err := s.w.Write([]byte(part)); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}

// live gives signs of life until ctx ends, and cancels it when the peer does not take one.
func (s *stream) live(ctx context.Context, cancel func()) {
	ticker := time.NewTicker(aliveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if s.write(": alive\n\n") != nil {
				cancel()
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
