package command

import (
	"context"
	"slices"
	"strings"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/runtime/datastore"
	"moongate/runtime/structure"

	lua "github.com/yuin/gopher-lua"
)

var entityFunctions = []Function{
	{Of: ofEntity, Name: "save", Signature: "save() -> boolean or nil", FourD: "save", Since: "0.5", Waits: true,
		Meaning: "keeps what was set, and gives true once that is sure; nil, why and a number when somebody else has saved the entity since it was read (2), has it locked (3) or dropped it (5), or when a value must not be there twice (-9998)", run: saveEntity},
	{Of: ofEntity, Name: "drop", Signature: "drop() -> boolean or nil", FourD: "drop", Since: "0.5", Waits: true,
		Meaning: "takes the entity out of its table, and gives true", run: dropEntity},
	{Of: ofEntity, Name: "reload", Signature: "reload() -> boolean or nil", FourD: "reload", Since: "0.5", Waits: true,
		Meaning: "reads the entity again, forgetting what was set, and gives true", run: reloadEntity},
	{Of: ofEntity, Name: "lock", Signature: "lock() -> boolean or nil", FourD: "lock", Since: "0.5", Waits: true,
		Meaning: "keeps other processes from saving, dropping and locking the entity, until unlock or the end of the process, and gives true; nil and who has it when another process does, without waiting", run: lockEntity},
	{Of: ofEntity, Name: "unlock", Signature: "unlock() -> boolean or nil", FourD: "unlock", Since: "0.5", Waits: true,
		Meaning: "ends the lock that the process has of the entity, if any, and gives true", run: unlockEntity},
	{Of: ofEntity, Name: "is_new", Signature: "is_new() -> boolean", FourD: "isNew", Since: "0.5",
		Meaning: "whether the entity has never been saved", run: isNewEntity},
	{Of: ofEntity, Name: "touched", Signature: "touched() -> boolean", FourD: "touched", Since: "0.5",
		Meaning: "whether something was set since the entity was read or saved", run: isTouchedEntity},
	{Of: ofEntity, Name: "get_key", Signature: "get_key() -> value", FourD: "getKey", Since: "0.5",
		Meaning: "the primary key, nil when the entity is new and has none yet", run: entityKey},
	{Of: ofEntity, Name: "to_object", Signature: "to_object() -> table", FourD: "toObject", Since: "0.5",
		Meaning: "the columns and their values as a table", run: entityToObject},
}

// entity is a row as a process has it. Only that process may use it: its data is part of that process's transaction.
type entity struct {
	*datastore.Record
	program *lane.Program
}

// entityBytes is what an entity takes besides its values, about.
const entityBytes = 256

func (e *environment) entity(n *entity) *lua.LUserData {
	return &lua.LUserData{Value: n, Metatable: e.faces.entity}
}

// found is a row that was found, as an entity of the calling process.
func (e *environment) found(L *lua.LState, r *datastore.Record) *lua.LUserData {
	grow(L, entityBytes+sizeOf(r))
	return e.entity(&entity{r, lane.Running(L)})
}

