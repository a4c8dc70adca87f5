// Package replay decides about recorded connections again, with other scripts, and says what that would have changed:
// a [Report] of counts, groups and examples.
//
// [Run] takes the rows of a journal, or of an export of one, in their order, and has rehearsals decide about them,
// several at once. What a recording lacks is counted as [CannotSay] and never guessed. Rows about which no open
// method was asked, and those without a recording, are counted beside.
package replay
