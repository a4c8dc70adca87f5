package handover

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// planTime is how long the predecessor's plan may take to come.
const planTime = 10 * time.Second

// Inherit gives what this process has from the server that started it, nil when it was not started as a successor. It
// takes Variable out of the environment, and blocks until the plan has come, for 10 seconds at the most. The error says
// what does not fit.
func Inherit() (h *Heritage, err error) {
	value := os.Getenv(Variable)
	os.Unsetenv(Variable)
	if value == "" {
		return nil, nil
	}
	from, to, ok := strings.Cut(value, ",")
	in, err := strconv.Atoi(from)
	out, err2 := strconv.Atoi(to)
	if !ok || err != nil || err2 != nil || in < firstDescriptor || out < firstDescriptor {
		return nil, fmt.Errorf("%s is %q; it is not for people: unset it", Variable, value)
	}
	h = &Heritage{from: inherited(in, "predecessor"), to: inherited(out, "predecessor"), Sockets: &Sockets{}}
	h.words = bufio.NewReaderSize(h.from, longestLine)
	defer func() {
		if err != nil {
			h.Close()
			err = fmt.Errorf("handover: %w", err)
		}
	}()
	var p plan
	h.from.SetReadDeadline(time.Now().Add(planTime))
	if err := hear(h.words, &p); err != nil {
		return nil, fmt.Errorf("the predecessor says nothing sensible: %w", err)
	}
	h.from.SetReadDeadline(time.Time{})
	if p.Protocol != protocol {
		return nil, fmt.Errorf("this version cannot take over from the one that runs (%d, not %d): quit that one, and start this one", p.Protocol, protocol)
	}
	return h, h.take(p)
}

// take opens what the plan names.
func (h *Heritage) take(p plan) error {
	h.Lock, h.stderr = inherited(p.Lock, "lock"), inherited(p.Stderr, "stderr")
	for _, session := range p.Sessions {
		lifeline := h.from
		if session.Alive != 0 {
			lifeline = inherited(session.Alive, "predecessor")
		}
		h.Sessions, h.lifelines = append(h.Sessions, session.Session), append(h.lifelines, lifeline)
	}
	for _, s := range p.Sockets {
		socket := Socket{Use: s.Use, Asked: s.Asked, Name: s.Name, File: inherited(s.Descriptor, "socket")}
		if err := h.Sockets.add(socket, s.Descriptor); err != nil {
			return err
		}
	}
	return nil
}

// Alive tells the predecessor that the start goes on.
func (h *Heritage) Alive(done string) {
	if h != nil {
		say(h.to, word{Said: alive, Text: done})
	}
}

// Ready tells the predecessor that this process could serve, and waits until it stops to accept. It gives the last
// connection number. The error is io.EOF when the predecessor has gone meanwhile: then nobody else serves.
func (h *Heritage) Ready() (last int64, err error) {
	if err := say(h.to, word{Said: ready}); err != nil {
		return 0, io.EOF
	}
	for {
		var w word
		if err := hear(h.words, &w); err != nil {
			return 0, err
		}
		if w.Said == goAhead {
			return w.Last, nil
		}
	}
}

// Serving tells the predecessor that this process accepts, and makes the predecessor's standard error its own.
func (h *Heritage) Serving() error {
	err := say(h.to, word{Said: serving})
	return firstError(err, replaceStderr(h.stderr))
}

func firstError(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// Await blocks until the process of h.Sessions[i] has gone, or Close.
func (h *Heritage) Await(i int) error {
	_, err := io.Copy(io.Discard, h.lifelines[i])
	return err
}

// Close closes what was inherited and not taken.
func (h *Heritage) Close() {
	if h == nil {
		return
	}
	for _, f := range append(h.lifelines, h.from, h.to, h.stderr, h.Lock) {
		if f != nil {
			f.Close()
		}
	}
	h.Sockets.Close()
}
