package structure

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A structure crosses the wire as JSON, {"tables": [...]}, with the words of structure.lua:
//
//	{"name": "server_log", "shape": 1234, "columns": [{"name": "log_id", "type": "integer", "primary": true, "sequence": true}, ...],
//	 "indexes": [{"columns": ["user_id", "connection_id"], "unique": true}]}
//
// What is false or missing is left out. Shape is what Table.Shape gives, for those who read it. A default is a text, a
// number, true, false or an object; a blob is a text in base64. In a default, a number with a point or an exponent is a
// real and any other an integer, so that nothing changes by being written and read.

type structureJSON struct {
	Tables []Table `json:"tables"`
}

type tableJSON struct {
	Name    string   `json:"name"`
	Shape   int64    `json:"shape"`
	Columns []Column `json:"columns"`
	Indexes []Index  `json:"indexes,omitempty"`
}

type columnJSON struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Primary  bool            `json:"primary,omitempty"`
	Sequence bool            `json:"sequence,omitempty"`
	Unique   bool            `json:"unique,omitempty"`
	NotNull  bool            `json:"not_null,omitempty"`
	Default  json.RawMessage `json:"default,omitempty"`
}

type indexJSON struct {
	Columns []string `json:"columns"`
	Unique  bool     `json:"unique,omitempty"`
}

// Decode reads a structure that MarshalJSON has written, and validates it: what comes over a wire may be anything.
func Decode(text []byte) (*Structure, error) {
	var s Structure
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("the structure: %w", err)
	}
	if err := s.Validate(); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New("the structure: " + first)
	}
	return &s, nil
}

// MarshalJSON writes the structure.
func (s Structure) MarshalJSON() ([]byte, error) {
	j := structureJSON(s)
	if j.Tables == nil {
		j.Tables = []Table{}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads a structure. It does not validate it: see Decode.
func (s *Structure) UnmarshalJSON(text []byte) error {
	var j structureJSON
	err := json.Unmarshal(text, &j)
	if *s = Structure(j); len(s.Tables) == 0 {
		s.Tables = nil
	}
	return err
}

// MarshalJSON writes the table.
func (t Table) MarshalJSON() ([]byte, error) {
	return json.Marshal(tableJSON{t.Name, t.Shape(), t.Columns, t.Indexes})
}

// UnmarshalJSON reads a table.
func (t *Table) UnmarshalJSON(text []byte) error {
	var j tableJSON
	err := json.Unmarshal(text, &j)
	*t = Table{j.Name, j.Columns, j.Indexes}
	return err
}

// MarshalJSON writes the index.
func (i Index) MarshalJSON() ([]byte, error) { return json.Marshal(indexJSON(i)) }

// UnmarshalJSON reads an index.
func (i *Index) UnmarshalJSON(text []byte) error {
	var j indexJSON
	err := json.Unmarshal(text, &j)
	*i = Index(j)
	return err
}

// MarshalJSON writes the column.
func (c Column) MarshalJSON() ([]byte, error) {
	j := columnJSON{c.Name, c.Type.String(), c.Primary, c.Sequence, c.Unique, c.NotNull, nil}
	if c.Default != nil {
		exact, err := exactly(c.Default)
		if err != nil {
			return nil, fmt.Errorf("%s: its default: %w", c.Name, err)
		}
		if j.Default, err = json.Marshal(exact); err != nil {
			return nil, err
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads a column. A type that is not known is an error.
func (c *Column) UnmarshalJSON(text []byte) error {
	var j columnJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	kind, err := ParseType(j.Type)
	if err != nil {
		return fmt.Errorf("%.64s: %w", j.Name, err)
	}
	*c = Column{j.Name, kind, j.Primary, j.Sequence, j.Unique, j.NotNull, nil}
	if j.Default == nil {
		return nil
	}
	if c.Default, err = readDefault(kind, j.Default); err != nil {
		return fmt.Errorf("%.64s: its default: %w", j.Name, err)
	}
	return nil
}

// readDefault reads a default as a value of the type.
func readDefault(kind Type, text []byte) (any, error) {
	if kind == Blob {
		var b []byte
		err := json.Unmarshal(text, &b)
		return b, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	v, err := numbers(v)
	if err != nil {
		return nil, err
	}
	return kind.Check(v)
}

// exactly makes of each real a number that is written with a point or an exponent.
func exactly(v any) (any, error) {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%v is no number that can be kept", v)
		}
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return json.Number(text), nil
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = exactly(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		fields := make(map[string]any, len(v))
		for name, inner := range v {
			var err error
			if fields[name], err = exactly(inner); err != nil {
				return nil, err
			}
		}
		return fields, nil
	}
	return v, nil
}

// numbers is the inverse of exactly. It changes lists and maps in place.
func numbers(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return v.Float64()
		}
		return v.Int64()
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], err = numbers(v[name]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
