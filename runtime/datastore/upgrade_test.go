package datastore

import (
	"slices"
	"strings"
	"testing"

	"moongate/runtime/structure"
)

// words is a structure with one table.
func words(columns ...structure.Column) structure.Structure {
	id := structure.Column{Name: "id", Type: structure.Integer, Primary: true, Sequence: true}
	return structure.Structure{Tables: []structure.Table{{Name: "words", Columns: append([]structure.Column{id}, columns...)}}}
}

// TestUpgrade adds what is missing to a database with rows, after saying so, and does nothing the second time.
func TestUpgrade(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			ctx, config := t.Context(), d.config(t)
			config.Structure = words(structure.Column{Name: "word", Type: structure.Text})
			s := openTest(t, config)
			c := contextOf(t, s, 1)
			r := saved(t, c, "words", map[string]any{"word": "old"})
			next := words(structure.Column{Name: "word", Type: structure.Text, Unique: true, NotNull: true},
				structure.Column{Name: "n", Type: structure.Integer, NotNull: true, Default: int64(7)}, structure.Column{Name: "yes", Type: structure.Boolean})
			next.Tables[0].Indexes = []structure.Index{{Columns: []string{"n", "word"}}}
			next.Tables = append(next.Tables, serverLog().Tables[1])
			config.Structure = next
			plan, err := Plan(ctx, config)
			ok(t, err)
			var summaries []string
			for _, change := range plan {
				summaries = append(summaries, change.Table+": "+change.Summary)
			}
			for _, want := range []string{"words: add column n integer", "words: add column yes boolean", "words: add unique index on word", "words: add index on n, word", "things: create table with 10 columns"} {
				if !slices.Contains(summaries, want) {
					t.Errorf("the plan is %q; want %q in it", summaries, want)
				}
			}
			ok(t, s.Upgrade(ctx, next))
			if plan, err = Plan(ctx, config); len(plan) != 0 || err != nil {
				t.Errorf("the plan afterwards is %v, %v; want nothing", plan, err)
			}
			r, err = c.Get(ctx, "words", r.Key())
			ok(t, err)
			if value(r, "n") != int64(7) || value(r, "yes") != nil || value(r, "word") != "old" {
				t.Errorf("the row has %v, %v, %v; want old, 7, null", value(r, "word"), value(r, "n"), value(r, "yes"))
			}
			wantKind(t, c.Save(ctx, record(t, c, "words", map[string]any{"word": "OLD"})), DuplicateKey)
			saved(t, c, "things", nil)
			older := words(structure.Column{Name: "word", Type: structure.Text, NotNull: true})
			ok(t, s.Upgrade(ctx, older)) // the database has more: fine, and the word need not be unique any more
			saved(t, c, "words", map[string]any{"word": "OLD"})
		})
	}
}

// TestConflicts are said and change nothing.
func TestConflicts(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			ctx, config := t.Context(), d.config(t)
			config.Structure = words(structure.Column{Name: "word", Type: structure.Text}, structure.Column{Name: "day", Type: structure.Date},
				structure.Column{Name: "must", Type: structure.Integer, NotNull: true})
			s := openTest(t, config)
			c := contextOf(t, s, 1)
			saved(t, c, "words", map[string]any{"word": "same", "must": 1})
			saved(t, c, "words", map[string]any{"word": "SAME", "must": 1})
			for want, next := range map[string]structure.Structure{
				"words: day is integer in the structure and":         words(structure.Column{Name: "day", Type: structure.Integer}),
				"words: word must be unique, and 1 values":           words(structure.Column{Name: "word", Type: structure.Text, Unique: true}, structure.Column{Name: "must", Type: structure.Integer}),
				"words: day must not be null, and 2 rows":            words(structure.Column{Name: "day", Type: structure.Date, NotNull: true}, structure.Column{Name: "must", Type: structure.Integer}),
				"words: fresh must not be null, and the 2 rows":      words(structure.Column{Name: "fresh", Type: structure.Date, NotNull: true}, structure.Column{Name: "must", Type: structure.Integer}),
				"words: the database has a column must without":      words(),
				"words: the table is in the database without its pr": {Tables: []structure.Table{{Name: "words", Columns: []structure.Column{{Name: "other", Type: structure.Integer, Primary: true}, {Name: "must", Type: structure.Integer}}}}},
				"words: id is the primary key in the database":       {Tables: []structure.Table{{Name: "words", Columns: []structure.Column{{Name: "id", Type: structure.Integer}, {Name: "word", Type: structure.Text, Primary: true}, {Name: "must", Type: structure.Integer}}}}},
			} {
				if d.name == "SQLite" { // which cannot take not null back
					for i := range next.Tables[0].Columns {
						if column := &next.Tables[0].Columns[i]; column.Name == "must" {
							column.NotNull = true
						}
					}
				}
				err := s.Upgrade(ctx, next)
				if wantKind(t, err, Conflict); err != nil && !strings.HasPrefix(err.Error(), want) {
					t.Errorf("%v; want %s...", err, want)
				}
			}
			if plan, err := Plan(ctx, config); len(plan) != 0 || err != nil {
				t.Errorf("after the conflicts the plan is %v, %v; want nothing", plan, err)
			}
			saved(t, c, "words", map[string]any{"word": "same", "must": 1})
		})
	}
}

// TestNewerFormat refuses a database that a newer Moongate has made.
func TestNewerFormat(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		_, err := s.engine.Write(t.Context(), "", "UPDATE moongate_store SET value = 99 WHERE name = 'format'", nil, nil)
		ok(t, err)
		_, err = Open(t.Context(), s.config)
		wantKind(t, err, Newer)
	})
}

// TestPlanTouchesNothing says what a new database would be, without making a file.
func TestPlanTouchesNothing(t *testing.T) {
	config := databases[0].config(t)
	config.Structure = serverLog()
	plan, err := Plan(t.Context(), config)
	if ok(t, err); len(plan) < 4 || !absent(config.Path) {
		t.Errorf("the plan has %d changes, and the file is there: %v; want more than 4, false", len(plan), !absent(config.Path))
	}
	config.Structure = structure.Structure{Tables: []structure.Table{{Name: "moongate_x"}}}
	_, err = Plan(t.Context(), config)
	wantKind(t, err, Value)
}
