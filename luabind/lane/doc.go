// Package lane runs Lua: which process's code runs when, for how long, and what stops it.
//
// A [Lane] is one Lua VM and its baton. A goroutine touches the VM only while it holds the baton. A [Program] is what
// one process has of the scripts: the version it began with and its variables; [Program.Call] runs a method of it, in
// the goroutine that calls. Lane 0 is the cooperative lane, which nearly all processes share; the others take
// preemptive processes, which have no interprocess variables. A process stays in its lane for life.
//
// Between two waits a method runs undisturbed, up to the slice: a process that has held the baton longer than that
// while others wait gives it up at the next instruction. Methods at the door (open and close) go before other
// processes, until they have used up a slice themselves.
//
// How this is possible: the interpreter asks the context for its Done channel before every instruction. A Program is
// that context. Its Done counts, and every so many instructions it looks at the clock, at the process's table entry
// and at the memory; it may hand the baton over there, in place, or return a closed channel, which ends the method.
// The same place serves for deadlines, for aborts and for the memory limit.
package lane
