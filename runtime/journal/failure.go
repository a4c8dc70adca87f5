package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// ErrNewer is wrapped by errors about a journal that a newer Moongate wrote. Such a file is never changed.
var ErrNewer = errors.New("was written by a newer moongate")

// errForeign says that the file is a database, but no journal.
var errForeign = errors.New("is a database of something else")

// errGone says that the file was deleted or replaced while it was written to.
var errGone = errors.New("was deleted or replaced")

// newerError says what to do with a newer journal.
func newerError(version int64) error {
	return fmt.Errorf("%s %w (layout %d; this one knows %d): run that version or move the file away",
		FileName, ErrNewer, version, layoutVersion)
}

// code is SQLite's primary result code, 0 when the error is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// broken reports whether the error says that the file is no journal, so that it is put aside and a new one begun.
func broken(err error) bool {
	c := code(err)
	return c == lib.SQLITE_CORRUPT || c == lib.SQLITE_NOTADB || errors.Is(err, errForeign)
}

// passing reports whether the connection is still good after the error: waiting may help, opening the file anew does not.
func passing(err error) bool {
	switch code(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_FULL, lib.SQLITE_INTERRUPT:
		return true
	}
	return false
}

// explain says which file it is about and what to do.
func explain(path string, err error) error {
	advice := ""
	switch c := code(err); {
	case errors.Is(err, ErrNewer):
		return err
	case c == lib.SQLITE_FULL:
		advice = "free some space on its disk"
	case c == lib.SQLITE_BUSY, c == lib.SQLITE_LOCKED:
		advice = "end the program that has locked it"
	case c == lib.SQLITE_READONLY, c == lib.SQLITE_PERM, c == lib.SQLITE_CANTOPEN, errors.Is(err, fs.ErrPermission):
		advice = "let the server's user write the file and its folder"
	case c == lib.SQLITE_IOERR:
		advice = "look at its disk: it is full or fails"
	case broken(err):
		advice = "move it away"
	case errors.Is(err, fs.ErrNotExist):
		advice = "make its folder again"
	}
	if !strings.Contains(err.Error(), path) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	if advice == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, advice)
}

// putAside renames what is no journal, and what SQLite keeps beside it, to a name that says when.
func putAside(path string, now time.Time) (to string, err error) {
	to = path + ".broken-" + now.UTC().Format("20060102T150405.000Z")
	if err := os.Rename(path, to); err != nil {
		return "", err
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if e := os.Rename(path+suffix, to+suffix); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return to, err
}

// headerVersion is PRAGMA user_version as the first page of the file has it, 0 when there is no file, an empty one, or
// one that is no database. A journal's is written before anything else, so it is never in the -wal file only.
func headerVersion(path string) (int64, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return 0, err
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var header [64]byte
	if _, err := io.ReadFull(f, header[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	if string(header[:16]) != "SQLite format 3\x00" {
		return 0, nil
	}
	return int64(int32(binary.BigEndian.Uint32(header[60:]))), nil
}
