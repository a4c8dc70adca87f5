package luabind_test

import (
	"fmt"
	"strings"
	"testing"

	"moongate/runtime/structure"
)

// described is a structure in few words.
func described(s structure.Structure) string {
	var b strings.Builder
	for _, t := range s.Tables {
		fmt.Fprintf(&b, "%s:", t.Name)
		for _, c := range t.Columns {
			fmt.Fprintf(&b, " %s %s", c.Name, c.Type)
			for word, is := range map[string]bool{"primary": c.Primary} {
				if is {
					b.WriteString(" " + word)
				}
			}
			if c.Sequence {
				b.WriteString(" sequence")
			}
			if c.Unique {
				b.WriteString(" unique")
			}
			if c.NotNull {
				b.WriteString(" not null")
			}
			if c.Default != nil {
				fmt.Fprintf(&b, " default %v", c.Default)
			}
			b.WriteString(",")
		}
		for _, i := range t.Indexes {
			fmt.Fprintf(&b, " index %v %v", i.Columns, i.Unique)
		}
		b.WriteString(";")
	}
	return b.String()
}

func TestStructure(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`return {}`, ""},
		{`return { b = { { "id", "text", primary = true } }, a = { { "id", "uuid", primary = true } } }`,
			"b: id text primary,;a: id uuid primary,;"}, // in the order of the file
		{`return { t = { { "z", "integer", sequence = true, primary = true }, { "a", "time", default = "01:00", not_null = true },
			{ "o", "object", default = { list = { 1, 2 } } }, { "u", "real", unique = true, sequence = false },
			indexes = { { "z", "a" }, { "u", unique = true } } } }`,
			"t: z integer primary sequence, a time not null default 3600, o object default map[list:[1 2]], u real unique, index [z a] false index [u] true;"},
		{`local t = {} for i = 1, 3 do t["t" .. i] = { { "id", "integer", primary = true } } end return t`,
			"t1: id integer primary,;t2: id integer primary,;t3: id integer primary,;"},
	} {
		e, err := load(t, scripts{"structure.lua": c.text})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := described(e.Structure()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestWithoutAStructureThereAreNoTables(t *testing.T) {
	if got := described(mustLoad(t, scripts{"a.lua": "return 1"}).Structure()); got != "" {
		t.Errorf("got %s, want nothing", got)
	}
}

// What is wrong with a structure.lua is said with the line where it stands, if it stands anywhere.
func TestWrongStructures(t *testing.T) {
	const id = `{ "id", "integer", primary = true },`
	for _, c := range []struct{ text, want string }{
		{``, "structure.lua: a table of tables expected, as in return { visits = { { \"id\", \"integer\", primary = true, sequence = true }, { \"name\", \"text\" } } }; got nothing"},
		{"\nreturn 5", "structure.lua:2: a table of tables expected"},
		{"\nreturn { 5 }", "structure.lua:2: a table of tables expected"},
		{"return {\n a = 5 }", "structure.lua:2: a: a table of columns expected"},
		{"return {\n a = {\n 5 } }", "structure.lua:3: a: a column with its name and its type expected, as in { \"name\", \"text\" }; got 5"},
		{"return {\n a = {\n { \"id\" } } }", "structure.lua:3: a: a column with its name and its type expected"},
		{"return {\n a = {\n { \"id\", 5 } } }", "structure.lua:3: a: the name and the type of a column are texts"},
		{"return {\n a = {\n { \"id\", \"interger\" } } }", "structure.lua:3: a.id: unknown type \"interger\"; did you mean integer?"},
		{"return {\n a = {\n { \"id\", \"integer\", primary = 1 } } }", "structure.lua:3: a.id: primary is true or false, not 1"},
		{"return {\n a = {\n { \"id\", \"integer\", key = true } } }", "structure.lua:3: a.id: unknown word key; what can be said of a column is primary, sequence, unique, not_null, default"},
		{"return {\n a = {\n { \"id\", \"integer\" } } }", "structure.lua:2: a: it has no primary key"},
		{"return {\n a = {\n " + id + "\n { \"id\", \"text\" } } }", "structure.lua:4: a.id: there is another column of that name"},
		{"return {\n a = {\n " + id + "\n { \"n\", \"text\", sequence = true } } }", "structure.lua:4: a.n: a sequence numbers integers"},
		{"return {\n a = {\n " + id + "\n { \"reload\", \"text\" } } }", "structure.lua:4: a.reload: entities have a function of that name"},
		{"return {\n a = {\n " + id + "\n { \"x y\", \"text\" } } }", "structure.lua:2: a: column \"x y\": a name has letters"},
		{"return {\n [\"a;b\"] = {\n " + id + " } }", "structure.lua:2: table \"a;b\": a name has letters"},
		{"return {\n moongate_x = {\n " + id + " } }", "structure.lua:2: table \"moongate_x\": names that begin with moongate_"},
		{"return {\n a = {\n " + id + "\n indexs = {} } }", "structure.lua:4: a: columns and indexes expected, got indexs; did you mean indexes?"},
		{"return {\n a = {\n " + id + "\n indexes = { 5 } } }", "structure.lua:4: a: the columns of an index expected"},
		{"return {\n a = {\n " + id + "\n indexes = { { \"idd\" } } } }", "structure.lua:2: a: index (idd): there is no column idd; did you mean id?"},
		{"return {\n a = {\n " + id + "\n indexes = 5 } }", "structure.lua:4: a: a list of indexes expected"},
		{"local t = { a = {\n 5 } }\nreturn t", "structure.lua:3: a: a column with its name and its type expected"},
		{"error('no')", "structure.lua:1: no"},
		{"return { a = string.rep }", "structure.lua: result 1: a function cannot leave its process"},
		{"return ds", "structure.lua:1: a table of tables expected"},
		{"interprocess.x = 1", "structure.lua:1: interprocess variables belong to cooperative processes"},
		{"return {\n a = {\n { \"id\", \"txt\" },\n { \"n\", \"it\" } } }", "structure.lua:3: a.id: unknown type \"txt\"; did you mean text?\nstructure.lua:4: a.n: unknown type \"it\""},
		{"return }", "structure.lua:1:8: syntax error near '}'"},
		{"return '\xff'", "structure.lua:1: not UTF-8"},
	} {
		_, err := load(t, scripts{"structure.lua": c.text})
		if err == nil {
			t.Errorf("%q: no error, want %s", c.text, c.want)
		} else if !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n got %s\nwant %s", c.text, err, c.want)
		}
	}
}

func TestAnEndlessStructureIsStopped(t *testing.T) {
	_, err := load(t, scripts{"structure.lua": "while true do end"})
	if err == nil || !strings.Contains(err.Error(), "ran longer than it may") {
		t.Errorf("got %v, want that it ran longer than it may", err)
	}
}
