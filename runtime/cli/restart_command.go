package cli

import (
	"context"
	"errors"
	"time"

	"moongate/runtime/admin"
	"moongate/runtime/admin/client"
)

// restart is moongate restart.
func restart(m *invocation, args []string) int {
	o := newOperation(m, "restart")
	var delay string
	var wait, active bool
	o.set.StringVar(&delay, "in", "", "clients of the old process have this `time` to leave (90s, 5m; a bare number is seconds), then they are disconnected")
	o.set.BoolVar(&wait, "wait", false, "the old process stays until all its clients have left (so it is without a flag)")
	o.set.BoolVar(&active, "wait-active", false, "the old process stays until all its clients that do not sleep have left")
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	chosen := truths(o.set.Changed("in"), wait, active)
	if len(chosen) > 1 {
		return o.misused(errors.New("choose one of --in 90s, --wait and --wait-active"))
	}
	act := admin.RestartAct{Mode: "wait"}
	if len(chosen) == 1 {
		act.Mode = []string{"in", "wait", "wait-active"}[chosen[0]]
	}
	if act.Mode == "in" {
		d, err := delayOf(delay)
		if err != nil {
			return o.misused(err)
		}
		act.Seconds = d.Seconds()
	}
	ctx, stop := interruptible()
	defer stop()
	return o.restart(ctx, act)
}

// restart begins a restart, and waits for its outcome.
func (o *operation) restart(ctx context.Context, act admin.RestartAct) int {
	before, err := o.client.Server(ctx)
	if err != nil {
		return o.failed(err)
	}
	stream, err := o.client.Listen(ctx) // before it begins: it may be over at once
	if err != nil {
		return o.failed(err)
	}
	defer stream.Close()
	if _, err := o.client.Restart(ctx, act); err != nil {
		return o.failed(err)
	}
	for {
		event, _, err := stream.Next()
		switch {
		case err != nil:
			return o.afterRestart(ctx, before.PID)
		case event.Kind == "restarted":
			return o.said(admin.Done{Count: 1, Text: event.Text})
		case event.Kind == "restart failed":
			return o.failed(errors.New("not restarted, the server goes on: " + event.Text))
		}
	}
}

// afterRestart finds out what has become of a restart of which nothing more is heard.
func (o *operation) afterRestart(ctx context.Context, before int) int {
	for until := time.Now().Add(goneSoon); ctx.Err() == nil && time.Now().Before(until); pauseFor(ctx, askAgain) {
		s, err := o.client.Server(ctx)
		if errors.Is(err, client.ErrNoServer) {
			return o.failed(errors.New("the server has gone: its log says more"))
		}
		if err == nil && s.PID != before {
			return o.said(admin.Done{Count: 1, Text: "the server was restarted"})
		}
	}
	return o.failed(errors.New("it is not known what has become of the restart: the log of the server says more"))
}
