package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// text is any bytes in JSON: a string where they are UTF-8, else an object with their base64.
type text string

// raw is the object.
type raw struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON never fails.
func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(raw{[]byte(t)})
}

// UnmarshalJSON reads either form.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var r raw
		if err := json.Unmarshal(b, &r); err != nil {
			return err
		}
		*t = text(r.Base64)
		return nil
	}
	if s, ok := unquoted(b); ok {
		*t = text(s)
		return nil
	}
	var s *string
	if err := json.Unmarshal(b, &s); err != nil || s == nil {
		return fmt.Errorf("a text is wanted, or {\"base64\": ...}")
	}
	*t = text(*s)
	return nil
}

// short are the escapes of one letter.
var short = [256]byte{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f'}

// unquoted is a JSON string, which package json has looked at already. It reports false for one that is not a string, is no
// UTF-8 or has an escape of another kind: most have none, and this is a third of the time.
func unquoted(b []byte) (string, bool) {
	if len(b) < 2 || b[0] != '"' || !utf8.Valid(b) {
		return "", false
	}
	b = b[1 : len(b)-1]
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b), true
	}
	plain := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' {
			if i++; i == len(b) || short[b[i]] == 0 {
				return "", false
			}
			c = short[b[i]]
		}
		plain = append(plain, c)
	}
	return string(plain), true
}
