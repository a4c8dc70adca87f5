package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// Abort ends a user process.
func (h *house) Abort(number, id int64) (Done, error) {
	return h.process(number, id, "is being aborted", h.host.Abort)
}

// Pause makes a user process wait until Activate.
func (h *house) Pause(number, id int64) (Done, error) {
	return h.process(number, id, "is paused", h.host.Pause)
}

// Activate wakes a user process that is paused or delayed.
func (h *house) Activate(number, id int64) (Done, error) {
	return h.process(number, id, "goes on", h.host.Activate)
}

// process acts on one process.
func (h *house) process(number, id int64, what string, act func(process.Number, process.ID) error) (Done, error) {
	n := process.Number(number)
	if int64(n) != number || id < 0 {
		return Done{}, failing(ErrGone, "no process can have the number %d", number)
	}
	name := who(h.host.Processes().Get(n), n)
	if err := act(n, process.ID(id)); err != nil {
		return Done{}, translated(err)
	}
	return Done{Count: 1, Text: name + " " + what}, nil
}

// translated gives an error of the host the identity that the listener knows.
func translated(err error) error {
	for of, is := range map[error]error{host.ErrGone: ErrGone, host.ErrNotUser: ErrNotUser, host.ErrTooLate: ErrTooLate, host.ErrNoQuit: ErrGone} {
		if errors.Is(err, of) {
			return identified{err, is}
		}
	}
	return err
}

// failing is an error of one of the kinds that the listener knows, in words for the administrator.
func failing(kind error, format string, args ...any) error {
	return identified{fmt.Errorf(format, args...), kind}
}

// identified is an error with another's identity: the text of the one, errors.Is of both.
type identified struct {
	error
	is error
}

func (i identified) Is(target error) bool { return target == i.is }

func (i identified) Unwrap() error { return i.error }

// DropConnection ends a connection.
func (h *house) DropConnection(id int64) (Done, error) {
	if err := h.host.DropConnection(session.ConnectionID(id)); err != nil {
		return Done{}, translated(err)
	}
	return Done{Count: 1, Text: fmt.Sprintf("connection %d is being dropped", id)}, nil
}

// DropUser ends all connections of a user.
func (h *house) DropUser(name string) (Done, error) {
	n, err := h.host.DropUser(name)
	if err != nil {
		return Done{}, translated(err)
	}
	return Done{Count: n, Text: fmt.Sprintf("%s of %s being dropped", plural(n, "connection"), name)}, nil
}

