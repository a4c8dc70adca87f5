// Package recording is what the verdict on one connection depended on, and the same put to a set of scripts again.
//
// A [Recording] has the facts of a connection, what its open method read of the outside, in order (a [Read] each: the
// clock, counters, shared values, rows of data, random numbers), and the [Outcome]. A [Rehearsal] is a set of scripts that
// decides about recordings again, with those reads in place of the outside; what a recording does not have is never
// guessed: the outcome is [CannotSay] then.
//
// [Notes] collect the reads of a call while it runs, in the form in which the journal keeps them; [ParseReads] is the way
// back.
//
// What a recording is not: an open method that waits is not waited for again, so one that was stopped because it took too long
// may come to its end; what a method for errors of all processes (on_err_call) or code that answers outside calls does
// meanwhile is not in it.
//
// It is a leaf: package wire and the standard library are all that it needs. Values are not to be used from several
// goroutines at once, unless it is said.
package recording
