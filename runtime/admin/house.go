package admin

import (
	"context"
	"errors"
	"iter"
)

// House is the server as the admin listener sees it. Its methods may be called from any goroutine, run no script, and
// answer at once. Those that act return ErrGone, ErrNotUser or ErrTooLate, wrapped with what exactly.
type House interface {
	Server() Server
	Processes() []Process
	Connections() []Connection
	Sessions() []Session
	Users() []User
	Methods() []Method
	Lanes() []Lane
	Shadow() Shadow

	Abort(number, id int64) (Done, error)
	Pause(number, id int64) (Done, error)
	Activate(number, id int64) (Done, error)
	DropConnection(id int64) (Done, error)
	DropUser(name string) (Done, error) // a name, alias or number
	DropSession(id string) (Done, error)
	Send(MessageAct) (Done, error)
	RefuseNew(refuse bool) (Done, error)
	Reload() (Done, error)            // the error is that of the scripts; the last good version stays
	ShadowOn(ShadowAct) (Done, error) // the error is that of the scripts, as of Promote
	ShadowOff() (Done, error)
	Promote() (Done, error)
	Quit(QuitAct) (Done, error)
	CancelQuit() (Done, error)
	Restart(RestartAct) (Done, error) // begins it; events say how it goes on

	// Events gives what happens from now on, until ctx ends or the server is over. A reader that is too slow misses
	// some: the next event says how many.
	Events(ctx context.Context) iter.Seq[Event]
}

// Errors of a House.
var (
	ErrGone    = errors.New("gone")               // what the act was for is not there (any more): 404
	ErrNotUser = errors.New("not a user process") // 409
	ErrTooLate = errors.New("too late")           // the shutdown is past the point of no return: 409
	ErrBad     = errors.New("bad request")        // the act makes no sense: 400
)
