// Package failure is what can go wrong with a database, in words that do not depend on which one it is. The engines
// make an [Error] of what their database says; package datastore has the same names for those who use it.
package failure

import (
	"errors"
	"fmt"
)

// Kind is what went wrong, as far as the caller may act on it. The zero Kind is Internal.
type Kind int

// The kinds of failures.
const (
	Internal     Kind = iota // the host or the database is wrong; nothing that the caller could do
	DuplicateKey             // a value that must be unique is in another row already
	Stamp                    // the row was changed by somebody else since it was read
	Locked                   // somebody else has the row, or the whole database, for longer than could be waited
	Missing                  // there is no such row (any more)
	Unknown                  // there is no such table or column
	Value                    // a value does not fit its column or the query
	State                    // not now: as a transaction that is not there, or a context that is closed
	Unavailable              // the database cannot be reached
	Ended                    // the caller's context.Context has ended: an abort or a deadline
	Full                     // no room on the disk
	ReadOnly                 // the database must not be written
	Corrupt                  // the file is no database, or a broken one
	Newer                    // the database was made by a newer Moongate
	Conflict                 // the database cannot be brought up to the structure
	Level                    // a client and the server disagree how many transactions it has; only between the two
)

var kindNames = [...]string{Internal: "internal", DuplicateKey: "duplicate key", Stamp: "stamp has changed", Locked: "locked",
	Missing: "missing", Unknown: "unknown", Value: "value", State: "state", Unavailable: "unavailable", Ended: "ended", Full: "full",
	ReadOnly: "read only", Corrupt: "corrupt", Newer: "newer", Conflict: "conflict", Level: "level"}

// String is the kind in words.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kindNames[k]
}

// Word is the kind as one word of small letters, as it goes over the wire.
func (k Kind) Word() string {
	switch k {
	case DuplicateKey:
		return "duplicate"
	case Stamp:
		return "stamp"
	case ReadOnly:
		return "readonly"
	}
	if k < 0 || int(k) >= len(kindNames) {
		return Internal.Word()
	}
	return kindNames[k]
}

// KindOfWord is the kind of a word, Internal for one that is none.
func KindOfWord(word string) Kind {
	for k := range kindNames {
		if Kind(k).Word() == word {
			return Kind(k)
		}
	}
	return Internal
}

// codes are 4D's numbers for those kinds that have one.
var codes = map[Kind]int{DuplicateKey: -9998, Full: -34, Unavailable: -10001, Ended: 1006}

// Code is a number for the kind, 4D's own where it has one: duplicate key is -9998. Others are -1, which is
// what throw has without a number.
func (k Kind) Code() int {
	if c, ok := codes[k]; ok {
		return c
	}
	return -1
}

// Error is a failure of a database.
type Error struct {
	Kind    Kind
	Table   string // the table's name, empty when it is about none
	Message string // one line: what, and what to do
	Cause   error  // what the database or the operating system said; may be nil

	// Uncertain says that the database went away while it worked: nobody knows whether it did what it was told.
	Uncertain bool
}

// Error is the table and the message.
func (e *Error) Error() string {
	if e.Table == "" {
		return e.Message
	}
	return e.Table + ": " + e.Message
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an Error without a cause.
func New(kind Kind, table, format string, args ...any) *Error {
	return &Error{Kind: kind, Table: table, Message: fmt.Sprintf(format, args...)}
}

// Of is the kind of an error: Internal when there is no *Error in it.
func Of(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
