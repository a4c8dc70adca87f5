package command

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/method"
	"moongate/runtime/session"

	lua "github.com/yuin/gopher-lua"
)

var connectionCommands = append([]Command{
	{Name: "connection_info", Signature: "connection_info([connection]) -> table or nil", Since: "0.1", Reads: true, Roles: method.Server,
		Meaning: "a connection's facts, of the calling process's own by default; nil when there is none", run: connectionInfo, own: true},
	{Name: "count_connections", Signature: "count_connections([{user=, address=, network=, gate=}]) -> number", Since: "0.1", Reads: true, Roles: method.Server,
		Meaning: "how many connections are open or being decided, the calling one included", run: countConnections},
	{Name: "count_users", Signature: "count_users() -> number", FourD: "Count users", Since: "0.1", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "how many users are connected to the server; 1 where there is none", run: countUsers},
	{Name: "current_user", Signature: "current_user([n]) -> text", FourD: "Current user", Since: "0.1", Asked: true, Reads: true, Roles: everywhere,
		Meaning: "the name of the calling process's user: its alias or account (0, the default), its account (1), its alias or an empty text (2)", run: currentUser, instead: recordedUser},
	{Name: "set_user_alias", Signature: "set_user_alias(alias)", FourD: "SET USER ALIAS", Since: "0.2", Waits: true, Asked: true, Roles: everywhere,
		Meaning: "gives the user of the calling client process another name for this session; an empty text takes it back. Error 67 in a process of the server's own", run: setUserAlias, instead: noEffect("s")},
	{Name: "user_name", Signature: "user_name(user) -> text or nil", Since: "0.1", Waits: true, Reads: true, Roles: method.Server,
		Meaning: "the name of the user with that number, empty when there is none", run: userName, instead: recordedUserName},
	{Name: "reject_new_remote_connections", Signature: "reject_new_remote_connections(boolean)", FourD: "REJECT NEW REMOTE CONNECTIONS", Since: "0.1", Roles: everywhere,
		Meaning: "refuses every new connection, or no longer; those that are open stay. Only a server does anything", run: onlyOnServer(rejectNew), instead: noEffect("b")},
	{Name: "drop_remote_user", Signature: "drop_remote_user(session_id)", FourD: "DROP REMOTE USER", Since: "0.1", Roles: everywhere,
		Meaning: "ends the connections of a session (connection_info().session_id) soon, without waiting for it. Only a server does anything", run: onlyOnServer(dropRemoteUser), instead: noEffect("s")},
	{Name: "in_network", Signature: "in_network(address, network) -> boolean", Since: "0.1", Roles: everywhere,
		Meaning: "whether an IP address belongs to a network: 10.0.0.0/8, 10.* or one address", run: inNetwork},
	{Name: "rate_limit", Signature: "rate_limit(key, n, seconds) -> boolean", Since: "0.1", Reads: true, Roles: everywhere,
		Meaning: "true for the first n uses of a key in any span of so many seconds; each call that gives true is a use", run: rateLimit, once: true},
}, sessionCommands...)

func connectionInfo(e *environment, L *lua.LState) int {
	w := lane.Running(L).Witness()
	if w == nil {
		return describeConnection(e, L)
	}
	return e.witnessedInfo(L, w)
}

// describeConnection is connection_info of the call's own connection, or of the one whose number is given.
func describeConnection(e *environment, L *lua.LState) int {
	c := connectionOf(L)
	if L.GetTop() >= 1 && L.Get(1) != lua.LNil {
		c = e.host.Sessions().Get(session.ConnectionID(checkInteger(L, 1)))
	}
	if c == nil {
		L.Push(lua.LNil)
	} else {
		L.Push(shownFacts(c, connectionFacts(L, c)))
	}
	return 1
}

// connectionFacts is a table of what is known of a connection.
func connectionFacts(L *lua.LState, c *session.Connection) *lua.LTable {
	t := L.CreateTable(0, 16)
	number := func(name string, n int64) { t.RawSetString(name, lua.LNumber(n)) }
	text := func(name, s string) { t.RawSetString(name, lua.LString(s)) }
	number("connection", int64(c.ID))
	number("user", int64(c.User))
	text("user_name", c.UserName())
	text("address", c.Peer.Address.Addr().String())
	number("port", int64(c.Peer.Address.Port()))
	text("local_address", c.Peer.Local.Addr().String())
	number("local_port", int64(c.Peer.Local.Port()))
	text("listener", c.Peer.Listener)
	number("process", int64(c.Process.Number()))
	text("opened", c.Opened.Format("2006-01-02T15:04:05.000Z07:00"))
	text("session_id", c.Session())
	text("cause", c.Cause().String())
	setEnd(c, func(name string, v any) { t.RawSetString(name, convert.ToLua(v)) })
	if c.Peer.Gate != "" {
		text("gate", c.Peer.Gate)
	}
	if p := c.Peer.Passage; p != nil { // of a gate, or TLS on the application listener
		for _, f := range p.Facts {
			t.RawSetString(f.Name, factValue(f.Value))
		}
		if upstream := p.Upstream(); c.Peer.Gate != "" && upstream != "" { // for pairs
			t.RawSetString("upstream", lua.LString(upstream))
		}
	}
	return t
}

// shownFacts is what scripts see of the facts of a connection.
func shownFacts(c *session.Connection, t *lua.LTable) *lua.LTable {
	if c.Peer.Gate != "" {
		return passageView(t, c.Peer.Passage)
	}
	return t
}

func countConnections(e *environment, L *lua.LState) int {
	var f session.Filter
	if L.GetTop() >= 1 && L.Get(1) != lua.LNil {
		f = checkFilter(L, L.CheckTable(1))
	}
	return number(L, e.host.Sessions().Count(f))
}

