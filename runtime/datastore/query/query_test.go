package query_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"moongate/runtime/datastore/query"
)

// texts are queries and what they are as String writes them: how they were understood.
var texts = []struct{ text, want string }{
	{"", ""},
	{" \t\n ", ""},
	{"user_id = :1 and log_date >= :2 order by log_id desc, log_time", "user_id = :1 and log_date >= :2 order by log_id desc, log_time"},
	{"a=1", "a = 1"},
	{"a == 1 | b # 2 & c <> 3", "a = 1 or b != 2 and c != 3"},
	{"a = 1 || b = 2 && c != 3", "a = 1 or b = 2 and c != 3"},
	{"a = 1 AND (b = 2 OR c = 3)", "a = 1 and (b = 2 or c = 3)"},
	{"(a = 1 and b = 2) and (c = 3 and d = 4)", "a = 1 and b = 2 and c = 3 and d = 4"},
	{"a < 1 and b <= 2 and c > 3 and d >= 4", "a < 1 and b <= 2 and c > 3 and d >= 4"},
	{"not a = 1 and b = 2", "not a = 1 and b = 2"},
	{"not (a = 1 and b = 2)", "not (a = 1 and b = 2)"},
	{"a = 1 except b = 2", "a = 1 and not b = 2"},
	{"name = 'Mc@'", "name = 'Mc@'"},
	{`name = "it's" or name = 'it''s' or name = "a ""word"""`, `name = 'it''s' or name = 'it''s' or name = 'a "word"'`},
	{"name === 'a@b' and name is 'c' and name is not :1 and name !== ''", "name === 'a@b' and name === 'c' and name !== :1 and name !== ''"},
	{"name % 'moon'", "name % 'moon'"},
	{"exit_date = null and a is null and b is not null and c # NULL", "exit_date = null and a === null and b !== null and c != null"},
	{"a in :1 and b in (1, 2) and c in ['x', :2] and d not in (null)", "a in :1 and b in (1, 2) and c in ('x', :2) and not d in (null)"},
	{"a = true or b = FALSE", "a = true or b = false"},
	{"a = -5 or a = +5 or a = 1.5 or a = -2.0 or a = 1e3 or a = 1E-3", "a = -5 or a = 5 or a = 1.5 or a = -2.0 or a = 1000.0 or a = 0.001"},
	{"a = 9223372036854775807 and a > -9223372036854775808", "a = 9223372036854775807 and a > -9223372036854775808"},
	{"info.name = :1 and info.[first name].[order] = 2 and [order] = 3", "info.name = :1 and info.[first name].[order] = 2 and [order] = 3"},
	{"order by a", "order by a"},
	{"ORDER BY info.name ASC, b DESC", "order by info.name, b desc"},
	{"größe = 1", "größe = 1"},
	{"name = 'naïve ☃'", "name = 'naïve ☃'"},
}

