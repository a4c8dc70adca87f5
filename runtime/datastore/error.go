package datastore

import (
	"context"
	"errors"

	"moongate/runtime/datastore/failure"
)

// Error is what went wrong; all errors of this package are one, as errors.As finds it.
type Error = failure.Error

// Kind is what went wrong, as far as a caller may act on it. Kind.Code is 4D's number for it.
type Kind = failure.Kind

// The kinds; package failure says what they mean.
const (
	Internal     = failure.Internal
	DuplicateKey = failure.DuplicateKey
	Stamp        = failure.Stamp
	Locked       = failure.Locked
	Missing      = failure.Missing
	Unknown      = failure.Unknown
	Value        = failure.Value
	State        = failure.State
	Unavailable  = failure.Unavailable
	Ended        = failure.Ended
	Disk         = failure.Full // no room on the disk
	ReadOnly     = failure.ReadOnly
	Corrupt      = failure.Corrupt
	Newer        = failure.Newer
	Conflict     = failure.Conflict
	Level        = failure.Level
)

// KindOf is the kind of an error, Internal for one that is not of this package.
func KindOf(err error) Kind { return failure.Of(err) }

// ErrorOf is an error that came over the wire: the word of its kind (Kind.Word), an unknown one being Internal, and its
// text, which names the table.
func ErrorOf(word, text string) error { return &Error{Kind: failure.KindOfWord(word), Message: text} }

// of names the table in an error that names none.
func of(table string, err error) error {
	var e *Error
	if err == nil {
		return nil
	}
	if !errors.As(err, &e) {
		return &Error{Table: table, Message: err.Error(), Cause: err}
	}
	if e.Table != "" || table == "" {
		return err
	}
	named := *e
	named.Table = table
	return &named
}

// ended is the error when the caller's context has ended; nil while it has not.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return &Error{Kind: Ended, Message: "ended: " + context.Cause(ctx).Error(), Cause: context.Cause(ctx)}
}
