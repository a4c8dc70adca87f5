package command

import (
	"context"

	"moongate/luabind/lane"
	"moongate/runtime/datastore"
	"moongate/runtime/datastore/query"

	lua "github.com/yuin/gopher-lua"
)

var selectionFunctions = []Function{
	{Of: ofSelection, Name: "first", Signature: "first() -> entity or nil", FourD: "first", Since: "0.5", Waits: true,
		Meaning: "the first entity, nil alone when there is none (any more); selection[1] is the same, selection.length and #selection how many there are", run: firstEntity},
	{Of: ofSelection, Name: "last", Signature: "last() -> entity or nil", FourD: "last", Since: "0.5", Waits: true,
		Meaning: "the last entity, nil alone when there is none (any more)", run: lastEntity},
	{Of: ofSelection, Name: "each", Signature: "each() -> function", Since: "0.5", Waits: true,
		Meaning: "for entity in selection:each() do goes through the entities, which are read in batches; those that were dropped meanwhile are left out", run: eachEntity},
	{Of: ofSelection, Name: "order_by", Signature: "order_by(text) -> selection or nil", FourD: "orderBy", Since: "0.5", Waits: true,
		Meaning: `the same entities in another order, as "log_id desc, log_time"`, run: orderSelection},
	{Of: ofSelection, Name: "slice", Signature: "slice(from [, to]) -> selection", FourD: "slice", Since: "0.5",
		Meaning: "the entities from one number on and up to the other; numbers less than 0 count from the end", run: sliceSelection},
	{Of: ofSelection, Name: "sum", Signature: "sum(column) -> number or nil", FourD: "sum", Since: "0.5", Waits: true,
		Meaning: "the sum of a column's values, 0 when there are none", run: aggregate("sum", datastore.Sum)},
	{Of: ofSelection, Name: "min", Signature: "min(column) -> value", FourD: "min", Since: "0.5", Waits: true,
		Meaning: "the least of a column's values, nil alone when there are none", run: aggregate("min", datastore.Min)},
	{Of: ofSelection, Name: "max", Signature: "max(column) -> value", FourD: "max", Since: "0.5", Waits: true,
		Meaning: "the greatest of a column's values, nil alone when there are none", run: aggregate("max", datastore.Max)},
	{Of: ofSelection, Name: "average", Signature: "average(column) -> number or nil", FourD: "average", Since: "0.5", Waits: true,
		Meaning: "the average of a column's values, nil alone when there are none", run: aggregate("average", datastore.Average)},
	{Of: ofSelection, Name: "count", Signature: "count(column) -> number or nil", FourD: "count", Since: "0.5", Waits: true,
		Meaning: "how many entities have a value in a column", run: aggregate("count", datastore.Counted)},
	{Of: ofSelection, Name: "to_collection", Signature: "to_collection() -> table or nil", FourD: "toCollection", Since: "0.5", Waits: true,
		Meaning: "the entities as a list of tables with the columns and their values", run: selectionToCollection},
	{Of: ofSelection, Name: "drop", Signature: "drop() -> number or nil", FourD: "drop", Since: "0.5", Waits: true,
		Meaning: "takes the entities out of their table, all or none, and gives how many were there", run: dropSelection},
}

// selection is a selection as a process has it. Only that process may use it, as an entity.
type selection struct {
	datastore.Rows
	program *lane.Program
}

// selection gives what find finds.
func (e *environment) selection(L *lua.LState, command string, find func(ctx context.Context, c datastore.Data) (datastore.Rows, error)) int {
	var s datastore.Rows
	err := e.act(L, func(ctx context.Context, c datastore.Data) (err error) {
		s, err = find(ctx, c)
		return err
	})
	if err != nil {
		return e.notKept(L, command, err)
	}
	grow(L, entityBytes+keyBytes*s.Len())
	return e.pushSelection(L, s)
}

// keyBytes is what each entity of a selection takes, about.
const keyBytes = 24

func (e *environment) pushSelection(L *lua.LState, s datastore.Rows) int {
	L.Push(&lua.LUserData{Value: &selection{s, lane.Running(L)}, Metatable: e.faces.selection})
	return 1
}

// checkSelection reads the selection that a function was called for, by a colon.
func checkSelection(L *lua.LState, function string) *selection {
	data, ok := L.Get(1).(*lua.LUserData)
	if !ok {
		L.RaiseError("%s: selection expected, got %s; call it with a colon, as in selection:%s()", function, L.Get(1).Type(), function)
	}
	s, ok := data.Value.(*selection)
	if !ok {
		L.RaiseError("%s: selection expected, got %s", function, faceOf(data))
	}
	checkOwn(L, s.program, data)
	return s
}

// checkOwn raises the error when a value of the data is another process's.
func checkOwn(L *lua.LState, owner *lane.Program, value *lua.LUserData) {
	if owner != lane.Running(L) {
		L.RaiseError("the %s is another process's (%d): query it here", faceOf(value), owner.Process().Number())
	}
}

// indexSelection is selection[n], selection.length and selection.function.
func indexSelection(e *environment, L *lua.LState) int {
	s := checkSelection(L, "index")
	switch key := L.Get(2).(type) {
	case lua.LNumber:
		return e.entityAt(L, "selection", s, elementNumber(key))
	case lua.LString:
		if key == "length" {
			return number(L, s.Len())
		}
		if f := e.faces.functions[ofSelection][string(key)]; f != nil {
			L.Push(f)
			return 1
		}
	}
	return e.noFunction(L, ofSelection, L.Get(2).String())
}

