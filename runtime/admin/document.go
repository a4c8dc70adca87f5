package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object of the document.
type object = map[string]any

// documentInfo is what the document says about all routes.
const documentInfo = "The way in for the person who runs a moongate server. It never runs a script. Times are RFC 3339, durations " +
	"are seconds, sizes are bytes. Whatever is no success has a Problem as its body. HEAD is as GET. Fields may be added in " +
	"later versions; a body may not have fields that are not here. An act may say in X-Moongate-User who acts, for the log."

// document makes the OpenAPI document of a table of routes.
func document(routes []route) []byte {
	s := schemas{}
	paths := object{}
	for _, r := range routes {
		path, ok := paths[r.path].(object)
		if !ok {
			path = object{}
			paths[r.path] = path
		}
		path[strings.ToLower(r.method)] = s.operation(r)
	}
	problem := object{"application/json": object{"schema": s.of(reflect.TypeFor[Problem]())}}
	s.of(reflect.TypeFor[Event]())
	text, err := json.MarshalIndent(object{
		"openapi":  "3.1.0",
		"info":     object{"title": "Moongate admin listener", "version": "1", "description": documentInfo},
		"security": []object{{}, {"token": []string{}}},
		"paths":    paths,
		"components": object{
			"schemas":   s,
			"responses": object{"Problem": object{"description": "what is wrong, and what to do about it", "content": problem}},
			"securitySchemes": object{"token": object{
				"type": "http", "scheme": "bearer", "description": "that of the server's --admin-token-file; loopback needs none",
			}},
		},
	}, "", "  ")
	if err != nil {
		panic(err) // nothing in it can fail
	}
	return append(text, '\n')
}

// everywhere are the statuses that every route can have: what the guard says, a fault, and too many requests.
var everywhere = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest,
	http.StatusInternalServerError, http.StatusServiceUnavailable}

// operation describes a route.
func (s schemas) operation(r route) object {
	answers := object{"200": s.success(r)}
	for _, status := range slices.Concat(r.statuses, everywhere) {
		answers[strconv.Itoa(status)] = object{"$ref": "#/components/responses/Problem"}
	}
	if r.unready != "" {
		answers["503"] = object{"description": r.unready, "content": object{"application/json": object{
			"schema": object{"anyOf": []object{s.of(r.answer), s.of(reflect.TypeFor[Problem]())}}}}}
	}
	op := object{"operationId": r.id, "summary": r.summary, "responses": answers}
	if variable := variableOf(r.path); variable != "" {
		schema := object{"type": "string", "minLength": 1, "maxLength": longestName}
		if numbered(variable) {
			schema = object{"type": "integer", "format": "int64", "minimum": 0}
		}
		op["parameters"] = []object{{"name": variable, "in": "path", "required": true, "schema": schema}}
	}
	if r.body != nil {
		_, must := fields(r.body)
		schema := s.of(r.body)
		s[r.body.Name()].(object)["additionalProperties"] = false
		op["requestBody"] = object{"required": len(must) > 0, "content": object{"application/json": object{"schema": schema}}}
	}
	return op
}

// success describes what a route answers when all is well.
func (s schemas) success(r route) object {
	kind, schema := r.kind, object{}
	switch {
	case r.answer != nil:
		kind, schema = "application/json", s.of(r.answer)
	case kind == "application/json":
		schema["type"] = "object"
	default:
		schema["type"] = "string"
	}
	return object{"description": r.summary, "content": object{kind: object{"schema": schema}}}
}

// schemas are the schemas of rows and bodies by name, made from their Go types.
type schemas map[string]any

// of is the schema of a type; structs have theirs by reference.
func (s schemas) of(t reflect.Type) object {
	if t == reflect.TypeFor[time.Time]() {
		return object{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Struct:
		s.add(t)
		return object{"$ref": "#/components/schemas/" + t.Name()}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer", "format": "int64"}
	case reflect.Float64:
		return object{"type": "number"}
	}
	panic(fmt.Sprintf("rows cannot have a %v: no schema is known for it", t))
}

// add describes a struct, once.
func (s schemas) add(t reflect.Type) {
	if s[t.Name()] != nil {
		return
	}
	all, always := fields(t)
	properties := object{}
	schema := object{"type": "object", "properties": properties}
	if always != nil {
		schema["required"] = always
	}
	s[t.Name()] = schema
	for i, name := range all {
		properties[name] = s.of(t.Field(i).Type)
	}
}
