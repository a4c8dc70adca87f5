package cli

import (
	"strings"
	"testing"

	"moongate/luabind"
	"moongate/luabind/script"
	"moongate/runtime/signature"
	"moongate/runtime/structure"
)

// TestAnnotations holds the file for editors to what it must be: Lua, with every command, and a type for each.
func TestAnnotations(t *testing.T) {
	tables := structure.Structure{Tables: []structure.Table{{Name: "visits", Columns: []structure.Column{
		{Name: "id", Type: structure.Integer, Primary: true}, {Name: "name", Type: structure.Text},
	}}}}
	described := signature.Folder{Methods: []signature.Method{
		{Name: "greet", File: "greet.lua", Meaning: "greets", Parameters: []string{"name"}, Any: true},
	}}
	text, err := annotations(luabind.Commands(), described, tables)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := script.Compile(text, "moongate.lua"); err != nil {
		t.Errorf("it is no Lua: %v", err)
	}
	for _, c := range luabind.Commands() {
		name := "function " + c.Name + "("
		if c.Of != "" {
			name = ":" + c.Name + "("
		}
		fixed := strings.Contains(text, "\n"+c.Name+" = {}\n")
		if !strings.Contains(text, name) && !fixed && c.Name != "print" && c.Name != "require" {
			t.Errorf("%s is not there", c.Signature)
		}
	}
	for _, want := range []string{
		"---@param process integer\n---@param ticks number\nfunction delay_process(process, ticks) end\n",
		"---@param method string\n---@param stack integer\n---@param name? string\n---@param ... any\n---@return number\nfunction new_process(method, stack, name, ...) end\n",
		"---@overload fun(message: any, importance?: integer)\nfunction log_event(output, message, importance) end\n",
		"---@return moongate.visits?\n---@return string? problem\nfunction visits_dataclass:get(key) end\n",
		"---@field name string?\n",
		"---greets\n---The project method greet.lua\n---@param name? any\n---@param ... any\n---@return any ...\nfunction greet(name, ...) end\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %s", want)
		}
	}
}

// TestResultsHaveTypes holds the table of types to the words that signatures have.
func TestResultsHaveTypes(t *testing.T) {
	for _, c := range luabind.Commands() {
		s, err := signature.Parse(c.Signature)
		if err != nil {
			t.Fatal(err)
		}
		word := strings.TrimSuffix(s.Result, " or nil")
		if word != "" && word != "entity" && word != "selection" && resultTypes[word] == "" {
			t.Errorf("%s: no type for %q", c.Signature, word)
		}
	}
}
