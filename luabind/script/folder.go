package script

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxFileSize = 1 << 20 // bytes
	maxFiles    = 10_000
	maxFolders  = 10_000
)

// folder is the scripts folder as it lies on disk: which files hold code, and what is wrong with the others.
// Nothing outside it can be reached through it.
type folder struct {
	dir      string
	root     *os.Root
	files    []file
	folders  []string // those that are read, "." first
	tables   bool     // structure.lua is there
	tests    []string // the paths of *_test.lua
	problems Problems
	warnings Problems
}

// file is a file with code in it.
type file struct {
	path     string // from the scripts folder, with slashes
	size     int64
	modified time.Time
}

// openFolder lists a scripts folder. Its error says what to do about a folder that cannot be read; what is
// wrong inside is in problems. The caller closes it.
func openFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("scripts folder %s: %w: %s", dir, cause(err), advice(err))
	}
	f := &folder{dir: dir, root: root}
	if top, err := root.Stat("."); err == nil {
		f.list(".", []fs.FileInfo{top})
	}
	if len(f.files) > maxFiles || len(f.folders) > maxFolders {
		root.Close()
		return nil, fmt.Errorf("scripts folder %s: more than %d Lua files or folders: is it the right folder?", dir, maxFiles)
	}
	return f, nil
}

func advice(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "make the folder, or name the one that holds the methods"
	case errors.Is(err, fs.ErrPermission):
		return "give the user that runs Moongate the right to read it"
	default:
		return "name the folder that holds the methods"
	}
}

// cause takes the path off an error of package os: messages begin with the file's own.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

func (f *folder) close() { f.root.Close() }

// list adds what a folder and those below it hold. The folders that it lies in are known by above, so that
// links cannot lead around in a circle.
func (f *folder) list(dir string, above []fs.FileInfo) {
	entries, err := fs.ReadDir(f.root.FS(), dir)
	if err != nil {
		f.fail(dir, cause(err).Error())
		return
	}
	if dir != "." && holdsMethods(entries) {
		return
	}
	f.folders = append(f.folders, dir)
	for _, entry := range entries {
		if len(f.files) > maxFiles || len(f.folders) > maxFolders {
			return
		}
		if !isHidden(entry.Name()) {
			f.add(path.Join(dir, entry.Name()), entry, above)
		}
	}
}

// holdsMethods reports whether a folder is a scripts folder of its own.
func holdsMethods(entries []fs.DirEntry) bool {
	for _, entry := range entries {
		if isDatabaseMethodFile(entry.Name()) {
			return true
		}
	}
	return false
}

// add looks at one entry of a folder, through a link if it is one.
func (f *folder) add(name string, entry fs.DirEntry, above []fs.FileInfo) {
	isLink := entry.Type()&fs.ModeSymlink != 0
	if !isLink && !entry.IsDir() && !isCode(entry.Name()) && !isTest(entry.Name()) {
		return
	}
	info, err := f.root.Stat(name)
	switch {
	case err != nil:
		f.unreachable(name, isLink, err)
	case info.IsDir():
		if !contains(above, info) {
			f.list(name, append(above[:len(above):len(above)], info))
		}
	case name == tablesFile:
		f.tables = true
	case isTest(entry.Name()) && info.Mode().IsRegular() && info.Size() <= maxFileSize:
		f.tests = append(f.tests, name)
	case !isCode(entry.Name()):
	case !info.Mode().IsRegular():
		f.fail(name, "not a regular file")
	case info.Size() > maxFileSize:
		f.fail(name, fmt.Sprintf("%d bytes; a script has at most %d", info.Size(), maxFileSize))
	default:
		f.files = append(f.files, file{name, info.Size(), info.ModTime()})
	}
}

func contains(folders []fs.FileInfo, folder fs.FileInfo) bool {
	for _, f := range folders {
		if os.SameFile(f, folder) {
			return true
		}
	}
	return false
}

// unreachable reports an entry that cannot be looked at. A link to a folder elsewhere is not followed and
// only said; a script must not be missing without an error.
func (f *folder) unreachable(name string, isLink bool, err error) {
	message := cause(err).Error()
	target, outside := os.Stat(filepath.Join(f.dir, filepath.FromSlash(name)))
	if isLink && outside == nil {
		message = "a link out of the scripts folder is not followed: copy what it leads to"
		if target.IsDir() {
			f.warnings = append(f.warnings, Problem{File: name, Message: message})
			return
		}
	}
	if isCode(path.Base(name)) {
		f.fail(name, message)
	}
}

func (f *folder) fail(name, message string) {
	f.problems = append(f.problems, Problem{File: name, Message: message})
}

// read gives the content of a file of the list. An error has no path.
func (f *folder) read(name string) (string, error) {
	opened, err := f.root.Open(name)
	if err != nil {
		return "", cause(err)
	}
	defer opened.Close()
	content, err := io.ReadAll(io.LimitReader(opened, maxFileSize+1))
	if err != nil {
		return "", cause(err)
	}
	if len(content) > maxFileSize {
		return "", fmt.Errorf("grew to more than %d bytes", maxFileSize)
	}
	return string(content), nil
}

// textProblem says why a file's content is no Lua source, nil if it is one. The parser would only show the
// first byte that it does not know.
func textProblem(name, content string) *Problem {
	line := func(at int) int { return 1 + strings.Count(content[:at], "\n") }
	if at := strings.IndexByte(content, 0); at >= 0 {
		return &Problem{File: name, Line: line(at), Message: "not a text file: it has a zero byte; scripts are Lua source in UTF-8"}
	}
	for at, r := range content {
		if r == utf8.RuneError && !strings.HasPrefix(content[at:], "\ufffd") {
			return &Problem{File: name, Line: line(at), Message: "not UTF-8: save the file in the encoding UTF-8"}
		}
	}
	return nil
}
