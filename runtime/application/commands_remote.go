package application

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"moongate/runtime/datastore/failure"
	"moongate/runtime/session"
	"moongate/runtime/wire"
)

// Protocol is the version of what clients of remote sessions and the server say to each other: the commands of this file.
const Protocol = 1

// versionRefused is 4D's number for a client of another version than the server's.
const versionRefused = -10505

// link says how a command belongs to a remote session.
type link uint8

const (
	anybody link = iota // it has nothing to do with sessions
	first               // it must be the first on its transport
	linked              // it is for links: after SESSION, JOIN or RESUME
)

// remoteCommands is what a client can ask as a remote session; package wire's documentation says it for the clients'
// authors.
var remoteCommands = map[string]command{
	"SESSION":    {0, 64, false, anybody, announce},
	"JOIN":       {3, 3, true, first, join},
	"RESUME":     {3, 3, true, first, resume},
	"LANGUAGE":   {0, 0, false, linked, language},
	"CALLV":      {2, 2, false, linked, callValues},
	"DO":         {2, 2, false, linked, do},
	"DATA":       {2, 2, false, linked, data},
	"REGISTER":   {1, 1, false, linked, register},
	"UNREGISTER": {0, 0, false, linked, unregister},
	"DONE":       {1, 1, false, linked, done},
	"SLEEP":      {0, 0, false, linked, sleep},
}

// misplaced writes why a command does not belong here, and reports whether it does not.
func (st *stay) misplaced(row command, name []byte) bool {
	switch {
	case row.link == first && !st.opening:
		st.writer.WriteError("ERR", fmt.Sprintf("%s must be the first command of a connection; connect again for it", upper(name)))
	case row.link == linked && st.replies == nil:
		st.writer.WriteError("ERR", fmt.Sprintf("%s is for remote sessions; begin one with SESSION, or join one with JOIN", upper(name)))
	default:
		return false
	}
	return true
}

func upper(name []byte) string { return strings.ToUpper(string(name)) }

// longestText bounds what a client says of itself, in bytes; so that the lists of clients can be read.
const longestText = 255

// announce is SESSION key value ...
func announce(st *stay, args wire.Command) {
	if st.replies != nil {
		st.writer.WriteError("ERR", "this connection belongs to a session already; SESSION is said once")
		return
	}
	a, err := readAnnouncement(args)
	if err == nil && a.protocol != Protocol {
		st.writer.WriteError("VERSION", fmt.Sprintf("%d the server speaks version %d of remote sessions, the client %d; the older of the two programs must be renewed (the server is %s)",
			versionRefused, Protocol, a.protocol, st.server.options.Version))
		return
	}
	if err != nil {
		st.writer.WriteError("ERR", err.Error())
		return
	}
	st.release()
	w, err := st.guest.Announce(a.machine, a.process, a.name)
	if err != nil {
		st.failed(err)
		return
	}
	st.becomeLink()
	st.writer.WriteValue(wire.Map{
		{Key: "session", Value: w.Session}, {Key: "token", Value: w.Token}, {Key: "user", Value: w.User}, {Key: "user_number", Value: int64(w.UserNumber)},
		{Key: "process", Value: int64(w.Process)}, {Key: "connection", Value: int64(w.Connection)}, {Key: "server_session", Value: w.ServerSession},
		{Key: "version", Value: st.server.options.Version}, {Key: "protocol", Value: int64(Protocol)},
		{Key: "timeout", Value: int64(w.Timeout.Seconds())}, {Key: "structure", Value: st.guest.Structure()}, // now that pushes tell of changes
	})
}

// announcement is what SESSION says.
type announcement struct {
	protocol int
	process  int64
	name     string
	machine  session.Machine
}

// readAnnouncement reads the keys and values of SESSION. Unknown keys are for later versions.
func readAnnouncement(args wire.Command) (announcement, error) {
	var a announcement
	if len(args)%2 != 0 {
		return a, errors.New("SESSION takes keys with their values; the last key has none")
	}
	for ; len(args) > 0; args = args[2:] {
		value := string(args[1])
		if len(value) > longestText {
			return a, fmt.Errorf("the value of %.32s is longer than %d bytes", visibleText(args[0]), longestText)
		}
		var err error
		switch upper(args[0]) {
		case "PROTOCOL":
			a.protocol, err = strconv.Atoi(value)
		case "VERSION":
			a.machine.Version = value
		case "MACHINE":
			a.machine.Name = value
		case "SYSTEMUSER":
			a.machine.SystemUser = value
		case "COMPILED":
			a.machine.Compiled, err = strconv.ParseBool(value)
		case "PROCESS":
			a.process, err = strconv.ParseInt(value, 10, 64)
		case "NAME":
			a.name = value
		}
		if err != nil {
			return a, fmt.Errorf("SESSION: the value of %s is %q, which it cannot be", upper(args[0]), value)
		}
	}
	if a.protocol == 0 {
		return a, errors.New("SESSION: no PROTOCOL; say PROTOCOL 1")
	}
	return a, checkProcess(a.process, a.name)
}

// visibleText is a client's word as an error can repeat it.
func visibleText(b []byte) string { return strings.ToValidUTF8(string(b), "?") }

