package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/runtime/datastore"
	"moongate/runtime/structure"

	lua "github.com/yuin/gopher-lua"
)

var dataCommands = []Command{
	{Name: "ds", Signature: "ds() -> object", FourD: "ds", Since: "0.5", Roles: everywhere,
		Meaning: "the data store, also without the brackets: ds.server_log is the dataclass of the table server_log, which structure.lua declares", run: dataStore},
	{Name: "sequence_number", Signature: "sequence_number(table) -> number or nil", FourD: "Sequence number", Since: "0.5", Waits: true, Roles: everywhere,
		Meaning: "the next number of a table (its name or its dataclass), from 1 on: none comes twice, also not when a transaction is cancelled", run: sequenceNumber},
}

// Function is one row of what dataclasses, selections and entities can do: they are values of scripts, called with a
// colon.
type Function struct {
	Of        string // dataclass, selection or entity
	Name      string
	Signature string // query(text [, value ...]) -> selection or nil
	Meaning   string // one line, without a full stop
	FourD     string // 4D's name of it
	Since     string // the version that brought it
	Waits     bool   // it may give the baton away

	run func(e *environment, L *lua.LState) int
}

// What has functions.
const (
	ofDataclass = "dataclass"
	ofSelection = "selection"
	ofEntity    = "entity"
)

// Functions has every function of the data, by what has it.
func Functions() []Function {
	return slices.Concat(dataclassFunctions, selectionFunctions, entityFunctions)
}

// IsEntityFunction reports whether entities have a function of that name, so that no column can have it.
func IsEntityFunction(name string) bool {
	return slices.ContainsFunc(entityFunctions, func(f Function) bool { return f.Name == name })
}

var dataclassFunctions = []Function{
	{Of: ofDataclass, Name: "new", Signature: "new([table]) -> entity", FourD: "new", Since: "0.5",
		Meaning: "an entity that is not saved yet, with the values of the table and the defaults of the structure", run: newEntity},
	{Of: ofDataclass, Name: "get", Signature: "get(key) -> entity or nil", FourD: "get", Since: "0.5", Waits: true,
		Meaning: "the entity with that primary key, nil alone when there is none", run: getEntity},
	{Of: ofDataclass, Name: "all", Signature: "all() -> selection or nil", FourD: "all", Since: "0.5", Waits: true,
		Meaning: "all entities, in the order of their keys", run: allEntities},
	{Of: ofDataclass, Name: "query", Signature: "query(text [, value ...]) -> selection or nil", FourD: "query", Since: "0.5", Waits: true,
		Meaning: `the entities for which the text holds, as "user_id = :1 and log_date >= :2 order by log_id desc"; the values are for :1, :2 and so on`, run: queryEntities},
	{Of: ofDataclass, Name: "count", Signature: "count([text [, value ...]]) -> number or nil", Since: "0.5", Waits: true,
		Meaning: "how many entities there are for which the text holds, or at all", run: countEntities},
}

// dataFaces are the metatables of the values by which scripts see the data. All lanes have the same ones, which nobody
// changes any more.
type dataFaces struct {
	store                        *lua.LUserData
	dataclass, selection, entity *lua.LTable
	functions                    map[string]map[string]*lua.LFunction // by what has them
}

// openData makes the faces.
func (e *environment) openData() {
	bound := func(f func(e *environment, L *lua.LState) int) *lua.LFunction {
		return &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
			unspy(L)
			return f(e, L)
		}}
	}
	meta := func(name string, functions map[string]func(e *environment, L *lua.LState) int) *lua.LTable {
		t := &lua.LTable{Metatable: lua.LNil}
		for event, f := range functions {
			t.RawSetString(event, bound(f))
		}
		t.RawSetString("__metatable", lua.LString(name))
		return t
	}
	type events = map[string]func(e *environment, L *lua.LState) int
	f := &e.faces
	f.store = &lua.LUserData{Value: &theStore, Metatable: meta("ds", events{
		"__index": indexStore, "__newindex": readOnlyData, "__call": dataStore, "__tostring": dataToString})}
	f.dataclass = meta(ofDataclass, events{"__index": indexDataclass, "__newindex": readOnlyData, "__tostring": dataToString})
	f.selection = meta(ofSelection, events{"__index": indexSelection, "__newindex": readOnlyData, "__tostring": dataToString,
		"__len": selectionLength})
	f.entity = meta(ofEntity, events{"__index": indexEntity, "__newindex": newIndexEntity, "__tostring": dataToString})
	f.functions = map[string]map[string]*lua.LFunction{ofDataclass: {}, ofSelection: {}, ofEntity: {}}
	for _, row := range Functions() {
		f.functions[row.Of][row.Name] = bound(row.run)
	}
}

// storeFace is what stands behind ds.
type storeFace struct{ _ byte }

var theStore storeFace

// installData makes ds a value, which can be called as well.
func (e *environment) installData(vm *sandbox.VM) { vm.Set("ds", e.faces.store) }

// dataStore is ds(), as 4D has it.
func dataStore(e *environment, L *lua.LState) int {
	L.Push(e.faces.store)
	return 1
}

// indexStore is ds.table.
func indexStore(e *environment, L *lua.LState) int {
	L.Push(e.dataclass(e.table(L, L.CheckString(2))))
	return 1
}

