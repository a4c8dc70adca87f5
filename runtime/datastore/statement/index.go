package statement

import (
	"fmt"
	"hash/fnv"
	"strings"

	"moongate/runtime/structure"
)

// planIndexes is what the indexes need. They are known by their names, which say what they are for. A unique one that
// is no longer asked for is taken away: rows lose nothing by it.
func planIndexes(d Dialect, t *structure.Table, existing *ExistingTable) []Change {
	var changes []Change
	wanted := map[string]bool{}
	add := func(index structure.Index) {
		name := indexName(t, index)
		if wanted[name] {
			return
		}
		wanted[name] = true
		if !existing.index(name) {
			changes = append(changes, createIndex(d, t, index, name))
		}
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Unique && !c.Primary {
			add(structure.Index{Columns: []string{c.Name}, Unique: true})
		}
		if c := &t.Columns[i]; c.Primary && c.Type == structure.Text && d == PostgreSQL { // its own index knows no case
			add(structure.Index{Columns: []string{c.Name}, Unique: true})
		}
	}
	for _, index := range t.Indexes {
		add(index)
	}
	for _, index := range existing.Indexes {
		if strings.HasPrefix(index.Name, uniquePrefix) && !wanted[index.Name] {
			changes = append(changes, Change{Table: t.Name, Summary: "drop the unique index " + index.Name, SQL: "DROP INDEX " + Quote(index.Name)})
		}
	}
	return changes
}

// What the names of indexes begin with.
const (
	indexPrefix  = "moongate_i_"
	uniquePrefix = "moongate_u_"
)

// indexName is the index's name in the database: it says the table and the columns, shortened if need be.
func indexName(t *structure.Table, index structure.Index) string {
	prefix := indexPrefix
	if index.Unique {
		prefix = uniquePrefix
	}
	name := strings.Join(append([]string{t.Name}, index.Columns...), "_")
	h := fnv.New32a()
	fmt.Fprint(h, t.Name, index.Columns)
	return fmt.Sprintf("%s%.38s_%08x", prefix, name, h.Sum32())
}

func createIndex(d Dialect, t *structure.Table, index structure.Index, name string) Change {
	var columns, plain []string
	for _, c := range index.Columns {
		quoted := Quote(c)
		plain = append(plain, quoted)
		if d == PostgreSQL && column(t, c).Type == structure.Text {
			quoted = lowered(quoted)
		}
		columns = append(columns, quoted)
	}
	kind, summary := "INDEX ", "add index on "
	change := Change{Table: t.Name}
	if index.Unique {
		kind, summary = "UNIQUE INDEX ", "add unique index on "
		change.Count = "SELECT count(*) FROM (SELECT 1 AS one FROM " + Quote(t.Name) + " WHERE " + strings.Join(plain, " IS NOT NULL AND ") +
			" IS NOT NULL GROUP BY " + strings.Join(columns, ", ") + " HAVING count(*) > 1) AS twice"
		change.Conflict = strings.Join(index.Columns, ", ") + " must be unique, and %d values are there more than once; change those rows first"
	}
	change.Summary = summary + strings.Join(index.Columns, ", ")
	change.SQL = "CREATE " + kind + Quote(name) + " ON " + Quote(t.Name) + " (" + strings.Join(columns, ", ") + ")"
	return change
}
