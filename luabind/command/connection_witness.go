package command

import (
	"encoding/json"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/witness"
	"moongate/runtime/interprocess"
	"moongate/runtime/recording"
	"moongate/runtime/session"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// infoCommand is the name under which facts of connections are noted.
const infoCommand = "connection_info"

// witnessedInfo is connection_info in a call that is witnessed.
func (e *environment) witnessedInfo(L *lua.LState, w *witness.Witness) int {
	key := argumentsOf(L)
	if r := w.Recording(); r != nil && !w.Live() {
		if key != "" && key == fmtID(r.Connection) {
			key = ""
		}
		return e.recordedInfo(L, w, r, key)
	}
	if own := connectionOf(L); own != nil && (key == "" || key == fmtID(int64(own.ID))) {
		t := connectionFacts(L, own)
		noteOwn(L, w, own, t)
		L.Push(shownFacts(own, t))
		return 1
	}
	n := describeConnection(e, L)
	noteResults(L, w, infoCommand, key, n)
	return n
}

// noteOwn notes of the facts of the call's own connection what not every recording has.
func noteOwn(L *lua.LState, w *witness.Witness, c *session.Connection, t *lua.LTable) {
	n := 0
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if !everyRecordingHas(c, k, v) {
			n++
		}
	}
	view := c.Peer.Gate != "" // whose upstream can be set
	if view {
		n++
	}
	b := wire.AppendMapHeader(wire.AppendListHeader(w.Room(), 1), n)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if everyRecordingHas(c, k, v) {
			continue
		}
		name, _ := k.(lua.LString)
		var ok bool
		if b, ok = appendFact(wire.AppendText(b, string(name)), v); !ok {
			w.NoteUnkept(L, infoCommand, "")
			return
		}
	}
	if view {
		b = wire.AppendBool(wire.AppendText(b, viewKey), true)
	}
	w.NotePacked(L, infoCommand, "", b)
}

// everyRecordingHas reports whether a recording has a fact of its connection without a note: factOfRecording has it then.
func everyRecordingHas(c *session.Connection, k, v lua.LValue) bool {
	name, _ := k.(lua.LString)
	text, _ := v.(lua.LString)
	switch name {
	case "connection", "user", "address", "port", "listener", "gate":
		return true
	case "user_name":
		return string(text) == c.Account
	case "local_address", "local_port":
		return c.Peer.Local.IsValid() && !c.Peer.Local.Addr().Is4In6() // which the journal writes as IPv4
	case "cause":
		return text == noCause
	}
	return false
}

// factDepth is how many lists and maps a fact stands in where it is packed.
const factDepth = 2

// appendFact packs a fact; false: it cannot be kept.
func appendFact(b []byte, v lua.LValue) ([]byte, bool) {
	if packed, ok := appendScalar(b, v); ok {
		return packed, true
	}
	value, err := convert.Charged(v, func(int) {}) // no fact holds anything shared, or much
	if err != nil {
		return nil, false
	}
	b, err = wire.AppendValue(b, value, factDepth)
	return b, err == nil
}

// viewKey is among the facts of a connection whose upstream can be set.
const viewKey = "*"

// recordedInfo is connection_info in a rehearsal.
func (e *environment) recordedInfo(L *lua.LState, w *witness.Witness, r *recording.Recording, key string) int {
	if key == "" && r.Gate == "" && e.infoFace != nil && !w.NotesReads() {
		read := w.Find(infoCommand, "", true)
		if w.Kept(lazyKey{}) == nil {
			e.lazy = &lazyFacts{L: L, recording: r, read: read}
			w.Keep(lazyKey{}, e.lazy)
		}
		L.Push(e.infoFace)
		return 1
	}
	values, ok := w.Answer(L, infoCommand, key, true)
	switch {
	case ok && key != "":
		return pushAll(L, values)
	case !ok && key != "":
		lane.Running(L).Lacks(L, "connection_info(%s)", key)
	}
	L.Push(factsTable(L, r, values))
	return 1
}

// factsTable is a connection's table; values are what was noted of it, none if nothing was. Its fields are in the order in which
// connection_info has them, which pairs shows.
func factsTable(L *lua.LState, r *recording.Recording, values []any) *lua.LTable {
	t, view := L.CreateTable(0, 16), r.Gate != ""
	var rest wire.Map
	if len(values) == 1 {
		rest, _ = values[0].(wire.Map)
	}
	noted := map[string]any{}
	for _, field := range rest {
		name, _ := field.Key.(string)
		noted[name] = field.Value
	}
	for _, name := range infoFields {
		if v, ok := noted[name]; ok {
			t.RawSetString(name, convert.ToLua(v))
		} else if v := factOfRecording(r, name, len(values) == 1); v != nil {
			t.RawSetString(name, v)
		}
	}
	for _, field := range rest {
		if name, _ := field.Key.(string); name == viewKey {
			view = true
		} else {
			t.RawSetString(name, convert.ToLua(field.Value)) // those that are there keep their places
		}
	}
	switch {
	case len(values) != 1:
		lackFields(t)
	case view:
		return recordedView(t)
	}
	return t
}

// infoFields are the fields that connection_info begins with.
var infoFields = [...]string{"connection", "user", "user_name", "address", "port", "local_address", "local_port", "listener", "process", "opened", "session_id", "cause", "gate"}

// fmtID is a connection's number as argumentsOf has it.
func fmtID(id int64) string { return lua.LNumber(id).String() }

