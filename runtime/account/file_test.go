package account

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadKeepsTheOrder(t *testing.T) {
	path := usersFile(t, "# two of them\r\n\r\nada::"+goodHash+"\r\n  # and\nBob:disabled:"+goodHash)
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []User{{"ada", false, usual}, {"Bob", true, usual}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBrokenUsersFilesNameTheLineAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		text  string
		words []string
	}{
		{"ada::" + goodHash + "\nADA::" + goodHash, []string{":2: user ADA is in line 1 already", "delete"}},
		{"# x\nada:$2y$10$abc\n", []string{":2: the line has 1 colons", "mend it"}},
		{"ada::" + goodHash + ":\n", []string{":1: the line has 3 colons"}},
		{"ada:locked:" + goodHash, []string{`:1: the state of user ada is neither empty nor "disabled"`}},
		{"ada::$2y$10$abc", []string{":1: user ada:", "not of the kind $argon2id$", "moongate user passwd ada"}},
		{"o'neil::$argon2i$v=19$m=8,t=1,p=1$abc$def", []string{`moongate user passwd 'o'\''neil'`}},
		{"ada::", []string{":1: user ada:", "moongate user passwd ada"}},
		{"ada::$argon2id$v=19$m=4194304,t=1,p=1$" + salt16 + "$" + digest32, []string{":1: user ada: the hash asks for m=4194304"}},
		{"::" + goodHash, []string{":1: a user name has 1 to 80 characters"}},
		{strings.Repeat("é", 81) + "::" + goodHash, []string{":1: a user name has 1 to 80 characters, and this one has 81"}},
		{"$ada::" + goodHash, []string{"begins with $"}},
		{" ada::" + goodHash, []string{"space at its beginning"}},
		{"a\x00da::" + goodHash, []string{"U+0000"}},
		{"a\tda::" + goodHash, []string{"U+0009"}},
		{"a\u202eda::" + goodHash, []string{"U+202E"}},
		{"\ufeffada::" + goodHash, []string{"U+FEFF"}},
		{"a\xffda::" + goodHash, []string{"UTF-8"}},
	} {
		path := usersFile(t, c.text)
		_, err := Read(path)
		expectError(t, c.text, err, append(c.words, path)...)
		if err != nil && strings.Contains(err.Error(), digest32) {
			t.Errorf("the error shows the hash: %v", err)
		}
	}
}

func TestFilesThatAreNoUsersFile(t *testing.T) {
	folder := t.TempDir()
	_, err := Read(filepath.Join(folder, "none"))
	expectError(t, "missing", err, "none", "moongate user add NAME --users")
	_, err = Read(folder)
	expectError(t, "folder", err, folder, "not a file")
	path := filepath.Join(folder, "large")
	write(t, path, "")
	if err := os.Truncate(path, maxFile+1); err != nil {
		t.Fatal(err)
	}
	_, err = Read(path)
	expectError(t, "large", err, path, "more than 16 MB")
}

func TestFoldIsEqualFold(t *testing.T) {
	for _, pair := range [][2]string{{"Ada", "aDA"}, {"ÉCLAIR", "éclair"}, {"ς", "Σ"}, {"K", "\u212a"}, {"straße", "STRASSE"}, {"ada", "adb"}} {
		expect(t, pair[0]+" and "+pair[1], fold(pair[0]) == fold(pair[1]), strings.EqualFold(pair[0], pair[1]))
	}
}

// FuzzUsersFile holds the parser to what it may let through, and a change to leaving the rest as it is.
func FuzzUsersFile(f *testing.F) {
	f.Add("ada::" + goodHash + "\n")
	f.Add("# x\r\n\r\nBob:disabled:" + goodHash)
	f.Add("a:b:c:d\n\xff::")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parse("users", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "users:") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %q, want one line that begins with users:", err)
			}
			return
		}
		for _, u := range r.list {
			if err := CheckName(u.Name); err != nil {
				t.Errorf("%q: %v", u.Name, err)
			}
			if found, ok := r.find(strings.ToUpper(u.Name)); strings.EqualFold(strings.ToUpper(u.Name), u.Name) && (!ok || found.Name != u.Name) {
				t.Errorf("got %q, want %q", found.Name, u.Name)
			}
			p, err := search("users", text, u.Name)
			if err != nil || !p.found || text[p.from:p.to] != p.line.String() {
				t.Errorf("%q: got %+v, %v, want its place", u.Name, p, err)
			}
		}
	})
}
