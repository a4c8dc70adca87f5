package command

import (
	"strconv"
	"strings"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/luabind/witness"
	"moongate/runtime/interprocess"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// What a witnessed call reads of shared objects is noted by the path to it, from storage or the storage of a session on:
// storage.limits.guest. In a rehearsal empty objects of the call's own stand for those of the recording. Nobody writes to
// them: what the call has written is the witness's. Objects that the call itself has made have no path, and are as they
// always are.

// Paths that nothing else has.
const (
	storagePath = "storage"
	lengthPath  = ".#"
	wholePath   = ".*"
	takenPath   = ".pop"
	signalPath  = ".wait"
	// againPath follows the path of a value that the call had written, and found to be another's by then.
	againPath = " again"
)

func elementPath(i int) string { return "[" + strconv.Itoa(i+1) + "]" }

// pathKey and standInKey are what a witness keeps: the path of something shared, and what stands for a path.
type (
	pathKey    struct{ of *interprocess.Shared }
	standInKey struct{ path string }
	useKey     struct{ root string }             // how often the call uses what is under a root
	joinedKey  struct{ of *interprocess.Shared } // the root that something which the call has made was put under
)

// pathOf is the path by which the call has reached something shared.
func (e *environment) pathOf(w *witness.Witness, s *interprocess.Shared) (string, bool) {
	if s == e.commons.Storage() {
		return storagePath, true
	}
	path, known := w.Kept(pathKey{s}).(string)
	return path, known
}

// field, element and length are what a script reads of something shared.
func (e *environment) field(L *lua.LState, s *interprocess.Shared, name string) any {
	if w := lane.Running(L).Witness(); w != nil {
		return e.seen(L, w, s, "."+name, func() any { return s.Field(name) })
	}
	return s.Field(name)
}

func (e *environment) element(L *lua.LState, s *interprocess.Shared, i int) any {
	if w := lane.Running(L).Witness(); w != nil {
		return e.seen(L, w, s, elementPath(i), func() any { return s.Element(i) })
	}
	return s.Element(i)
}

func (e *environment) length(L *lua.LState, s *interprocess.Shared) any {
	if w := lane.Running(L).Witness(); w != nil {
		return e.seen(L, w, s, lengthPath, func() any { return s.Len() })
	}
	return s.Len()
}

// seen is a value as the witness has it; find looks it up.
func (e *environment) seen(L *lua.LState, w *witness.Witness, s *interprocess.Shared, suffix string, find func() any) any {
	path, known := e.pathOf(w, s)
	if !known {
		return find()
	}
	path += suffix
	own, _, written := w.Written(witness.Storage, path)
	if w.Recording() == nil {
		v := find()
		if _, isShared := v.(*interprocess.Shared); written && v == own && !isShared { // others may have changed what is in it
			return v
		}
		if written {
			path += againPath
		}
		w.Note(L, witness.Storage, path, e.marked(w, path, v))
		return v
	}
	if written {
		if values, due := w.Due(L, witness.Storage, path+againPath); due && len(values) == 1 {
			return e.rejoined(L, w, own, values[0])
		}
		if w.Found(witness.Storage, path) {
			noteFound(L, w, path, own)
		}
		return own
	}
	if values, ok := w.Answer(L, witness.Storage, path, true); ok && len(values) == 1 {
		return e.unmarked(L, w, values[0])
	}
	if !w.Live() {
		lane.Running(L).Lacks(L, "%s", path)
	}
	w.Note(L, witness.Storage, path, nil)
	return nil
}

// noteFound notes a value that a call before this one of the rehearsal has left.
func noteFound(L *lua.LState, w *witness.Witness, path string, v any) {
	if _, isShared := v.(*interprocess.Shared); isShared {
		v = wire.Map{} // what is in it is not looked at
	}
	w.Note(L, witness.Storage, path, v)
}

// rejoined is a value of a recording that the call had written before. An object of the call's own is one that others can reach
// from then on: what is in it is the recording's.
func (e *environment) rejoined(L *lua.LState, w *witness.Witness, own, v any) any {
	s, isShared := own.(*interprocess.Shared)
	if _, path := markOf(v); isShared && path != "" && w.Kept(standInKey{path}) == nil {
		w.Keep(standInKey{path}, s)
		w.Keep(pathKey{s}, path)
	}
	return e.unmarked(L, w, v)
}

// markOf is what a recording says of something shared; the path is "" for what is no mark.
func markOf(v any) (kind interprocess.Kind, path string) {
	mark, ok := v.(wire.Map)
	if !ok || len(mark) != 1 {
		return interprocess.Object, ""
	}
	n, _ := mark[0].Key.(int64)
	path, _ = mark[0].Value.(string)
	return interprocess.Kind(n), path
}

// marked is a value as a recording has it: of something shared its kind and its path, which is this one if it has none yet.
func (e *environment) marked(w *witness.Witness, path string, v any) any {
	s, ok := v.(*interprocess.Shared)
	if !ok {
		return v
	}
	reached, known := e.pathOf(w, s)
	if !known {
		reached = path
		w.Keep(pathKey{s}, path)
	}
	return wire.Map{{Key: int64(s.Kind()), Value: reached}}
}

// unmarked is the value for one of a recording.
func (e *environment) unmarked(L *lua.LState, w *witness.Witness, v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case wire.Map:
		kind, path := markOf(v)
		return e.standIn(L, w, kind, path)
	}
	return v
}

