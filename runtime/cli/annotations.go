package cli

import (
	"fmt"
	"strings"

	"moongate/runtime/signature"
	"moongate/runtime/structure"
)

// fixedNames are commands that are values as well; fixedTypes has them.
const fixedNames = " storage ds "

// fixedTypes is what no row of a table says: the values that commands give.
const fixedTypes = `
---@class moongate.object a shared object: everybody reads it, use() changes it
---@field [string] any

---@class moongate.collection a shared collection; what changes it uses it by itself
---@field length integer
---@field [integer] any
local collection = {}
---@param value any
function collection:push(value) end
---@return any
function collection:pop() end
---@return any
function collection:shift() end
---@param value any
function collection:unshift(value) end
---@param at integer
---@param value any
function collection:insert(at, value) end
---@param at integer
function collection:remove(at) end
function collection:clear() end

---@class moongate.signal
---@field signaled boolean
---@field description string
local signal = {}
---true once another process called trigger, false when the time is over
---@param seconds? number
---@return boolean
function signal:wait(seconds) end
function signal:trigger() end

---@class moongate.set a set of addresses; #set is how many networks it has
local set = {}
---@param address string
---@return boolean
function set:contains(address) end

---@class moongate.storage: moongate.object the shared object of the whole host
---@overload fun(): moongate.object
storage = {}

---The interprocess variables, which all cooperative processes share (4D's <>variables)
---@type table<string, any>
interprocess = {}

`

// annotator writes annotations.
type annotator struct{ strings.Builder }

// parameterTypes are the types of parameters by their names in signatures; all others can be anything.
var parameterTypes = map[string]string{
	"process": "integer", "id": "integer", "ticks": "number", "seconds": "number", "stack": "integer", "n": "integer",
	"connection": "integer", "user": "integer", "mode": "integer", "options": "integer", "importance": "integer", "scope": "integer",
	"reference": "integer", "function": "function", "function or nil": "function", "boolean": "boolean", "code or table": "integer|table",
	"object": "moongate.object|moongate.collection", "method": "string", "name": "string", "own_name": "string", "address": "string",
	"network": "string", "client": "moongate.client", "pattern": "string", "code": "integer", "text": "string", "alias": "string", "session_id": "string", "description": "string", "module": "string",
	"column": "string", "message": "any", "time": "integer|string", "worker": "integer|string", "stop": "string|integer", `"*"`: `"*"`,
}

// resultTypes are the types of results by their words in signatures.
var resultTypes = map[string]string{
	"number": "number", "text": "string", "boolean": "boolean", "table": "table<string, any>", "seconds": "integer", "ticks": "integer",
	"object": "moongate.object", "collection": "moongate.collection", "signal": "moongate.signal", "set": "moongate.set",
	"function": "function", "value": "any", "values": "any ...", "client": "moongate.client", "true": "boolean",
}

// parameter is one as a function in Lua has it.
type parameter struct {
	name, kind string
	optional   bool
}

// parameters makes names and types of a signature's. Those that repeat are ... at the end.
func parameters(s signature.Signature) []parameter {
	var all []parameter
	seen := map[string]int{}
	for _, p := range s.Parameters {
		if p.Repeats {
			return append(all, parameter{"...", "any", false})
		}
		name, kind := p.Name, parameterTypes[p.Name]
		switch {
		case strings.HasPrefix(name, "{"):
			name, kind = "fields", "table"
		case name == `"*"`:
			name = "star"
		default:
			name, _, _ = strings.Cut(name, " ")
		}
		if name == "function" {
			name = "code"
		}
		if kind == "" {
			kind = "any"
		}
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprint(name, seen[name])
		}
		all = append(all, parameter{name, kind, p.Optional})
	}
	return all
}

