package luabind

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"moongate/luabind/command"
	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/luabind/script"
	"moongate/runtime/process"
	"moongate/runtime/structure"
	"moongate/runtime/wire"
)

// structureTime is how long a structure.lua may run.
const structureTime = time.Second

// declaration is what a structure.lua says, read.
type declaration struct {
	content   string // the hash of the file; "": there is none
	structure structure.Structure
}

// ReadStructure reads the structure.lua of a scripts folder, which runs for it, a second at the most. Without the file
// there are no tables. The error has a line for each mistake: a script.Problems, or what the run raised.
func ReadStructure(folder string) (structure.Structure, error) {
	d, err := readStructure(folder)
	if err != nil {
		return structure.Structure{}, err
	}
	return d.structure, nil
}

// readStructure runs the structure.lua of a scripts folder, in a machine of its own without commands, and reads what it
// returns. Without the file there are no tables. The error has a line for each mistake, as Load's.
func readStructure(dir string) (*declaration, error) {
	file, err := script.LoadStructure(dir)
	if err != nil {
		return nil, err
	}
	d := &declaration{content: file.Content}
	if file.Set == nil {
		return d, nil
	}
	returned, err := runStructure(file.Set)
	if err != nil {
		return nil, err
	}
	r := reader{file: file}
	d.structure = r.read(returned)
	if len(r.problems) == 0 {
		r.validate(&d.structure)
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return d, nil
}

// runStructure gives what the file returns.
func runStructure(set *script.Set) (any, error) {
	var processes process.Table
	p := processes.Start(process.Spec{Type: process.OtherUser, Method: script.StructureMethod, Preemptive: true})
	defer p.End()
	program := lane.New(lane.Config{Number: 1}, nil).NewProgram(p, set, nil)
	defer program.Close()
	results, err := program.Call(lane.Options{Limit: structureTime}, script.StructureMethod)
	if err != nil {
		return nil, err
	}
	if len(results) == 0 {
		return nil, nil
	}
	return results[0], nil
}

// reader makes a structure of what a structure.lua returned, and gathers what is wrong with that.
type reader struct {
	file     *script.Structure
	problems script.Problems
}

// fail notes a mistake at a place in the returned table: see script.Structure.Line.
func (r *reader) fail(path []any, format string, args ...any) {
	r.problems = append(r.problems, script.Problem{
		File: script.StructureMethod + ".lua", Line: r.file.Line(path...), Message: fmt.Sprintf(format, args...),
	})
}

// example is how a table is declared, for messages.
const example = `return { visits = { { "id", "integer", primary = true, sequence = true }, { "name", "text" } } }`

func (r *reader) read(returned any) structure.Structure {
	var s structure.Structure
	tables, ok := returned.(wire.Map)
	if list, empty := returned.([]any); empty && len(list) == 0 {
		return s
	}
	if !ok {
		r.fail(nil, "a table of tables expected, as in %s; got %s", example, kindOf(returned))
		return s
	}
	for _, pair := range tables {
		name, ok := pair.Key.(string)
		if !ok {
			r.fail([]any{pair.Key}, "names of tables expected, as in %s; got the key %v", example, pair.Key)
			continue
		}
		s.Tables = append(s.Tables, r.table(name, pair.Value))
	}
	return s
}

// kindOf names a value in messages.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return strconv.Quote(v[:min(len(v), 40)])
	case []any, wire.Map:
		return "a table"
	default:
		return fmt.Sprint(v)
	}
}

// parts are the elements and the named fields of a table.
func parts(v any) (list []any, named wire.Map, ok bool) {
	switch v := v.(type) {
	case []any:
		return v, nil, true
	case wire.Map:
		for _, p := range v {
			if n, isNumber := p.Key.(int64); isNumber && n == int64(len(list)+1) {
				list = append(list, p.Value)
			} else {
				named = append(named, p)
			}
		}
		return list, named, true
	}
	return nil, nil, false
}

// table reads a table of the data.
func (r *reader) table(name string, v any) structure.Table {
	t, at := structure.Table{Name: name}, []any{name}
	columns, named, ok := parts(v)
	if !ok {
		r.fail(at, "%s: a table of columns expected, as in %s; got %s", name, example, kindOf(v))
		return t
	}
	for i, c := range columns {
		t.Columns = append(t.Columns, r.column(name, []any{name, i + 1}, c))
	}
	for _, p := range named {
		if p.Key == "indexes" {
			t.Indexes = r.indexes(name, p.Value)
			continue
		}
		r.fail(append(at, p.Key), "%s: columns and indexes expected, got %v%s", name, p.Key, structure.DidYouMean(fmt.Sprint(p.Key), []string{"indexes"}))
	}
	return t
}

// columnWords are what can be said of a column besides its name and type.
var columnWords = []string{"primary", "sequence", "unique", "not_null", "default"}

