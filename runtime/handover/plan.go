package handover

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// protocol is the version of what is said between the two. It grows with every change of it, and of what both do with
// the data folder at the same time.
const protocol = 1

// Variable is the environment variable by which a successor knows that it is one.
const Variable = "MOONGATE_HANDOVER"

// Session is a run of a server whose process may live yet, a predecessor or its predecessor.
type Session struct {
	ID  string // in the journal
	PID int
}

// plan is the first line that a successor reads. Descriptors are meant by their numbers there.
type plan struct {
	Protocol int
	Sockets  []plannedSocket
	Lock     int // of the data folder
	Stderr   int // the predecessor's own; the successor's goes through a pipe at first
	Sessions []plannedSession
}

type plannedSocket struct {
	Descriptor  int
	Use         Use
	Asked, Name string
}

type plannedSession struct {
	Session
	Alive int // ends when it has gone; 0: the pipe that the plan came by does
}

// word is every other line.
type word struct {
	Said string
	Text string `json:",omitempty"` // of alive: what was done
	Last int64  `json:",omitempty"` // of go: the last connection number
}

// The words.
const (
	alive   = "alive"
	ready   = "ready"
	goAhead = "go"
	serving = "serving"
)

// longestLine bounds what one side believes of the other.
const longestLine = 1 << 20

// say writes a line.
func say(w io.Writer, row any) error {
	line, err := json.Marshal(row)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// hear reads a line.
func hear(r *bufio.Reader, row any) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if err := json.Unmarshal(line, row); err != nil {
		return fmt.Errorf("%.100q is no word of a handover: %w", line, err)
	}
	return nil
}

// ErrUnsupported is returned by Start where processes cannot be given sockets.
var ErrUnsupported = errors.New("this system cannot hand sockets to another process: quit the server, and start it again")

// Heritage is what a successor has from its predecessor. Its methods are called by one goroutine, Close by any.
type Heritage struct {
	Sockets  *Sockets
	Lock     *os.File  // of the data folder
	Sessions []Session // whose processes may live yet

	stderr    *os.File
	from      *os.File // the predecessor
	to        *os.File
	words     *bufio.Reader
	lifelines []*os.File // of Sessions
}
