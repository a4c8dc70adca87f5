package document

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// The numbers of 4D's errors about documents.
const (
	CodeDiskFull     = -34 // no room on the disk
	CodeIO           = -36 // the disk failed
	CodeBadName      = -37 // no name of a document
	CodeTooManyOpen  = -42 // too many open documents
	CodeNotFound     = -43 // no such document, or another process writes it
	CodeLocked       = -45 // the operating system does not let Moongate have it
	CodeInUse        = -47 // it is open, so it cannot be made anew or deleted
	CodeNotOpen      = -51 // no reference of an open document
	CodeNotPermitted = -61 // not what the document was opened for
)

// Error is why something could not be done with a document. Every error of the package is one.
type Error struct {
	Code int    // 4D's number of it
	Name string // of the document, as the script gave it
	Text string // what is wrong, in words
	Err  error  // the operating system's error; nil when there is none
}

// Error is the name, the words and the number. It does not say where the folder is.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s (%d)", e.Name, e.Text, e.Code) }

// Unwrap gives the operating system's error, if there is one.
func (e *Error) Unwrap() error { return e.Err }

// kinds are the errors of the operating system that have a number of their own, the first that fits.
var kinds = []struct {
	is   error
	code int
	text string
}{
	{fs.ErrNotExist, CodeNotFound, "there is no such document"},
	{syscall.ENOTDIR, CodeNotFound, "a document is no folder"},
	{fs.ErrExist, CodeNotFound, "a document is no folder"},
	{syscall.ELOOP, CodeNotFound, "there is no such document: its links go in a circle"},
	{fs.ErrPermission, CodeLocked, "the operating system does not permit it"},
	{syscall.EROFS, CodeLocked, "the disk is read-only"},
	{diskFull, CodeDiskFull, "the disk is full"},
	{quotaReached, CodeDiskFull, "the disk quota is reached"},
	{syscall.EMFILE, CodeTooManyOpen, "the operating system opens no more files"},
	{syscall.ENFILE, CodeTooManyOpen, "the operating system opens no more files"},
	{syscall.ENAMETOOLONG, CodeBadName, "the name is too long"},
	{syscall.EISDIR, CodeNotFound, "it is a folder"},
}

// failed makes an Error of one of the operating system.
func failed(name string, err error) error {
	if err == nil {
		return nil
	}
	for _, k := range kinds {
		if errors.Is(err, k.is) {
			return &Error{Code: k.code, Name: name, Text: k.text, Err: err}
		}
	}
	reason := err
	var path *fs.PathError
	if errors.As(err, &path) { // without the path, which is none of the scripts' business
		reason = path.Err
	}
	if strings.Contains(reason.Error(), "escapes") { // package os has no name for this error of os.Root
		return &Error{Code: CodeNotFound, Name: name, Text: "it leads out of the folder of the documents", Err: err}
	}
	return &Error{Code: CodeIO, Name: name, Text: reason.Error(), Err: err}
}

// unusual says why a file is no document, nil when it is one.
func unusual(name string, info os.FileInfo) error {
	what := ""
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	default:
		what = "a device"
	}
	return &Error{Code: CodeNotFound, Name: name, Text: "it is no document but " + what}
}
