package statement

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"moongate/runtime/structure"
)

// Dialect is the SQL of one database.
type Dialect int

// The dialects.
const (
	SQLite Dialect = iota
	PostgreSQL
)

// Stamp is the column that every table has besides its own: a number that every save changes.
const Stamp = "moongate_stamp"

// typeNames are what columns are declared as. In SQLite the first word decides how values are kept, and the others
// remember what they are; an integer must be INTEGER alone to be its table's row number.
var typeNames = [2]map[structure.Type]string{
	SQLite: {structure.Text: "TEXT", structure.Integer: "INTEGER", structure.Real: "REAL", structure.Boolean: "INTEGER BOOLEAN",
		structure.Date: "TEXT DATE", structure.Time: "INTEGER SECONDS", structure.Object: "TEXT JSON", structure.Blob: "BLOB",
		structure.UUID: "TEXT UUID"},
	PostgreSQL: {structure.Text: "text", structure.Integer: "bigint", structure.Real: "double precision", structure.Boolean: "boolean",
		structure.Date: "date", structure.Time: "interval", structure.Object: "jsonb", structure.Blob: "bytea", structure.UUID: "uuid"},
}

// TypeName is what a column of the type is declared as.
func (d Dialect) TypeName(t structure.Type) string { return typeNames[d][t] }

// Quote is a name as SQL has it.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Encode gives a value, which must be one that Type.Check made, as the database takes it: nil, int64, float64,
// string, []byte, and for PostgreSQL bool. A time is an interval there, an object is JSON in both.
func (d Dialect) Encode(t structure.Type, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch t {
	case structure.Boolean:
		if b, ok := value.(bool); ok && d == SQLite {
			if b {
				return int64(1), nil
			}
			return int64(0), nil
		}
	case structure.Time:
		if s, ok := value.(int64); ok && d == PostgreSQL {
			return strconv.FormatInt(s, 10) + " seconds", nil
		}
	case structure.Object:
		text, err := json.Marshal(value)
		return string(text), err
	}
	return value, nil
}

// Decode makes of what a database gave what Type.Check would. PostgreSQL's engine has made int64, float64, string,
// []byte and bool of everything before.
func (d Dialect) Decode(t structure.Type, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch t {
	case structure.Integer, structure.Time, structure.Date, structure.Text:
		return value, nil
	case structure.Real:
		if n, ok := value.(int64); ok {
			return float64(n), nil
		}
	case structure.Boolean:
		if n, ok := value.(int64); ok {
			return n != 0, nil
		}
	case structure.Blob:
		if s, ok := value.(string); ok {
			return []byte(s), nil
		}
	case structure.UUID:
		return t.Check(value)
	case structure.Object:
		var decoded any
		s, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("a %T is no object", value)
		}
		err := json.Unmarshal([]byte(s), &decoded)
		return decoded, err
	}
	return value, nil
}

// literal is a value as it stands in a CREATE TABLE. No other statement has values in its text.
func (d Dialect) literal(t structure.Type, value any) (string, error) {
	value, err := t.Check(value)
	if err == nil {
		value, err = d.Encode(t, value)
	}
	if err != nil {
		return "", err
	}
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'", nil
	case []byte:
		if d == PostgreSQL {
			return `'\x` + hex.EncodeToString(v) + "'", nil
		}
		return "X'" + hex.EncodeToString(v) + "'", nil
	}
	return "NULL", nil
}

// Fold makes small letters of Unicode's large ones, as SQLite's moongate_fold does. A letter that is not of ASCII
// never becomes one that is, so that values of ASCII's letters alone can be compared without it.
func Fold(s string) string { return strings.Map(foldRune, s) }
