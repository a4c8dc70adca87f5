package script

import (
	"iter"
	"path"
	"slices"
	"strings"

	"moongate/runtime/method"
)

const (
	extension   = ".lua"
	testEnding  = "_test.lua"
	tablesFile  = "structure.lua"
	moduleIndex = "init"
)

// Known is the set of global names that scripts find without defining them: the commands, and the functions
// and tables of the libraries, _G among them. A name is known if its value is true.
type Known map[string]bool

// isHidden reports whether a file or folder is not for scripts.
func isHidden(name string) bool { return strings.HasPrefix(name, ".") }

// isCode reports whether a file holds methods or a module. structure.lua of the top level does not, but the
// caller must know that.
func isCode(name string) bool {
	return !isHidden(name) && strings.HasSuffix(name, extension) && !strings.HasSuffix(name, testEnding)
}

// isTest reports whether a file holds tests of the scripts.
func isTest(name string) bool { return !isHidden(name) && strings.HasSuffix(name, testEnding) }

// isDatabaseMethodFile reports whether a file has the form of a database method, known or not.
func isDatabaseMethodFile(name string) bool { return isCode(name) && method.IsEvent(name) }

// methodProblem says why a top-level file's name cannot be a method, "" if it can.
func methodProblem(name string, known Known) string {
	if _, ok := method.Lookup(name); ok {
		return ""
	}
	if near := nearMethod(name); near != "" || method.IsEvent(name) {
		return noSuchMethod(near)
	}
	switch {
	case slices.Contains(keywords, name):
		return name + " is a word of the Lua language; a project method needs another name"
	case !isIdentifier(name):
		return "a project method's name has letters of a to z, digits and underscores only, and no digit first"
	case known[name]:
		return name + " is a command of Moongate; a project method needs another name"
	}
	return ""
}

func noSuchMethod(near string) string {
	if near == "" {
		return "no database method has this name; the name of a project method does not begin with on_"
	}
	return "no database method has this name" + didYouMean(near+extension)
}

// nearMethod finds the database method that a name means: one that is spelled the same but for case and
// signs, or, among names with the form of an event, the nearest.
func nearMethod(name string) string {
	for _, m := range method.Table {
		if letters(m.Name) == letters(name) {
			return m.Name
		}
	}
	if !method.IsEvent(name) {
		return ""
	}
	return suggest(name, databaseMethods())
}

// letters are a name's letters and digits in lower case.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

func databaseMethods() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, m := range method.Table {
			if !yield(m.Name) {
				return
			}
		}
	}
}

// moduleNames are the names by which require finds a file of a subfolder, the first being its own:
// lib/util.lua is lib.util, lib/init.lua is lib and lib.init.
func moduleNames(file string) []string {
	folder, base := path.Split(strings.TrimSuffix(file, extension))
	folder = strings.ReplaceAll(strings.TrimSuffix(folder, "/"), "/", ".")
	if base == moduleIndex {
		return []string{folder, folder + "." + base}
	}
	return []string{folder + "." + base}
}

// moduleProblem says why a file cannot be a module, "" if it can. Dots separate folders in the name.
func moduleProblem(file string) string {
	if strings.Contains(strings.TrimSuffix(file, extension), ".") {
		return "the names of a module's file and folders have no dots, require could not find it"
	}
	return ""
}

var keywords = []string{"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if",
	"in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"}

func isIdentifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// IsName reports whether a text can be the name of a variable.
func IsName(text string) bool { return isIdentifier(text) && !slices.Contains(keywords, text) }
