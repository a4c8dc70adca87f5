package command

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/runtime/interprocess"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

var sharedCommands = []Command{
	{Name: "new_shared_object", Signature: "new_shared_object([table]) -> object", FourD: "New shared object", Since: "0.1", Waits: true, Roles: everywhere,
		Meaning: "an object that all processes see, with a copy of what is in the table; everybody reads it, use() changes it", run: newSharedObject},
	{Name: "new_shared_collection", Signature: "new_shared_collection([value ...]) -> collection", FourD: "New shared collection", Since: "0.1", Waits: true, Roles: everywhere,
		Meaning: "a list that all processes see: collection[1], collection.length; collection:push(value), pop, shift, unshift, insert, remove and clear use it by themselves", run: newSharedCollection},
	{Name: "use", Signature: "use(object, function) -> value", FourD: "Use", Since: "0.1", Waits: true, Roles: everywhere,
		Meaning: "calls the function, whose results it gives, while no other process can change the shared object or what belongs to it; waits for its turn", run: use},
	{Name: "storage", Signature: "storage() -> object", FourD: "Storage", Since: "0.1", Roles: everywhere,
		Meaning: "the shared object of the whole host, also without the brackets: storage.name; shared objects are put there inside use(storage, ...)", run: storage},
	{Name: "ob_copy", Signature: "ob_copy(object) -> table", FourD: "OB Copy", Since: "0.1", Roles: everywhere,
		Meaning: "what is in a shared object or collection now, or in a table, as a table of the caller's own", run: obCopy},
	{Name: "ob_keys", Signature: "ob_keys(object) -> table", FourD: "OB Keys", Since: "0.1", Roles: everywhere,
		Meaning: "the names that a shared object has now, sorted", run: obKeys},
	{Name: "ob_remove", Signature: "ob_remove(object, name)", FourD: "OB REMOVE", Since: "0.1", Waits: true, Roles: everywhere,
		Meaning: "takes a name out of a shared object; uses it by itself", run: obRemove},
	{Name: "ob_is_shared", Signature: "ob_is_shared(value) -> boolean", FourD: "OB Is shared", Since: "0.1", Roles: everywhere,
		Meaning: "whether a value is a shared object, a shared collection or a signal", run: obIsShared},
}

// sharedBytes is what one more value of a shared object takes, about.
const sharedBytes = 128

// openShared makes the commons of the host and the metatable of the values by which scripts see what is in it. All
// lanes have the same values and the metatable, which nobody changes any more.
func (e *environment) openShared() {
	meta := &lua.LTable{Metatable: lua.LNil}
	bound := func(f func(e *environment, L *lua.LState) int) *lua.LFunction {
		return &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int { return f(e, L) }}
	}
	meta.RawSetString("__index", bound(indexShared))
	meta.RawSetString("__newindex", bound(newIndexShared))
	meta.RawSetString("__tostring", bound(sharedToString))
	meta.RawSetString("__call", bound(callShared))
	meta.RawSetString("__len", bound(sharedLength))
	meta.RawSetString("__pairs", bound(pairsShared))
	meta.RawSetString("__ipairs", bound(ipairsShared))
	meta.RawSetString("__metatable", lua.LString("shared"))
	e.functions = map[interprocess.Kind]map[string]*lua.LFunction{interprocess.Collection: {}, interprocess.Signal: {}}
	for name, f := range collectionFunctions {
		e.functions[interprocess.Collection][name] = bound(f)
	}
	for name, f := range signalFunctions {
		e.functions[interprocess.Signal][name] = bound(f)
	}
	e.commons = interprocess.New(interprocess.Config{
		Name: e.describe,
		Face: func(s *interprocess.Shared) any { return &lua.LUserData{Value: s, Metatable: meta} },
	})
}

// installStorage makes storage a value, which can be called as well.
func (e *environment) installStorage(vm *sandbox.VM) {
	vm.Set("storage", convert.ToLua(e.commons.Storage()))
}

// Closed frees what an ended process owned. The process in which on_server_startup ran goes on when its scripts have
// ended, and so do its semaphores.
func (c *Commands) Closed(p *process.Process) {
	c.environment.closeDocuments(p) // first: a semaphore may stand for a document, or for data
	c.environment.closeData(p)
	if s := c.environment.shadow; s != nil {
		s.forget(p)
	}
	if p.Type() != process.ClientManager {
		c.environment.commons.Free(interprocess.Owner(p.ID()))
	}
}

