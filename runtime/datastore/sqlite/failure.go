package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"moongate/runtime/datastore/failure"
)

// libraryError is what the library said.
type libraryError struct {
	code    int32 // extended
	message string
}

func (e *libraryError) Error() string { return fmt.Sprintf("%s (SQLite %d)", e.message, e.code) }

// failure makes an error of a result code.
func (c *conn) failure(rc int32) error {
	e := &libraryError{code: rc, message: libc.GoString(lib.Xsqlite3_errstr(c.tls, rc))}
	if c.db != 0 {
		e.code = lib.Xsqlite3_extended_errcode(c.tls, c.db)
		e.message = libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))
	}
	if e.code&0xff != rc&0xff {
		e.code = rc
	}
	if c.ctx != nil && rc&0xff == lib.SQLITE_INTERRUPT {
		return endedError(c.ctx)
	}
	return explain(c.path, e)
}

// explain makes a failure of an error: its kind, and what to do.
func explain(path string, err error) error {
	var known *failure.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	kind, advice := failure.Internal, ""
	var e *libraryError
	switch {
	case errors.As(err, &e):
		kind, advice = classify(e)
	case errors.Is(err, fs.ErrPermission):
		kind, advice = failure.ReadOnly, "let the server's user write the file and its folder"
	case errors.Is(err, fs.ErrNotExist):
		kind, advice = failure.Unavailable, "make its folder"
	}
	message := err.Error()
	if !strings.Contains(message, path) {
		message = path + ": " + message
	}
	if advice != "" {
		message += "; " + advice
	}
	return &failure.Error{Kind: kind, Message: message, Cause: err}
}

// newer is what to do about a database that wants more than the structure says.
const newer = "the database is newer than structure.lua: give the column a default in the database, or declare it"

// classify is the kind of what the library said, and what to do.
func classify(e *libraryError) (failure.Kind, string) {
	switch e.code {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_ROWID:
		return failure.DuplicateKey, ""
	case lib.SQLITE_CONSTRAINT_NOTNULL: // of a column that the structure does not have: of its own ones the store knows
		return failure.Conflict, newer
	}
	switch e.code & 0xff {
	case lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH, lib.SQLITE_TOOBIG, lib.SQLITE_RANGE:
		return failure.Value, ""
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return failure.Locked, "end the program that has locked it"
	case lib.SQLITE_FULL:
		return failure.Full, "free some space on its disk"
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN:
		return failure.ReadOnly, "let the server's user write the file and its folder"
	case lib.SQLITE_IOERR:
		return failure.Unavailable, "look at its disk: it is full or fails"
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return failure.Corrupt, "restore it from a backup, or move it away"
	}
	return failure.Internal, ""
}

// endedError says that the caller's context has ended.
func endedError(ctx context.Context) error {
	return &failure.Error{Kind: failure.Ended, Message: "ended: " + context.Cause(ctx).Error(), Cause: context.Cause(ctx)}
}
