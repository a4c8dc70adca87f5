package lane

import (
	"strconv"

	"moongate/luabind/convert"
	"moongate/luabind/sandbox"
	"moongate/luabind/witness"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// Interprocess variables are plain tables, and what reads them is the interpreter itself. So a call that is witnessed sees
// spies in their place: tables that stand for them and for the tables in them, and do the same to them, whose names are read by
// functions. A spy that a script has kept goes on doing so when its call is over. Tables that have a metatable, and
// functions, are handed out as they are: nobody can say then what was read.

// spies are a lane's.
type spies struct {
	root  *lua.LTable                 // of the interprocess variables
	layer *lua.LTable                 // the metatable of the variables of processes that see it; nil: the lane has none
	of    map[*lua.LTable]*lua.LTable // those that were made lately, by what they stand for
	calls int                         // that see them
}

// forget lets go of the tables that spies stand for, while nobody has one. It needs the baton.
func (s *spies) forget() {
	if s.calls == 0 {
		clear(s.of)
	}
}

const (
	keptSpies  = 1000
	mostInside = 200 // values of a table that is noted as a whole, those in the tables in it included
)

// openSpies makes the spy of the interprocess variables.
func (l *Lane) openSpies() {
	l.spies.of = map[*lua.LTable]*lua.LTable{}
	l.spies.root = l.newSpy(&spy{lane: l, real: l.interprocess, made: true})
	l.spies.layer = l.vm.Layer(map[string]lua.LValue{"interprocess": l.spies.root})
}

// newSpy makes the table of a spy.
func (l *Lane) newSpy(s *spy) *lua.LTable {
	return sandbox.NewSpy(s.real, "interprocess", s.get, s.set, s.whole)
}

// spyOf is the spy of a table in an interprocess variable.
func (l *Lane) spyOf(real *lua.LTable) *lua.LTable {
	if t := l.spies.of[real]; t != nil {
		return t
	}
	if len(l.spies.of) >= keptSpies {
		clear(l.spies.of)
	}
	t := l.newSpy(&spy{lane: l, real: real})
	l.spies.of[real] = t
	return t
}

// spy is one table that is looked at.
type spy struct {
	lane *Lane
	real *lua.LTable // in a rehearsal the call's own, but for the root: see table
	made bool        // for one rehearsal, or the root: its path is fixed
	path string      // then
}

// reachedKey is kept with the path by which a call has reached a table first.
type reachedKey struct{ real *lua.LTable }

// at is the path by which the call has reached the table, false if it has it from before.
func (s *spy) at(w *witness.Witness) (string, bool) {
	if s.made {
		return s.path, true
	}
	path, known := w.Kept(reachedKey{s.real}).(string)
	return path, known
}

// inside is the mark of a table in the values of a recording: it has the path to it where that is another one.
func inside(path, reached string) wire.Map {
	if path == reached {
		return wire.Map{}
	}
	return wire.Map{{Key: "as", Value: reached}}
}

// child is the path of what the table at a path has under a key; false for a key that has no name.
func child(path string, key lua.LValue) (string, bool) {
	switch k := key.(type) {
	case lua.LString:
		if path == "" {
			return string(k), true
		}
		return path + "." + string(k), true
	case lua.LNumber:
		return path + "[" + strconv.FormatFloat(float64(k), 'g', -1, 64) + "]", true
	case lua.LBool:
		return path + "[" + k.String() + "]", true
	}
	return "", false
}

// wholeKey is kept when a call has read all of a table: what it reads of it afterwards is no news.
type wholeKey struct{ path string }

// get is the reading of a name.
func (s *spy) get(L *lua.LState) int {
	p, key := Running(L), L.Get(2)
	w := p.call.witness
	if s.real.Metatable != lua.LNil || w == nil {
		L.Push(L.GetTable(s.table(w), key))
		return 1
	}
	at, known := s.at(w)
	path, named := child(at, key)
	switch {
	case !named || !known:
		return s.strange(L, p, path, key)
	case isWhole(w, at):
		L.Push(s.ofWhole(L, w, path, s.table(w).RawGet(key)))
	case w.Recording() != nil:
		L.Push(s.answer(L, p, w, path))
	default:
		L.Push(s.note(L, w, path, s.real.RawGet(key)))
	}
	return 1
}

// isWhole reports whether the call has read all of a table, and nobody else can have changed it since. In a
// rehearsal the recording
// says whether somebody has.
func isWhole(w *witness.Witness, path string) bool {
	epoch, read := w.Kept(wholeKey{path}).(int)
	return read && (epoch == w.Epoch() || w.Recording() != nil)
}

// ofWhole is a value of a table all of which was read.
func (s *spy) ofWhole(L *lua.LState, w *witness.Witness, path string, v lua.LValue) lua.LValue {
	if w.Recording() == nil {
		return v
	}
	if values, due := w.Due(L, witness.Interprocess, path); due {
		return s.value(w, path, values)
	}
	return v
}

// strange is the reading of what has a table or a function for its name.
func (s *spy) strange(L *lua.LState, p *Program, path string, key lua.LValue) int {
	w := p.call.witness
	if w.Recording() != nil && !w.Live() {
		p.Lacks(L, "an interprocess variable under a %s", key.Type())
	}
	w.NoteUnkept(L, witness.Interprocess, path+"[a "+key.Type().String()+"]")
	L.Push(s.table(w).RawGet(key))
	return 1
}

// again follows the path of a value that the call had written, and found to be another's by then; changed that of a table
// which the call has made itself, is handed out as it is, and may have been changed by others while the call waited.
const (
	again   = " again"
	changed = " changed"
)

// note notes the value of a name, and gives what the script sees of it.
func (s *spy) note(L *lua.LState, w *witness.Witness, path string, v lua.LValue) lua.LValue {
	if written, waited, ok := w.Written(witness.Interprocess, path); ok {
		if unspied(written.(lua.LValue)) == v {
			if t, own := written.(*lua.LTable); own && waited && sandbox.Spied(t) == t {
				noteContents(L, w, path+changed, t)
			}
			return written.(lua.LValue)
		}
		path += again
	}
	switch v := v.(type) {
	case *lua.LTable:
		real := sandbox.Spied(v)
		if real.Metatable == lua.LNil {
			reached, known := w.Kept(reachedKey{real}).(string)
			if !known {
				reached = path
				w.Keep(reachedKey{real}, path)
			}
			w.Note(L, witness.Interprocess, path, inside(path, reached))
			return s.lane.spyOf(real)
		}
	case *lua.LFunction, *lua.LUserData, *lua.LState:
	default:
		value, _ := convert.ToGo(v) // of a scalar
		w.Note(L, witness.Interprocess, path, value)
		return v
	}
	w.NoteUnkept(L, witness.Interprocess, path)
	return v
}

// noteFound notes a value that a call before this one has left.
func noteFound(L *lua.LState, w *witness.Witness, path string, v lua.LValue) {
	switch v.(type) {
	case *lua.LTable:
		w.Note(L, witness.Interprocess, path, wire.Map{})
	case *lua.LFunction, *lua.LUserData, *lua.LState:
		w.NoteUnkept(L, witness.Interprocess, path)
	default:
		value, _ := convert.ToGo(v) // of a scalar
		w.Note(L, witness.Interprocess, path, value)
	}
}

// answer is what the recording has for a name.
func (s *spy) answer(L *lua.LState, p *Program, w *witness.Witness, path string) lua.LValue {
	if written, _, ok := w.Written(witness.Interprocess, path); ok {
		if values, due := w.Due(L, witness.Interprocess, path+again); due {
			return s.value(w, path+again, values)
		}
		if values, due := w.Due(L, witness.Interprocess, path+changed); due {
			own, isTable := written.(*lua.LTable)
			if !isTable || !replaced(own, values) {
				p.Lacks(L, "interprocess.%s", path)
			}
		}
		if w.Found(witness.Interprocess, path) {
			noteFound(L, w, path, written.(lua.LValue))
		}
		return written.(lua.LValue)
	}
	values, ok := w.Answer(L, witness.Interprocess, path, true)
	if ok {
		return s.value(w, path, values)
	}
	if !w.Live() {
		p.Lacks(L, "interprocess.%s", path)
	}
	w.Note(L, witness.Interprocess, path, nil)
	return lua.LNil
}

// standIn is kept for each table of a recording that a call has met.
type standIn struct{ path string }

func (s *spy) value(w *witness.Witness, path string, values []any) lua.LValue {
	if len(values) != 1 {
		return lua.LNil
	}
	mark, isTable := values[0].(wire.Map)
	if !isTable {
		return convert.ToLua(values[0])
	}
	if len(mark) == 1 {
		path, _ = mark[0].Value.(string)
	}
	if t, ok := w.Kept(standIn{path}).(*lua.LTable); ok {
		return t
	}
	t := s.lane.newSpy(&spy{lane: s.lane, real: &lua.LTable{Metatable: lua.LNil}, made: true, path: path})
	w.Keep(standIn{path}, t)
	return t
}

// set is an assignment. In a rehearsal it is the call's own.
func (s *spy) set(L *lua.LState) int {
	key, v := L.Get(2), L.Get(3)
	w := Running(L).call.witness
	if s.real.Metatable != lua.LNil || w == nil {
		L.SetTable(s.table(w), key, unspied(v))
		return 0
	}
	at, known := s.at(w)
	path, named := child(at, key)
	named = named && known
	if named && w.Recording() != nil && !isWhole(w, at) {
		w.Write(witness.Interprocess, path, v)
		own, _ := w.Kept(ownKey{}).(*[]ownWrite)
		if own == nil {
			own = new([]ownWrite)
			w.Keep(ownKey{}, own)
		}
		*own = append(*own, ownWrite{at, key, unspied(v)})
		return 0
	}
	L.RawSet(s.table(w), key, unspied(v))
	if named {
		w.Write(witness.Interprocess, path, v)
	}
	return 0
}

// ownKey is kept with what a rehearsal has written, until whole puts it into its table.
type ownKey struct{}

type ownWrite struct {
	table      string // the path
	key, value lua.LValue
}

// unspied is a value as it is kept.
func unspied(v lua.LValue) lua.LValue {
	if t, ok := v.(*lua.LTable); ok {
		return sandbox.Spied(t)
	}
	return v
}

// rootKey is kept with the table that stands for the interprocess variables in a rehearsal.
type rootKey struct{}

// table is what the spy's reads and writes go to: in a rehearsal what the call has written, and everything once whole has
// filled it.
func (s *spy) table(w *witness.Witness) *lua.LTable {
	if w == nil || w.Recording() == nil || s.path != "" || !s.made {
		return s.real
	}
	if t, ok := w.Kept(rootKey{}).(*lua.LTable); ok {
		return t
	}
	t := &lua.LTable{Metatable: lua.LNil}
	w.Keep(rootKey{}, t)
	return t
}

// whole is the reading of everything, and gives the table that has it.
func (s *spy) whole(L *lua.LState) *lua.LTable {
	p, _, _ := s.lane.baton.look() // who runs: Behind knows no L
	if p == nil || p.call.witness == nil {
		return s.real
	}
	w := p.call.witness
	t := s.table(w)
	path, known := s.at(w)
	if L == nil {
		L = p.state.Thread()
	}
	key := path + ".*"
	switch {
	case !known:
		w.NoteUnkept(L, witness.Interprocess, "?")
		return t
	case w.Recording() != nil:
		s.fill(L, p, w, path, key)
		return t
	case isWhole(w, path):
		return t
	}
	w.Keep(wholeKey{path}, w.Epoch())
	if outdated(w, path, t) {
		key += again
	}
	noteContents(L, w, key, t)
	return t
}

// outdated reports whether others have changed what the call had written to a table.
func outdated(w *witness.Witness, at string, t *lua.LTable) bool {
	if !w.Wrote() {
		return false
	}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		path, named := child(at, k)
		if !named {
			continue
		}
		if written, _, ok := w.Written(witness.Interprocess, path); ok && unspied(written.(lua.LValue)) != v {
			return true
		}
	}
	return false
}

