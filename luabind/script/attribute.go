package script

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// attributeLine is the form of 4D's first line of a method, with Lua's sign for a comment.
var attributeLine = regexp.MustCompile(`^--\s*%attributes\s*=`)

// lateAttributes finds such a line where it is not read.
var lateAttributes = regexp.MustCompile(`(?m)^--\s*%attributes\s*=`)

// reservedComment is what 4D itself writes behind the attributes.
const reservedComment = "comment added and reserved by 4D."

// preemptiveValues are 4D's, and whether the method asks for a preemptive process. 4D decides by itself what
// to do with an indifferent one; here it stays cooperative, so that it may use interprocess.
var preemptiveValues = map[string]bool{"capable": true, "incapable": false, "indifferent": false}

// ignoredAttributes are the other attributes of 4D's METHOD SET ATTRIBUTES and of 4D's method files. Files
// may keep them; nothing here looks at them.
var ignoredAttributes = []string{"folder", "invisible", "lang", "published4DMobile",
	"publishedSoap", "publishedSql", "publishedWeb", "publishedWsdl", "shared"}

// readAttributeNames are the attributes that mean something here.
var readAttributeNames = []string{"executedOnServer", "preemptive"}

// attributes are the marks of a method.
type attributes struct {
	present    bool
	line       int
	preemptive bool
	onServer   bool // a client has the server run it
}

// readAttributes reads the first line of a source, or the one after a #! line.
func readAttributes(source, name string) (a attributes, problem *Problem, warnings Problems) {
	text, line := luaText(source), 1
	if strings.HasPrefix(strings.TrimPrefix(source, "\ufeff"), "#!") {
		text, line = strings.TrimPrefix(strings.TrimPrefix(text, "\r"), "\n"), 2
	}
	first := firstLine(text)
	if late := lateAttributes.FindStringIndex(text[len(first):]); late != nil {
		at := line + strings.Count(text[:len(first)+late[0]], "\n")
		warnings = append(warnings, Problem{File: name, Line: at, Message: "attributes are read from the first line only"})
	}
	mark := attributeLine.FindString(first)
	if mark == "" {
		return a, nil, warnings
	}
	a = attributes{present: true, line: line}
	values, err := parseAttributes(first[len(mark):])
	if err == nil {
		a.preemptive, err = preemptive(values)
	}
	if err == nil {
		a.onServer, err = onServer(values)
	}
	if err != nil {
		return a, &Problem{File: name, Line: line, Message: "attributes: " + err.Error()}, warnings
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(readAttributeNames, key) && !slices.Contains(ignoredAttributes, key) {
			warnings = append(warnings, Problem{File: name, Line: line, Message: "unknown attribute " + key +
				didYouMean(suggest(key, slices.Values(slices.Concat(ignoredAttributes, readAttributeNames))))})
		}
	}
	return a, nil, warnings
}

func parseAttributes(text string) (map[string]json.RawMessage, error) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), reservedComment))
	var values map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf(`not a JSON object such as {"preemptive":"capable"}: %w`, err)
	}
	return values, nil
}

func preemptive(values map[string]json.RawMessage) (bool, error) {
	raw, given := values["preemptive"]
	if !given {
		return false, nil
	}
	var value string
	err := json.Unmarshal(raw, &value)
	capable, known := preemptiveValues[value]
	if err != nil || !known {
		return false, fmt.Errorf("preemptive is %s; it can be capable, incapable or indifferent", raw)
	}
	return capable, nil
}

// onServer reads 4D's "Execute on server" attribute, whose values are true and false.
func onServer(values map[string]json.RawMessage) (marked bool, err error) {
	raw, given := values["executedOnServer"]
	if !given {
		return false, nil
	}
	if string(raw) == "null" || json.Unmarshal(raw, &marked) != nil {
		return false, fmt.Errorf("executedOnServer is %s; it can be true or false", raw)
	}
	return marked, nil
}
