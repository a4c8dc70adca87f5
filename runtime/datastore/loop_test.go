package datastore

import (
	"context"
	"errors"
	"sync"
	"testing"

	"moongate/runtime/wire"
)

// loop is an Asker that carries acts to a context of this process, by bytes as a real one does.
type loop struct {
	context *Context
	acts    []string // that were carried
	fail    error    // if not nil, the answer of the next act is lost, and the context forgets what it has
}

func (l *loop) Data(ctx context.Context, op string, args []any) (any, error) {
	l.acts = append(l.acts, op)
	packed, err := wire.Pack(args)
	if err != nil {
		return nil, err
	}
	if args, err = wire.Unpack(packed); err != nil {
		return nil, err
	}
	answer, err := Carry(ctx, l.context, op, args)
	if lost := l.fail; lost != nil {
		l.fail = nil
		l.context.Release(context.WithoutCancel(ctx))
		return nil, lost
	}
	if err != nil {
		var e *Error
		errors.As(err, &e)
		return nil, wire.Error{Code: wireCode, Message: e.Kind.Word() + " " + e.Error()}
	}
	if packed, err = wire.Pack([]any{answer}); err != nil {
		return nil, err
	}
	list, err := wire.Unpack(packed)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// farStores are the stores whose contexts are seen by way of a loop.
var farStores sync.Map // of *Store

// far makes a Distant on a context of its own.
func far(t testing.TB, s *Store, process int64) (*Distant, *loop) {
	c := s.NewContext(Owner{Process: process, Name: "P"})
	l := &loop{context: c}
	d := NewDistant(s.Structure(), l)
	t.Cleanup(func() {
		if err := errors.Join(d.Close(context.Background()), c.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return d, l
}

// behind is the context that a process has on the server.
func behind(d Data) *Context {
	if far, ok := d.(*Distant); ok {
		return far.asker.(*loop).context
	}
	return d.(*Context)
}