// checkFilter reads {user=, address=, network=}. A field of another name is an error: a misspelt one would count
// everybody.
func checkFilter(L *lua.LState, t *lua.LTable) session.Filter {
	var f session.Filter
	t.ForEach(func(k, v lua.LValue) {
		text, isText := v.(lua.LString)
		switch name := k.String(); name {
		case "user":
			n, ok := v.(lua.LNumber)
			if !ok {
				L.ArgError(1, "user: number expected, got "+v.Type().String())
			}
			user := session.UserNumber(n)
			if lua.LNumber(user) != n {
				user = 0 // nobody
			}
			f.User = &user
		case "address":
			address, err := netip.ParseAddr(string(text))
			if !isText || err != nil {
				L.ArgError(1, "address: an IP address expected, as in 10.1.2.3")
			}
			f.Address = &address
		case "network":
			network, err := session.ParseNetwork(string(text))
			if !isText || err != nil {
				L.ArgError(1, "network: a network expected, as in 10.0.0.0/8 or 10.*")
			}
			f.Network = &network
		case "gate":
			if !isText {
				L.ArgError(1, "gate: the name of a gate expected, got "+v.Type().String())
			}
			gate := string(text)
			f.Gate = &gate
		default:
			L.ArgError(1, "no field "+name+": use user, address, network or gate")
		}
	})
	return f
}

func countUsers(e *environment, L *lua.LState) int {
	switch e.role {
	case method.Remote:
		return e.askFor(L, "count_users")
	case method.Server:
		return number(L, e.host.Sessions().Users())
	default:
		return number(L, 1)
	}
}

// currentUser is "Current user". A client knows it by itself, also when its server is gone, and in local processes.
func currentUser(e *environment, L *lua.LState) int {
	which := 0
	if L.GetTop() >= 1 && L.Get(1) != lua.LNil {
		which = int(checkInteger(L, 1))
	}
	if which < 0 || which > 2 {
		L.ArgError(1, "0 (alias or account), 1 (account) or 2 (alias) expected")
	}
	account, alias := session.DesignerUser.Name, "" // stored procedures run as the Designer
	if c := connectionOf(L); c != nil {
		account, alias = c.Account, c.Alias()
	} else if e.role != method.Server {
		account, alias = e.ownUser()
	}
	name := account
	if which == 2 || which == 0 && alias != "" {
		name = alias
	}
	L.Push(lua.LString(name))
	return 1
}

// longestAlias is the length of the longest alias, in bytes.
const longestAlias = 255

func setUserAlias(e *environment, L *lua.LState) int {
	c := connectionOf(L)
	if c == nil && e.role == method.Server {
		raise(L, failure{code: codeNotExecutable, message: "set_user_alias: the server has no alias, only the users of clients have", signature: signatureRuntime})
	}
	alias := L.CheckString(1)
	if len(alias) > longestAlias || !printable(alias) {
		L.ArgError(1, "alias of at most 255 bytes without control characters expected")
	}
	if c != nil {
		c.SetAlias(alias)
		return 0
	}
	if e.distant() {
		if _, err := e.ask(L, "set_user_alias", alias); err != nil {
			return e.trouble(L, "set_user_alias", lua.LNil, err)
		}
	}
	e.alias.Store(&alias)
	return 0
}

// ownUser is who uses a host that is no server: the account by which its server knows it, or the Designer, and the alias
// that its code has taken.
func (e *environment) ownUser() (account, alias string) {
	if account = e.host.RemoteUser(); account == "" {
		account = session.DesignerUser.Name
	}
	if taken := e.alias.Load(); taken != nil {
		alias = *taken
	}
	return account, alias
}

// printable reports whether a text is UTF-8 that a terminal shows as it is.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// userName gives a user's name. One that this host has not met yet is asked for outside: the lane is others' meanwhile.
func userName(e *environment, L *lua.LState) int {
	user := session.UserNumber(checkInteger(L, 1))
	name := e.host.UserName(user)
	if name == "" && user > 0 {
		var err error
		if name, err = e.findUserName(L, user); err != nil {
			return e.notKept(L, "user_name", err)
		}
	}
	L.Push(lua.LString(name))
	return 1
}

func (e *environment) findUserName(L *lua.LState, user session.UserNumber) (name string, err error) {
	limit := &patience{watch: &e.watch, process: lane.Running(L).Process()}
	err = e.outside(L, limit, func() error {
		name, err = e.host.FindUserName(limit, user)
		return err
	})
	return name, err
}

func rejectNew(e *environment, L *lua.LState) int {
	e.host.Sessions().RefuseNew(L.CheckBool(1))
	return 0
}

func dropRemoteUser(e *environment, L *lua.LState) int {
	e.host.Drop(L.CheckString(1))
	lane.Running(L).Release(L)
	return 0
}

func inNetwork(_ *environment, L *lua.LState) int {
	address := checkAddress(L, 1)
	network, err := session.ParseNetwork(L.CheckString(2))
	if err != nil {
		L.ArgError(2, err.Error())
	}
	L.Push(lua.LBool(network.Contains(address)))
	return 1
}

func rateLimit(e *environment, L *lua.LState) int {
	key := L.CheckString(1)
	n, seconds := int(checkInteger(L, 2)), float64(L.CheckNumber(3))
	if len(key) > longestKey {
		L.ArgError(1, "key of at most 255 bytes expected")
	}
	if n < 1 || n > maxUsesKey {
		L.ArgError(2, "number of uses expected, 1 to 10000")
	}
	if !(seconds > 0) {
		L.ArgError(3, "number of seconds expected, more than 0")
	}
	L.Push(lua.LBool(e.limiter.allow(key, n, time.Duration(min(seconds, 1e9)*float64(time.Second)))))
	return 1
}
