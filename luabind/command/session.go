package command

import (
	"cmp"
	"slices"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/interprocess"
	"moongate/runtime/method"
	"moongate/runtime/session"

	lua "github.com/yuin/gopher-lua"
)

var sessionCommands = []Command{
	{Name: "session", Signature: "session() -> table or nil", FourD: "Session", Since: "0.3", Reads: true, Roles: everywhere,
		Meaning: "the session of the calling process: id, user_name, info (as session_info gives it) and storage, a shared object for its processes only; all stored procedures have one together; nil where a client runs", run: currentSession, own: true},
	{Name: "session_info", Signature: "session_info(session_id) -> table or nil", FourD: "Session info", Since: "0.3", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "what a session is: type (remote, storedProcedure or standalone), id, user_name, ip_address, creation_date_time and state (active, sleeping, or postponed: it cannot be reached, for unreachable_since seconds), and of a client machine machine_name and system_user_name; nil when there is none of that id", run: sessionInfo},
	{Name: "session_storage", Signature: "session_storage(session_id) -> object or nil", FourD: "Session storage", Since: "0.3", Reads: true, Roles: everywhere,
		Meaning: "the shared object of a session, which is empty at first and goes with it: shared objects are put there inside use(); nil when there is none of that id", run: sessionStorage, own: true},
}

// aSession is one session at one moment.
type aSession struct {
	id, user string
	info     func(L *lua.LState) *lua.LTable
	storage  func(make func() any) any
}

// ofClient is the session of connections, of which there is one at least. (A client has one connection; several would
// share what the oldest one has.)
func ofClient(all []*session.Connection) *aSession {
	first := slices.MinFunc(all, func(a, b *session.Connection) int { return cmp.Compare(a.ID, b.ID) })
	return &aSession{first.Session(), first.UserName(), func(L *lua.LState) *lua.LTable {
		awake := slices.ContainsFunc(all, func(c *session.Connection) bool { return !c.Sleeping() })
		return clientSession{first.Session(), first, awake}.table(L)
	}, first.Storage}
}

// ofHost is the session of the processes that no client has.
func (e *environment) ofHost() *aSession {
	own := e.host.Sessions().Own()
	kind := "storedProcedure"
	if e.role != method.Server {
		kind = "standalone"
	}
	return &aSession{own.ID, session.DesignerUser.Name, func(L *lua.LState) *lua.LTable {
		return fields(L, map[string]string{
			"type": kind, "id": own.ID, "user_name": session.DesignerUser.Name, "ip_address": "",
			"creation_date_time": timestamp(own.Since), "state": "active",
		})
	}, own.Storage}
}

// fields is a table of texts.
func fields(L *lua.LState, texts map[string]string) *lua.LTable {
	t := L.CreateTable(0, len(texts))
	for name, v := range texts {
		t.RawSetString(name, lua.LString(v))
	}
	return t
}

// sharedStorage is the shared object of a session.
func (e *environment) sharedStorage(s *aSession) lua.LValue {
	make := func() any { return e.commons.NewStorage() }
	if e.shadow != nil {
		return convert.ToLua(e.shadow.storage(s.id, make))
	}
	shared := s.storage(make).(*interprocess.Shared)
	return convert.ToLua(shared)
}

// currentSession is "Session". A session's open and close methods see it as its other code does.
func currentSession(e *environment, L *lua.LState) int {
	w := lane.Running(L).Witness()
	if w != nil && w.Recording() != nil && !w.Live() {
		return e.recordedSession(L, w)
	}
	if e.role == method.Remote { // 4D: null on a remote client
		L.Push(lua.LNil)
		return 1
	}
	s := e.ofHost()
	if c := connectionOf(L); c != nil {
		s = ofClient([]*session.Connection{c})
	}
	t := L.CreateTable(0, 4)
	t.RawSetString("id", lua.LString(s.id))
	t.RawSetString("user_name", lua.LString(s.user))
	t.RawSetString("info", s.info(L))
	if w != nil {
		noteSession(L, w, t)
	}
	storage := e.sharedStorage(s)
	reached(w, sharedOf(storage), sessionPath)
	t.RawSetString("storage", storage)
	L.Push(t)
	return 1
}

// findSession reads a session's id. It is nil for one that nobody has.
func (e *environment) findSession(L *lua.LState) *aSession {
	id := L.CheckString(1)
	if id == e.host.Sessions().Own().ID {
		return e.ofHost()
	}
	if c := connectionOf(L); e.shadow != nil && c != nil && c.Session() == id { // which is a stand-in
		return ofClient([]*session.Connection{c})
	}
	if all := e.host.Sessions().OfSession(id); len(all) > 0 {
		return ofClient(all)
	}
	return nil
}

func sessionInfo(e *environment, L *lua.LState) int {
	if e.distant() {
		return e.askFor(L, "session_info", L.CheckString(1))
	}
	if s := e.findSession(L); s != nil {
		L.Push(s.info(L))
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

func sessionStorage(e *environment, L *lua.LState) int {
	w := lane.Running(L).Witness()
	if w != nil && w.Recording() != nil && !w.Live() {
		return e.recordedStorage(L, w)
	}
	s := e.findSession(L)
	if w != nil {
		w.Note(L, "session_storage", argumentsOf(L), s != nil)
	}
	if s != nil {
		storage := e.sharedStorage(s)
		reached(w, sharedOf(storage), storageOf(s.id))
		L.Push(storage)
	} else {
		L.Push(lua.LNil)
	}
	return 1
}
