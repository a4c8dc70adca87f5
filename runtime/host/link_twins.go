package host

import (
	"context"
	"errors"
	"net"
	"time"

	"moongate/runtime/datastore"
	"moongate/runtime/process"
	"moongate/runtime/session"
)

// What a client process has on the server is made when it is first needed: the data twin for data, without a call of the
// open method, and the language twin, in which the open and close methods run. All of this belongs to the link's
// goroutine.

// speak makes the language twin, unless there is one, and asks the open method about it. The error may be an
// *application.Refused; then the link stays as it was, and the next use asks again.
func (l *link) speak() error {
	g, h := l.guest, l.host
	if g.connection != nil {
		return nil
	}
	twin := h.twin(time.Now())
	c := h.sessions.Speak(l.Link, twin, time.Now())
	if c == nil {
		twin.End()
		return errInterrupted
	}
	c.ServedBy(l)
	return g.enterAs(c)
}

// errNoStore is what a client is told that asks for data where there is none.
var errNoStore = errors.New("the server has no data: it has no tables, or no data folder")

// carry carries out an act of data in the data twin. What the link's end cancels is an error of the data store's.
func (l *link) carry(op string, args []any) (any, error) {
	if l.host.store == nil {
		return nil, errNoStore
	}
	twin := l.dataTwin()
	twin.Rest(process.Executing)
	defer twin.Rest(process.WaitingForInputOutput)
	return datastore.Carry(l.ctx, l.context(twin), op, args)
}

// dataTwin is the data twin, made when it is first asked for. Whoever aborts it ends the link.
func (l *link) dataTwin() *process.Process {
	if l.twin == nil {
		l.twin = l.host.processes.Start(process.Spec{
			Name: l.Name(), Type: process.InternalServer, Session: l.Session.ID, Preemptive: true,
		})
		l.SetData(l.twin)
		l.twin.OnKill(func(error) { l.End(session.ProcessAborted) })
	}
	return l.twin
}

// context is the data of both twins, made when one of them first needs it. There must be a store.
func (l *link) context(of *process.Process) *datastore.Context {
	if l.data == nil {
		l.data = l.host.store.NewContext(datastore.Owner{Process: int64(of.Number()), Name: l.Name(), User: l.Session.UserName()})
	}
	return l.data
}

// releaseTime is how long the end of a transaction may take.
const releaseTime = 5 * time.Second

// settle does something with the data that the link has, if it has any.
func (l *link) settle(how func(*datastore.Context, context.Context) error) {
	if l.data == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseTime)
	defer cancel()
	if err := how(l.data, ctx); err != nil {
		l.host.log.Warn("data of a client process", "session", l.Session.ID, "client_process", l.Process, "error", err)
	}
}

// finish is the end of a link, whatever its cause: its transaction and locks go, then the close method runs, in the same
// process with the same three integers and the variables that the open method left; then what the processes own is
// freed; then the socket is closed. The Application process's link ends when all others of the session have.
func (l *link) finish(conn net.Conn) {
	h, g := l.host, l.guest
	h.sessions.Clients().Unregister(l)
	l.settle((*datastore.Context).Release)
	if l.Application {
		l.awaitOthers()
	}
	c := g.connection
	if c != nil {
		g.farewell()
	}
	l.settle((*datastore.Context).Close)
	if l.twin != nil {
		l.twin.OnKill(nil)
		l.twin.End()
	}
	h.sessions.EndLink(l.Link, time.Now())
	if c != nil {
		c.Process.End()
	}
	l.cancel(nil)
	l.replies.Forget()
	if l.Application {
		l.log("session closed", "cause", l.asked().String(), "duration", time.Since(l.Since).Round(time.Millisecond))
	}
	close(l.over)
	l.refuse()
	if conn != nil {
		conn.Close()
	}
}

// awaitOthers waits until the Application process's link is the last of its session. The others have been asked for their
// ends, and what they run was killed.
func (l *link) awaitOthers() {
	for {
		fewer := l.Session.Fewer()
		if len(l.Session.Links()) <= 1 {
			return
		}
		<-fewer
	}
}