// Held is what processes hold now.
func (c *Commands) Held() []interprocess.Holding { return c.environment.commons.Held() }

// sharedOf is what stands behind a Lua value, nil when it is nothing shared.
func sharedOf(v lua.LValue) *interprocess.Shared {
	if data, ok := v.(*lua.LUserData); ok {
		s, _ := data.Value.(*interprocess.Shared)
		return s
	}
	return nil
}

// checkShared reads a shared object, collection or signal.
func checkShared(L *lua.LState, i int) *interprocess.Shared {
	s := sharedOf(L.Get(i))
	if s == nil {
		L.ArgError(i, fmt.Sprintf("shared object expected, got %s", L.Get(i).Type()))
	}
	return s
}

// checkKind reads something shared of one kind.
func checkKind(L *lua.LState, i int, kind interprocess.Kind) *interprocess.Shared {
	s := sharedOf(L.Get(i))
	if s == nil {
		L.ArgError(i, fmt.Sprintf("%s expected, got %s", kind, L.Get(i).Type()))
	}
	if s.Kind() != kind {
		L.ArgError(i, fmt.Sprintf("%s expected, got %s", kind, s.Kind()))
	}
	return s
}

// push pushes a value of something shared.
func push(L *lua.LState, v any) int {
	if s, ok := v.(*interprocess.Shared); ok {
		L.Push(s.Face().(lua.LValue))
	} else {
		L.Push(convert.ToLua(v))
	}
	return 1
}

// using calls f while the caller uses s, for which it waits. The use is over however f ends.
func (e *environment) using(L *lua.LState, s *interprocess.Shared, f func()) {
	if w := lane.Running(L).Witness(); w != nil && w.Recording() != nil {
		if path, known := e.pathOf(w, s); known {
			e.pretendUse(w, path, f)
			return
		}
	}
	by := caller(L)
	w, taken, err := s.Use(by)
	if err != nil {
		L.RaiseError("use: %s", err.Error())
	}
	if !taken {
		await(L, w, time.Time{}, true) // code in the middle of it cannot end this use
	}
	defer s.EndUse(by)
	f()
}

// change does f, which changes something shared, and raises its error. A value that another process uses is waited for:
// it joins the group then.
func (e *environment) change(L *lua.LState, f func() error) {
	err := f()
	var busy *interprocess.BusyError
	switch {
	case err == nil:
	case errors.As(err, &busy):
		e.using(L, busy.Value, func() { e.change(L, f) })
	case errors.Is(err, interprocess.ErrNotInUse):
		L.RaiseError("%s: write it inside use(object, function() ... end)", err.Error())
	default:
		L.RaiseError("%s", err.Error())
	}
}

func use(e *environment, L *lua.LState) int {
	s, f := checkShared(L, 1), L.CheckFunction(2)
	top := L.GetTop()
	e.using(L, s, func() {
		L.Push(f)
		L.Call(0, lua.MultRet)
	})
	return L.GetTop() - top
}

func storage(e *environment, L *lua.LState) int { return push(L, e.commons.Storage()) }

// callShared is storage(), as 4D has it.
func callShared(e *environment, L *lua.LState) int {
	if checkShared(L, 1).Kind() != interprocess.Storage {
		L.RaiseError("attempt to call a %s", checkShared(L, 1).Kind())
	}
	return storage(e, L)
}

func sharedToString(_ *environment, L *lua.LState) int {
	L.Push(lua.LString(checkShared(L, 1).String()))
	return 1
}

// indexShared is object.name and collection[n]. It allocates little, for flags are read in loops.
func indexShared(e *environment, L *lua.LState) int {
	s := checkShared(L, 1)
	var v any
	switch key := L.Get(2).(type) {
	case lua.LString:
		if f := e.functions[s.Kind()][string(key)]; f != nil {
			L.Push(f)
			return 1
		}
		switch {
		case s.Kind() != interprocess.Collection:
			v = e.field(L, s, string(key))
		case key == "length":
			v = e.length(L, s)
		}
	case lua.LNumber:
		if s.Kind() == interprocess.Collection {
			v = e.element(L, s, elementNumber(key))
		}
	}
	return push(L, v)
}

