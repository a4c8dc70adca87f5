// Package script turns the scripts folder into an immutable, versioned [Set] of compiled Lua methods, and
// watches the folder for changes.
//
// Its nouns: a [Set] is what one [Load] of the folder found; a [Method] is a top-level file, a database
// method or a project method; a [Module] is a file of a subfolder, for require; a [Problem] is a place and a
// message, an error or a warning; a [Watcher] says when to load again. [Compile] is the one way from Lua
// source to bytecode.
//
// # The folder
//
// Top-level files named on_*.lua are database methods and must be in the table of package method; the other
// top-level *.lua files are project methods, called by their names. structure.lua is reserved, *_test.lua
// files are tests, names that begin with a dot are hidden: none of them is a method or a module. Every *.lua
// of a subfolder is a module: lib/util.lua is lib.util, lib/init.lua is lib and lib.init. A subfolder that
// itself holds on_*.lua files is a scripts folder of its own, such as an example, and nothing in it or below
// it is read. Symbolic links are followed inside the folder and never out of it.
//
// # The compiler
//
// gopher-lua compiles, and [Compile] stands before it for four reasons. Deeply nested source overflows the Go
// stack, which ends the program and cannot be recovered, so depth is bounded first. The VM's own
// concatenation can allocate gigabytes in one instruction, so it becomes a call of the host's
// [ConcatOperator], which is metered, and # one of its [LengthOperator]. Some correct programs are compiled wrongly by gopher-lua 1.1.2
// (`a, b = b, a` of two locals assigns the same value twice), so they are rewritten to equal ones that it
// compiles well; see repair.go. And bytecode that would index outside its own tables is refused, because the
// VM panics on it where no protected call helps.
//
// # Goroutines
//
// Every function may be called from any goroutine. A Set and all that it holds must not be changed after
// Load; then it may be shared by all lanes. Only [Watcher.Watch] runs for long, in the goroutine of its
// caller.
package script
