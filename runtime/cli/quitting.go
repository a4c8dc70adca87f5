package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"moongate/runtime/admin"
	"moongate/runtime/admin/client"
)

// quitting is one run of moongate quit.
type quitting struct {
	*operation
	delay             string // of --in
	wait, active, now bool
	message           string
	cancel, detach    bool

	before admin.Server // the server that is to stop
	watch  watch
}

// quit is moongate quit.
func quit(m *invocation, args []string) int {
	q := &quitting{operation: newOperation(m, "quit")}
	q.set.StringVar(&q.delay, "in", "", "clients have this `time` to leave (90s, 5m; a bare number is seconds), then they are disconnected")
	q.set.BoolVar(&q.wait, "wait", false, "wait until all clients have left")
	q.set.BoolVar(&q.active, "wait-active", false, "wait until all clients that do not sleep have left")
	q.set.BoolVar(&q.now, "now", false, "disconnect all clients at once")
	q.set.StringVar(&q.message, "message", "", "the `text` that clients are told")
	q.set.BoolVar(&q.detach, "detach", false, "do not stay until the server has stopped")
	q.set.BoolVar(&q.cancel, "cancel", false, "take all requests to quit back, those of others and of the operating system too")
	if ok, code := q.parse(args, 0, 0); !ok {
		return code
	}
	if q.cancel {
		if len(truths(q.set.Changed("in"), q.wait, q.active, q.now, q.detach, q.set.Changed("message"))) > 0 {
			return q.misused(errors.New("--cancel stands alone"))
		}
		return q.once(q.client.CancelQuit)
	}
	act, err := q.act()
	if err != nil {
		return q.misused(err)
	}
	if q.detach {
		return q.once(func(ctx context.Context) (admin.Done, error) { return q.client.Quit(ctx, act) })
	}
	ctx, stop := interruptible()
	defer stop()
	return q.follow(ctx, act)
}

// act is what the flags ask for.
func (q *quitting) act() (admin.QuitAct, error) {
	chosen := truths(q.set.Changed("in"), q.wait, q.active, q.now)
	if len(chosen) != 1 {
		return admin.QuitAct{}, errors.New("choose one way to quit: --in 90s, --wait, --wait-active or --now")
	}
	act := admin.QuitAct{Mode: []string{"in", "wait", "wait-active", "now"}[chosen[0]], Message: q.message}
	if act.Mode != "in" {
		return act, nil
	}
	delay, err := delayOf(q.delay)
	act.Seconds = delay.Seconds()
	return act, err
}

// delayOf reads a time to leave: 90s, 1h30m, or 4D's bare number of seconds.
func delayOf(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if seconds, notBare := strconv.ParseFloat(text, 64); notBare == nil && math.Abs(seconds) < 1e9 {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("--in is %q; it must be a time as 90s or 5m, or a number of seconds", text)
	}
	return d, nil
}

// follow asks the server to stop, and shows how it does until it has gone.
func (q *quitting) follow(ctx context.Context, act admin.QuitAct) int {
	q.watch = watch{out: q.out, json: q.json}
	var err error
	if q.before, err = q.client.Server(ctx); err != nil {
		return q.failed(err)
	}
	stream, err := q.client.Listen(ctx) // before it is asked: it may be gone at once
	if err != nil {
		return q.failed(err)
	}
	defer func() { stream.Close() }()
	done, err := q.client.Quit(ctx, act)
	switch {
	case ctx.Err() != nil: // it may have been asked
		return q.interrupted()
	case err != nil && !(errors.Is(err, client.ErrBroken) && q.wasAsked(ctx)):
		return q.failed(err)
	case err == nil && !q.json:
		q.watch.say(done.Text)
	}
	for {
		event, raw, err := stream.Next()
		if err == nil {
			q.watch.see(&event, raw)
			if over, code := q.after(ctx, stream, &event); over {
				return code
			}
			continue
		}
		stream.Close()
		if ctx.Err() != nil {
			return q.interrupted()
		}
		next, code := q.lost(ctx, err)
		if next == nil {
			return code
		}
		stream = next
	}
}