// noteContents notes all that is in a table.
func noteContents(L *lua.LState, w *witness.Witness, key string, t *lua.LTable) {
	count := 0
	if !countable(t, &count) {
		w.NoteUnkept(L, witness.Interprocess, key)
	} else if value, err := convert.ToGo(t); err != nil {
		w.NoteUnkept(L, witness.Interprocess, key)
	} else {
		w.Note(L, witness.Interprocess, key, value)
	}
}

// countable reports whether a table is small and has plain values only.
func countable(t *lua.LTable, count *int) bool {
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if *count++; *count > mostInside {
			return false
		}
		inner, isTable := v.(*lua.LTable)
		if isTable && (inner.Metatable != lua.LNil || !countable(inner, count)) {
			return false
		}
	}
	return true
}

// fill puts what the recording has into real, and what the call itself has written.
func (s *spy) fill(L *lua.LState, p *Program, w *witness.Witness, at, key string) {
	if isWhole(w, at) {
		s.refill(L, w, key)
		return
	}
	if values, due := w.Due(L, witness.Interprocess, key+again); due {
		w.Keep(wholeKey{at}, w.Epoch())
		replaced(s.table(w), values)
		return
	}
	values, ok := w.Answer(L, witness.Interprocess, key, true)
	if !ok {
		values, ok = w.Answer(L, witness.Interprocess, key+again, true)
	}
	if !ok && !w.Live() {
		p.Lacks(L, "all of interprocess.%s", at)
	}
	w.Keep(wholeKey{at}, w.Epoch())
	if !ok || len(values) != 1 {
		values = []any{nil}
	}
	real := s.table(w)
	if t, isTable := convert.ToLua(values[0]).(*lua.LTable); isTable {
		for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) { // in its order
			path, _ := child(at, k)
			if _, _, own := w.Written(witness.Interprocess, path); !own {
				real.RawSet(k, v)
			}
		}
	}
	if own, _ := w.Kept(ownKey{}).(*[]ownWrite); own != nil {
		for _, one := range *own {
			if one.table == at {
				real.RawSet(one.key, one.value)
			}
		}
	}
}

// refill puts what others have made of a table meanwhile into it, if the recording says so.
func (s *spy) refill(L *lua.LState, w *witness.Witness, key string) {
	values, due := w.Due(L, witness.Interprocess, key)
	if !due {
		values, due = w.Due(L, witness.Interprocess, key+again)
	}
	if due {
		replaced(s.table(w), values)
	}
}

// replaced gives a table the contents that were noted, and reports whether they were.
func replaced(t *lua.LTable, values []any) bool {
	if len(values) != 1 {
		return false
	}
	now, isTable := convert.ToLua(values[0]).(*lua.LTable)
	if !isTable {
		return false
	}
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		t.RawSet(k, lua.LNil)
	}
	for k, v := now.Next(lua.LNil); k != lua.LNil; k, v = now.Next(k) {
		t.RawSet(k, v)
	}
	return true
}
