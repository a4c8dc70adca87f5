package remote

import (
	"math"
	"time"

	"moongate/runtime/wire"
)

// push is one thing that the server said by itself, ready to be told.
type push func(Notices)

// readPush understands a push. It is nil for one that this version does not know. The error is nonsense.
func readPush(p wire.Push) (push, error) {
	kind, _ := element[string](p, 0)
	switch kind {
	case "notice", "stay", "structure":
		text, ok := element[string](p, 1)
		if !ok {
			break
		}
		return func(n Notices) {
			switch kind {
			case "notice":
				n.Message(text)
			case "stay":
				n.Staying(text)
			case "structure":
				n.Structure([]byte(text))
			}
		}, nil
	case "quit":
		seconds, ok := element[int64](p, 1)
		text, isText := element[string](p, 2)
		if !ok || !isText || seconds < -1 || seconds > math.MaxInt32 {
			break
		}
		in := time.Duration(seconds) * time.Second
		return func(n Notices) { n.Quitting(in, text) }, nil
	case "order":
		return readOrder(p)
	default:
		return nil, nil
	}
	return nil, nonsense("a push %.16q that cannot be understood", kind)
}

func readOrder(p wire.Push) (push, error) {
	id, ok := element[int64](p, 1)
	method, isText := element[string](p, 2)
	values, isPacked := element[string](p, 3)
	if !ok || !isText || !isPacked {
		return nil, nonsense("an order that cannot be understood")
	}
	args, err := wire.Unpack([]byte(values))
	if err != nil {
		return nil, nonsense("in an order: %v", err)
	}
	return func(n Notices) { n.Order(id, method, args) }, nil
}

// element is an element of a push, false if it is not there or of another type.
func element[T any](p wire.Push, i int) (T, bool) {
	if i >= len(p) {
		var none T
		return none, false
	}
	v, ok := p[i].(T)
	return v, ok
}

// isOrder reports whether a push is for the link it came by, whichever that is; all others are the Application
// process's.
func isOrder(p wire.Push) bool { return len(p) > 0 && p[0] == "order" }

// silence hears nothing.
type silence struct{}

func (silence) Message(string)                 {}
func (silence) Quitting(time.Duration, string) {}
func (silence) Staying(string)                 {}
func (silence) Order(int64, string, []any)     {}
func (silence) Structure([]byte)               {}
func (silence) Lost(error)                     {}
