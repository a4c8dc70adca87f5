package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"moongate/runtime/wire"
)

// Process is one client process, as the server knows it. Its methods may be called from any goroutine; their requests
// are carried out one after another. They block until the server has answered, also over lost transports, and return
// the cause of a ctx that ends before (see the package's documentation for what that does to the link), an *Error, or
// what they say.
type Process struct {
	client *Client
	number int64
	name   string
	turn   chan struct{} // who has put something in may ask

	// These belong to who has the turn.
	link   *link // nil before the first request, and after the loss of a link that the process was told of
	closed bool
}

// Number is the process's number on the client's machine, Name its name there.
func (p *Process) Number() int64 { return p.number }

// Name is the process's name on the client's machine.
func (p *Process) Name() string { return p.name }

// Language makes the process's language twin on the server, if there is none: the open method is asked. The error may
// be a *Refused; then the link is as it was, and the next use asks again.
func (p *Process) Language(ctx context.Context) error {
	reply, err := p.request(ctx, plain("LANGUAGE"))
	if err != nil {
		return err
	}
	_, err = readFields("LANGUAGE", reply)
	return err
}

// Do has the server carry out one of its Lua commands as if the language twin's own code did, and gives all its
// results. It makes the language twin: the error may be a *Refused.
func (p *Process) Do(ctx context.Context, command string, args []any) ([]any, error) {
	return p.list(ctx, "DO", command, args)
}

// Call runs a project method on the server, in the language twin, and gives all its results. It makes the twin: the
// error may be a *Refused.
func (p *Process) Call(ctx context.Context, method string, args []any) ([]any, error) {
	return p.list(ctx, "CALLV", method, args)
}

// Data is one act of data, in the process's transaction and with its locks; package datastore says which there are.
// It makes the data twin. An error of the data store comes as a [wire.Error] with the code DATA, whose message is the
// kind of the error, a space, and the text.
func (p *Process) Data(ctx context.Context, op string, args []any) (any, error) {
	f, err := packed("DATA", op, args)
	if err != nil {
		return nil, err
	}
	return p.request(ctx, f)
}

// Register has the server send this process the orders that EXECUTE ON CLIENT gives for that name (Notices.Order). It
// reports false when the process had registered already.
func (p *Process) Register(ctx context.Context, name string) (bool, error) {
	return p.truth(ctx, plain("REGISTER", name))
}

// Unregister ends that. It reports false when the process had not registered.
func (p *Process) Unregister(ctx context.Context) (bool, error) {
	return p.truth(ctx, plain("UNREGISTER"))
}

// Done says that an order was carried out: the next one may come.
func (p *Process) Done(ctx context.Context, id int64) error {
	return p.order(ctx, plain("DONE", strconv.FormatInt(id, 10)))
}

// Close says that the client process has ended, and waits until the server has run its close method and closed the
// link. Later requests fail with ErrClosed. Without a link it does nothing. A ctx that ends only ends the waiting:
// the server is told as soon as it can be. That of the Application process ends the session as Client.Close does.
func (p *Process) Close(ctx context.Context) error {
	if p == p.client.application {
		return p.client.Close(ctx)
	}
	err := p.take(ctx)
	switch {
	case err == nil:
	case p.client.ended() != nil || errors.Is(err, ErrClosed):
		return nil
	default:
		return err
	}
	defer p.give()
	l := p.link
	p.closed, p.link = true, nil
	if l == nil {
		return nil
	}
	return l.leave(ctx)
}

// take waits for the turn.
func (p *Process) take(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.client.done:
		return p.client.ended()
	}
	err := p.client.ended()
	switch {
	case err != nil:
	case p.closed:
		err = errProcessEnded
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		return nil
	}
	p.give()
	return err
}

func (p *Process) give() { <-p.turn }

// request asks the server for something and gives its answer, which is no error.
func (p *Process) request(ctx context.Context, f frame) (any, error) {
	if err := p.take(ctx); err != nil {
		return nil, err
	}
	l, err := p.reach()
	if err != nil {
		p.give()
		return nil, err
	}
	reply, err := l.ask(ctx, f)
	if errors.Is(err, errOrphaned) {
		return nil, context.Cause(ctx) // the link gives the turn when the answer has come
	}
	if err != nil && l.isOver() && p != p.client.application {
		p.link = nil // the process has been told
	}
	p.give()
	switch v := reply.(type) {
	case wire.Error:
		return nil, failure(v)
	case wire.SimpleString:
		return string(v), err
	}
	return reply, err
}

// reach is the process's link, which is made if there is none. The error says that the process had one, which was
// lost while it did not look.
func (p *Process) reach() (*link, error) {
	if l := p.link; l != nil {
		err := l.fate()
		if err == nil || p == p.client.application {
			return l, nil
		}
		p.link = nil
		if l.hadJoined() {
			return nil, err
		}
	}
	l := newLink(p)
	if err := p.client.start(l, nil, nil); err != nil {
		return nil, err
	}
	p.link = l
	return l, nil
}

// list is a request with typed values whose answer is a list.
func (p *Process) list(ctx context.Context, command, name string, args []any) ([]any, error) {
	f, err := packed(command, name, args)
	if err != nil {
		return nil, err
	}
	reply, err := p.request(ctx, f)
	if err != nil {
		return nil, err
	}
	results, ok := reply.([]any)
	if !ok {
		return nil, unexpected(command, reply, "a list")
	}
	return results, nil
}

// truth is a request whose answer is true or false.
func (p *Process) truth(ctx context.Context, f frame) (bool, error) {
	reply, err := p.request(ctx, f)
	if err != nil {
		return false, err
	}
	answer, ok := reply.(bool)
	if !ok {
		return false, unexpected("the request", reply, "true or false")
	}
	return answer, nil
}

// order is a request whose answer is OK.
func (p *Process) order(ctx context.Context, f frame) error {
	reply, err := p.request(ctx, f)
	if err == nil && reply != "OK" {
		return unexpected("the request", reply, "OK")
	}
	return err
}

func unexpected(request string, reply any, want string) error {
	return &Error{Message: fmt.Sprintf("the server answered %s with %s instead of %s", request, kind(reply), want)}
}
