package admin_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"

	"moongate/runtime/admin"
	"moongate/runtime/admin/client"
)

// The client and the listener understand each other: every act and every list, over a real socket.
func TestTheClientAndTheListener(t *testing.T) {
	events := make(chan admin.Event, 2)
	house := &admin.FakeHouse{Fill: true, Stream: func(yield func(admin.Event) bool, _ context.Context) {
		for e := range events {
			if !yield(e) {
				return
			}
		}
	}}
	l, err := admin.Open(admin.Options{Address: "127.0.0.1:0", House: house, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(l.Serve)
	defer serving.Wait()
	defer l.Close(0)
	c := client.New(l.Address().String(), "")
	defer c.Close()
	ctx := t.Context()
	asMuch(t, "server", house.Server())(c.Server(ctx))
	asMuch(t, "processes", house.Processes())(c.Processes(ctx))
	asMuch(t, "connections", house.Connections())(c.Connections(ctx))
	asMuch(t, "sessions", house.Sessions())(c.Sessions(ctx))
	asMuch(t, "users", house.Users())(c.Users(ctx))
	asMuch(t, "methods", house.Methods())(c.Methods(ctx))
	asMuch(t, "lanes", house.Lanes())(c.Lanes(ctx))
	done := func(text string) func(admin.Done, error) {
		t.Helper()
		return asMuch(t, text, admin.Done{Count: 1, Text: text})
	}
	done("abort 5 9")(c.Abort(ctx, 5, 9))
	done("pause 5 0")(c.Pause(ctx, 5, 0))
	done("activate 5 0")(c.Activate(ctx, 5, 0))
	done("drop connection 17")(c.DropConnection(ctx, 17))
	for _, name := range []string{"ann", "a/b", "..", ".", "%2F", "ü ?#&=;", "{user}", strings.Repeat("x", 1024)} {
		done("drop user " + name)(c.DropUser(ctx, name))
	}
	done("drop session A")(c.DropSession(ctx, "A"))
	done("send {Text:hi Connection:7 User: Session:}")(c.Send(ctx, admin.MessageAct{Text: "hi", Connection: 7}))
	done("refuse true")(c.RefuseNew(ctx, true))
	done("refuse false")(c.RefuseNew(ctx, false))
	done("reload")(c.Reload(ctx))
	done("quit {Mode:now Seconds:0 Message:}")(c.Quit(ctx, admin.QuitAct{Mode: "now"}))
	done("cancel quit")(c.CancelQuit(ctx))
	house.Err = admin.ErrGone
	var refusal *client.Refusal
	if _, err := c.CancelQuit(ctx); !errors.As(err, &refusal) || refusal.Status != 404 || refusal.Text != "cancel quit: gone" {
		t.Errorf("what is gone: got %v", err)
	}
	stream, err := c.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	want := admin.Event{Kind: "refused", Code: 22000, Text: "<closed>"}
	events <- want
	close(events)
	if got, _, err := stream.Next(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got the event %+v and %v, want %+v", got, err, want)
	}
	if _, _, err := stream.Next(); err != io.EOF {
		t.Errorf("the end of the events: got %v", err)
	}
}

// asMuch wants that a call gives what the house has.
func asMuch[T any](t *testing.T, what string, want T) func(T, error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%.60s: got %+v and %v, want %+v", what, got, err, want)
		}
	}
}
