package datastore

import (
	"context"
	"errors"
	"testing"
	"time"

	"moongate/runtime/wire"
)

// somePacks are arguments that are right, or nearly, for some act.
func somePacks(f *testing.F) {
	key := "0123456789ABCDEF0123456789ABCDEF"
	deep := any("x")
	for range 40 {
		deep = wire.Map{{Key: "a", Value: deep}}
	}
	for op, args := range map[string][]any{
		"get":       {int64(0), nil, "things", key},
		"query":     {int64(0), int64(5), "things", "n in :1 and info.a = :2 order by name", []any{[]any{int64(1), nil, "x"}, true}},
		"count":     {int64(0), "things", nil, []any{}},
		"keys":      {int64(0), int64(1)},
		"rows":      {int64(0), nil, "words", []any{"a", "A", "a", "b"}},
		"put":       {nil, "server_log", int64(0), []any{int64(1), 2.0}},
		"order_by":  {int64(0), "server_log", int64(0), []any{int64(1)}, "log_date desc"},
		"aggregate": {int64(0), "things", int64(0), []any{key}, "sum", "info.a.b"},
		"drop_rows": {int64(0), "words", []any{"a", "a", "zz"}},
		"sequence":  {int64(0), "server_log"},
		"save":      {int64(0), "things", nil, int64(0), []any{"name", "info", "bytes", "day", "time"}, []any{"x", deep, "\x00\xff", "2026-03-01", "1:00"}},
		"drop":      {int64(0), "words", "a", int64(7)},
		"lock":      {int64(0), "words", "a"},
		"unlock":    {int64(0), "words", "a"},
		"start":     {int64(0)},
		"validate":  {int64(1)},
		"cancel":    {int64(0), int64(-3)},
		"level":     {nil},
		"release":   {"x"},
	} {
		packed, err := wire.Pack(args)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(op, packed, "save", packed)
	}
}

// FuzzCarry holds that no arguments of a client make the server panic or hang, that every error is one of the package, that
// every answer can be sent, and that afterwards the context works and lets go of everything.
func FuzzCarry(f *testing.F) {
	s := openTest(f, Config{Path: f.TempDir() + "/data.sqlite", Structure: serverLog(), Durability: Normal, TurnWait: time.Millisecond})
	first := contextOf(f, s, 1)
	for _, word := range []string{"a", "b"} {
		saved(f, first, "words", map[string]any{"word": word})
	}
	somePacks(f)
	f.Fuzz(func(t *testing.T, op1 string, packed1 []byte, op2 string, packed2 []byte) {
		c := s.NewContext(Owner{Process: 2})
		defer func() {
			if err := c.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if n := s.locks.held.Load(); n != 0 {
				t.Errorf("%d locks are left", n)
			}
		}()
		for _, act := range []struct {
			op     string
			packed []byte
		}{{op1, packed1}, {op2, packed2}, {op1, packed1}} {
			args, err := wire.Unpack(act.packed)
			if err != nil {
				continue
			}
			answer, err := Carry(context.Background(), c, act.op, args)
			var e *Error
			switch {
			case err != nil && !errors.As(err, &e):
				t.Errorf("%s: a strange error: %#v", act.op, err)
			case err == nil:
				if _, err := wire.Pack([]any{answer}); err != nil {
					t.Errorf("%s: the answer %#v: %v", act.op, answer, err)
				}
			}
		}
	})
}
