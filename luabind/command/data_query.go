package command

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"moongate/luabind/lane"
	"moongate/runtime/datastore"
	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"

	lua "github.com/yuin/gopher-lua"
)

func allEntities(e *environment, L *lua.LState) int {
	t := checkDataclass(L, "all")
	return e.selects(L, "all", t, nil, nil)
}

func queryEntities(e *environment, L *lua.LState) int {
	t := checkDataclass(L, "query")
	q, values := e.checkQuery(L, "query", t)
	return e.selects(L, "query", t, q, values)
}

// selects gives what a query finds, as a selection. Without a query it is everything.
func (e *environment) selects(L *lua.LState, command string, t *structure.Table, q *query.Query, values []any) int {
	return e.selection(L, command, func(ctx context.Context, c datastore.Data) (datastore.Rows, error) {
		return c.Select(ctx, t.Name, q, values)
	})
}

func countEntities(e *environment, L *lua.LState) int {
	t := checkDataclass(L, "count")
	var q *query.Query
	var values []any
	if L.Get(2) != lua.LNil {
		q, values = e.checkQuery(L, "count", t)
	}
	var n int64
	err := e.act(L, func(ctx context.Context, c datastore.Data) (err error) {
		n, err = c.Count(ctx, t.Name, q, values)
		return err
	})
	if err != nil {
		return e.notKept(L, "count", err)
	}
	return number(L, n)
}

// checkQuery reads a query, from the second argument on, and its values. What is wrong with it is raised.
func (e *environment) checkQuery(L *lua.LState, function string, t *structure.Table) (*query.Query, []any) {
	text := L.CheckString(2)
	q := e.queries.find(t, text)
	if q == nil {
		var err error
		lane.Running(L).Step(L, len(text))
		if q, err = query.Parse(text); err == nil {
			err = q.Check(columnOf(t))
		}
		if err != nil {
			L.RaiseError("%s: %s: %s", t.Name, function, err.Error())
		}
		e.queries.keep(t, text, q)
	}
	values := make([]any, L.GetTop()-2)
	if n := q.Placeholders(); n != len(values) {
		L.RaiseError("%s: %s: the query has the placeholders up to :%d, and %d values came with it", t.Name, function, n, len(values))
	}
	for i := range values {
		values[i] = e.checkArgument(L, i+3)
	}
	widen(t, q, values)
	return q, values
}

// queries are queries that were parsed and checked, since methods ask the same ones again and again. It may be used from
// any goroutine.
type queries struct {
	mu    sync.Mutex
	known map[queryKey]*query.Query
}

type queryKey struct {
	table *structure.Table // a new structure has new ones
	text  string
}

// Bounds of what is kept.
const (
	mostQueries  = 500
	longestQuery = 1000 // bytes
)

func (q *queries) find(t *structure.Table, text string) *query.Query {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.known[queryKey{t, text}]
}

func (q *queries) keep(t *structure.Table, text string, parsed *query.Query) {
	if len(text) > longestQuery {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known == nil || len(q.known) >= mostQueries { // scripts that put values into texts fill it: they gain nothing
		q.known = map[queryKey]*query.Query{}
	}
	q.known[queryKey{t, strings.Clone(text)}] = parsed
}

// columnOf says what is wrong with a path in a query of a table.
func columnOf(t *structure.Table) func(p query.Path) error {
	return func(p query.Path) error {
		c := t.Column(p.Column)
		switch {
		case c == nil:
			return fmt.Errorf("there is no column %.64s%s", p.Column, structure.DidYouMean(p.Column, t.Names()))
		case len(p.Fields) > 0 && c.Type != structure.Object:
			return fmt.Errorf("%s is %s, so nothing is in it; an object has names in it", p.Column, c.Type)
		}
		return nil
	}
}

// widen makes integers of the texts that stand for those beyond 2^53, where an integer column is compared with one.
func widen(t *structure.Table, q *query.Query, values []any) {
	q.Comparisons(func(c *query.Comparison) error {
		if column := t.Column(c.Path.Column); column == nil || column.Type != structure.Integer {
			return nil
		}
		return c.Values(func(v *query.Value) error {
			if v.Placeholder > 0 {
				values[v.Placeholder-1] = wide(values[v.Placeholder-1])
			}
			return nil
		})
	})
}
