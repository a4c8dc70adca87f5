package document_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"moongate/runtime/document"
)

var (
	me    = document.Owner{Process: 5}
	other = document.Owner{Process: 6}
	alone = document.Owner{Process: 7, Alone: true}
)

// newFolder is a Folder at a path that does not exist yet.
func newFolder(t testing.TB) (*document.Folder, string) {
	path := filepath.Join(t.TempDir(), "data", "documents")
	f := document.New(path)
	t.Cleanup(func() {
		for _, o := range []document.Owner{me, other, alone} {
			if err := f.CloseAll(o); err != nil {
				t.Errorf("CloseAll: %v", err)
			}
		}
		if n := f.Count(); n != 0 {
			t.Errorf("%d documents are open at the end", n)
		}
	})
	return f, path
}

// expectCode checks that an error has a number of 4D's and begins with the name.
func expectCode(t testing.TB, what string, err error, code int) {
	t.Helper()
	var failed *document.Error
	if !errors.As(err, &failed) || failed.Code != code {
		t.Errorf("%s: got %v, want an error with %d", what, err, code)
		return
	}
	if !strings.HasSuffix(err.Error(), fmt.Sprintf("(%d)", code)) || strings.Contains(err.Error(), os.TempDir()) {
		t.Errorf("%s: got the error %q; it must end in the number and not say where the folder is", what, err)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func expectFile(t testing.TB, path, want string) {
	t.Helper()
	if got := string(must[[]byte](t)(os.ReadFile(path))); got != want {
		t.Errorf("%s: got %q, want %q", filepath.Base(path), got, want)
	}
}

func TestCreateMakesFoldersAndEmptiesDocuments(t *testing.T) {
	f, path := newFolder(t)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the folder is there before a document is created: %v", err)
	}
	d := must[*document.Document](t)(f.Create(me, "2026/march/log.txt"))
	if err := d.Send("line\n"); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	expectFile(t, filepath.Join(path, "2026", "march", "log.txt"), "line\n")
	if runtime.GOOS != "windows" {
		for name, want := range map[string]fs.FileMode{"": 0o700, "2026": 0o700, "2026/march": 0o700, "2026/march/log.txt": 0o600} {
			if got := must[fs.FileInfo](t)(os.Stat(filepath.Join(path, name))).Mode().Perm(); got != want {
				t.Errorf("%q has the permissions %v, want %v", name, got, want)
			}
		}
	}
	d = must[*document.Document](t)(f.Create(me, "2026/march/log.txt"))
	d.Close()
	expectFile(t, filepath.Join(path, "2026", "march", "log.txt"), "")
	_, err := f.Create(me, "2026/march")
	expectCode(t, "a folder's name", err, document.CodeNotFound)
	_, err = f.Create(me, "2026/march/log.txt/x")
	expectCode(t, "below a document", err, document.CodeNotFound)
}

func TestNames(t *testing.T) {
	f, path := newFolder(t)
	write(t, filepath.Join(path, "..", "secret"), "not for scripts")
	for _, name := range []string{
		"", "/", "/etc/passwd", "..", "../secret", "a/../../secret", "a/..", ".", "./a", "a/./b", "a//b", "a/", "a\x00b", "a\nb", `a\b`, "c:a", `\\host\share`,
		"a ", "a.", "a./b", "what?", "*", "a|b", "<a>", `"a"`, "\xff", strings.Repeat("a", 256), strings.Repeat("a/", 500) + "b",
	} {
		for act, do := range map[string]func() error{
			"Create": func() error { _, err := f.Create(me, name); return err },
			"Open":   func() error { _, err := f.Open(me, name, document.Read); return err },
			"Append": func() error { _, err := f.Append(me, name); return err },
			"Test":   func() error { _, err := f.Test(name); return err },
			"Delete": func() error { return f.Delete(name) },
		} {
			expectCode(t, fmt.Sprintf("%s(%.20q)", act, name), do(), document.CodeBadName)
		}
	}
	expectFile(t, filepath.Join(path, "..", "secret"), "not for scripts")
	for _, name := range []string{"a", ".hidden", "a b", "ação/été.txt", "a..b", "...a", "日本", strings.Repeat("a", 255), "$Journal", "a'b"} {
		d, err := f.Create(me, name)
		if err != nil {
			t.Errorf("Create(%.20q): %v", name, err)
			continue
		}
		d.Close()
		if kind, err := f.Test(name); kind != document.IsDocument || err != nil {
			t.Errorf("Test(%.20q): got %v, %v", name, kind, err)
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	f, path := newFolder(t)
	for range 2 { // without a folder, and with an empty one
		for _, m := range []document.Mode{document.ReadWrite, document.Write, document.Read} {
			_, err := f.Open(me, "nothing", m)
			expectCode(t, "Open", err, document.CodeNotFound)
		}
		_, err := f.Append(me, "nothing")
		expectCode(t, "Append", err, document.CodeNotFound)
		_, err = f.Test("nothing/there")
		expectCode(t, "Test", err, document.CodeNotFound)
		expectCode(t, "Delete", f.Delete("nothing"), document.CodeNotFound)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want an error that wraps fs.ErrNotExist", err)
		}
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneWriterAtATime(t *testing.T) {
	f, path := newFolder(t)
	write(t, filepath.Join(path, "log"), "text")
	if err := os.Link(filepath.Join(path, "log"), filepath.Join(path, "same")); err != nil {
		t.Skipf("the file system has no hard links: %v", err)
	}
	reader := must[*document.Document](t)(f.Open(other, "log", document.Read))
	for _, m := range []document.Mode{document.ReadWrite, document.Write} {
		writer := must[*document.Document](t)(f.Open(me, "log", m))
		for _, o := range []document.Owner{me, other, alone} {
			for _, name := range []string{"log", "same"} {
				_, err := f.Open(o, name, document.ReadWrite)
				expectCode(t, "Open to read and write", err, document.CodeNotFound)
				_, err = f.Open(o, name, document.Write)
				expectCode(t, "Open to write", err, document.CodeNotFound)
				_, err = f.Append(o, name)
				expectCode(t, "Append", err, document.CodeNotFound)
				_, err = f.Create(o, name)
				expectCode(t, "Create", err, document.CodeInUse)
				expectCode(t, "Delete", f.Delete(name), document.CodeInUse)
				must[*document.Document](t)(f.Open(o, name, document.Read)).Close()
			}
		}
		writer.Close()
	}
	_, err := f.Create(me, "log")
	expectCode(t, "Create of what is read", err, document.CodeInUse)
	expectCode(t, "Delete of what is read", f.Delete("log"), document.CodeInUse)
	reader.Close()
	expectFile(t, filepath.Join(path, "log"), "text")
	if err := f.Delete("log"); err != nil {
		t.Error(err)
	}
	expectFile(t, filepath.Join(path, "same"), "text")
}

func TestFoldersAreNoDocuments(t *testing.T) {
	f, path := newFolder(t)
	write(t, filepath.Join(path, "folder", "document"), "")
	if kind, err := f.Test("folder"); kind != document.IsFolder || err != nil {
		t.Errorf("Test: got %v, %v", kind, err)
	}
	_, err := f.Open(me, "folder", document.Read)
	expectCode(t, "Open", err, document.CodeNotFound)
	expectCode(t, "Delete", f.Delete("folder"), document.CodeNotFound)
	if err := f.Delete("folder/document"); err != nil {
		t.Error(err)
	}
	expectCode(t, "Delete of an empty one", f.Delete("folder"), document.CodeNotFound)
}

func TestLinks(t *testing.T) {
	f, path := newFolder(t)
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), "not for scripts")
	write(t, filepath.Join(path, "sub", "inside"), "text")
	links := map[string]string{
		"out": filepath.Join(outside, "secret"), "outFolder": outside, "up": "../../..", "sub/back": "../sub/inside", "in": "sub/inside", "loop": "loop",
		"absoluteIn": filepath.Join(path, "sub", "inside"), "new": filepath.Join(outside, "new"),
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(path, name)); err != nil {
			t.Skipf("no links can be made here: %v", err)
		}
	}
	for _, name := range []string{"out", "outFolder/secret", "outFolder/new", "up/data/documents/sub/inside", "loop", "absoluteIn", "new"} {
		_, err := f.Open(me, name, document.Read)
		expectCode(t, "Open("+name+")", err, document.CodeNotFound)
		_, err = f.Append(me, name)
		expectCode(t, "Append("+name+")", err, document.CodeNotFound)
		_, err = f.Create(me, name)
		expectCode(t, "Create("+name+")", err, document.CodeNotFound)
		_, err = f.Test(name)
		expectCode(t, "Test("+name+")", err, document.CodeNotFound)
		expectCode(t, "Delete("+name+")", f.Delete(name), document.CodeNotFound)
	}
	_, err := f.Create(me, "outFolder/sub/new")
	expectCode(t, "Create with folders on the way", err, document.CodeNotFound)
	expectFile(t, filepath.Join(outside, "secret"), "not for scripts")
	if entries := must[[]os.DirEntry](t)(os.ReadDir(outside)); len(entries) != 1 {
		t.Errorf("outside of the folder there are %v, want the one file", entries)
	}
	for _, name := range []string{"in", "sub/back"} {
		d := must[*document.Document](t)(f.Open(me, name, document.ReadWrite))
		_, err := f.Open(me, "sub/inside", document.Write)
		expectCode(t, "a second writer by another name", err, document.CodeNotFound)
		d.Close()
		if err := f.Delete(name); err != nil {
			t.Error(err)
		}
	}
	expectFile(t, filepath.Join(path, "sub", "inside"), "text")
}

func TestBounds(t *testing.T) {
	f, path := newFolder(t)
	write(t, filepath.Join(path, "text"), "text")
	for range document.MaxOpenOwner {
		must[*document.Document](t)(f.Open(me, "text", document.Read))
	}
	_, err := f.Open(me, "text", document.Read)
	expectCode(t, "one more of the process", err, document.CodeTooManyOpen)
	_, err = f.Create(me, "new")
	expectCode(t, "one more, created", err, document.CodeTooManyOpen)
	_, err = f.Test("new")
	expectCode(t, "what was not created", err, document.CodeNotFound)
	var owners []document.Owner
	for n := 100; f.Count() < document.MaxOpen; n++ {
		owners = append(owners, document.Owner{Process: n})
		for range document.MaxOpenOwner {
			must[*document.Document](t)(f.Open(owners[len(owners)-1], "text", document.Read))
		}
	}
	_, err = f.Open(other, "text", document.Read)
	expectCode(t, "one more in all", err, document.CodeTooManyOpen)
	for _, o := range owners {
		if err := f.CloseAll(o); err != nil {
			t.Error(err)
		}
	}
	must[*document.Document](t)(f.Open(other, "text", document.Read))
}

func TestLookup(t *testing.T) {
	f, _ := newFolder(t)
	mine := must[*document.Document](t)(f.Create(me, "mine"))
	its := must[*document.Document](t)(f.Create(alone, "its"))
	for i, c := range []struct {
		o    document.Owner
		r    document.Ref
		want *document.Document
	}{
		{me, mine.Ref(), mine}, {other, mine.Ref(), mine}, {alone, mine.Ref(), nil}, {alone, its.Ref(), its}, {me, its.Ref(), nil},
		{document.Owner{Process: 9, Alone: true}, its.Ref(), nil}, {me, 0, nil}, {me, -1, nil}, {me, 99, nil},
	} {
		got, err := f.Lookup(c.o, c.r)
		if got != c.want {
			t.Errorf("%d: got another document", i)
		}
		if c.want == nil {
			expectCode(t, "Lookup", err, document.CodeNotOpen)
		}
	}
	mine.Close()
	_, err := f.Lookup(me, mine.Ref())
	expectCode(t, "Lookup of a closed one", err, document.CodeNotOpen)
	if again := must[*document.Document](t)(f.Create(me, "mine")); again.Ref() == mine.Ref() {
		t.Errorf("the reference %d was given twice", again.Ref())
	}
}

// A folder that was moved away is made again by the next document; what is open goes on in the old one.
func TestFolderMovedAway(t *testing.T) {
	f, path := newFolder(t)
	d := must[*document.Document](t)(f.Create(me, "log"))
	if err := os.Rename(path, path+".old"); err != nil {
		t.Skipf("a folder in use cannot be moved here: %v", err)
	}
	if err := d.Send("text"); err != nil {
		t.Error(err)
	}
	must[*document.Document](t)(f.Create(me, "log"))
	if err := f.CloseAll(me); err != nil {
		t.Error(err)
	}
	expectFile(t, filepath.Join(path+".old", "log"), "text")
	expectFile(t, filepath.Join(path, "log"), "")
}
