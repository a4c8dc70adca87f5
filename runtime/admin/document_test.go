package admin

import (
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// described is the document as its reader has it.
type described struct {
	root object
}

func readDocument(t *testing.T, text []byte) described {
	t.Helper()
	var d described
	if err := json.Unmarshal(text, &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// at follows a path of names; nil when there is nothing.
func at(value any, names ...string) any {
	for _, name := range names {
		o, _ := value.(object)
		value = o[name]
	}
	return value
}

// resolve follows a reference.
func (d described) resolve(value any) object {
	o, _ := value.(object)
	if reference, ok := o["$ref"].(string); ok {
		o, _ = at(d.root, strings.Split(strings.TrimPrefix(reference, "#/"), "/")...).(object)
	}
	return o
}

// check gives what is wrong with an answer of a route: a status or media type that the document does not have, or a body
// that is not as it says. What is a defined object may have no other fields: then the document would lack them.
func (d described) check(r route, got reply) error {
	answer := d.resolve(at(d.root, "paths", r.path, strings.ToLower(r.method), "responses", strconv.Itoa(got.status)))
	if answer == nil {
		return fmt.Errorf("the document has no status %d", got.status)
	}
	kind, _, _ := mime.ParseMediaType(got.header.Get("Content-Type"))
	media := at(answer, "content", kind)
	if media == nil {
		return fmt.Errorf("the document has no answer of the type %q", kind)
	}
	if kind != "application/json" {
		return nil
	}
	var body any
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		return err
	}
	return d.fits(at(media, "schema"), body, "body")
}

// fits gives what is wrong with a value, by its schema.
func (d described) fits(schema, value any, place string) error {
	s := d.resolve(schema)
	if s == nil {
		return fmt.Errorf("%s: there is no schema %v", place, schema)
	}
	if some, ok := s["anyOf"].([]any); ok {
		if slices.ContainsFunc(some, func(one any) bool { return d.fits(one, value, place) == nil }) {
			return nil
		}
		return fmt.Errorf("%s: none of anyOf fits %v", place, value)
	}
	ok := false
	switch s["type"] {
	case "object":
		return d.objectFits(s, value, place)
	case "array":
		list, isList := value.([]any)
		for i, v := range list {
			if err := d.fits(s["items"], v, fmt.Sprintf("%s[%d]", place, i)); err != nil {
				return err
			}
		}
		ok = isList
	case "string":
		var text string
		text, ok = value.(string)
		if s["format"] == "date-time" && ok {
			_, err := time.Parse(time.RFC3339Nano, text)
			ok = err == nil
		}
	case "integer":
		var n float64
		n, ok = value.(float64)
		ok = ok && n == math.Trunc(n)
	case "number":
		_, ok = value.(float64)
	case "boolean":
		_, ok = value.(bool)
	}
	if !ok {
		return fmt.Errorf("%s: %v is no %v", place, value, s["type"])
	}
	return nil
}

func (d described) objectFits(s object, value any, place string) error {
	o, ok := value.(object)
	if !ok {
		return fmt.Errorf("%s: %v is no object", place, value)
	}
	properties, closed := s["properties"].(object)
	for name, v := range o {
		if properties[name] == nil && closed {
			return fmt.Errorf("%s: the document has no field %q", place, name)
		}
		if closed {
			if err := d.fits(properties[name], v, place+"."+name); err != nil {
				return err
			}
		}
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := o[name.(string)]; !ok {
			return fmt.Errorf("%s: the field %q is missing", place, name)
		}
	}
	return nil
}

// The check itself finds what is wrong.
func TestTheCheckOfAnswers(t *testing.T) {
	d := readDocument(t, document(routes()))
	list := routes()
	users := list[slices.IndexFunc(list, func(r route) bool { return r.id == "users" })]
	good := `{"number":1,"name":"a","alias":"","connections":1,"addresses":["b"],"login":"2026-03-01T02:03:04Z","cpu":0.5,"activity":0,"status":"Online"}`
	answer := func(status int, body string) reply {
		return reply{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: body}
	}
	if err := d.check(users, answer(200, "["+good+"]")); err != nil {
		t.Errorf("a good answer: %v", err)
	}
	for _, body := range []string{
		"null", "{}", "[1]", "[null]", "[" + strings.Replace(good, `"a"`, "7", 1) + "]", "[" + strings.Replace(good, `"number":1,`, "", 1) + "]",
		"[" + strings.Replace(good, `"number"`, `"new":1,"number"`, 1) + "]", "[" + strings.Replace(good, `["b"]`, "null", 1) + "]",
		"[" + strings.Replace(good, `["b"]`, "[1]", 1) + "]", "[" + strings.Replace(good, `"connections":1`, `"connections":1.5`, 1) + "]",
		"[" + strings.Replace(good, "T", " ", 1) + "]",
	} {
		if d.check(users, answer(200, body)) == nil {
			t.Errorf("the check found nothing wrong with %s", body)
		}
	}
	if d.check(users, answer(418, "[]")) == nil {
		t.Error("the check found nothing wrong with status 418")
	}
}

// The document is in itself as OpenAPI 3.1 wants it: what is referred to is there, parameters are those of the paths,
// names are unique.
func TestTheDocument(t *testing.T) {
	text := document(routes())
	d := readDocument(t, text)
	expect(t, "version", d.root["openapi"], any("3.1.0"))
	for _, reference := range regexp.MustCompile(`"\$ref": "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
		if d.resolve(object{"$ref": reference[1]}) == nil {
			t.Errorf("%s is not there", reference[1])
		}
	}
	ids, operations := map[string]bool{}, 0
	for path, methods := range d.root["paths"].(object) {
		for method, o := range methods.(object) {
			operations++
			op := o.(object)
			id := op["operationId"].(string)
			if ids[id] || !regexp.MustCompile(`^[a-z][A-Za-z]*$`).MatchString(id) || op["summary"] == "" {
				t.Errorf("%s %s: the operationId %q must be a name of its own, with a summary", method, path, id)
			}
			ids[id] = true
			variables := regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1)
			parameters, _ := op["parameters"].([]any)
			if len(variables) != len(parameters) || len(variables) > 1 || len(variables) == 1 && at(parameters[0], "name") != variables[0][1] {
				t.Errorf("%s %s: got the parameters %v", method, path, parameters)
			}
			if at(op, "responses", "200") == nil || at(op, "responses", "401") == nil {
				t.Errorf("%s %s: 200 or 401 is missing", method, path)
			}
		}
	}
	expect(t, "operations", operations, len(routes()))
	for _, name := range []string{"ProcessAct", "MessageAct", "NewConnectionsAct", "QuitAct"} {
		expect(t, name+" takes other fields", at(d.root, "components", "schemas", name, "additionalProperties"), any(false))
	}
	expect(t, "what an event has", at(d.root, "components", "schemas", "Event", "required"), any([]any{"time", "kind"}))
	expect(t, "the mode is needed", at(d.root, "components", "schemas", "QuitAct", "required"), any([]any{"mode"}))
}

// The README names no path that is not there.
func TestThePathsOfTheREADME(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Operating it\n")
	section, _, _ = strings.Cut(section, "\n## ")
	found := regexp.MustCompile("(?:19880|`)(/[a-z0-9._/-]+)").FindAllStringSubmatch(section, -1)
	if len(found) < 4 {
		t.Errorf("only %d paths were found", len(found))
	}
	for _, path := range found {
		if !slices.ContainsFunc(routes(), func(r route) bool { return r.path == path[1] }) {
			t.Errorf("the README names %s; no route has that path", path[1])
		}
	}
}
