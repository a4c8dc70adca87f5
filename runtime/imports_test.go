package runtime_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the module's folder as the tests here see it.
const root = ".."

// allowed says which of Moongate's packages each package may import, test files aside. Who is not in the table imports none: it is a leaf.
var allowed = map[string][]string{
	".":                       {"luabind", "luabind/policytest", "runtime/cli"},
	"runtime/session":         {"runtime/process"},
	"runtime/listener":        {"runtime/forward", "runtime/session"},
	"runtime/gate":            {"runtime/front"},
	"runtime/recording":       {"runtime/wire"},
	"runtime/journal/archive": {"runtime/journal", "runtime/recording", "runtime/wire"},
	"runtime/journal/replay":  {"runtime/journal", "runtime/journal/archive", "runtime/recording"},
	"runtime/remote":          {"runtime/wire"},
	"runtime/application":     {"runtime/datastore/failure", "runtime/listener", "runtime/process", "runtime/session", "runtime/wire"},
	"runtime/host": {"runtime/account", "runtime/application", "runtime/document", "runtime/forward", "runtime/front", "runtime/gate", "runtime/journal", "runtime/listener", "runtime/measure", "runtime/method",
		"runtime/process", "runtime/remote", "runtime/session", "runtime/shutdown", "runtime/datastore", "runtime/structure",
		"runtime/wire"},
	"runtime/metrics":      {"runtime/host", "runtime/journal", "runtime/measure", "runtime/process"},
	"runtime/admin":        {"runtime/host", "runtime/journal", "runtime/process", "runtime/session", "runtime/shutdown"},
	"runtime/admin/client": {"runtime/admin"},
	"runtime/cli": {"runtime/account", "runtime/admin", "runtime/admin/client", "runtime/datafolder", "runtime/document", "runtime/front", "runtime/gate", "runtime/handover", "runtime/host", "runtime/journal",
		"runtime/datastore", "runtime/datastore/query", "runtime/listener", "runtime/method", "runtime/metrics", "runtime/remote", "runtime/session", "runtime/structure", "runtime/finding", "runtime/signature", "runtime/simulate", "runtime/journal/archive", "runtime/journal/replay", "runtime/wire", "runtime/trial", "runtime/recording"},
	"runtime/simulate":   {"runtime/wire"},
	"luabind/behaviour":  {"luabind/convert", "luabind/lane", "luabind/sandbox", "luabind/script", "runtime/process", "runtime/simulate", "runtime/wire"},
	"runtime/front":      {"runtime/current", "runtime/front/ja4", "runtime/front/mysql", "runtime/front/postgres", "runtime/front/proxy"},
	"runtime/addressset": {"runtime/current", "runtime/session"},
	"runtime/datastore": {"runtime/datastore/failure", "runtime/datastore/postgres", "runtime/datastore/query", "runtime/datastore/sqlite",
		"runtime/datastore/statement", "runtime/structure", "runtime/wire"},
	"runtime/datastore/statement": {"runtime/datastore/failure", "runtime/datastore/query", "runtime/structure"},
	"runtime/datastore/sqlite":    {"runtime/datastore/failure", "runtime/datastore/statement"},
	"runtime/datastore/postgres":  {"runtime/datastore/failure", "runtime/datastore/statement"},
	"luabind/script":              {"runtime/method"},
	"luabind/witness":             {"runtime/recording", "runtime/wire"},
	"luabind/convert":             {"runtime/wire"},
	"luabind/lane":                {"luabind/convert", "luabind/sandbox", "luabind/script", "runtime/measure", "runtime/process", "luabind/witness", "runtime/wire"},
	"luabind/command": {"runtime/addressset", "luabind/convert", "luabind/lane", "luabind/sandbox", "luabind/script", "runtime/document", "runtime/front", "runtime/gate", "runtime/interprocess", "runtime/method", "runtime/process",
		"runtime/datastore", "runtime/datastore/query", "runtime/session", "runtime/structure", "runtime/remote", "runtime/wire", "luabind/witness", "runtime/recording"},
	"luabind/check": {"luabind/command", "luabind/script", "runtime/finding", "runtime/method", "runtime/signature", "runtime/structure", "luabind/policytest/vocabulary"},
	"luabind/policytest": {"luabind", "luabind/command", "luabind/convert", "luabind/lane", "luabind/policytest/vocabulary", "luabind/script",
		"runtime/datastore", "runtime/document", "runtime/finding", "runtime/gate", "runtime/host", "runtime/listener", "runtime/method", "runtime/process", "runtime/session",
		"runtime/trial", "runtime/wire"},
	"luabind": {"runtime/addressset", "luabind/command", "luabind/convert", "luabind/lane", "luabind/sandbox", "luabind/script", "runtime/host", "runtime/interprocess",
		"runtime/method", "runtime/process", "runtime/structure", "runtime/wire", "luabind/check", "runtime/finding", "runtime/signature", "luabind/behaviour", "runtime/simulate", "luabind/policytest/vocabulary", "runtime/datastore", "luabind/witness", "runtime/recording", "runtime/session", "runtime/document", "runtime/gate"},
}

// leaves import the standard library only, and golang.org/x/sys where it stands for it.
var leaves = []string{"runtime/trial", "luabind/policytest/vocabulary", "runtime/signature", "runtime/finding", "runtime/measure", "runtime/method", "runtime/process", "runtime/interprocess", "runtime/document", "runtime/wire", "runtime/shutdown",
	"runtime/structure", "runtime/datastore/failure", "runtime/datastore/query"}

// TestImportsRunOneWay holds the map of the packages: nothing in runtime/ knows Lua, leaves know nobody, main joins the two.
func TestImportsRunOneWay(t *testing.T) {
	for folder, imports := range packages(t) {
		for _, path := range imports {
			if inner, ok := strings.CutPrefix(path, "moongate/"); ok {
				if !slices.Contains(allowed[folder], inner) {
					t.Errorf("%s imports %s; the table of allowed imports does not have that", folder, inner)
				}
				continue
			}
			if strings.Contains(path, ".") && slices.Contains(leaves, folder) {
				t.Errorf("%s imports %s, but it is a leaf: the standard library only", folder, path)
			}
			if strings.Contains(path, "gopher-lua") && strings.HasPrefix(folder, "runtime") {
				t.Errorf("%s imports %s: nothing in runtime/ knows Lua", folder, path)
			}
		}
	}
}

// TestTopLevel holds what the top level may have.
func TestTopLevel(t *testing.T) {
	entries, err := filepath.Glob(filepath.Join(root, "*"))
	if err != nil {
		t.Fatal(err)
	}
	fixed := []string{"README.md", "go.mod", "go.sum", "luabind", "main.go", "runtime", "scripts", "testdata"}
	for _, e := range entries {
		name := filepath.Base(e)
		built := name == "moongate" || strings.HasSuffix(name, ".test") // which git ignores
		if !slices.Contains(fixed, name) && !built && !strings.HasPrefix(name, ".") {
			t.Errorf("%s at the top level; only %v belong there", name, fixed)
		}
	}
}

// packages are the module's packages with the imports of their files, tests aside.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		for _, spec := range file.Imports {
			found[folder] = append(found[folder], strings.Trim(spec.Path.Value, `"`))
		}
		if found[folder] == nil {
			found[folder] = []string{}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