// column reads a column: { "log_id", "integer", primary = true }.
func (r *reader) column(table string, at []any, v any) structure.Column {
	var c structure.Column
	list, named, ok := parts(v)
	if !ok || len(list) != 2 {
		r.fail(at, `%s: a column with its name and its type expected, as in { "name", "text" }; got %s`, table, kindOf(v))
		return c
	}
	name, ok := list[0].(string)
	kind, isText := list[1].(string)
	if !ok || !isText {
		r.fail(at, `%s: the name and the type of a column are texts, as in { "name", "text" }`, table)
		return c
	}
	c.Name = name
	var err error
	if c.Type, err = structure.ParseType(kind); err != nil {
		r.fail(append(at, 2), "%s.%s: %s", table, name, err)
	}
	if command.IsEntityFunction(name) {
		r.fail(append(at, 1), "%s.%s: entities have a function of that name; take another", table, name)
	}
	for _, p := range named {
		r.word(&c, table, append(at, p.Key), p)
	}
	return c
}

// word reads one word about a column.
func (r *reader) word(c *structure.Column, table string, at []any, p wire.Pair) {
	if p.Key == "default" {
		r.fallback(c, table, at, p.Value)
		return
	}
	flags := map[any]*bool{"primary": &c.Primary, "sequence": &c.Sequence, "unique": &c.Unique, "not_null": &c.NotNull}
	flag := flags[p.Key]
	if flag == nil {
		hint := structure.DidYouMean(fmt.Sprint(p.Key), columnWords)
		if hint == "" {
			hint = "; what can be said of a column is " + strings.Join(columnWords, ", ")
		}
		r.fail(at, "%s.%s: unknown word %v%s", table, c.Name, p.Key, hint)
		return
	}
	var ok bool
	if *flag, ok = p.Value.(bool); !ok {
		r.fail(at, "%s.%s: %v is true or false, not %s", table, c.Name, p.Key, kindOf(p.Value))
	}
}

// fallback reads a column's default.
func (r *reader) fallback(c *structure.Column, table string, at []any, v any) {
	value, err := convert.Object(v)
	if err == nil && c.Type.Valid() {
		c.Default, err = c.Type.Check(value)
	}
	if err != nil {
		r.fail(at, "%s.%s: its default: %s", table, c.Name, err)
	}
}

// indexes reads the indexes of a table: { { "user_id", "connection_id" }, { "name", unique = true } }.
func (r *reader) indexes(table string, v any) []structure.Index {
	var all []structure.Index
	list, named, ok := parts(v)
	if !ok || len(named) > 0 {
		r.fail([]any{table, "indexes"}, `%s: a list of indexes expected, as in { { "user_id", "connection_id" } }; got %s`, table, kindOf(v))
		return nil
	}
	for i, element := range list {
		at := []any{table, "indexes", i + 1}
		columns, named, ok := parts(element)
		index := structure.Index{}
		for _, c := range columns {
			name, isText := c.(string)
			ok = ok && isText
			index.Columns = append(index.Columns, name)
		}
		for _, p := range named {
			unique, isBool := p.Value.(bool)
			ok = ok && p.Key == "unique" && isBool
			index.Unique = unique
		}
		if !ok {
			r.fail(at, `%s: the columns of an index expected, as in { "user_id", "connection_id" } or { "name", unique = true }; got %s`, table, kindOf(element))
			continue
		}
		all = append(all, index)
	}
	return all
}

// validate notes what is wrong with the structure as a whole.
func (r *reader) validate(s *structure.Structure) {
	err := s.Validate()
	if err == nil {
		return
	}
	for message := range strings.Lines(err.Error()) {
		message = strings.TrimSuffix(message, "\n")
		r.fail(placeIn(s, message), "%s", message)
	}
}

// placeIn finds what a message of Validate is about, by its beginning: "table.column: ..." or "table: ...".
func placeIn(s *structure.Structure, message string) []any {
	subject, _, _ := strings.Cut(message, ": ")
	table, column, _ := strings.Cut(subject, ".")
	t := s.Table(table)
	if t == nil {
		name, err := strconv.Unquote(strings.TrimPrefix(subject, "table "))
		if err != nil {
			return nil
		}
		return []any{name}
	}
	// the last one of that name: of two it is the second that is wrong
	for i, c := range slices.Backward(t.Columns) {
		if c.Name == column {
			return []any{table, i + 1}
		}
	}
	return []any{table}
}

// upgradeTime is how long a reload may take to bring the database up to a new structure.
const upgradeTime = 30 * time.Second

// renewStructure brings the data store up to the structure.lua of a folder that is loaded, if that is new: tables, columns
// and indexes are added. The error says why the structure that was there stays, and so must the scripts. A host that was
// started without tables has no store, and gets none: the log says that a restart is needed.
func (e *Engine) renewStructure(folder string) error {
	before := e.declared.Load()
	d, err := readStructure(folder)
	switch {
	case err != nil:
		return err
	case d.content == before.content:
		return nil
	}
	store := e.config.Host.Store()
	switch {
	case store == nil && len(d.structure.Tables) > 0:
		e.log.Warn("script", "problem", "structure.lua: the server was started without tables; start it again to have these")
	case store != nil:
		ctx, cancel := context.WithTimeout(context.Background(), upgradeTime)
		defer cancel()
		if err := store.Upgrade(ctx, d.structure); err != nil {
			return fmt.Errorf("structure.lua: %w", err)
		}
	}
	e.declared.Store(d)
	e.log.Info("structure loaded", "tables", strings.Join(d.structure.Names(), " "))
	return nil
}

// Structure is the tables that structure.lua declares, as last loaded. Nobody may change it.
func (e *Engine) Structure() structure.Structure { return e.declared.Load().structure }
