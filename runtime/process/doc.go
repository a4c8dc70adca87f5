// Package process is the process table of a Moongate machine: who runs, under which number and name, in
// which state, and how one process delays, pauses, resumes or ends another.
//
// A [Process] has a [Number], which is a slot that the next process may use again once the process has ended,
// and an [ID] that is never used again (4D calls it the unique process ID). All numbers of the table start
// with 1. The slot of a process that has ended keeps its name and the state [Aborted] until it is used again.
//
// A process may answer outside calls while it waits ([Process.OnOutsideCall]). [Boxes] are the message boxes of workers:
// processes that carry out one message after the other.
//
// The package knows nothing of Lua. Whoever runs a process's code does three things: looks at
// [Process.Attention] between steps of the code, calls [Process.AwaitRelease] when it says that the process is
// held, and stops the code when [Process.Killed] gives a cause. Everything else may be called from any
// goroutine.
package process
