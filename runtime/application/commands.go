package application

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"moongate/runtime/session"
	"moongate/runtime/wire"
)

// command is one row of what a client can ask.
type command struct {
	least, most int  // arguments, the name not counted; most -1: any number
	stranger    bool // may be asked before the client has logged in
	link        link // how it belongs to remote sessions
	carryOut    func(st *stay, args wire.Command)
}

// commands is what a client can ask, by name. CALL is Moongate's own; the others are those that Redis clients send to
// find out whom they talk to.
var commands map[string]command

func init() { // because COMMAND COUNT looks at it
	commands = map[string]command{
		"AUTH":    {1, 2, true, anybody, auth},
		"CALL":    {1, -1, false, anybody, call},
		"CLIENT":  {1, -1, false, anybody, client},
		"COMMAND": {0, -1, false, anybody, commandInfo},
		"ECHO":    {1, 1, false, anybody, func(st *stay, args wire.Command) { st.writer.WriteBulkBytes(args[0]) }},
		"HELLO":   {0, -1, true, anybody, hello},
		"HOST:":   {0, -1, true, anybody, web},
		"POST":    {0, -1, true, anybody, web},
		"INFO":    {0, -1, false, anybody, info},
		"PING":    {0, 1, false, anybody, ping},
		"QUIT":    {0, -1, true, anybody, quit},
		"RESET":   {0, 0, true, anybody, reset},
		"TIME":    {0, 0, false, anybody, timeOfDay},
	}
	maps.Copy(commands, remoteCommands)
}

// longestName is the length of the longest command name.
const longestName = 16

// carryOut finds the command's row and carries it out. It writes exactly one reply.
func (st *stay) carryOut(words wire.Command) {
	var upper [longestName]byte
	name := words[0]
	row, known := command{}, false
	if len(name) <= longestName {
		for i, b := range name {
			if 'a' <= b && b <= 'z' {
				b -= 'a' - 'A'
			}
			upper[i] = b
		}
		row, known = commands[string(upper[:len(name)])]
	}
	args := words[1:]
	switch {
	case st.undecided && row.link != first && !st.hear(name):
	case !known:
		st.writer.WriteError("ERR", fmt.Sprintf("unknown command '%.64s'; methods are called by CALL name [argument ...]", name))
	case len(args) < row.least || row.most >= 0 && len(args) > row.most:
		st.wrongCount(strings.ToLower(string(name)))
	case !row.stranger && !st.known.Load():
		st.writer.WriteError("NOAUTH", "Authentication required.")
	case st.misplaced(row, name):
	default:
		row.carryOut(st, args)
	}
	st.opening = false
}

func (st *stay) wrongCount(name string) {
	st.writer.WriteError("ERR", fmt.Sprintf("wrong number of arguments for '%s' command", name))
}

func ping(st *stay, args wire.Command) {
	if len(args) == 1 {
		st.writer.WriteBulkBytes(args[0])
		return
	}
	st.writer.WriteSimple("PONG")
}

// web ends the conversation with a browser that was made to talk to this port: the lines of its request would be
// commands.
func web(st *stay, _ wire.Command) {
	st.writer.WriteError("ERR", "this is not a web server")
	st.quit = true
}

func quit(st *stay, _ wire.Command) {
	st.writer.WriteSimple("OK")
	st.quit = true
}

// reset puts the conversation back to its beginning. The client process and its variables stay: they are the
// connection's.
func reset(st *stay, _ wire.Command) {
	if st.replies != nil {
		st.writer.WriteError("ERR", linksSpeak)
		return
	}
	st.speak(wire.RESP2)
	if st.known.Load() {
		st.guest.SetName("")
	}
	st.writer.WriteSimple("RESET")
}

// Why a link cannot do what other connections can.
const (
	linksSpeak   = "a remote session speaks RESP3 to its end; for anything else connect again"
	linksKnown   = "a remote session has its user; to be another one connect again"
	noConnection = "this process has no connection to the server's language yet; LANGUAGE makes one"
)

const noAccounts = "this server has no accounts: everybody is Designer, so log in without AUTH"