// sharedLength is #collection.
func sharedLength(e *environment, L *lua.LState) int {
	s := checkShared(L, 1)
	if s.Kind() != interprocess.Collection {
		L.RaiseError("attempt to get length of a %s", s.Kind())
	}
	return push(L, e.length(L, s))
}

// pairsShared is pairs(object): the loop goes through what was there when it began, names in their order.
func pairsShared(e *environment, L *lua.LState) int {
	s := checkShared(L, 1)
	names, values := e.snapshot(L, s)
	lane.Running(L).Step(L, len(values))
	i := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		for i < len(values) && values[i] == nil {
			i++
		}
		if i == len(values) {
			return push(L, nil)
		}
		if i++; names != nil {
			L.Push(lua.LString(names[i-1]))
		} else {
			number(L, i)
		}
		return 1 + push(L, values[i-1])
	}))
	return 1
}

// ipairsShared is ipairs(collection): the loop goes on while there are elements, also those that come during it.
func ipairsShared(e *environment, L *lua.LState) int {
	s := checkShared(L, 1)
	if s.Kind() != interprocess.Collection {
		L.RaiseError("bad argument #1 to ipairs (shared collection expected, got %s)", s.Kind())
	}
	i := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		v := e.element(L, s, i)
		if v == nil {
			return push(L, nil)
		}
		i++
		return number(L, i) + push(L, v)
	}))
	return 1
}

// elementNumber is the number of an element, from 0 on, for one that counts from 1 on; -1 is none.
func elementNumber(n lua.LNumber) int {
	if !(n >= 1 && n <= interprocess.MaxElements) || n != lua.LNumber(int(n)) {
		return -1
	}
	return int(n) - 1
}

// newIndexShared is the assignment to object.name and collection[n].
func newIndexShared(e *environment, L *lua.LState) int {
	s, by, value := checkShared(L, 1), caller(L), e.checkValue(L, L.Get(3))
	if s.Kind() == interprocess.Collection {
		n, ok := L.Get(2).(lua.LNumber)
		if !ok {
			L.RaiseError("%s: its elements have numbers from 1 on, not a %s", s, L.Get(2).Type())
		}
		if i := elementNumber(n); i > s.Len() {
			lane.Running(L).Grow(L, (i-s.Len())*16)
		}
		if !e.written(L, s, elementPath(elementNumber(n)), value) {
			e.assign(L, s, func() error { return s.SetElement(by, elementNumber(n), value) })
		}
		return 0
	}
	name, err := fieldName(L.Get(2))
	if err != nil {
		L.RaiseError("%s: %s", s, err.Error())
	}
	if e.functions[s.Kind()][name] != nil {
		L.RaiseError("%s: %s is its function", s, name)
	}
	name = kept(L, name)
	if !e.written(L, s, "."+name, value) {
		e.assign(L, s, func() error { return s.SetField(by, name, value) })
	}
	return 0
}

// longestField is how many characters a name in a shared object has at the most, as in 4D.
const longestField = 255

func fieldName(key lua.LValue) (string, error) {
	name, ok := key.(lua.LString)
	switch {
	case !ok:
		return "", fmt.Errorf("names are texts, not a %s", key.Type())
	case len(name) > longestField && utf8.RuneCountInString(string(name)) > longestField:
		return "", fmt.Errorf("a name of %d characters is too long (the limit is %d)", utf8.RuneCountInString(string(name)), longestField)
	}
	return string(name), nil
}

