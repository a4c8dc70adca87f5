package session

import (
	"sync"
	"time"
)

// Own is the session of the host itself, which all processes share that belong to no client: stored procedures,
// workers and the methods around a server's life ("Desktop sessions": the stored procedures session). It is as old as
// the host.
type Own struct {
	ID    string // a UUID
	Since time.Time
	shelf
}

// shelf is what a session has for those who run its processes. The zero shelf is empty.
type shelf struct {
	once sync.Once
	kept any
}

// Storage is what the session's processes share, of whichever kind: make makes it when it is first asked for, and
// must not block. It goes with the session.
func (s *shelf) Storage(make func() any) any {
	s.once.Do(func() { s.kept = make() })
	return s.kept
}
