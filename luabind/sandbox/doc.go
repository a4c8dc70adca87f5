// Package sandbox builds the Lua machines that scripts run in, and is the only place that does. A [VM] has the
// standard library, rewritten where the interpreter's own could run or allocate without bound, the commands that
// the host adds, and threads; it has no files, no programs, no environment of the operating system and no way to
// reach another process's variables.
//
// Nothing here locks: one goroutine at a time may use a VM and everything that belongs to it. The lane package's
// baton sees to that.
//
// Every thread that runs a script has a context that is a [Context]: the library charges its work to it, finds the
// process's variables by it, and stops when it says so. Threads, coroutines and protected calls of one process share
// it.
package sandbox
