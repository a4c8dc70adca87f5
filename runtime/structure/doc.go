// Package structure is what a database's tables look like, as structure.lua declares them: a [Structure] has
// [Table]s, a table has [Column]s of a [Type] and [Index]es. [Structure.Validate] says what is wrong with one before
// anything is done with it, and [Type.Check] says which Go values a column may hold.
//
// It imports the standard library only. Its values are plain data: whoever makes a Structure may change it until it
// is given away, and nobody afterwards; reading needs no lock.
package structure
