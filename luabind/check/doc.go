// Package check finds in a scripts folder what does not load, what fails when it runs, and what most probably was not
// meant.
//
// What loading a folder says is package script's; the rules of this package look at the syntax trees besides. Every
// rule is a row of one table, with a page that explains it. A rule rather misses a mistake than takes something right
// for one. Nothing is run but structure.lua, by the reader that Folder is given.
//
// Every function may be called from any goroutine.
package check