func TestParse(t *testing.T) {
	for _, c := range texts {
		q, err := query.Parse(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := q.String(); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
		again, err := query.Parse(q.String())
		if err != nil {
			t.Errorf("%q: what String gives does not parse: %v", c.text, err)
		} else if !reflect.DeepEqual(withoutPlaces(again), withoutPlaces(q)) {
			t.Errorf("%q: String gives %q, which is another query", c.text, q.String())
		}
	}
}

// withoutPlaces takes the places in the text out of a query.
func withoutPlaces(q *query.Query) *query.Query {
	q.Comparisons(func(c *query.Comparison) error {
		c.At, c.Path.At, c.Value.At = 0, 0, 0
		for i := range c.List {
			c.List[i].At = 0
		}
		return nil
	})
	for i := range q.Order {
		q.Order[i].Path.At = 0
	}
	return q
}

func TestWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a", `at character 2: an operator (= # < <= > >= % === !== in is) expected, got the end of the query`},
		{"a = ", `at character 5: a value expected, got the end of the query`},
		{"a = b", `at character 5: a value (a placeholder, a number, a text in quotation marks, true, false or null) expected, got "b"`},
		{"a = 1 b = 2", `at character 7: "and", "or", "except", "order by" or the end of the query expected, got "b"`},
		{"a = 1 and", `at character 10: a column expected, got the end of the query`},
		{"a = 1; drop table x", `at character 6: "and", "or", "except", "order by" or the end of the query expected, got a character ';', which means nothing here`},
		{"(a = 1", `at character 7: "and", "or", "except" or ")" expected, got the end of the query`},
		{"a = 1)", `at character 6: "and", "or", "except", "order by" or the end of the query expected, got ")"`},
		{"ä = 'ü", `at character 5: a value expected, got a text without its closing '`},
		{"a = :0", `at character 5: a placeholder from :1 to :99 expected, got ":0"`},
		{"a = :100", `at character 5: a placeholder from :1 to :99 expected, got ":100"`},
		{"a = :", `at character 5: a placeholder from :1 to :99 expected, got ":"`},
		{":1 = 2", `at character 1: a column expected, got ":1"`},
		{"a in 5", `at character 6: a placeholder or a list in parentheses after "in" expected, got "5"`},
		{"a in ()", `at character 7: a value expected, got ")"`},
		{"a in (1, 2", `at character 11: a comma or ")" expected, got the end of the query`},
		{"a in (1]", `at character 8: a comma or ")" expected, got "]"`},
		{"a not = 5", `at character 7: "in" after "not" expected, got "="`},
		{"a > null", `at character 5: null has no order: use = null or # null, not > null`},
		{"a = 1.2.3", `at character 8: "and", "or", "except", "order by" or the end of the query expected, got "."`},
		{"a = 12abc", `at character 5: a number expected, got "12abc"`},
		{"a = 99999999999999999999", `at character 5: "99999999999999999999" is too large for an integer`},
		{"a = 1e999", `at character 5: a number expected, got "1e999"`},
		{"a = -'x'", `at character 6: a number after - expected, got "'x'"`},
		{"order = 1", `at character 7: "by" after "order" expected, got "="`},
		{"a = 1 and order = 1", `at character 11: a column expected, got the word "order"; the column of that name is [order]`},
		{"order by", `at character 9: a column expected, got the end of the query`},
		{"order by a desc b", `at character 17: "and", "or", "except", "order by" or the end of the query expected, got "b"`},
		{"[] = 1", `at character 1: a column expected, got an empty name`},
		{"[a = 1", `at character 1: a column expected, got a name in brackets without its closing ]`},
		{"a. = 1", `at character 4: a name inside the object expected, got "="`},
		{"a = 'x\xff'", "the query is not UTF-8: give such values as blobs, by placeholders"},
		{"a = 1 -- comment", `at character 7: "and", "or", "except", "order by" or the end of the query expected, got "-"`},
		{"a\x00 = 1", `at character 2: an operator (= # < <= > >= % === !== in is) expected, got a character '\x00', which means nothing here`},
		{"a." + strings.Repeat("b.", 17) + "c = 1", `at character 35: more than 16 names inside an object`},
		{strings.Repeat("(", 1000) + "a = 1", `at character 51: more than 50 conditions inside each other`},
		{strings.Repeat("not ", 1000) + "a = 1", `at character 201: more than 50 conditions inside each other`},
		{strings.Repeat("a = 1 and ", 300) + "a = 1", `at character 2501: more than 250 comparisons`},
		{"a in (" + strings.Repeat("1,", 2000) + "1)", `at character 2007: more than 1000 values in a list: give it by a placeholder`},
		{"order by " + strings.Repeat("a,", 20) + "a", `at character 42: more than 16 columns to sort by`},
		{"a = '" + strings.Repeat("x", 70_000) + "'", "the query has 70006 bytes; the limit is 65536: give long values by placeholders"},
		{"a " + strings.Repeat("x", 100), `at character 3: an operator (= # < <= > >= % === !== in is) expected, got "` + strings.Repeat("x", 30) + `..."`},
	} {
		q, err := query.Parse(c.text)
		if err == nil {
			t.Errorf("%.40q: no error, but %s", c.text, q)
		} else if err.Error() != c.want {
			t.Errorf("%.40q:\n got %s\nwant %s", c.text, err, c.want)
		}
	}
}

