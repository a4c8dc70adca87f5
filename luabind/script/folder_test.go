package script

import (
	"os"
	"path/filepath"
	"testing"
)

// write makes a scripts folder of names and contents.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		put(t, dir, name, content)
	}
	return dir
}

func put(t testing.TB, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, target, dir, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
		t.Skip("no symbolic links here:", err)
	}
}

func mustLoad(t testing.TB, dir string) *Set {
	t.Helper()
	set, err := Load(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestLinks(t *testing.T) {
	outside := write(t, map[string]string{"on_exit.lua": "", "shared/util.lua": ""})
	dir := write(t, map[string]string{"data/on_exit.lua": "", ".data/helper.lua": "", "lib/util.lua": ""})
	link(t, filepath.Join(".data", "helper.lua"), dir, "helper.lua")
	link(t, "lib", dir, "library")
	link(t, "..", filepath.Join(dir, "lib"), "up")
	link(t, ".", filepath.Join(dir, "lib"), "self")
	link(t, filepath.Join(outside, "shared"), dir, "shared")
	set := mustLoad(t, dir)
	if got, want := listed(set), "helper; lib.util library.util"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wantWarnings(t, set, "shared: a link out of the scripts folder is not followed: copy what it leads to")

	link(t, filepath.Join(outside, "on_exit.lua"), dir, "on_exit.lua")
	link(t, "nowhere.lua", dir, "lost.lua")
	_, err := Load(dir, nil)
	wantError(t, err, "lost.lua: no such file or directory\n"+
		"on_exit.lua: a link out of the scripts folder is not followed: copy what it leads to")
}

func TestFilesThatAreNotSource(t *testing.T) {
	dir := write(t, map[string]string{
		"binary.lua":  "\x1bLua\x00\x01",
		"zero.lua":    "-- a\nx = 1 \x00",
		"latin.lua":   "-- a\n-- caf\xe9\n",
		"utf16.lua":   "\xff\xfex\x00",
		"fine.lua":    "-- \ufffd café\n",
		"marked.lua":  "\ufeffreturn 1",
		"program.lua": "#!/usr/bin/env lua\nreturn 1",
	})
	_, err := Load(dir, nil)
	wantError(t, err, "binary.lua:1: not a text file: it has a zero byte; scripts are Lua source in UTF-8\n"+
		"latin.lua:2: not UTF-8: save the file in the encoding UTF-8\n"+
		"utf16.lua:1: not a text file: it has a zero byte; scripts are Lua source in UTF-8\n"+
		"zero.lua:2: not a text file: it has a zero byte; scripts are Lua source in UTF-8")
}

func TestSizes(t *testing.T) {
	text := make([]byte, maxFileSize)
	for i := range text {
		text[i] = '\n'
	}
	dir := write(t, map[string]string{"full.lua": string(text)})
	mustLoad(t, dir)
	put(t, dir, "lib/more.lua", string(text)+"\n")
	_, err := Load(dir, nil)
	wantError(t, err, "lib/more.lua: 1048577 bytes; a script has at most 1048576")
}

func TestTooManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range maxFiles + 1 {
		name := filepath.Join(dir, "m"+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))+extension)
		if err := os.WriteFile(name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(dir, nil)
	wantError(t, err, "scripts folder "+dir+": more than 10000 Lua files or folders: is it the right folder?")
}

func TestUnreadableFolders(t *testing.T) {
	dir := write(t, map[string]string{"file": ""})
	missing := filepath.Join(dir, "missing")
	_, err := Load(missing, nil)
	wantError(t, err, "scripts folder "+missing+": no such file or directory: make the folder, or name the one that holds the methods")
	if !os.IsNotExist(err) && !isNotExist(err) {
		t.Errorf("%v does not wrap fs.ErrNotExist", err)
	}
	file := filepath.Join(dir, "file")
	_, err = Load(file, nil)
	wantError(t, err, "scripts folder "+file+": not a directory: name the folder that holds the methods")
}

func TestUnreadableFiles(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := write(t, map[string]string{"closed.lua": "", "lib/util.lua": ""})
	for _, name := range []string{"closed.lua", "lib"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(dir, nil)
	wantError(t, err, "closed.lua: permission denied\nlib: permission denied")
	if err := os.Chmod(filepath.Join(dir, "lib"), 0o777); err != nil {
		t.Fatal(err)
	}
}
