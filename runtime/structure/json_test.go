package structure

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

// everything has a column of each type, with a default that JSON alone would not keep.
func everything() Structure {
	return Structure{Tables: []Table{
		{Name: "things", Columns: []Column{
			{Name: "id", Type: Integer, Primary: true, Sequence: true},
			{Name: "name", Type: Text, Default: "<it's> ä"},
			{Name: "n", Type: Integer, NotNull: true, Default: int64(math.MaxInt64)},
			{Name: "x", Type: Real, Default: 3.0},
			{Name: "tiny", Type: Real, Default: 5e-324},
			{Name: "yes", Type: Boolean, Default: false},
			{Name: "day", Type: Date, Default: "2026-03-01"},
			{Name: "time", Type: Time, Default: int64(-90001)},
			{Name: "info", Type: Object, Default: map[string]any{"i": int64(1), "r": 1.0, "l": []any{nil, true, "x", 1e300}, "m": map[string]any{}}},
			{Name: "bytes", Type: Blob, Default: []byte{0, 255}},
			{Name: "u", Type: UUID, Unique: true},
		}, Indexes: []Index{{Columns: []string{"n", "name"}, Unique: true}, {Columns: []string{"x"}}}},
		{Name: "words", Columns: []Column{{Name: "word", Type: Text, Primary: true}}},
	}}
}

func TestJSONLosesNothing(t *testing.T) {
	for _, want := range []Structure{{}, everything()} {
		text, err := json.Marshal(&want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(text)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("got %+v, %v\nwant %+v\nby %s", got, err, want, text)
		}
	}
}

func TestShapeIsOfNamesAndTypes(t *testing.T) {
	a, b := everything().Tables[0], everything().Tables[0]
	b.Name, b.Columns[1].Default, b.Indexes = "others", nil, nil
	if a.Shape() != b.Shape() {
		t.Error("what is no name and no type of a column changes the shape")
	}
	b.Columns[1].Name = "title"
	if a.Shape() == b.Shape() {
		t.Error("another name leaves the shape as it is")
	}
	b = everything().Tables[0]
	b.Columns[1].Type = Blob
	if a.Shape() == b.Shape() {
		t.Error("another type leaves the shape as it is")
	}
}

func TestDecodeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                                   "unexpected end",
		`[]`:                                 "cannot unmarshal",
		`{"tables":[{"name":"moongate_x"}]}`: "data store's own",
		`{"tables":[{"name":"t"}]}`:          "no primary key",
		`{"tables":[{"name":"t","columns":[{"name":"a","type":"txt","primary":true}]}]}`:                                              "unknown type",
		`{"tables":[{"name":"t","columns":[{"name":"a","type":"text","primary":true},{"name":"b","type":"integer","default":1.5}]}]}`: "not whole",
	} {
		if _, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	text, _ := json.Marshal(everything())
	f.Add(string(text))
	f.Add(`{"tables":[{"name":"t","columns":[{"name":"a","type":"object","default":[1e400]}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Decode([]byte(text))
		if err != nil {
			return
		}
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := Decode(written)
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("%s: got %+v, %v; want %+v", written, again, err, s)
		}
	})
}
