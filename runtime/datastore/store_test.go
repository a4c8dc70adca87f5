package datastore

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// TestSavedRowsComeBack saves a row with a value of each type and reads it again, as it was.
func TestSavedRowsComeBack(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		c := contextOf(t, s, 1)
		long := strings.Repeat("ä🌙", 7<<20/6) // what a client can send, nearly
		want := map[string]any{"name": "x", "n": int64(1)<<62 + 1, "x": 0.1, "yes": true, "day": "2026-02-28", "time": int64(-100000), "must": long,
			"info": map[string]any{"a": []any{1.5, "x", nil, true}}, "bytes": []byte{0, 1, 255}, "id": "0123456789ABCDEF0123456789ABCDEF"}
		saved(t, c, "things", want)
		got, err := contextOf(t, s, 2).Get(t.Context(), "things", "01234567-89ab-cdef-0123-456789abcdef")
		ok(t, err)
		for name, v := range want {
			if have := value(got, name); !reflect.DeepEqual(have, v) {
				t.Errorf("%s is %.60v, a %T; want %.60v", name, have, have, v)
			}
		}
		empty := saved(t, c, "things", map[string]any{"bytes": []byte{}})
		ok(t, c.Reload(t.Context(), empty))
		for _, name := range []string{"name", "n", "x", "yes", "day", "time", "info"} {
			if v := value(empty, name); v != nil {
				t.Errorf("%s is %v; want null", name, v)
			}
		}
		if b, is := value(empty, "bytes").([]byte); !is || !bytes.Equal(b, nil) || value(empty, "must") != "it's" || len(empty.Key().(string)) != 32 {
			t.Errorf("bytes %v, must %v, key %v; want an empty blob, the default, a uuid", value(empty, "bytes"), value(empty, "must"), empty.Key())
		}
	})
}

// TestSaveChangesWhatWasSet saves only columns that were set, and refuses a row that is not what was read.
func TestSaveChangesWhatWasSet(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx, mine, other := t.Context(), contextOf(t, s, 1), contextOf(t, s, 2)
		r := saved(t, mine, "server_log", map[string]any{"user_id": 7})
		if r.Key() != int64(1) || r.IsNew() || r.Touched() {
			t.Errorf("key %v, new %v, touched %v after the save; want 1, false, false", r.Key(), r.IsNew(), r.Touched())
		}
		theirs, err := other.Get(ctx, "server_log", 1)
		ok(t, err)
		set(t, theirs, map[string]any{"process_name": "theirs"})
		ok(t, other.Save(ctx, theirs))
		set(t, r, map[string]any{"user_id": 8})
		err = mine.Save(ctx, r)
		wantKind(t, err, Stamp)
		ok(t, mine.Reload(ctx, r))
		if value(r, "user_id") != int64(7) || value(r, "process_name") != "theirs" {
			t.Errorf("user %v, name %v after the reload; want 7, theirs", value(r, "user_id"), value(r, "process_name"))
		}
		set(t, r, map[string]any{"user_id": 9})
		ok(t, mine.Save(ctx, r))
		ok(t, other.Reload(ctx, theirs))
		ok(t, other.Drop(ctx, theirs))
		set(t, r, map[string]any{"user_id": 10})
		wantKind(t, mine.Save(ctx, r), Missing)
		wantKind(t, mine.Reload(ctx, r), Missing)
		wantKind(t, other.Save(ctx, theirs), Missing)
		if got, err := mine.Get(ctx, "server_log", 1); got != nil || err != nil {
			t.Errorf("the dropped row is %v, %v; want none", got, err)
		}
	})
}

// TestBadInput has an error of the right kind for each thing that cannot be.
func TestBadInput(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx, c := t.Context(), contextOf(t, s, 1)
		_, err := c.New("server_lgo")
		if wantKind(t, err, Unknown); !strings.Contains(err.Error(), "did you mean server_log?") {
			t.Errorf("%v; want a suggestion", err)
		}
		_, err = c.New(`things"; DROP TABLE things; --`)
		wantKind(t, err, Unknown)
		r := record(t, c, "things", nil)
		for column, bad := range map[string]any{"name": "a\x00b", "must": "a\xffb", "n": "1", "x": "1", "yes": 1, "day": "2026-02-30", "time": "25:61",
			"info": func() {}, "bytes": 1, "id": "xyz"} {
			if err := r.Set(r.Table().ColumnIndex(column), bad); err == nil {
				t.Errorf("%s took %v", column, bad)
			} else {
				wantKind(t, err, Value)
			}
		}
		for _, q := range []string{"nmae = 'x'", "n = 'x'", "info = 'x'", "bytes < :1", "name.x = 1", "n % 'x'", "day = '2026-02-30'", `id = 'x'`} {
			_, err := c.Select(ctx, "things", parse(t, q), []any{[]byte("x")})
			if err == nil {
				t.Errorf("%s was run", q)
			} else if k := KindOf(err); k != Value && k != Unknown {
				t.Errorf("%s: %v, of kind %s", q, err, k)
			}
		}
		_, err = c.Select(ctx, "things", parse(t, "n = :2"), []any{1})
		wantKind(t, err, Value)
		set(t, r, map[string]any{"name": `'"; DROP TABLE things; --`})
		ok(t, c.Save(ctx, r))
		if n := find(t, c, "things", "name = :1", `'"; DROP TABLE things; --`).Len(); n != 1 {
			t.Errorf("%d rows of that name; want 1", n)
		}
		wantKind(t, c.Save(ctx, record(t, c, "things", map[string]any{"name": `'"; drop table THINGS; --`})), DuplicateKey)
		wantKind(t, c.Save(ctx, record(t, c, "things", map[string]any{"must": nil})), Value)
		wantKind(t, c.Save(ctx, record(t, c, "words", nil)), Value)
		wantKind(t, r.Set(0, "0123456789ABCDEF0123456789ABCDEF"), Value)
	})
}

