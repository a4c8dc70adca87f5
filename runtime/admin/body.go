package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
)

// longestBody is how many bytes the body of a request may have.
const longestBody = 64 << 10

// nothing is the body of an act that needs none.
type nothing struct{}

// body reads the body of an act. One without fields that must be given may be left out.
func body[B any](r *http.Request) (B, *failure) {
	var none B
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if kind, _, err := mime.ParseMediaType(kind); err != nil || kind != "application/json" {
			return none, &failure{http.StatusUnsupportedMediaType, "a body must be JSON: send it with Content-Type: application/json"}
		}
	}
	text, err := io.ReadAll(r.Body) // bounded by serve
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return none, &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("a body may have %d bytes at the most", longestBody)}
	}
	if err != nil {
		return none, &failure{http.StatusBadRequest, "the body did not arrive whole"}
	}
	if len(text) > 0 && r.Header.Get("Content-Type") == "" {
		return none, &failure{http.StatusUnsupportedMediaType, "a body must say that it is JSON: send it with Content-Type: application/json"}
	}
	return decode[B](text)
}

// decode makes a body of JSON: one object with the fields of B and no others.
func decode[B any](text []byte) (B, *failure) {
	var row B
	all, must := fields(reflect.TypeFor[B]())
	if len(bytes.TrimSpace(text)) == 0 {
		if len(must) == 0 {
			return row, nil
		}
		return row, &failure{http.StatusBadRequest, "a body is needed: a JSON object with " + strings.Join(must, ", ")}
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil || given == nil {
		return row, &failure{http.StatusBadRequest, "the body must be one JSON object" + why(err)}
	}
	for _, name := range must {
		if value, ok := given[name]; !ok || string(value) == "null" {
			return row, &failure{http.StatusBadRequest, fmt.Sprintf("the field %q is missing; the fields are %s", name, strings.Join(all, ", "))}
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&row); err != nil {
		return *new(B), &failure{http.StatusBadRequest, misfit(err, all)}
	}
	return row, nil
}

// why is an error of the JSON decoder in brackets; nothing when it says no more than that another value came.
func why(err error) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf(" (byte %d: %v)", syntax.Offset, syntax)
	}
	return ""
}

// misfit says which field does not fit.
func misfit(err error, all []string) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("the field %q must be %s, not %s", wrong.Field, kinds[wrong.Type.Kind()], wrong.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if len(all) == 0 {
			return "unknown field " + name + "; this act takes none"
		}
		return "unknown field " + name + "; the fields are " + strings.Join(all, ", ")
	}
	return "the body is no such object: " + err.Error()
}

// kinds are the kinds of fields in the words of JSON.
var kinds = map[reflect.Kind]string{
	reflect.String: "a text", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Int64: "a whole number",
	reflect.Float64: "a number",
}

// fields are the names of the fields of a row or body in JSON, and those of them that are always there.
func fields(t reflect.Type) (all, always []string) {
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		all = append(all, name)
		if options == "" {
			always = append(always, name)
		}
	}
	return all, always
}
