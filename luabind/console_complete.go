package luabind

import (
	"regexp"
	"slices"
	"strings"

	"moongate/luabind/convert"
	"moongate/luabind/script"

	lua "github.com/yuin/gopher-lua"
)

// lastWord is what is completed: names with points between them, the last of which may be empty.
var lastWord = regexp.MustCompile(`(?:[A-Za-z_]\w*\s*[.:]\s*)*(?:[A-Za-z_]\w*)?$`)

var isName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// Complete is what could stand in place of the last word of a text: see host.Interpreter. In a string or comment it is
// nothing.
func (p program) Complete(text string) (candidates []string, replaced int) {
	if help, ok := strings.CutPrefix(text, "?"); ok {
		return p.completeHelp(help), len(help)
	}
	word := lastWord.FindString(text)
	if inText(text) || strings.HasSuffix(strings.TrimSuffix(text, word), ".") {
		return nil, 0
	}
	at := strings.LastIndexAny(word, ".:") + 1
	begin := strings.TrimLeft(word[at:], " \t")
	var names []string
	if at == 0 {
		names = p.globalNames()
	} else {
		path := strings.FieldsFunc(word[:at], func(r rune) bool { return strings.ContainsRune(".: \t", r) })
		names = p.fields(path, word[at-1] == ':')
	}
	lead := strings.TrimSuffix(word, begin)
	for _, name := range names {
		if strings.HasPrefix(name, begin) && isName.MatchString(name) && !(at > 0 && script.IsKeyword(name)) {
			candidates = append(candidates, lead+name)
		}
	}
	slices.Sort(candidates)
	return slices.Compact(candidates), len(word)
}

// completeHelp completes what stands after a question mark.
func (p program) completeHelp(begin string) (candidates []string) {
	for name := range p.names() {
		if strings.HasPrefix(name, begin) && isName.MatchString(name) {
			candidates = append(candidates, name)
		}
	}
	slices.Sort(candidates)
	return candidates
}

// globalNames are the names that can begin an expression or a statement.
func (p program) globalNames() []string {
	names := slices.Collect(script.Keywords())
	for name := range p.names() {
		names = append(names, name)
	}
	return names
}

// fields are the names of the fields of what a path of names leads to; after a colon, of those that are functions. It
// follows tables, the tables behind them (__index) and shared objects, and calls nothing.
func (p program) fields(path []string, functions bool) (names []string) {
	p.Look(func(variables *lua.LTable) {
		var v lua.LValue = variables
		for i, name := range path {
			if i == 0 && name == "_G" {
				continue
			}
			v = field(v, name)
		}
		eachField(v, func(name string, value lua.LValue) {
			if !functions || value.Type() == lua.LTFunction {
				names = append(names, name)
			}
		})
	})
	return names
}

// behind is how many tables behind a table are looked at.
const behind = 8

// eachField calls f with the fields of a table and of those behind it, or of a shared object; of other values there are
// none.
func eachField(v lua.LValue, f func(name string, value lua.LValue)) {
	switch v := v.(type) {
	case *lua.LTable:
		for range behind {
			v.ForEach(func(k, value lua.LValue) {
				if name, ok := k.(lua.LString); ok {
					f(string(name), value)
				}
			})
			if v = indexOf(v); v == nil {
				return
			}
		}
	case *lua.LUserData:
		if s, ok := v.Value.(convert.Shared); ok {
			names, values := s.Snapshot()
			for i, name := range names {
				f(name, sharedValue(values[i]))
			}
		}
	}
}

// field is a field of a value as eachField sees it, nil when there is none.
func field(v lua.LValue, name string) lua.LValue {
	switch v := v.(type) {
	case *lua.LTable:
		for range behind {
			if value := v.RawGetString(name); value != lua.LNil {
				return value
			}
			if v = indexOf(v); v == nil {
				break
			}
		}
	case *lua.LUserData:
		var found lua.LValue = lua.LNil
		eachField(v, func(n string, value lua.LValue) {
			if n == name {
				found = value
			}
		})
		return found
	}
	return lua.LNil
}

// indexOf is the table behind a table, nil when there is none.
func indexOf(t *lua.LTable) *lua.LTable {
	meta, _ := t.Metatable.(*lua.LTable)
	if meta == nil {
		return nil
	}
	index, _ := meta.RawGetString("__index").(*lua.LTable)
	return index
}

// sharedValue is a value of a shared object.
func sharedValue(v any) lua.LValue {
	if v == nil {
		return lua.LNil
	}
	return convert.ToLua(v)
}

// inText reports whether a line ends inside of a string or a comment. A line that begins in one is not known to.
func inText(line string) bool {
	var quote byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case strings.HasPrefix(line[i:], "--"):
			return true
		}
	}
	return quote != 0
}