// factOfRecording is what every recording has of a connection, nil for anything else. When it was opened is noted, with the zone
// of its machine, as soon as anything of the connection is.
func factOfRecording(r *recording.Recording, name string, noted bool) lua.LValue {
	switch name {
	case "connection":
		return lua.LNumber(r.Connection)
	case "user":
		return lua.LNumber(r.User)
	case "user_name":
		return lua.LString(r.UserName)
	case "listener":
		return lua.LString(r.Listener)
	case "cause":
		return noCause
	}
	switch {
	case name == "gate" && r.Gate != "":
		return lua.LString(r.Gate)
	case name == "address" && r.Address.IsValid():
		return lua.LString(r.Address.Addr().String())
	case name == "port" && r.Address.IsValid():
		return lua.LNumber(r.Address.Port())
	case name == "local_address" && r.Local.IsValid():
		return lua.LString(r.Local.Addr().String())
	case name == "local_port" && r.Local.IsValid():
		return lua.LNumber(r.Local.Port())
	case name == "opened" && !noted:
		return lua.LString(r.Opened.Local().Format("2006-01-02T15:04:05.000Z07:00"))
	}
	return nil
}

var noCause = lua.LString(session.NoCause.String())

// lackFields has what the recording does not have of a connection end the rehearsal when it is read. The journal's facts
// come with every recording, but for lists and what is inside others.
func lackFields(t *lua.LTable) {
	meta := &lua.LTable{Metatable: lua.LNil}
	meta.RawSetString("__index", &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
		p := lane.Running(L)
		name, _ := L.Get(2).(lua.LString)
		w := p.Witness()
		if w == nil || w.Recording() == nil {
			L.Push(lua.LNil)
			return 1
		}
		r := w.Recording()
		var facts map[string]any
		if r.Facts != "" && json.Unmarshal([]byte(r.Facts), &facts) == nil {
			if v, ok := facts[string(name)]; ok {
				L.Push(factOf(v))
				return 1
			}
		}
		if always[string(name)] || r.Gate != "" || r.Facts != "" {
			p.Lacks(L, "connection_info().%s", name)
		}
		L.Push(lua.LNil) // a plain connection has nothing else
		return 1
	}})
	t.Metatable = meta
}

// always are fields that every connection has.
var always = map[string]bool{"process": true, "session_id": true, "address": true, "port": true, "local_address": true, "local_port": true}

// factOf is a fact of the journal as scripts see it.
func factOf(v any) lua.LValue {
	switch v := v.(type) {
	case string, bool, float64, nil:
		return convert.ToLua(v)
	}
	return lua.LNil
}

// recordedView is the table of a gate's connection in a rehearsal: its upstream can be set, which leads nowhere.
func recordedView(t *lua.LTable) *lua.LTable {
	p := &session.Passage{Choose: func(string) error { return nil }}
	return sandbox.View(t, infoCommand, func(*lua.LState) int { return 0 }, func(L *lua.LState) int {
		setUpstream(L, p)
		t.RawSetString("upstream", L.Get(3))
		return 0
	})
}

// What else every recording has.

func recordedUser(_ *environment, L *lua.LState) int {
	w := lane.Running(L).Witness()
	if w.Live() || L.GetTop() > 0 && L.Get(1) == lua.LNumber(2) {
		return unanswered
	}
	L.Push(lua.LString(w.Recording().UserName))
	return 1
}

func recordedUserName(_ *environment, L *lua.LState) int {
	r := lane.Running(L).Witness().Recording()
	if checkInteger(L, 1) != r.User {
		return unanswered
	}
	L.Push(lua.LString(r.UserName))
	return 1
}

// Sessions.

// sessionPath is the path to the storage of the call's own session, storageOf to that of another.
const sessionPath = "session"

func storageOf(id string) string { return "session_storage<" + id + ">" }

// reached says by which path a witnessed call has reached something shared.
func reached(w *witness.Witness, s *interprocess.Shared, path string) {
	if w != nil && w.Kept(pathKey{s}) == nil {
		w.Keep(pathKey{s}, path)
	}
}

// noteSession notes the texts of a session.
func noteSession(L *lua.LState, w *witness.Witness, t *lua.LTable) {
	value, err := convert.ToGo(t)
	if err != nil {
		w.NoteUnkept(L, "session", "")
		return
	}
	w.Note(L, "session", "", value)
}

// recordedSession is session() in a rehearsal.
func (e *environment) recordedSession(L *lua.LState, w *witness.Witness) int {
	values, ok := w.Answer(L, "session", "", true)
	if !ok || len(values) != 1 {
		lane.Running(L).Lacks(L, "session()")
	}
	t, ok := convert.ToLua(values[0]).(*lua.LTable)
	if ok {
		t.RawSetString("storage", e.standIn(L, w, interprocess.SessionStorage, sessionPath).Face().(lua.LValue))
		L.Push(t)
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

// recordedStorage is session_storage in a rehearsal.
func (e *environment) recordedStorage(L *lua.LState, w *witness.Witness) int {
	id, key := L.CheckString(1), argumentsOf(L)
	values, ok := w.Answer(L, "session_storage", key, true)
	switch {
	case !ok || len(values) != 1:
		lane.Running(L).Lacks(L, "session_storage(%s)", key)
	case values[0] == any(true):
		L.Push(e.standIn(L, w, interprocess.SessionStorage, storageOf(id)).Face().(lua.LValue))
	default:
		L.Push(lua.LNil)
	}
	return 1
}