// sizeOf is how many bytes a row's values take, about; objects aside.
func sizeOf(r *datastore.Record) int {
	n := 0
	for i := range r.Table().Columns {
		switch v := r.Value(i).(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
		n += 16
	}
	return n
}

// grow announces memory that is not one text, so that it may be more than a text can have.
func grow(L *lua.LState, n int) {
	for ; n > sandbox.MaxString; n -= sandbox.MaxString {
		lane.Running(L).Grow(L, sandbox.MaxString)
	}
	lane.Running(L).Grow(L, n)
}

// checkEntity reads the entity that a function was called for, by a colon.
func checkEntity(L *lua.LState, function string) *entity {
	data, ok := L.Get(1).(*lua.LUserData)
	if !ok {
		L.RaiseError("%s: entity expected, got %s; call it with a colon, as in entity:%s()", function, L.Get(1).Type(), function)
	}
	n, ok := data.Value.(*entity)
	if !ok {
		L.RaiseError("%s: entity expected, got %s", function, faceOf(data))
	}
	checkOwn(L, n.program, data)
	return n
}

// indexEntity is entity.column and entity.function.
func indexEntity(e *environment, L *lua.LState) int {
	n, name := checkEntity(L, "index"), L.CheckString(2)
	if f := e.faces.functions[ofEntity][name]; f != nil {
		L.Push(f)
		return 1
	}
	L.Push(fromColumn(L, n.Value(n.column(L, name))))
	return 1
}

// newIndexEntity is entity.column = value.
func newIndexEntity(e *environment, L *lua.LState) int {
	n, name := checkEntity(L, "index"), L.CheckString(2)
	if e.faces.functions[ofEntity][name] != nil {
		L.RaiseError("%s is a function of entities", name)
	}
	n.set(L, name, L.Get(3))
	return 0
}

// column is the place of a column; a name of none is raised.
func (n *entity) column(L *lua.LState, name string) int {
	t := n.Table()
	i := t.ColumnIndex(name)
	if i < 0 {
		L.RaiseError("%s: there is no column %.64s%s", t.Name, name, structure.DidYouMean(name, t.Names()))
	}
	return i
}

func (n *entity) set(L *lua.LState, name string, v lua.LValue) {
	i := n.column(L, name)
	if err := n.Set(i, toColumn(L, n.Table().Name, &n.Table().Columns[i], v)); err != nil {
		L.RaiseError("%s", err.Error())
	}
}

// fill sets the columns that a table names, in the order of the columns, so that the same mistake is always the one that
// is said.
func (n *entity) fill(L *lua.LState, values *lua.LTable) {
	for _, c := range n.Table().Columns {
		if v := values.RawGetString(c.Name); v != lua.LNil {
			n.set(L, c.Name, v)
		}
	}
	var strange []string
	for k, _ := values.Next(lua.LNil); k != lua.LNil; k, _ = values.Next(k) {
		name, ok := k.(lua.LString)
		if !ok {
			L.RaiseError("%s: new: names of columns expected, got the key %s", n.Table().Name, k.String())
		}
		if n.Table().Column(string(name)) == nil {
			strange = append(strange, string(name))
		}
	}
	if strange != nil {
		n.column(L, slices.MinFunc(strange, strings.Compare))
	}
}

func saveEntity(e *environment, L *lua.LState) int {
	return e.actOn(L, "save", datastore.Data.Save)
}

func dropEntity(e *environment, L *lua.LState) int {
	return e.actOn(L, "drop", datastore.Data.Drop)
}

func reloadEntity(e *environment, L *lua.LState) int {
	return e.actOn(L, "reload", datastore.Data.Reload)
}

func lockEntity(e *environment, L *lua.LState) int {
	return e.actOn(L, "lock", datastore.Data.Lock)
}

func unlockEntity(e *environment, L *lua.LState) int {
	return e.actOn(L, "unlock", datastore.Data.Unlock)
}

// actOn does something with an entity in the data store, and gives true.
func (e *environment) actOn(L *lua.LState, function string, f func(c datastore.Data, ctx context.Context, r *datastore.Record) error) int {
	n := checkEntity(L, function)
	return e.acted(L, function, e.act(L, func(ctx context.Context, c datastore.Data) error { return f(c, ctx, n.Record) }))
}

func isNewEntity(_ *environment, L *lua.LState) int {
	L.Push(lua.LBool(checkEntity(L, "is_new").IsNew()))
	return 1
}

func isTouchedEntity(_ *environment, L *lua.LState) int {
	L.Push(lua.LBool(checkEntity(L, "touched").Touched()))
	return 1
}

func entityKey(_ *environment, L *lua.LState) int {
	L.Push(fromColumn(L, checkEntity(L, "get_key").Key()))
	return 1
}

func entityToObject(_ *environment, L *lua.LState) int {
	L.Push(objectOfRow(L, checkEntity(L, "to_object").Record))
	return 1
}

// objectOfRow is a row as a table.
func objectOfRow(L *lua.LState, r *datastore.Record) *lua.LTable {
	columns := r.Table().Columns
	t := L.CreateTable(0, len(columns))
	for i := range columns {
		t.RawSetString(columns[i].Name, fromColumn(L, r.Value(i)))
	}
	return t
}