// function writes a command; of is the variable of what it is called of, table the table whose entities it gives.
func (a *annotator) function(of string, c signature.Command, table string) error {
	s, err := signature.Parse(c.Signature)
	if err != nil {
		return err
	}
	all := parameters(s)
	note := ""
	if c.FourD != "" {
		note = " (4D: " + c.FourD + ")"
	}
	fmt.Fprintf(a, "---%s%s\n", c.Meaning, note)
	var names []string
	for _, p := range all {
		names = append(names, p.name)
		fmt.Fprintf(a, "---@param %s%s %s\n", p.name, mark(p), p.kind)
	}
	result, mayFail := strings.CutSuffix(s.Result, " or nil")
	kind := resultType(result, table)
	switch {
	case mayFail:
		fmt.Fprintf(a, "---@return %s?\n---@return string? problem\n", kind)
	case kind != "":
		fmt.Fprintf(a, "---@return %s\n", kind)
	}
	a.overload(all, kind)
	fmt.Fprintf(a, "function %s%s(%s) end\n\n", of, c.Name, strings.Join(names, ", "))
	return nil
}

func mark(p parameter) string {
	if p.optional {
		return "?"
	}
	return ""
}

func resultType(word, table string) string {
	switch word {
	case "":
		return ""
	case "entity":
		return "moongate." + table
	case "selection":
		return "moongate." + table + ".selection"
	}
	if kind := resultTypes[word]; kind != "" {
		return kind
	}
	return "any"
}

// overload writes the form of a function without what may be left out before something that may not.
func (a *annotator) overload(all []parameter, result string) {
	last := -1
	for i, p := range all {
		if !p.optional && p.name != "..." {
			last = i
		}
	}
	var shorter []string
	for i, p := range all {
		if !p.optional || i > last {
			shorter = append(shorter, p.name+mark(p)+": "+p.kind)
		}
	}
	if len(shorter) == len(all) {
		return
	}
	if result != "" {
		result = ": " + result
	}
	fmt.Fprintf(a, "---@overload fun(%s)%s\n", strings.Join(shorter, ", "), result)
}

// data writes the data store with a class for the entities, the selections and the dataclass of each table.
func (a *annotator) data(commands []signature.Command, tables structure.Structure) error {
	fmt.Fprint(a, "---@class moongate.ds the data store\n")
	for _, t := range tables.Tables {
		fmt.Fprintf(a, "---@field %s moongate.%s.dataclass\n", t.Name, t.Name)
	}
	fmt.Fprint(a, "---@overload fun(): moongate.ds\nds = {}\n\n")
	for _, t := range tables.Tables {
		fmt.Fprintf(a, "---@class moongate.%s an entity of the table %s\n", t.Name, t.Name)
		for _, c := range t.Columns {
			fmt.Fprintf(a, "---@field %s %s?\n", c.Name, columnTypes[c.Type])
		}
		for _, of := range []struct{ word, class string }{{"entity", ""}, {"dataclass", ".dataclass"}, {"selection", ".selection"}} {
			if of.class != "" {
				fmt.Fprintf(a, "---@class moongate.%s%s\n", t.Name, of.class)
			}
			if of.word == "selection" {
				fmt.Fprintf(a, "---@field [integer] moongate.%s\n---@field length integer\n", t.Name)
			}
			variable := t.Name + "_" + of.word
			fmt.Fprintf(a, "local %s = {}\n", variable)
			for _, c := range commands {
				if c.Of != of.word {
					continue
				}
				if err := a.function(variable+":", c, t.Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// method writes a project method of the folder.
func (a *annotator) method(m signature.Method) {
	if m.Meaning != "" {
		fmt.Fprintf(a, "---%s\n", m.Meaning)
	}
	fmt.Fprintf(a, "---The project method %s\n", m.File)
	names := m.Parameters
	for _, p := range names {
		fmt.Fprintf(a, "---@param %s? any\n", p)
	}
	if m.Any {
		names = append(names[:len(names):len(names)], "...")
		fmt.Fprint(a, "---@param ... any\n")
	}
	fmt.Fprintf(a, "---@return any ...\nfunction %s(%s) end\n\n", m.Name, strings.Join(names, ", "))
}