// checkProcess looks at what a client says of one of its processes.
func checkProcess(number int64, name string) error {
	switch {
	case number <= 0 || number > 1<<31-1:
		return fmt.Errorf("a process has a number from 1 on, not %d", number)
	case strings.HasPrefix(name, "$"):
		return errors.New("a process whose name begins with $ is the client's own: it has no connection to the server")
	case len(name) > longestText:
		return fmt.Errorf("the name of a process has at most %d bytes", longestText)
	}
	return nil
}

// join is JOIN token process name.
func join(st *stay, args wire.Command) {
	token, name := string(args[0]), string(args[2])
	number, err := readNumber(args[1])
	if err == nil {
		err = checkProcess(number, name)
	}
	if err != nil {
		st.refuse("ERR", err.Error())
		return
	}
	st.release()
	w, err := st.guest.Join(token, number, name)
	if err != nil {
		st.failed(err)
		st.quit = true
		return
	}
	st.becomeLink()
	st.writer.WriteValue(wire.Map{{Key: "session", Value: w.Session}, {Key: "user", Value: w.User}, {Key: "user_number", Value: int64(w.UserNumber)}})
}

// resume is RESUME token process got. What follows the reply is the link's: its own goroutine reads from the transport
// then, and this one's buffer must be empty.
func resume(st *stay, args wire.Command) {
	number, err := readNumber(args[1])
	if err == nil {
		err = checkProcess(number, "")
	}
	got, wrong := readNumber(args[2])
	if err == nil {
		err = wrong
	}
	switch {
	case err != nil:
		st.refuse("ERR", err.Error())
		return
	case st.reader.Buffered() > 0:
		st.refuse("ERR", "RESUME must be alone: wait for its reply before the next command")
		return
	}
	done, handOver, err := st.guest.Resume(string(args[0]), number, got, st.conn)
	if err != nil {
		st.failed(err)
		st.quit = true
		return
	}
	st.speak(wire.RESP3)
	st.writer.WriteValue(wire.Map{{Key: "session", Value: st.guest.Session()}, {Key: "done", Value: done}})
	st.handOver = handOver
}

// readNumber reads a decimal number.
func readNumber(b []byte) (int64, error) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", visibleText(b[:min(len(b), 32)]))
	}
	return n, nil
}

// refuse writes an error that ends the conversation.
func (st *stay) refuse(code, message string) {
	st.writer.WriteError(code, message)
	st.quit = true
}

// failed writes an error of the guest's.
func (st *stay) failed(err error) {
	var refused *Refused
	var data *failure.Error
	switch {
	case errors.As(err, &refused):
		st.writer.WriteError("REFUSED", refused.Error())
	case errors.Is(err, ErrToken):
		st.writer.WriteError("TOKEN", err.Error())
	case errors.Is(err, ErrInUse):
		st.writer.WriteError("INUSE", err.Error())
	case errors.As(err, &data):
		st.writer.WriteError("DATA", data.Kind.Word()+" "+data.Error())
	default:
		st.writer.WriteError("ERR", err.Error())
	}
}

// language is LANGUAGE.
func language(st *stay, _ wire.Command) {
	st.release()
	process, connection, err := st.guest.Language()
	if err != nil {
		st.failed(err)
		return
	}
	st.writer.WriteValue(wire.Map{{Key: "process", Value: int64(process)}, {Key: "connection", Value: int64(connection)}})
}

// callValues is CALLV method packed.
func callValues(st *stay, args wire.Command) { st.ask(args, st.guest.CallValues) }

// do is DO command packed.
func do(st *stay, args wire.Command) { st.ask(args, st.guest.Do) }

// ask asks the guest for something by name, with packed arguments, and answers the list of its results.
func (st *stay) ask(args wire.Command, of func(name string, args []any) ([]any, error)) {
	name, values, ok := st.unpack(args)
	if !ok {
		return
	}
	results, err := of(name, values)
	if err != nil {
		st.failed(err)
		return
	}
	st.writer.WriteValue(results)
}

// data is DATA op packed.
func data(st *stay, args wire.Command) {
	op, values, ok := st.unpack(args)
	if !ok {
		return
	}
	value, err := st.guest.Data(op, values)
	if err != nil {
		st.failed(err)
		return
	}
	st.writer.WriteValue(value)
}

// unpack reads a name and packed arguments, and gives the reader's memory back. It reports false when they are wrong, and
// has said so then.
func (st *stay) unpack(args wire.Command) (name string, values []any, ok bool) {
	name = string(args[0])
	values, err := wire.Unpack(args[1])
	if err != nil {
		st.writer.WriteError("ERR", err.Error())
		return "", nil, false
	}
	st.release()
	return name, values, true
}

// register is REGISTER name.
func register(st *stay, args wire.Command) {
	name := string(args[0])
	if name == "" || len(name) > longestText {
		st.writer.WriteError("ERR", fmt.Sprintf("a client registers by a name of 1 to %d bytes", longestText))
		return
	}
	st.writer.WriteValue(st.guest.Register(name))
}

// unregister is UNREGISTER.
func unregister(st *stay, _ wire.Command) { st.writer.WriteValue(st.guest.Unregister()) }

// done is DONE id.
func done(st *stay, args wire.Command) {
	id, err := readNumber(args[0])
	if err != nil {
		st.writer.WriteError("ERR", err.Error())
		return
	}
	st.guest.Done(id)
	st.writer.WriteSimple("OK")
}

// sleep is SLEEP.
func sleep(st *stay, _ wire.Command) {
	st.guest.Sleep()
	st.writer.WriteSimple("OK")
}
