package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"moongate/luabind/lane"
	"moongate/runtime/interprocess"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

var semaphoreCommands = []Command{
	{Name: "semaphore", Signature: "semaphore(name [, ticks]) -> boolean", FourD: "Semaphore", Since: "0.1", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "false: the semaphore is the caller's now; true: another process has it, and had it for so many 1/60 seconds. Those of a server are also its clients', but for those whose names begin with $, which each machine has for itself", run: semaphore, once: true},
	{Name: "test_semaphore", Signature: "test_semaphore(name) -> boolean", FourD: "Test semaphore", Since: "0.1", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "whether any process has the semaphore", run: testSemaphore, once: true},
	{Name: "clear_semaphore", Signature: "clear_semaphore(name)", FourD: "CLEAR SEMAPHORE", Since: "0.1", Waits: true, Asked: true, Roles: everywhere,
		Meaning: "gives the caller's semaphore to the first who waits for it, or ends it; of another process it stays as it is", run: clearSemaphore, instead: noEffect("s")},
}

// caller is the calling process as package interprocess knows it.
func caller(L *lua.LState) interprocess.Owner {
	return interprocess.Owner(lane.Running(L).Process().ID())
}

// describe names a process in messages: its number and, if it has one, its name.
func (e *environment) describe(o interprocess.Owner) string {
	p := e.host.Processes().ByID(process.ID(o))
	switch {
	case p == nil:
		return "a process that has ended"
	case p.Name() == "":
		return fmt.Sprintf("process %d", p.Number())
	}
	return fmt.Sprintf("process %d (%s)", p.Number(), p.Name())
}

// await blocks, outside, until it is the caller's turn, and reports whether it is: not when the time until is reached
// (zero: never) or the process was woken to end, unless again says that it then waits on. When the process is stopped
// it raises the error. A place that was not waited for to its end is given up.
func await(L *lua.LState, w *interprocess.Wait, until time.Time, again bool) bool {
	over := false
	defer func() {
		if !over {
			w.Leave()
		}
	}()
	for {
		switch lane.Running(L).Wait(L, process.WaitingForInternalFlag, until, w.Turn()) {
		case process.Ready:
			over = true
			return w.Take()
		case process.Woken:
			if again {
				continue
			}
		}
		return false
	}
}

func semaphore(e *environment, L *lua.LState) int {
	name, limit := checkSemaphore(L), time.Duration(0)
	if L.Get(2) != lua.LNil {
		limit = checkTicks(L, 2)
	}
	if e.isServers(name) {
		return e.semaphoreOfServer(L, name, limit)
	}
	by, taken := caller(L), false
	if taken = e.commons.TakeSemaphore(by, name); !taken && limit > 0 {
		taken = e.awaitSemaphore(L, by, name, limit)
	}
	L.Push(lua.LBool(!taken))
	return 1
}

// checkSemaphore reads the name of a semaphore. A client that asks the server has no say in those that are the server's own.
func checkSemaphore(L *lua.LState) string {
	name := L.CheckString(1)
	if strings.HasPrefix(name, "$") && lane.Running(L).Asked() {
		L.ArgError(1, "name of a semaphore of all machines expected; one that begins with $ is a machine's own")
	}
	return name
}

// isServers reports whether a semaphore is the server's that this client has.
func (e *environment) isServers(semaphore string) bool {
	return e.distant() && !strings.HasPrefix(semaphore, "$")
}

// longestTicks stands for a wait without an end, and for any that is as long.
const longestTicks = 1e15

// semaphoreOfServer asks the server for a semaphore, which then is that of the process there and is freed with it. Who cannot
// be sure to have it does not have it: true.
func (e *environment) semaphoreOfServer(L *lua.LState, name string, limit time.Duration) int {
	var results []any
	var err error
	woken := false
	if limit > 0 {
		args := []any{name, min(limit.Seconds()*60, longestTicks)}
		link, unlinked := e.link(L, "semaphore")
		if err = unlinked; err == nil {
			results, woken, err = e.waitFor(L, "semaphore", func(ctx context.Context) ([]any, error) { return link.Do(ctx, "semaphore", args) })
		}
	} else {
		results, err = e.ask(L, "semaphore", name)
	}
	if err != nil {
		return e.trouble(L, "semaphore", lua.LTrue, err)
	}
	others, known := first(results).(bool)
	L.Push(lua.LBool(woken || !known || others))
	return 1
}

// awaitSemaphore waits for a semaphore. The longest Duration, which math.huge is, is a wait without an end.
func (e *environment) awaitSemaphore(L *lua.LState, by interprocess.Owner, name string, limit time.Duration) bool {
	endless, until := limit == 1<<63-1, time.Time{}
	if !endless {
		until = time.Now().Add(limit)
	}
	w, taken, err := e.commons.AwaitSemaphore(by, name, endless)
	if err != nil {
		L.RaiseError("semaphore: %s", err.Error())
	}
	return taken || await(L, w, until, false)
}

func testSemaphore(e *environment, L *lua.LState) int {
	name := checkSemaphore(L)
	if e.isServers(name) {
		return e.askFor(L, "test_semaphore", name)
	}
	L.Push(lua.LBool(e.commons.HasSemaphore(name)))
	return 1
}

func clearSemaphore(e *environment, L *lua.LState) int {
	name := checkSemaphore(L)
	if e.isServers(name) {
		return e.askFor(L, "clear_semaphore", name)
	}
	e.commons.ClearSemaphore(caller(L), name)
	return 0
}

// kept is a text that outlives the process: it must not hold a longer one of which it is a part.
func kept(L *lua.LState, s string) string {
	lane.Running(L).Grow(L, len(s))
	return strings.Clone(s)
}