// auth is AUTH [user] password. Without a user it is the Designer, as it is the default user for Redis.
func auth(st *stay, args wire.Command) {
	name := session.DesignerUser.Name
	if len(args) == 2 {
		name = string(args[0])
	}
	if st.login(name, args[len(args)-1]) {
		st.writer.WriteSimple("OK")
	}
}

// login logs the client in, or writes why not and reports false. A client that was refused is sent away.
func (st *stay) login(name string, password []byte) bool {
	if st.replies != nil {
		st.writer.WriteError("ERR", linksKnown)
		return false
	}
	if !st.server.options.Accounts {
		st.writer.WriteError("ERR", noAccounts)
		return false
	}
	password = bytes.Clone(password)
	st.release()
	err := st.guest.Identify(name, password)
	clear(password)
	if err == nil {
		st.known.Store(true) // in time: what the open method may take is its own affair
		if err = st.guest.Enter(); err == nil {
			st.reader.SetLimits(st.limits())
		}
	}
	var refused *Refused
	switch {
	case err == nil:
	case errors.As(err, &refused):
		st.writer.WriteError("REFUSED", refused.Error())
		st.quit = true
	case errors.Is(err, ErrWrongPassword):
		st.writer.WriteError("WRONGPASS", err.Error()+".")
	case errors.Is(err, ErrBusy):
		st.writer.WriteError("BUSY", err.Error())
	default:
		st.writer.WriteError("ERR", err.Error())
		st.quit = st.guest.Connection() == nil && st.known.Load()
	}
	return err == nil
}

// greeting is what HELLO says.
type greeting struct {
	version  wire.Version
	name     string // "" for none
	user     string
	password []byte
	login    bool // user and password are given
}

// readGreeting reads the arguments of HELLO. It reports false when they are wrong, and has said so then.
func (st *stay) readGreeting(args wire.Command) (g greeting, ok bool) {
	g.version = st.writer.Version()
	if len(args) > 0 {
		n, err := strconv.Atoi(string(args[0]))
		if err != nil || n != int(wire.RESP2) && n != int(wire.RESP3) {
			st.writer.WriteError("NOPROTO", "unsupported protocol version")
			return g, false
		}
		g.version, args = wire.Version(n), args[1:]
	}
	for len(args) > 0 {
		switch option := strings.ToUpper(string(args[0])); {
		case option == "AUTH" && len(args) >= 3:
			g.user, g.password, g.login, args = string(args[1]), args[2], true, args[3:]
		case option == "SETNAME" && len(args) >= 2:
			g.name, args = string(args[1]), args[2:]
			if !validName(g.name) {
				st.writer.WriteError("ERR", invalidName)
				return g, false
			}
		default:
			st.writer.WriteError("ERR", fmt.Sprintf("syntax error in HELLO option '%.64s'", args[0]))
			return g, false
		}
	}
	return g, true
}