// TestQueries runs the query language against the same rows.
func TestQueries(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		c := contextOf(t, s, 1)
		for i, row := range []map[string]any{
			{"name": "Moon", "n": 1, "x": 1.5, "yes": true, "day": "2026-01-01", "time": 90000, "info": map[string]any{"a": map[string]any{"b": "X"}, "n": 2}},
			{"name": "moon gate", "n": 2, "x": -1, "yes": false, "day": "2026-01-02", "time": 5},
			{"name": "Äpfel", "n": 3, "info": map[string]any{"n": "2", "yes": true}},
			{"name": "100%_\\", "n": 4, "bytes": []byte("moon")},
			{"name": nil, "n": nil},
			{"name": "a_keyword here", "n": 6},
		} {
			row["id"] = strings.Repeat("0", 31) + string(rune('1'+i))
			saved(t, c, "things", row)
		}
		for _, test := range []struct {
			query  string
			values []any
			want   string // the last digits of the keys
		}{
			{"", nil, "123456"},
			{"name = 'MOON'", nil, "1"},
			{"name # 'MOON'", nil, "23456"},
			{"not (name = 'MOON')", nil, "23456"},
			{"name === 'MOON'", nil, ""},
			{"name === 'Moon'", nil, "1"},
			{"name !== 'Moon'", nil, "23456"},
			{"name = 'moon@'", nil, "12"},
			{"name = '@GATE'", nil, "2"},
			{"name = 'm@N'", nil, "1"},
			{"name = '@o@n@'", nil, "12"},
			{"name = '@'", nil, "12346"},
			{"name = 'äpfel'", nil, "3"},
			{"name = '@ÄP@'", nil, "3"},
			{"name = '@%_\\'", nil, "4"},
			{"name = '1__@'", nil, ""},
			{"name === '@'", nil, ""},
			{"name = null", nil, "5"},
			{"name != null", nil, "12346"},
			{"name in ('MOON', 'äpfel', '100@', null)", nil, "1345"},
			{"name in :1", []any{[]any{"moon", "A_KEYWORD HERE"}}, "16"},
			{"n in :1", []any{[]any{1, 3.0, 99, nil}}, "135"},
			{"not (n in (1, 2, 3))", nil, "456"},
			{"name % 'gate'", nil, "2"},
			{"name % 'keyword'", nil, ""},
			{"name % 'a_@'", nil, "6"},
			{"name % 'ÄPFEL'", nil, "3"},
			{"name >= 'moon'", nil, "123"}, // bytes, so that Ä is after z
			{"name < 'b'", nil, "46"},
			{"n >= 2 and n < 4", nil, "23"},
			{"n > 1.5 & n <= 3.5", nil, "23"},
			{"x = 1.5 or x = -1", nil, "12"},
			{"n > :1", []any{nil}, ""},
			{"yes = true", nil, "1"},
			{"yes # true", nil, "23456"},
			{"yes in (true, false)", nil, "12"},
			{"day > '2026-01-01'", nil, "2"},
			{"day in ('2026-01-01')", nil, "1"},
			{"time = '25:00:00'", nil, "1"},
			{"time < 10.5", nil, "2"},
			{"time in (5, 90000)", nil, "12"},
			{"info.a.b = 'x'", nil, "1"},
			{"info.a.b === 'x'", nil, ""},
			{"info.a.b = '@x'", nil, "1"},
			{"info.n = 2", nil, "1"},
			{"info.n = '2'", nil, "3"},
			{"info.n in (2, '2')", nil, "13"},
			{"info.yes = true", nil, "3"},
			{"info.yes = null", nil, "12456"},
			{"info # null", nil, "13"},
			{"bytes = :1", []any{[]byte("moon")}, "4"},
			{"id = '00000000-0000-0000-0000-000000000003'", nil, "3"},
			{"id in ('00000000000000000000000000000003', :1)", []any{"00000000-0000-0000-0000-000000000004"}, "34"},
			{"n > 0 order by n desc", nil, "64321"},
			{"order by n", nil, "512346"},
			{"order by n desc", nil, "643215"},
			{"order by name", nil, "546123"},
			{"order by x desc, name", nil, "125463"},
			{"order by info.n, n", nil, "524613"},
		} {
			found, got := find(t, c, "things", test.query, test.values...), ""
			for i := range found.Len() {
				key := found.Key(i).(string)
				got += key[31:]
			}
			if got != test.want {
				t.Errorf("%s: rows %s; want %s", test.query, got, test.want)
			}
			if n, err := c.Count(t.Context(), "things", parse(t, test.query), test.values); n != int64(len(test.want)) || err != nil {
				t.Errorf("%s: the number is %d, %v; want %d", test.query, n, err, len(test.want))
			}
		}
	})
}