// table finds a table; it raises an error when there is none of that name.
func (e *environment) table(L *lua.LState, name string) *structure.Table {
	all := e.structure(L)
	t := all.Table(name)
	switch {
	case t == nil && len(all.Tables) == 0:
		L.RaiseError("there is no table %.64s: structure.lua in the scripts folder declares none", name)
	case t == nil:
		L.RaiseError("there is no table %.64s%s", name, structure.DidYouMean(name, all.Names()))
	}
	return t
}

func (e *environment) dataclass(t *structure.Table) *lua.LUserData {
	return &lua.LUserData{Value: t, Metatable: e.faces.dataclass}
}

// checkDataclass reads the dataclass that a function was called for, by a colon.
func checkDataclass(L *lua.LState, function string) *structure.Table {
	if data, ok := L.Get(1).(*lua.LUserData); ok {
		if t, ok := data.Value.(*structure.Table); ok {
			return t
		}
	}
	L.RaiseError("%s: dataclass expected, got %s; call it with a colon, as in ds.table:%s()", function, L.Get(1).Type(), function)
	return nil
}

// indexDataclass is dataclass.function; there is nothing else in one, but its name.
func indexDataclass(e *environment, L *lua.LState) int {
	t, name := checkDataclass(L, "index"), L.CheckString(2)
	if f := e.faces.functions[ofDataclass][name]; f != nil {
		L.Push(f)
		return 1
	}
	if t.Column(name) != nil {
		L.RaiseError("%s.%s is a column: entities have it, as in ds.%s:get(key).%s", t.Name, name, t.Name, name)
	}
	return e.noFunction(L, ofDataclass, name)
}

// noFunction raises the error for a name that a value does not have.
func (e *environment) noFunction(L *lua.LState, of, name string) int {
	var known []string
	for _, f := range Functions() {
		if f.Of == of {
			known = append(known, f.Name)
		}
	}
	hint := structure.DidYouMean(name, known)
	if hint == "" {
		hint = "; its functions are " + strings.Join(known, ", ")
	}
	L.RaiseError("a %s has no %.64s%s", of, name, hint)
	return 0
}

// readOnlyData raises the error for an assignment to what has no fields.
func readOnlyData(_ *environment, L *lua.LState) int {
	L.RaiseError("%s: only entities have fields that can be set, as in entity.column = value", faceOf(L.Get(1)))
	return 0
}

// faceOf is what a value of the data is in messages and tostring.
func faceOf(v lua.LValue) string {
	data, _ := v.(*lua.LUserData)
	if data == nil {
		return v.Type().String()
	}
	switch v := data.Value.(type) {
	case *structure.Table:
		return "dataclass " + v.Name
	case *selection:
		return fmt.Sprintf("selection of %d of %s", v.Len(), v.Table().Name)
	case *entity:
		key := "new"
		if !v.IsNew() {
			key = fmt.Sprint(v.Key())
		}
		return fmt.Sprintf("entity %.64s of %s", key, v.Table().Name)
	}
	return "ds"
}

func dataToString(_ *environment, L *lua.LState) int {
	L.Push(lua.LString(faceOf(L.Get(1))))
	return 1
}

// newEntity makes an entity of a table's fields.
func newEntity(e *environment, L *lua.LState) int {
	t := checkDataclass(L, "new")
	values := L.OptTable(2, nil)
	r, err := e.data(L).context.New(t.Name)
	if err != nil {
		return e.notKept(L, "new", err)
	}
	n := &entity{Record: r, program: lane.Running(L)}
	if values != nil {
		n.fill(L, values)
	}
	lane.Running(L).Grow(L, entityBytes+16*len(t.Columns))
	L.Push(e.entity(n))
	return 1
}

func getEntity(e *environment, L *lua.LState) int {
	t := checkDataclass(L, "get")
	primary := t.Primary()
	key := toColumn(L, t.Name, primary, L.CheckAny(2))
	if key == nil {
		L.RaiseError("get: %s.%s is the key, and nil is none", t.Name, primary.Name)
	}
	return e.one(L, "get", func(ctx context.Context, c datastore.Data) (*datastore.Record, error) {
		return c.Get(ctx, t.Name, key)
	})
}

// one gives the entity that find finds, nil alone when there is none.
func (e *environment) one(L *lua.LState, command string, find func(ctx context.Context, c datastore.Data) (*datastore.Record, error)) int {
	var r *datastore.Record
	err := e.act(L, func(ctx context.Context, c datastore.Data) (err error) {
		r, err = find(ctx, c)
		return err
	})
	switch {
	case err != nil:
		return e.notKept(L, command, err)
	case r == nil:
		L.Push(lua.LNil)
	default:
		L.Push(e.found(L, r))
	}
	return 1
}

func sequenceNumber(e *environment, L *lua.LState) int {
	name := ""
	if data, ok := L.Get(1).(*lua.LUserData); ok {
		if t, ok := data.Value.(*structure.Table); ok {
			name = t.Name
		}
	}
	if name == "" {
		name = e.table(L, L.CheckString(1)).Name
	}
	var n int64
	err := e.act(L, func(ctx context.Context, c datastore.Data) (err error) {
		n, err = c.Sequence(ctx, name)
		return err
	})
	if err != nil {
		return e.notKept(L, "sequence_number", err)
	}
	return number(L, n)
}