// hello is HELLO [version [AUTH user password] [SETNAME name]].
func hello(st *stay, args wire.Command) {
	g, ok := st.readGreeting(args)
	switch {
	case !ok:
		return
	case g.login:
		if !st.login(g.user, g.password) {
			return
		}
	case !st.known.Load():
		st.writer.WriteError("NOAUTH", "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	if st.replies != nil && g.version != wire.RESP3 {
		st.writer.WriteError("NOPROTO", linksSpeak)
		return
	}
	if g.name != "" {
		st.guest.SetName(g.name)
	}
	var id session.ConnectionID // 0 for a link without one
	if c := st.guest.Connection(); c != nil {
		id = c.ID
	}
	st.speak(g.version)
	st.writer.WriteValue(wire.Map{
		{Key: "server", Value: "moongate"}, {Key: "version", Value: st.server.options.Version}, {Key: "proto", Value: int64(g.version)},
		{Key: "id", Value: int64(id)}, {Key: "mode", Value: "standalone"}, {Key: "role", Value: "master"},
		{Key: "modules", Value: []any{}},
	})
}

const invalidName = "Client names cannot contain spaces, newlines or special characters."

// validName is Redis' rule.
func validName(name string) bool {
	for i := range len(name) {
		if name[i] < '!' || name[i] > '~' {
			return false
		}
	}
	return true
}

// client is CLIENT ID, GETNAME, SETNAME, SETINFO and INFO.
func client(st *stay, args wire.Command) {
	c := st.guest.Connection()
	switch sub := strings.ToUpper(string(args[0])); {
	case c == nil && (sub == "ID" || sub == "INFO"):
		st.writer.WriteError("ERR", noConnection)
	case sub == "ID" && len(args) == 1:
		st.writer.WriteInteger(int64(c.ID))
	case sub == "GETNAME" && len(args) == 1:
		st.writer.WriteBulk(st.guest.Name())
	case sub == "SETNAME" && len(args) == 2:
		if name := string(args[1]); validName(name) {
			st.guest.SetName(name)
			st.writer.WriteSimple("OK")
		} else {
			st.writer.WriteError("ERR", invalidName)
		}
	case sub == "SETINFO" && len(args) == 3:
		st.writer.WriteSimple("OK")
	case sub == "INFO" && len(args) == 1:
		st.writer.WriteBulk(fmt.Sprintf("id=%d addr=%s laddr=%s name=%s age=%d user=%d resp=%d\n",
			c.ID, c.Peer.Address, c.Peer.Local, strings.ReplaceAll(st.guest.Name(), " ", "_"), int(time.Since(c.Opened).Seconds()), c.User, st.writer.Version()))
	case sub == "ID" || sub == "GETNAME" || sub == "SETNAME" || sub == "SETINFO" || sub == "INFO":
		st.wrongCount("client|" + strings.ToLower(sub))
	default:
		st.writer.WriteError("ERR", fmt.Sprintf("unknown subcommand '%.64s'. Try ID, GETNAME, SETNAME, SETINFO or INFO.", args[0]))
	}
}

// commandInfo is COMMAND and its subcommands. Clients ask for it at the beginning; the answer is empty and well formed.
func commandInfo(st *stay, args wire.Command) {
	switch {
	case len(args) == 0:
		st.writer.WriteValue([]any{})
	case strings.EqualFold(string(args[0]), "DOCS"):
		st.writer.WriteValue(wire.Map{})
	case strings.EqualFold(string(args[0]), "COUNT"):
		st.writer.WriteInteger(0) // as many as COMMAND names
	default:
		st.writer.WriteValue([]any{})
	}
}

// info is INFO: what Redis clients show of a server.
func info(st *stay, _ wire.Command) {
	s := st.server
	totals := s.options.Sessions.Totals()
	up := int64(time.Since(s.started).Seconds())
	text := fmt.Sprintf("# Server\r\nmoongate_version:%s\r\nredis_mode:standalone\r\nuptime_in_seconds:%d\r\n\r\n"+
		"# Clients\r\nconnected_clients:%d\r\n\r\n"+
		"# Stats\r\ntotal_connections_accepted:%d\r\ntotal_connections_refused_by_method:%d\r\ntotal_connections_closed:%d\r\n",
		s.options.Version, up, totals.Open, totals.Accepted, totals.Refused, totals.Closed)
	for _, check := range s.options.Sessions.Checks() {
		text += fmt.Sprintf("connections_refused_%s:%d\r\n", strings.ReplaceAll(check.Name, " ", "_"), check.Count())
	}
	st.writer.WriteBulk(text)
}

// timeOfDay is TIME: the server's clock, as seconds and microseconds.
func timeOfDay(st *stay, _ wire.Command) {
	now := time.Now()
	st.writer.WriteValue([]any{strconv.FormatInt(now.Unix(), 10), strconv.Itoa(now.Nanosecond() / 1000)})
}

// call is CALL method [argument ...]: no result is null, one is itself, several are a list.
func call(st *stay, args wire.Command) {
	name := string(args[0])
	values := make([]any, len(args)-1)
	for i, a := range args[1:] {
		values[i] = string(a)
	}
	st.release()
	of := st.guest.Call
	if st.replies != nil { // which makes the language twin first
		of = st.guest.CallValues
	}
	results, err := of(name, values)
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		st.failed(err)
	case err != nil:
		st.writer.WriteError("ERR", err.Error())
	case len(results) == 0:
		st.writer.WriteNull()
	case len(results) == 1:
		st.writer.WriteValue(results[0])
	default:
		st.writer.WriteValue(results)
	}
}
