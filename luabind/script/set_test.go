package script

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"moongate/runtime/method"
)

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// listed are the names of the methods and of the modules.
func listed(set *Set) string {
	var methods, modules []string
	for _, m := range set.Methods {
		methods = append(methods, m.Name)
	}
	for _, m := range set.Modules {
		modules = append(modules, m.Name)
	}
	return strings.Join(methods, " ") + "; " + strings.Join(modules, " ")
}

func wantWarnings(t *testing.T, set *Set, want ...string) {
	t.Helper()
	if got := Problems(set.Warnings).Error(); got != strings.Join(want, "\n") {
		t.Errorf("got warnings\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestWhatIsRead(t *testing.T) {
	set := mustLoad(t, write(t, map[string]string{
		"on_server_startup.lua":            "",
		"write_journal.lua":                "",
		"structure.lua":                    "not Lua",
		"write_journal_test.lua":           "not Lua",
		".hidden.lua":                      "not Lua",
		".git/x.lua":                       "not Lua",
		"on_exit.lua~":                     "not Lua",
		"on_exit.lua.bak":                  "not Lua",
		"#on_exit.lua#":                    "not Lua",
		"README.md":                        "not Lua",
		"lib/util.lua":                     "",
		"lib/init.lua":                     "",
		"lib/util_test.lua":                "not Lua",
		"lib/structure.lua":                "",
		"lib/deep/er/my-module.lua":        "",
		"examples/night/on_exit.lua":       "not Lua",
		"examples/night/lib/util.lua":      "not Lua",
		"examples/shared.lua":              "",
		"examples/tests/on_exit_test.lua":  "not Lua",
		"examples/tests/help.lua":          "",
		"lib/example/on_nonsense.lua":      "not Lua",
		"lib/example/deeper/still/not.lua": "not Lua",
	}))
	const want = "on_server_startup write_journal; " +
		"examples.shared examples.tests.help lib.deep.er.my-module lib lib.structure lib.util"
	if got := listed(set); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !set.TablesFile {
		t.Error("structure.lua is not recorded")
	}
	lib, _ := set.Module("lib")
	if init, ok := set.Module("lib.init"); !ok || init != lib || lib.File != "lib/init.lua" {
		t.Errorf("lib.init is %v, lib is %v", init, lib)
	}
	if m, ok := set.Method("on_server_startup"); !ok || !m.Database || m.File != "on_server_startup.lua" {
		t.Errorf("on_server_startup is %+v", m)
	}
	if m, ok := set.Method("write_journal"); !ok || m.Database {
		t.Errorf("write_journal is %+v", m)
	}
	if _, ok := set.Method("structure"); ok {
		t.Error("structure is a method")
	}
}

func TestEveryDatabaseMethodIsRead(t *testing.T) {
	files := map[string]string{}
	for _, m := range method.Table {
		files[m.Name+extension] = ""
	}
	set := mustLoad(t, write(t, files))
	for _, m := range method.Table {
		if got, ok := set.Method(m.Name); !ok || !got.Database {
			t.Errorf("%s: %+v", m.Name, got)
		}
	}
}

func TestEmptyFolder(t *testing.T) {
	set := mustLoad(t, t.TempDir())
	if len(set.Methods) != 0 || set.Version == "" || set.TablesFile {
		t.Errorf("%+v", set)
	}
}

func TestFileNames(t *testing.T) {
	known := Known{"print": true, "string": true, "gone": false}
	for _, test := range []struct{ file, want string }{
		{"on_servr_startup.lua", "on_servr_startup.lua: no database method has this name; did you mean on_server_startup.lua?"},
		{"on_startpu.lua", "on_startpu.lua: no database method has this name; did you mean on_startup.lua?"},
		{"on_weekends.lua", "on_weekends.lua: no database method has this name; the name of a project method does not begin with on_"},
		{"On_Exit.lua", "On_Exit.lua: no database method has this name; did you mean on_exit.lua?"},
		{"onServerStartup.lua", "onServerStartup.lua: no database method has this name; did you mean on_server_startup.lua?"},
		{"on-exit.lua", "on-exit.lua: no database method has this name; did you mean on_exit.lua?"},
		{"On Server Shutdown.lua", "On Server Shutdown.lua: no database method has this name; did you mean on_server_shutdown.lua?"},
		{"on__exit.lua", "on__exit.lua: no database method has this name; did you mean on_exit.lua?"},
		{"print.lua", "print.lua: print is a command of Moongate; a project method needs another name"},
		{"string.lua", "string.lua: string is a command of Moongate; a project method needs another name"},
		{"end.lua", "end.lua: end is a word of the Lua language; a project method needs another name"},
		{"goto.lua", "goto.lua: goto is a word of the Lua language; a project method needs another name"},
		{"my-method.lua", "my-method.lua: a project method's name has letters of a to z, digits and underscores only, and no digit first"},
		{"2nd.lua", "2nd.lua: a project method's name has..."},
		{"größe.lua", "größe.lua: a project method's name has..."},
		{"lib/a.b.lua", "lib/a.b.lua: the names of a module's file and folders have no dots, require could not find it"},
		{"lib.d/a.lua", "lib.d/a.lua: the names of a module's file and folders have no dots, require could not find it"},
		{"gone.lua", "no error"},
		{"_x2.lua", "no error"},
		{"once.lua", "no error"},
		{"on.lua", "no error"},
		{"lib/end.lua", "no error"},
		{"lib/print.lua", "no error"},
	} {
		_, err := Load(write(t, map[string]string{test.file: ""}), known)
		wantError(t, err, test.want)
	}
}

func TestTwoModulesOfOneName(t *testing.T) {
	_, err := Load(write(t, map[string]string{"lib/a.lua": "", "lib/a/init.lua": ""}), nil)
	wantError(t, err, "lib/a.lua: lib.a is the name of lib/a/init.lua too")
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := Load(write(t, map[string]string{
		"on_servr_startup.lua":  "x = = 1",
		"on_server_startup.lua": "--%attributes = {\nfoo(",
		"b.lua":                 "on_exit()\nbreak",
		"a.lua":                 "\n\nend",
		"lib/util.lua":          "x = 'a",
	}), nil)
	wantError(t, err, strings.Join([]string{
		"a.lua:3:1: syntax error near 'end'",
		"b.lua:1:1: on_exit: database methods cannot be called",
		"b.lua:2: break outside of a loop",
		"lib/util.lua:1:5: unterminated string",
		"on_server_startup.lua:2: syntax error at the end of the file: is a ')' missing for the '(' in line 2?",
		"on_servr_startup.lua: no database method has this name; did you mean on_server_startup.lua?",
		"on_servr_startup.lua:1:5: syntax error near '='",
	}, "\n"))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 7 {
		t.Errorf("%d problems", len(problems))
	}
}

func TestVersion(t *testing.T) {
	files := map[string]string{"a.lua": "return 1", "lib/b.lua": "return 2"}
	version := mustLoad(t, write(t, files)).Version
	if len(version) != 12 {
		t.Errorf("version %q", version)
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		same  bool
	}{
		{"equal", map[string]string{}, true},
		{"test added", map[string]string{"a_test.lua": "x"}, true},
		{"tables added", map[string]string{"structure.lua": "x"}, true},
		{"method changed", map[string]string{"a.lua": "return 3"}, false},
		{"module changed", map[string]string{"lib/b.lua": "return 3"}, false},
		{"method added", map[string]string{"c.lua": ""}, false},
		{"comment added", map[string]string{"a.lua": "return 1 --"}, false},
	} {
		dir := write(t, files)
		for name, content := range test.files {
			put(t, dir, name, content)
		}
		if got := mustLoad(t, dir).Version; (got == version) != test.same {
			t.Errorf("%s: %s after %s", test.name, got, version)
		}
	}
	swapped := mustLoad(t, write(t, map[string]string{"a.lua": "return 2", "lib/b.lua": "return 1"}))
	if swapped.Version == version {
		t.Error("the version does not say which file has which content")
	}
	if a, _ := mustLoad(t, write(t, files)).Method("a"); a.Hash != hashOf("return 1") || a.Hash == swapped.Methods[0].Hash {
		t.Errorf("hash %s", a.Hash)
	}
}

func TestSetSaysWhetherGlobalsAreSet(t *testing.T) {
	for source, want := range map[string]bool{"local x = 1": false, "local f = function() y = 1 end": true} {
		for _, file := range []string{"a.lua", "lib/a.lua"} {
			if got := mustLoad(t, write(t, map[string]string{file: source})).SetsGlobals; got != want {
				t.Errorf("%s in %s: got %v", source, file, got)
			}
		}
	}
}

func TestChunkNamesArePaths(t *testing.T) {
	set := mustLoad(t, write(t, map[string]string{"lib/deep/util.lua": "\nerror('here')"}))
	m, _ := set.Module("lib.deep.util")
	if got, want := run(t, m.Proto), "error: lib/deep/util.lua:2: here"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// hundred is a folder of 100 scripts, most of which use what another defines.
func hundred(t testing.TB) string {
	files := map[string]string{}
	for i := range 60 {
		files[fmt.Sprintf("method_%02d.lua", i)] = policy
		if i < 39 {
			files[fmt.Sprintf("lib/module_%02d.lua", i)] = policy
		}
	}
	files["on_server_startup.lua"] = "limits = {}\nmethod_00() method_01() require 'lib.module_00'"
	return write(t, files)
}

var policyNames = Known{"connection_info": true, "between_times": true, "count_connections": true,
	"write_journal": true, "current_time": true, "require": true}

func TestHundredFiles(t *testing.T) {
	set, err := Load(hundred(t), policyNames)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Methods) != 61 || len(set.Modules) != 39 || len(set.Warnings) != 0 {
		t.Errorf("%d methods, %d modules, warnings %v", len(set.Methods), len(set.Modules), set.Warnings)
	}
}

func BenchmarkLoad100(b *testing.B) {
	dir := hundred(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(dir, policyNames); err != nil {
			b.Fatal(err)
		}
	}
}