// wasAsked reports whether a server that went away while it answered had been asked to stop, as far as can be seen: it has
// gone, or stops. The stream says how.
func (q *quitting) wasAsked(ctx context.Context) bool {
	s, err := q.client.Server(ctx)
	return err != nil || s.Quit != nil || !q.same(&s)
}

// after reports whether an event was the last of a shutdown, and the exit code then.
func (q *quitting) after(ctx context.Context, stream *client.Stream, event *admin.Event) (bool, int) {
	switch event.Kind {
	case "ended":
		stream.Close()
		q.awaitGone(ctx)
		return true, q.watch.code
	case "quit canceled":
		s, err := q.client.Server(ctx)
		if err == nil && s.Quit == nil { // otherwise it was an earlier quit that was canceled
			return true, q.canceled()
		}
	}
	return false, 0
}

func (q *quitting) canceled() int {
	q.watch.clear()
	return q.failed(errors.New("the quit was canceled by somebody else: the server goes on"))
}

// interrupted is said when Ctrl-C ends the progress.
func (q *quitting) interrupted() int {
	q.watch.clear()
	text := "the server still quits"
	if q.watch.cancelable() {
		text += fmt.Sprintf("; this cancels it: moongate quit --cancel%s", q.elsewhere())
	}
	return q.failed(errors.New(text))
}

// elsewhere is the flag that leads to the server, when it is needed.
func (q *quitting) elsewhere() string {
	if q.admin == defaultAdmin {
		return ""
	}
	return " --admin " + q.admin
}

// Times of the end of a quit.
const (
	askAgain = 100 * time.Millisecond // between two looks at whether a server has gone
	goneSoon = 10 * time.Second       // that a server has from its last word until it has gone
)

// lost finds out what the end of the stream means: the server may have gone without a word, or only the stream. It gives
// another stream then, or nil and the exit code.
func (q *quitting) lost(ctx context.Context, why error) (*client.Stream, int) {
	for until := time.Now().Add(goneSoon); ; {
		s, err := q.client.Server(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, q.interrupted()
		case errors.Is(err, client.ErrNoServer), errors.Is(err, client.ErrForeign), err == nil && !q.same(&s):
			q.watch.clear()
			return nil, q.failed(errors.New("the server has gone without saying how it ended: its log says more"))
		case err == nil && s.Quit == nil:
			return nil, q.canceled()
		case err == nil:
			if stream, err := q.client.Listen(ctx); err == nil {
				return stream, 0
			}
		}
		if time.Now().After(until) {
			q.watch.clear()
			if err == nil || why == io.EOF {
				why = errors.New("its events cannot be read")
			}
			return nil, q.failed(fmt.Errorf("it is not known whether the server has stopped: %w", why))
		}
		pauseFor(ctx, askAgain)
	}
}

// same reports whether a server is the one that was asked to stop, and not one that was started since.
func (q *quitting) same(s *admin.Server) bool {
	return s.PID == q.before.PID && s.Started.Equal(q.before.Started)
}

// awaitGone waits until the server that has said its last word has really gone: who starts the next one needs its ports.
func (q *quitting) awaitGone(ctx context.Context) {
	for until := time.Now().Add(goneSoon); time.Now().Before(until) && ctx.Err() == nil; pauseFor(ctx, askAgain) {
		if s, err := q.client.Server(ctx); errors.Is(err, client.ErrNoServer) || err == nil && !q.same(&s) {
			return
		}
	}
	if ctx.Err() != nil { // nobody waits for it any more
		return
	}
	q.failed(errors.New("the server has stopped, but its program has not ended"))
}

// pauseFor waits, or until the context ends.
func pauseFor(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
