package statement

import "strings"

// describing are the statements that say what a database has.
var describing = [2]struct{ columns, indexes, format string }{
	SQLite: {
		columns: `SELECT t.name, c.name, c.type, c."notnull", c.dflt_value IS NOT NULL, c.pk > 0
			FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid`,
		indexes: `SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL`,
		format:  `SELECT value FROM moongate_store WHERE name = 'format'`,
	},
	PostgreSQL: {
		columns: `SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)::text, a.attnotnull, a.atthasdef,
			EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY(i.indkey))
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = current_schema()::regnamespace
			AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum`,
		indexes: `SELECT tablename::text, indexname::text FROM pg_indexes WHERE schemaname = current_schema()`,
		format:  `SELECT value FROM moongate_store WHERE name = 'format'`,
	},
}

// Describe asks a database what it has; read runs a statement and gives its rows.
func Describe(d Dialect, read func(text string, each func(row []any) error) error) (*Existing, error) {
	have := &Existing{Tables: map[string]*ExistingTable{}}
	err := read(describing[d].columns, func(row []any) error {
		name := text(row[0])
		t := have.Tables[name]
		if t == nil {
			t = &ExistingTable{Name: name}
			have.Tables[name] = t
		}
		t.Columns = append(t.Columns, ExistingColumn{Name: text(row[1]), Type: text(row[2]), NotNull: truth(row[3]), Default: truth(row[4]), Primary: truth(row[5])})
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = read(describing[d].indexes, func(row []any) error {
		if t := have.Tables[text(row[0])]; t != nil {
			t.Indexes = append(t.Indexes, ExistingIndex{text(row[1])})
		}
		return nil
	})
	if err != nil || have.Tables["moongate_store"] == nil {
		return have, err
	}
	return have, read(describing[d].format, func(row []any) error {
		have.Format, _ = row[0].(int64)
		return nil
	})
}

func text(v any) string {
	s, _ := v.(string)
	return strings.TrimSpace(s)
}

func truth(v any) bool { return v == true || v == int64(1) }
