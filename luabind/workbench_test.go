package luabind_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moongate/luabind"
)

// TestCheckReadsTheStructure has the mistakes of structure.lua with their lines, and knows its tables.
func TestCheckReadsTheStructure(t *testing.T) {
	for _, test := range []struct{ structure, method, want string }{
		{`return { visits = { { "id", "integer", primary = true } } }`, "return ds.visits:count()", ""},
		{`return { visits = { { "id", "integer", primary = true } } }`, "return ds.visit:count()",
			"a.lua:1:11: structure.lua declares no table visit; did you mean visits? (unknown-table)\n"},
		{"return {\n  visits = { { \"id\", \"integr\", primary = true } } }", "return ds.visit:count()",
			"structure.lua:2: visits.id: unknown type \"integr\"; did you mean integer? (structure)\n"},
		{"return 1 +", "return 1", "structure.lua:1: syntax error at the end of the file (structure)\n"},
		{"-- a comment\nerror(\"no\")", "return 1", "structure.lua:2: no (structure)\n"},
		{"return 7", "return 1", "structure.lua:1: a table of tables expected, as in return { visits = { " +
			"{ \"id\", \"integer\", primary = true, sequence = true }, { \"name\", \"text\" } } }; got 7 (structure)\n"},
	} {
		dir := t.TempDir()
		for name, content := range map[string]string{"structure.lua": test.structure, "a.lua": test.method} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		report, err := luabind.Check(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := report.WriteText(&got); err != nil {
			t.Fatal(err)
		}
		if got.String() != test.want {
			t.Errorf("%s: got:\n%swant:\n%s", test.structure, got.String(), test.want)
		}
	}
}

// TestCommandsHaveThemes holds what moongate api prints: commands of a theme stand together.
func TestCommandsHaveThemes(t *testing.T) {
	seen, last := map[string]bool{}, ""
	for _, c := range luabind.Commands() {
		if c.Theme == "" || c.Theme != last && seen[c.Theme] {
			t.Errorf("%s: got the theme %q a second time, or none", c.Name, c.Theme)
		}
		seen[c.Theme], last = true, c.Theme
	}
}
