package check

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"moongate/luabind/command"
	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/finding"
	"moongate/runtime/method"
	"moongate/runtime/signature"
	"moongate/runtime/structure"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// known are the names that a host gives its scripts.
func known() script.Known {
	all := script.Known{"_G": true}
	l := lane.New(lane.Config{}, func(vm *sandbox.VM) {
		command.New(nil, nil).Install(vm, method.Server|method.Local|method.Remote)
	})
	for _, name := range l.Names() {
		all[name] = true
	}
	return all
}

// noTables stands for the reader of structure.lua.
func noTables(string) (structure.Structure, error) { return structure.Structure{}, nil }

var options = Options{Known: known(), Structure: noTables}

// check is what is found in a folder of these files.
func check(t *testing.T, files map[string]string) finding.Report {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	report, err := Folder(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestEveryCommandHasASignature holds the texts of all signatures to what Parse reads: otherwise their calls would not be
// checked.
func TestEveryCommandHasASignature(t *testing.T) {
	for _, c := range command.Table() {
		s, err := signature.Parse(c.Signature)
		if err != nil || s.Name != c.Name {
			t.Errorf("%s: got %q, %v", c.Signature, s.Name, err)
		}
	}
	for _, f := range command.Functions() {
		if s, err := signature.Parse(f.Signature); err != nil || s.Name != f.Name {
			t.Errorf("%s: got %q, %v", f.Signature, s.Name, err)
		}
	}
}

// TestExamplesOfRules shows each rule by its own page: the bad example has its finding and no other, the good one none.
func TestExamplesOfRules(t *testing.T) {
	for _, r := range table {
		if r.Bad == "" {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			for _, f := range check(t, map[string]string{r.File: r.Bad}).Findings {
				if f.Rule != r.Name {
					t.Errorf("the bad example: got %s, want %s only", f, r.Name)
				}
			}
			if n := len(check(t, map[string]string{r.File: r.Bad}).Findings); n == 0 {
				t.Errorf("the bad example: got no finding, want %s", r.Name)
			}
			for _, f := range check(t, map[string]string{r.File: r.Good}).Findings {
				t.Errorf("the good example: got %s", f)
			}
		})
	}
}

// TestRulesAreExplained holds what every row must say.
func TestRulesAreExplained(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, r := range table {
		if !name.MatchString(r.Name) || seen[r.Name] {
			t.Errorf("%s: the name is wrong, or there twice", r.Name)
		}
		seen[r.Name] = true
		if r.Meaning == "" || strings.HasSuffix(r.Meaning, ".") || r.Why == "" {
			t.Errorf("%s: the meaning or the reason is missing", r.Name)
		}
		if (r.Bad == "") != (r.Good == "") || (r.Bad == "") != (r.File == "") {
			t.Errorf("%s: of its examples one is missing", r.Name)
		}
		if _, err := os.Stat(filepath.Join("testdata", r.Name+".txtar")); err != nil {
			t.Errorf("%s has no golden file", r.Name)
		}
	}
}

// TestGolden checks the folders of testdata, one archive each, and compares what is found with the part "want".
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".txtar"), func(t *testing.T) { golden(t, archive) })
	}
}

func golden(t *testing.T, archive string) {
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	want := ""
	for _, f := range a.Files {
		if f.Name == "want" {
			want = string(f.Data)
		} else {
			files[f.Name] = string(f.Data)
		}
	}
	var got strings.Builder
	if err := check(t, files).WriteText(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() == want {
		return
	}
	if !*update {
		t.Errorf("got:\n%swant:\n%s", got.String(), want)
		return
	}
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
	a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got.String())})
	if err := os.WriteFile(archive, txtar.Format(a), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestNoFolder(t *testing.T) {
	_, err := Folder(filepath.Join(t.TempDir(), "nowhere"), options)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}