// standIn is what stands for something shared of a recording.
func (e *environment) standIn(L *lua.LState, w *witness.Witness, kind interprocess.Kind, path string) *interprocess.Shared {
	if path == storagePath {
		return e.commons.Storage()
	}
	if s, ok := w.Kept(standInKey{path}).(*interprocess.Shared); ok {
		return s
	}
	var s *interprocess.Shared
	switch kind {
	case interprocess.Collection:
		s, _ = e.commons.NewCollection(caller(L), nil)
	case interprocess.Signal:
		s = e.commons.NewSignal("")
	case interprocess.SessionStorage:
		s = e.commons.NewStorage()
	default:
		s, _ = e.commons.NewObject(caller(L), nil)
	}
	w.Keep(standInKey{path}, s)
	w.Keep(pathKey{s}, path)
	return s
}

// snapshot is everything that is in something shared: names are nil for a collection.
func (e *environment) snapshot(L *lua.LState, s *interprocess.Shared) (names []string, values []any) {
	w := lane.Running(L).Witness()
	if w == nil {
		return s.Snapshot()
	}
	path, known := e.pathOf(w, s)
	switch {
	case !known:
		return s.Snapshot()
	case w.Recording() != nil:
		return e.snapshotOf(L, w, s, path)
	}
	names, values = s.Snapshot()
	list := make([]any, 0, 2*len(values))
	for i, v := range values {
		child := path + elementPath(i)
		if names != nil {
			child = path + "." + names[i]
			list = append(list, names[i])
		}
		list = append(list, e.marked(w, child, v))
	}
	w.Note(L, witness.Storage, path+wholePath, names != nil, list)
	return names, values
}

// snapshotOf is a snapshot that the recording has.
func (e *environment) snapshotOf(L *lua.LState, w *witness.Witness, s *interprocess.Shared, path string) (names []string, values []any) {
	noted, ok := w.Answer(L, witness.Storage, path+wholePath, !w.Wrote())
	if !ok && !w.Live() {
		lane.Running(L).Lacks(L, "all of %s", path)
	}
	if named := s.Kind() != interprocess.Collection; named {
		names = []string{}
	}
	if len(noted) != 2 {
		return names, nil
	}
	list, _ := noted[1].([]any)
	for len(list) > 0 {
		if names != nil && len(list) > 1 {
			name, _ := list[0].(string)
			names, list = append(names, name), list[1:]
		}
		values, list = append(values, e.unmarked(L, w, list[0])), list[1:]
	}
	return names, values
}

// copied is ob_copy of something shared that has a path; 0 results for any other.
func (e *environment) copied(L *lua.LState, s *interprocess.Shared) int {
	w := lane.Running(L).Witness()
	if w == nil {
		return 0
	}
	path, known := e.pathOf(w, s)
	if !known {
		return 0
	}
	const what = "ob_copy"
	if w.Recording() == nil {
		L.Push(s.Face().(lua.LValue))
		values, err := resultsOf(L, 1)
		L.Pop(1)
		if err != nil {
			w.NoteUnkept(L, what, path)
			return 0
		}
		w.Note(L, what, path, values...)
		return push(L, values[0])
	}
	values, ok := w.Answer(L, what, path, !w.Wrote())
	if !ok && !w.Live() {
		lane.Running(L).Lacks(L, "ob_copy(%s)", path)
	}
	if len(values) != 1 {
		values = []any{[]any{}}
	}
	L.Push(convert.ToLua(values[0]))
	return 1
}

