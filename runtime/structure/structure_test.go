package structure

import (
	"reflect"
	"strings"
	"testing"
)

// TestCheck makes of each value what a column keeps, or says why it cannot be kept.
func TestCheck(t *testing.T) {
	for _, test := range []struct {
		t     Type
		value any
		want  any // nil: an error
	}{
		{Text, "ä", "ä"}, {Text, "a\x00", nil}, {Text, "\xff", nil}, {Text, 1, nil},
		{Integer, 3, int64(3)}, {Integer, 3.0, int64(3)}, {Integer, 3.5, nil}, {Integer, float64(1 << 53), int64(1 << 53)}, {Integer, float64(1 << 54), nil},
		{Real, 2, 2.0}, {Real, 0.5, 0.5}, {Boolean, true, true}, {Boolean, 1, nil},
		{Date, "2024-02-29", "2024-02-29"}, {Date, "2026-02-29", nil}, {Date, "0000-01-01", nil}, {Date, "2026-3-1", nil}, {Date, "2026-03-01T00:00:00", nil},
		{Time, "25:00:01", int64(90001)}, {Time, "13:05", int64(47100)}, {Time, "-0:00:10", int64(-10)}, {Time, 5.0, int64(5)}, {Time, "1:60:00", nil}, {Time, "a:00", nil},
		{Object, map[string]any{"a": []any{1.0, nil}}, map[string]any{"a": []any{1.0, nil}}}, {Object, []any{func() {}}, nil}, {Object, map[string]any{"a\x00": 1}, nil},
		{Blob, []byte{0}, []byte{0}}, {Blob, "x", []byte("x")}, {Blob, 1, nil},
		{UUID, "01234567-89ab-cdef-0123-456789abcdef", "0123456789ABCDEF0123456789ABCDEF"}, {UUID, "0123", nil}, {UUID, strings.Repeat("x", 32), nil},
	} {
		got, err := test.t.Check(test.value)
		if test.want == nil {
			if err == nil {
				t.Errorf("%s took %v", test.t, test.value)
			}
			continue
		}
		if !reflect.DeepEqual(got, test.want) || err != nil {
			t.Errorf("%v as %s is %v, %v; want %v", test.value, test.t, got, err, test.want)
		}
	}
}

// TestValidate finds all mistakes at once.
func TestValidate(t *testing.T) {
	id := Column{Name: "id", Type: Integer, Primary: true, Sequence: true}
	good := Structure{Tables: []Table{{Name: "a", Columns: []Column{id, {Name: "b", Type: Date, Default: "2026-01-01"}}, Indexes: []Index{{Columns: []string{"b", "id"}}}}}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	bad := Structure{Tables: []Table{
		{Name: "1a"}, {Name: "moongate_a"}, {Name: strings.Repeat("a", 64)}, {Name: `a"b`},
		{Name: "a", Columns: []Column{id, id, {Name: "x"}, {Name: "y", Type: Text, Sequence: true}, {Name: "z", Type: Boolean, Default: "no"}, {Name: "o", Type: Object, Unique: true}},
			Indexes: []Index{{}, {Columns: []string{"zz"}}, {Columns: []string{"o"}}}},
		{Name: "A", Columns: []Column{{Name: "x", Type: Text}}},
	}}
	err := bad.Validate()
	if err == nil {
		t.Fatal("no mistake found")
	}
	for _, want := range []string{`table "1a": a name has`, `table "moongate_a": names that begin`, "the name has 64 bytes", `table "a\"b": a name has`, "a: it has 2 primary columns",
		"a.id: there is another column", "a.x: it has no type", "a.y: a sequence numbers integers", "a.z: its default: \"no\" is no boolean; it is true or false", "a.o: object cannot be unique",
		"a: index (): it has no columns", "a: index (zz): there is no column zz; did you mean z?", "a: index (o): o is object", "A: there is another table", `A: it has no primary key; give it a column as { "id"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

// TestSuggestions name what was meant, or nothing.
func TestSuggestions(t *testing.T) {
	for wrong, want := range map[string]string{"txt": "text", "interger": "integer", "INTEGER": "integer", "dat": "date", "boolaen": "boolean", "xyzzy": ""} {
		_, err := ParseType(wrong)
		if err == nil || strings.Contains(err.Error(), "did you mean") != (want != "") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want a suggestion of %q", wrong, err, want)
		}
	}
	for _, name := range TypeNames() {
		if typ, err := ParseType(name); err != nil || typ.String() != name {
			t.Errorf("%s is %v, %v", name, typ, err)
		}
	}
}

// FuzzCheck has whatever is taken be taken again as the same.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"2026-03-01", "13:05:00", "-1:00", "01234567-89ab-cdef-0123-456789abcdef", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for typ := Text; typ <= UUID; typ++ {
			first, err := typ.Check(s)
			if err != nil {
				continue
			}
			if second, err := typ.Check(first); err != nil || !reflect.DeepEqual(first, second) {
				t.Errorf("%q as %s is %v, and that is %v, %v", s, typ, first, second, err)
			}
		}
	})
}
