// Package interprocess is what the processes of one Moongate machine share and wait for: semaphores, shared objects and
// collections with their groups, the storage, and signals. It is 4D's behaviour ("Semaphore", "Shared objects and
// collections", "Storage", "4D.Signal" in 4D's documentation), with the gaps closed that the documentation leaves: who
// waits is served in the order of coming, and an endless wait that could never end is refused.
//
// A [Commons] has all of it. It knows processes as an [Owner], a number that is never used again, and nothing of Lua. A
// process that must wait gets a [Wait]: it blocks on [Wait.Turn] in its own way, beside whatever else ends its waiting,
// and then calls [Wait.Take], or [Wait.Leave] when it does not want its turn any more. When a process ends, [Commons.Free] gives back all it
// owned.
//
// All methods may be called from any goroutine and none blocks, except that what is said to be for an owner belongs to
// the goroutine that runs that process: a process does one thing at a time.
package interprocess
