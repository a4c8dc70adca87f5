// Package statement writes SQL: of queries, of rows, and of what a structure needs. It is pure, knows both databases,
// and is the only place in which SQL of users' tables is made.
//
// A [Table] has the statements of one table in one [Dialect]. Names come of a structure that was validated, and are
// quoted all the same; values are never part of a text, but stand beside it, in the form that the database takes: see
// [Dialect.Encode]. [Plan] compares a structure with what a database has.
//
// # How texts compare
//
// As in 4D, case does not count. For the letters of ASCII that is what indexes are made for: columns of SQLite are
// NOCASE, and PostgreSQL's indexes are on lower(column COLLATE "C"). A value with other letters is compared with
// Unicode's small letters, without an index. Order, and what is unique, know ASCII's case only, and then go by bytes,
// the same in both.
//
// All functions may be called from any goroutine.
package statement