// scalar is a value of a shared object as Go has it. The error has 4D's number.
func scalar(L *lua.LState, v lua.LValue) (any, error) {
	switch v := v.(type) {
	case *lua.LNilType:
		return nil, nil
	case lua.LBool:
		return bool(v), nil
	case lua.LNumber:
		return float64(v), nil
	case lua.LString:
		return kept(L, string(v)), nil
	case *lua.LUserData:
		if s := sharedOf(v); s != nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("a %s is not a supported value type in a shared object or shared collection (-10721)", v.Type())
}

// checkValue is a value to be put into something shared.
func (e *environment) checkValue(L *lua.LState, v lua.LValue) any {
	value, err := scalar(L, v)
	switch {
	case err != nil && v.Type() == lua.LTTable:
		L.RaiseError("%s: new_shared_object or new_shared_collection makes a shared one of it", err.Error())
	case err != nil:
		L.RaiseError("%s", err.Error())
	}
	lane.Running(L).Grow(L, sharedBytes)
	return value
}

func newSharedObject(e *environment, L *lua.LState) int {
	t := L.OptTable(1, nil)
	fields := map[string]any{}
	if t != nil {
		tree, err := (&planting{L: L}).table(t, 1)
		named, ok := tree.(map[string]any)
		if err == nil && !ok && t.Len() > 0 {
			err = errors.New("texts as keys expected; new_shared_collection makes lists")
		}
		if err != nil {
			L.ArgError(1, err.Error())
		}
		if ok {
			fields = named
		}
	}
	return e.create(L, func() (*interprocess.Shared, error) { return e.commons.NewObject(caller(L), fields) })
}

func (e *environment) create(L *lua.LState, f func() (*interprocess.Shared, error)) int {
	var s *interprocess.Shared
	e.change(L, func() (err error) {
		s, err = f()
		return err
	})
	return push(L, s)
}

// planting makes of tables what package interprocess makes shared objects and collections of.
type planting struct {
	L        *lua.LState
	elements int
}

// Bounds of what is made at once, those of package convert.
const (
	deepestShared = 32
	plantedAtOnce = 256 // values between two charges
)

func (p *planting) value(v lua.LValue, depth int) (any, error) {
	if t, ok := v.(*lua.LTable); ok {
		return p.table(t, depth+1)
	}
	return scalar(p.L, v)
}

// table makes a map of a table with texts as keys, and a list of any other, which must have the keys 1 to n.
func (p *planting) table(t *lua.LTable, depth int) (any, error) {
	if depth > deepestShared {
		return nil, fmt.Errorf("more than %d tables inside each other", deepestShared)
	}
	fields, list := map[string]any{}, []any{}
	t = sandbox.Whole(t)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if err := p.count(); err != nil {
			return nil, err
		}
		value, err := p.value(v, depth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		if k == lua.LNumber(len(list)+1) {
			list = append(list, value)
			continue
		}
		name, err := fieldName(k)
		if err != nil {
			return nil, err
		}
		fields[kept(p.L, name)] = value
	}
	switch {
	case len(fields) == 0:
		return list, nil
	case len(list) == 0:
		return fields, nil
	}
	return nil, errors.New("keys are texts, or the numbers from 1 on, not both")
}

func (p *planting) count() error {
	p.elements++
	if p.elements > interprocess.MaxElements {
		return fmt.Errorf("more than %d values in a table", interprocess.MaxElements)
	}
	if p.elements%plantedAtOnce == 0 {
		lane.Running(p.L).Step(p.L, 8*plantedAtOnce)
		lane.Running(p.L).Grow(p.L, sharedBytes*plantedAtOnce)
	}
	return nil
}

func obCopy(e *environment, L *lua.LState) int {
	s := sharedOf(L.Get(1))
	if s == nil {
		L.CheckTable(1)
	} else if n := e.copied(L, s); n > 0 {
		return n
	}
	v, err := convert.Copied(L.Get(1), func(n int) { lane.Running(L).Step(L, 8*n) })
	if err != nil {
		L.ArgError(1, err.Error())
	}
	return push(L, v)
}

func obKeys(e *environment, L *lua.LState) int {
	names, _ := e.snapshot(L, checkShared(L, 1))
	lane.Running(L).Step(L, len(names))
	t := L.CreateTable(len(names), 0)
	for i, name := range names {
		t.RawSetInt(i+1, lua.LString(name))
	}
	L.Push(t)
	return 1
}

func obRemove(e *environment, L *lua.LState) int {
	s, name := checkShared(L, 1), L.CheckString(2)
	if s.Kind() == interprocess.Collection {
		L.ArgError(1, "shared object expected, got shared collection")
	}
	e.using(L, s, func() {
		if !e.written(L, s, "."+name, nil) {
			e.change(L, func() error { return s.SetField(caller(L), name, nil) })
		}
	})
	return 0
}

func obIsShared(_ *environment, L *lua.LState) int {
	L.Push(lua.LBool(sharedOf(L.CheckAny(1)) != nil))
	return 1
}
