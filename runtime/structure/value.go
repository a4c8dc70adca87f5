package structure

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth is how deep an object may be nested.
const maxDepth = 100

// Check gives the value as a column of the type holds it, or says why it cannot. nil is null and always fits. It
// takes Go's integers for an integer or a time, and integers for a real; floats without a fraction, up to 2^53, for
// an integer or a time; "HH:MM:SS" and "HH:MM" for a time; a uuid in either case, with or without dashes. An object
// is not copied: who gives one away must not change it afterwards.
func (t Type) Check(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch t {
	case Text:
		return checkText(value)
	case Integer:
		return checkInteger(t, value)
	case Real:
		return checkReal(value)
	case Boolean:
		if b, ok := value.(bool); ok {
			return b, nil
		}
	case Date:
		if s, ok := value.(string); ok {
			return checkDate(s)
		}
	case Time:
		if s, ok := value.(string); ok {
			return parseTime(s)
		}
		return checkInteger(t, value)
	case Object:
		return value, checkObject(value, 0)
	case Blob:
		switch v := value.(type) {
		case []byte:
			return v, nil
		case string:
			return []byte(v), nil
		}
	case UUID:
		if s, ok := value.(string); ok {
			return checkUUID(s)
		}
	}
	return nil, misfit(t, value)
}

func misfit(t Type, value any) error {
	return fmt.Errorf("%s is no %s%s", describe(value), t, hints[t])
}

// hints say how a value of the type is written.
var hints = map[Type]string{Date: `; write it as "2026-03-01"`, Time: `; write it in seconds, or as "13:05:00"`,
	UUID: "; it has 32 hexadecimal digits", Boolean: "; it is true or false"}

// describe names a value for an error, in few letters.
func describe(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("%.40q", v)
	case bool, int64, float64, int:
		return fmt.Sprint(v)
	case []byte:
		return "a blob"
	case map[string]any, []any:
		return "an object"
	}
	return fmt.Sprintf("a value of Go's type %T", value)
}

func checkText(value any) (any, error) {
	s, ok := value.(string)
	if !ok {
		return nil, misfit(Text, value)
	}
	if err := CheckText(s); err != nil {
		return nil, err
	}
	return s, nil
}

// CheckText says why a text cannot be kept: it is no valid UTF-8, or has a NUL in it, which PostgreSQL cannot keep
// and SQLite only by halves.
func CheckText(s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return errors.New("the text has a NUL byte in it, which no text can have; a blob can")
	}
	if !utf8.ValidString(s) {
		return errors.New("the text is not valid UTF-8; keep bytes in a blob")
	}
	return nil
}

func checkInteger(t Type, value any) (any, error) {
	switch v := value.(type) {
	case int64:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case float64:
		const exact = 1 << 53
		switch {
		case v != math.Trunc(v) || math.IsInf(v, 0):
			return nil, fmt.Errorf("%v is not whole, and %s is", v, t)
		case v > exact || v < -exact:
			return nil, fmt.Errorf("%v is beyond 2^53, where a number is no longer exact", v)
		}
		return int64(v), nil
	}
	return nil, misfit(t, value)
}

func checkReal(value any) (any, error) {
	switch v := value.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%v is no number that can be kept", v)
		}
		return v, nil
	case int64:
		return float64(v), nil
	case int:
		return float64(v), nil
	}
	return nil, misfit(Real, value)
}

func checkDate(s string) (any, error) {
	if len(s) != len(time.DateOnly) {
		return nil, misfit(Date, s)
	}
	day, err := time.Parse(time.DateOnly, s)
	switch {
	case err != nil && strings.Contains(err.Error(), "out of range"):
		return nil, fmt.Errorf("%s is no day that exists", s)
	case err != nil:
		return nil, misfit(Date, s)
	case day.Year() < 1:
		return nil, fmt.Errorf("%s is before 0001-01-01, the first day that can be kept", s)
	}
	return s, nil
}

// parseTime reads "HH:MM:SS" or "HH:MM"; hours may be more than a day has.
func parseTime(s string) (any, error) {
	digits, negative := strings.CutPrefix(s, "-")
	parts := strings.Split(digits, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return nil, misfit(Time, s)
	}
	var seconds int64
	for i, p := range parts {
		if len(p) == 0 || i > 0 && len(p) != 2 || len(p) > 9 {
			return nil, misfit(Time, s)
		}
		var n int64
		for _, c := range []byte(p) {
			if c < '0' || c > '9' {
				return nil, misfit(Time, s)
			}
			n = n*10 + int64(c-'0')
		}
		if i > 0 && n > 59 {
			return nil, misfit(Time, s)
		}
		seconds = seconds*60 + n
	}
	if len(parts) == 2 {
		seconds *= 60
	}
	if negative {
		seconds = -seconds
	}
	return seconds, nil
}

func checkUUID(s string) (any, error) {
	digits := s
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		digits = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	var raw [16]byte
	if len(digits) != 32 {
		return nil, misfit(UUID, s)
	}
	if _, err := hex.Decode(raw[:], []byte(digits)); err != nil {
		return nil, misfit(UUID, s)
	}
	return strings.ToUpper(digits), nil
}

func checkObject(value any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("the object is nested deeper than %d", maxDepth)
	}
	switch v := value.(type) {
	case nil, bool, int, int64:
		return nil
	case float64:
		_, err := checkReal(v)
		return err
	case string:
		return CheckText(v)
	case map[string]any:
		for k, inner := range v {
			if err := CheckText(k); err != nil {
				return err
			}
			if err := checkObject(inner, depth+1); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for _, inner := range v {
			if err := checkObject(inner, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s cannot be in an object", describe(value))
}