// written takes note of an assignment to something shared. It reports whether that is all: in a rehearsal nothing is written
// to what stands for something of the recording, but must be in use.
func (e *environment) written(L *lua.LState, s *interprocess.Shared, suffix string, value any) bool {
	w := lane.Running(L).Witness()
	if w == nil {
		return false
	}
	path, known := e.pathOf(w, s)
	if !known {
		return false
	}
	if w.Recording() == nil {
		defer w.Write(witness.Storage, path+suffix, value)
		return false
	}
	if !inUse(w, rootOf(path)) {
		L.RaiseError("%s: %s: write it inside use(object, function() ... end)", s, interprocess.ErrNotInUse)
	}
	shared, isShared := value.(*interprocess.Shared)
	switch catalogue := s.Kind() == interprocess.Storage || s.Kind() == interprocess.SessionStorage; {
	case isShared && catalogue && (shared.Kind() == interprocess.Storage || shared.Kind() == interprocess.SessionStorage),
		!isShared && catalogue && value != nil:
		L.RaiseError("%s", interprocess.ErrStorage)
	case isShared && !catalogue:
		w.Keep(joinedKey{shared}, rootOf(path))
	}
	w.Write(witness.Storage, path+suffix, value)
	return true
}

// inUse reports whether the call uses what is under a root.
func inUse(w *witness.Witness, root string) bool {
	n, _ := w.Kept(useKey{root}).(int)
	return n > 0
}

// assign does f, which changes s. In a rehearsal what the call has made and put into something of the recording is used with
// that.
func (e *environment) assign(L *lua.LState, s *interprocess.Shared, f func() error) {
	if w := lane.Running(L).Witness(); w != nil && w.Recording() != nil {
		if root, joined := w.Kept(joinedKey{s}).(string); joined && inUse(w, root) {
			e.using(L, s, func() { e.change(L, f) })
			return
		}
	}
	e.change(L, f)
}

// rootOf is what is used together with what is at the end of a path: a storage by itself, and each object in one with all that
// is in it.
func rootOf(path string) string {
	first := strings.IndexAny(path, ".[")
	if first < 0 {
		return path
	}
	if next := strings.IndexAny(path[first+1:], ".["); next >= 0 {
		return path[:first+1+next]
	}
	return path
}

// pretendUse calls f while the call uses what is under a path.
func (e *environment) pretendUse(w *witness.Witness, path string, f func()) {
	key := useKey{rootOf(path)}
	n, _ := w.Kept(key).(int)
	w.Keep(key, n+1)
	defer w.Keep(key, n)
	f()
}

// pretended reports whether something shared stands for one of the recording, so that nothing is done to it.
func (e *environment) pretended(L *lua.LState, s *interprocess.Shared) bool {
	w := lane.Running(L).Witness()
	if w == nil || w.Recording() == nil {
		return false
	}
	path, known := e.pathOf(w, s)
	if known {
		w.Write(witness.Storage, path+" changed", true)
	}
	return known
}

// takenOut is the value that a collection has given: out, or what the recording has.
func (e *environment) takenOut(L *lua.LState, s *interprocess.Shared, out any) any {
	return e.once(L, s, takenPath, out, nil)
}

// signaled is whether a signal that was waited for came: as it is, or as the recording has it.
func (e *environment) signaled(L *lua.LState, s *interprocess.Shared, is bool) any {
	return e.once(L, s, signalPath, is, false)
}

// once is a result that is noted, and answered once for each time.
func (e *environment) once(L *lua.LState, s *interprocess.Shared, suffix string, v, live any) any {
	w := lane.Running(L).Witness()
	if w == nil {
		return v
	}
	path, known := e.pathOf(w, s)
	if !known {
		return v
	}
	path += suffix
	if w.Recording() == nil {
		w.Note(L, witness.Storage, path, e.marked(w, path, v))
		return v
	}
	if values, ok := w.Answer(L, witness.Storage, path, false); ok && len(values) == 1 {
		return e.unmarked(L, w, values[0])
	}
	if !w.Live() {
		lane.Running(L).Lacks(L, "%s", path)
	}
	return live
}