func selectionLength(_ *environment, L *lua.LState) int {
	return number(L, checkSelection(L, "length").Len())
}

// entityAt gives an entity, by its number from 0 on; nil alone when there is none.
func (e *environment) entityAt(L *lua.LState, command string, s *selection, i int) int {
	if i < 0 || i >= s.Len() {
		L.Push(lua.LNil)
		return 1
	}
	return e.one(L, command, func(ctx context.Context, _ datastore.Data) (*datastore.Record, error) { return s.Record(ctx, i) })
}

func firstEntity(e *environment, L *lua.LState) int {
	return e.entityAt(L, "first", checkSelection(L, "first"), 0)
}

func lastEntity(e *environment, L *lua.LState) int {
	s := checkSelection(L, "last")
	return e.entityAt(L, "last", s, s.Len()-1)
}

// batch is how many entities are read at once.
const batch = 100

// batches reads a selection from its beginning.
type batches struct {
	selection *selection
	at        int // the next one that was not read
	rows      []*datastore.Record
}

// next gives the next row, nil after the last one.
func (b *batches) next(e *environment, L *lua.LState) (*datastore.Record, error) {
	for len(b.rows) == 0 && b.at < b.selection.Len() {
		from, to := b.at, min(b.at+batch, b.selection.Len())
		err := e.act(L, func(ctx context.Context, _ datastore.Data) (err error) {
			b.rows, err = b.selection.Records(ctx, from, to)
			return err
		})
		if err != nil {
			return nil, err
		}
		b.at = to
	}
	if len(b.rows) == 0 {
		return nil, nil
	}
	r := b.rows[0]
	b.rows[0], b.rows = nil, b.rows[1:]
	return r, nil
}

// eachEntity is selection:each(). A loop cannot be told of an error by nil, which is its end: it is raised.
func eachEntity(e *environment, L *lua.LState) int {
	b := &batches{selection: checkSelection(L, "each")}
	L.Push(L.NewFunction(func(L *lua.LState) int {
		checkOwn(L, b.selection.program, &lua.LUserData{Value: b.selection})
		r, err := b.next(e, L)
		switch {
		case err != nil:
			raise(L, failure{code: codeOf(err), message: err.Error(), signature: signatureRuntime})
		case r == nil:
			L.Push(lua.LNil)
		default:
			L.Push(e.found(L, r))
		}
		return 1
	}))
	return 1
}

func orderSelection(e *environment, L *lua.LState) int {
	s, text := checkSelection(L, "order_by"), L.CheckString(2)
	order, err := query.ParseOrder(text)
	if err == nil {
		err = (&query.Query{Order: order}).Check(columnOf(s.Table()))
	}
	if err != nil {
		L.RaiseError("%s: order_by: %s", s.Table().Name, err.Error())
	}
	return e.selection(L, "order_by", func(ctx context.Context, _ datastore.Data) (datastore.Rows, error) {
		return s.OrderBy(ctx, order)
	})
}

func sliceSelection(e *environment, L *lua.LState) int {
	s := checkSelection(L, "slice")
	from, to := s.place(checkInteger(L, 2)), s.Len()
	if L.Get(3) != lua.LNil {
		to = s.place(checkInteger(L, 3))
	}
	from = min(max(from, 1)-1, s.Len())
	return e.pushSelection(L, s.Slice(from, max(from, min(to, s.Len()))))
}

// place is a number of an entity, one less than 0 counted from the end.
func (s *selection) place(n int64) int {
	if n < 0 {
		n += int64(s.Len()) + 1
	}
	return int(max(0, min(n, int64(s.Len())+1)))
}

// aggregate makes the function that computes something of a column.
func aggregate(name string, of datastore.Aggregate) func(e *environment, L *lua.LState) int {
	return func(e *environment, L *lua.LState) int {
		s, column := checkSelection(L, name), L.CheckString(2)
		path, err := query.ParsePath(column)
		if err == nil {
			err = columnOf(s.Table())(path)
		}
		if err != nil {
			L.RaiseError("%s: %s: %s", s.Table().Name, name, err.Error())
		}
		var value any
		err = e.act(L, func(ctx context.Context, _ datastore.Data) (err error) {
			value, err = s.Aggregate(ctx, of, path)
			return err
		})
		if err != nil {
			return e.notKept(L, name, err)
		}
		if value == nil && of == datastore.Sum {
			value = int64(0)
		}
		L.Push(fromColumn(L, value))
		return 1
	}
}

func selectionToCollection(e *environment, L *lua.LState) int {
	s := checkSelection(L, "to_collection")
	b, list := batches{selection: s}, L.CreateTable(min(s.Len(), 10*batch), 0)
	for {
		r, err := b.next(e, L)
		switch {
		case err != nil:
			return e.notKept(L, "to_collection", err)
		case r == nil:
			L.Push(list)
			return 1
		}
		grow(L, entityBytes+sizeOf(r))
		lane.Running(L).Step(L, 8*len(r.Table().Columns))
		list.Append(objectOfRow(L, r))
	}
}

func dropSelection(e *environment, L *lua.LState) int {
	s := checkSelection(L, "drop")
	dropped := 0
	err := e.act(L, func(ctx context.Context, _ datastore.Data) (err error) {
		dropped, err = s.Drop(ctx)
		return err
	})
	if err != nil {
		return e.notKept(L, "drop", err)
	}
	return number(L, dropped)
}
