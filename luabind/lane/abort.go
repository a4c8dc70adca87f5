package lane

import (
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// ErrAbort is the cause when a method is stopped because its own code asked for that. It is a process.ErrEnded, so
// that the end of a process by it is reported as any other abort.
var ErrAbort error = aborted{}

type aborted struct{}

func (aborted) Error() string        { return "abort was called" }
func (aborted) Is(target error) bool { return target == process.ErrEnded }

// Abort stops the code that runs, by raising an error in L that no pcall of it catches. A process that runs scripts
// for nobody else is killed besides, with ErrAbort: it ends with that code, whichever call it is in, and a worker's
// messages are for its next process. That of a client, and those of the host, go on with the next call. It needs the
// baton.
func (p *Program) Abort(L *lua.LState) {
	p.standAt()
	if p.process.RunsScripts() && p.process.Type() != process.InternalServer {
		p.process.Kill(ErrAbort)
	}
	if p.call.stopped == nil {
		p.call.stopped = ErrAbort
	}
	p.raiseStopped(L)
}