func TestParseOrder(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""}, {"a", "a"}, {"a desc, info.b asc", "a desc, info.b"},
		{"a b", `at character 3: "asc", "desc", a comma or the end expected, got "b"`},
		{"a,", `at character 3: a column expected, got the end of the query`},
		{"5", `at character 1: a column expected, got "5"`},
	} {
		order, err := query.ParseOrder(c.text)
		got := query.FormatOrder(order)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestParsePath(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a", "a"}, {" info.b ", "info.b"}, {"[a b]", "[a b]"},
		{"", `at character 1: a column expected, got the end of the query`},
		{"a desc", `at character 3: a column alone expected, got "desc"`},
	} {
		path, err := query.ParsePath(c.text)
		got := path.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestCheckNamesThePlace(t *testing.T) {
	known := func(p query.Path) error {
		if p.Column != "a" {
			return errors.New("there is no column " + p.Column)
		}
		return nil
	}
	for _, c := range []struct{ text, want string }{
		{"a = 1 and (a = 2 or not a in (3)) order by a", ""},
		{"a = 'ä' and b = 2", "at character 13: there is no column b"},
		{"a = 1 order by a, c.d", "at character 19: there is no column c"},
	} {
		q, err := query.Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := q.Check(known); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for text, want := range map[string]int{"": 0, "a = 1": 0, "a = :2": 2, "a in (:1, :7) or not b = :3": 7, "a in :4": 4} {
		q, err := query.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Placeholders(); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestValueOf(t *testing.T) {
	values := []any{"x", int64(2)}
	if got := (query.Value{Placeholder: 2}).Of(values); got != int64(2) {
		t.Errorf("a placeholder is %v, want 2", got)
	}
	if got := (query.Value{Literal: "y"}).Of(values); got != "y" {
		t.Errorf("a literal is %v, want y", got)
	}
}

func TestPieces(t *testing.T) {
	for value, want := range map[string][]string{"": {""}, "abc": {"abc"}, "Mc@": {"Mc", ""}, "@a@b@": {"", "a", "b", ""}, "@": {"", ""}} {
		if got := query.Pieces(value); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
		if got := query.HasWildcard(value); got != (len(want) > 1) {
			t.Errorf("%q: HasWildcard is %v", value, got)
		}
	}
}

// FuzzParse holds that no text makes the parser panic or take long, that errors are errors with a place inside of the
// text, and that String gives the same query again.
func FuzzParse(f *testing.F) {
	for _, c := range texts {
		f.Add(c.text)
	}
	for _, text := range []string{"a in (", "a = '", "[", "a.[b", ":1", "((((", "not not", "a = 1e+", "a = -", "\xff", "a iſ null"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		q, err := query.Parse(text)
		if took := time.Since(began); took > time.Second {
			t.Errorf("%d bytes took %v", len(text), took)
		}
		if err != nil {
			var wrong *query.Error
			if !errors.As(err, &wrong) || wrong.At > len(text)+1 || wrong.Message == "" {
				t.Errorf("a strange error: %#v", err)
			}
			return
		}
		again, err := query.Parse(q.String())
		if err != nil {
			if len(q.String()) > len(text) && len(q.String()) > 60<<10 { // as a text that is all signs
				return
			}
			t.Fatalf("%q does not parse: %v", q.String(), err)
		}
		if !reflect.DeepEqual(withoutPlaces(again), withoutPlaces(q)) {
			t.Errorf("%q became %q", text, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := query.Parse("user_id = :1 and connection_id = :2 and process_id = 0"); err != nil {
			b.Fatal(err)
		}
	}
}