// DropSession ends the connections of a session.
func (h *house) DropSession(id string) (Done, error) {
	n := len(h.host.Sessions().OfSession(id))
	if n == 0 {
		return Done{}, failing(ErrGone, "session %s is not there (any more)", id)
	}
	h.host.Drop(id)
	return Done{Count: n, Text: fmt.Sprintf("%s of session %s being dropped", plural(n, "connection"), id)}, nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// longestMessage is how long a message for clients may be, in bytes.
const longestMessage = 4096

// Send gives clients a message.
func (h *house) Send(m MessageAct) (Done, error) {
	to, err := h.recipients(m)
	if err != nil {
		return Done{}, err
	}
	if strings.TrimSpace(m.Text) == "" || len(m.Text) > longestMessage {
		return Done{}, failing(ErrBad, "a message of 1 to %d bytes is expected", longestMessage)
	}
	n, of := h.host.Send(m.Text, to)
	text := "sent to " + plural(n, "client")
	if rest := of - n; rest > 0 {
		text += fmt.Sprintf("; %d cannot take messages (they do not speak RESP3)", rest)
	}
	return Done{Count: n, Text: text}, nil
}

func (h *house) recipients(m MessageAct) ([]*session.Connection, error) {
	sessions := h.host.Sessions()
	var to []*session.Connection
	var whom string
	given := 0
	if m.Connection != 0 {
		given, whom = given+1, fmt.Sprintf("connection %d", m.Connection)
		if c := sessions.Get(session.ConnectionID(m.Connection)); c != nil {
			to = append(to, c)
		}
	}
	if m.User != "" {
		given, whom = given+1, "user "+m.User
		to = h.host.OfUser(m.User)
	}
	if m.Session != "" {
		given, whom = given+1, "session "+m.Session
		to = sessions.OfSession(m.Session)
	}
	switch {
	case given > 1:
		return nil, failing(ErrBad, "give one of connection, user and session, or none for everybody")
	case given == 0:
		return sessions.Live(), nil
	case len(to) == 0:
		return nil, failing(ErrGone, "%s is not connected", whom)
	}
	return to, nil
}

// RefuseNew makes every new connection be refused, or not any more.
func (h *house) RefuseNew(refuse bool) (Done, error) {
	h.host.Sessions().RefuseNew(refuse)
	if refuse {
		return Done{Text: "new connections are refused; those that are open stay"}, nil
	}
	return Done{Text: "new connections are accepted, as the policy decides"}, nil
}

// Reload loads the scripts again.
func (h *house) Reload() (Done, error) {
	scripts := h.host.Scripts()
	before := scripts.Version()
	if err := scripts.Reload(); err != nil {
		return Done{}, fmt.Errorf("scripts not loaded, version %s stays in use:\n%w", before, err)
	}
	if after := scripts.Version(); after != before {
		return Done{Count: 1, Text: fmt.Sprintf("scripts loaded: version %s in place of %s", after, before)}, nil
	}
	return Done{Text: "nothing has changed: version " + before + " is in use"}, nil
}

var modes = map[string]host.QuitMode{"in": host.QuitIn, "wait": host.QuitWait, "wait-active": host.QuitWaitActive, "now": host.QuitNow}

// longestDelay is the longest time that clients can be given.
const longestDelay = 30 * 24 * time.Hour

// Quit asks the server to stop.
func (h *house) Quit(q QuitAct) (Done, error) {
	mode, ok := modes[q.Mode]
	switch {
	case !ok:
		return Done{}, failing(ErrBad, "mode %q; it must be in, wait, wait-active or now", q.Mode)
	case mode == host.QuitIn && !(q.Seconds > 0 && q.Seconds <= longestDelay.Seconds()):
		return Done{}, failing(ErrBad, "the mode in needs seconds, more than 0 and up to %.0f; to stop at once, give the mode now", longestDelay.Seconds())
	case mode != host.QuitIn && q.Seconds != 0:
		return Done{}, failing(ErrBad, "only the mode in takes seconds")
	case len(q.Message) > longestMessage:
		return Done{}, failing(ErrBad, "the message may have %d bytes at the most", longestMessage)
	}
	h.host.AskToQuit(host.QuitRequest{Mode: mode, Delay: time.Duration(q.Seconds * float64(time.Second)), Message: q.Message})
	n := len(h.host.Shutdown().Waiting)
	if arrivals := h.host.Sessions().Totals().Arrivals; n == 0 && arrivals > 0 {
		return Done{Text: fmt.Sprintf("the server stops: nobody is connected, and who is logging in (%d) is sent away", arrivals)}, nil
	}
	if n == 0 {
		return Done{Text: "the server stops: nobody is connected"}, nil
	}
	return Done{Count: n, Text: fmt.Sprintf("the server stops (%s): %s connected", q.Mode, plural(n, "client"))}, nil
}

// Restart begins a restart.
func (h *house) Restart(r RestartAct) (Done, error) {
	if r.Mode == "" {
		r.Mode = "wait"
	}
	mode, ok := modes[r.Mode]
	switch {
	case !ok || mode == host.QuitNow:
		return Done{}, failing(ErrBad, "mode %q; it must be in, wait or wait-active", r.Mode)
	case !(r.Seconds >= 0 && r.Seconds <= longestDelay.Seconds()):
		return Done{}, failing(ErrBad, "%v seconds; it must be 0 to %v", r.Seconds, longestDelay.Seconds())
	case h.facts.Restart == nil:
		return Done{}, failing(ErrTooLate, "this server cannot be restarted: quit it and start it again")
	}
	pid, err := h.facts.Restart(host.QuitRequest{Mode: mode, Delay: time.Duration(r.Seconds * float64(time.Second))})
	if err != nil {
		return Done{}, failing(ErrTooLate, "not restarted: %w", err)
	}
	return Done{Count: 1, Text: fmt.Sprintf("process %d starts; this one serves until it is ready", pid)}, nil
}

// CancelQuit takes all requests to stop back.
func (h *house) CancelQuit() (Done, error) {
	if err := h.host.CancelQuit(); err != nil {
		return Done{}, translated(err)
	}
	return Done{Text: "the server goes on"}, nil
}

// Events gives what happens from now on.
func (h *house) Events(ctx context.Context) iter.Seq[Event] {
	events := h.host.Events(ctx)
	return func(yield func(Event) bool) {
		for e := range events {
			if !yield(h.event(e)) {
				return
			}
		}
	}
}

// event is an event of the host as a row.
func (h *house) event(e host.Event) Event {
	row := Event{
		Time: e.Time, Kind: string(e.Kind), Connection: e.Connection, Process: e.Process, User: e.User, Address: e.Address,
		Method: e.Method, Code: e.Code, Text: e.Text, Lost: e.Lost,
	}
	switch e.Kind {
	case host.QuitAsked, host.Waiting:
		row.Quit = quitRow(h.host.Shutdown())
	case host.StageOver:
		stage := stageRow(*e.Stage)
		row.Stage = &stage
	case host.Ended:
		exit := h.facts.Exit(*e.Report, e.Err)
		row.Exit = &exit
		row.Quit = &Quit{Mode: h.host.Shutdown().Mode.String(), Stages: stageRows(e.Report.Stages)}
		if e.Err != nil {
			row.Text = e.Err.Error()
		}
	}
	return row
}
