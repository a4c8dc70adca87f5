package structure

import (
	"fmt"
	"strings"
)

// Type is the type of a column. The zero Type is none, which no column has.
type Type int

// The types of columns, and the Go values of their rows; nil is null in each.
const (
	Text    Type = iota + 1 // string: valid UTF-8 without NUL
	Integer                 // int64
	Real                    // float64, finite
	Boolean                 // bool
	Date                    // string, "2026-03-01": a day that exists, from 0001-01-01 to 9999-12-31
	Time                    // int64, seconds; as in 4D it is a duration: negative ones and more than a day are fine
	Object                  // what JSON can say: map[string]any, []any, string, float64, bool
	Blob                    // []byte
	UUID                    // string: 32 upper case hexadecimal digits, as 4D writes them
)

var typeNames = [...]string{Text: "text", Integer: "integer", Real: "real", Boolean: "boolean", Date: "date", Time: "time",
	Object: "object", Blob: "blob", UUID: "uuid"}

// TypeNames are the names of all types.
func TypeNames() []string { return append([]string(nil), typeNames[Text:]...) }

// Valid reports whether t is one of the types.
func (t Type) Valid() bool { return t >= Text && t <= UUID }

// Indexable reports whether columns of the type can be unique or have an index.
func (t Type) Indexable() bool { return t.Valid() && t != Object && t != Blob }

// Ordered reports whether rows can be sorted by columns of the type, and compared with < and >.
func (t Type) Ordered() bool { return t.Indexable() }

// Numeric reports whether columns of the type have a sum and an average.
func (t Type) Numeric() bool { return t == Integer || t == Real || t == Time }

// String is the type's name as structure.lua has it, "none" for the zero Type.
func (t Type) String() string {
	if !t.Valid() {
		return "none"
	}
	return typeNames[t]
}

// ParseType reads a type's name. An unknown one is an error with a suggestion.
func ParseType(name string) (Type, error) {
	for t := Text; t <= UUID; t++ {
		if typeNames[t] == name {
			return t, nil
		}
	}
	if hint := DidYouMean(name, TypeNames()); hint != "" {
		return 0, fmt.Errorf("unknown type %.64q%s", name, hint)
	}
	return 0, fmt.Errorf("unknown type %.64q; the types are %s", name, strings.Join(TypeNames(), ", "))
}

// DidYouMean is "; did you mean X?" with the nearest of the known names, empty when none is near.
func DidYouMean(name string, known []string) string {
	best, least := "", min(3, (len(name)+2)/2)
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k), least); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is how many letters must be changed, put in, taken out or swapped with the next one to make b of a; most
// when it is that many or more.
func distance(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row := rows[(i-1)%3], rows[i%3], rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return min(rows[(len(a)+1)%3][len(b)], most)
}
