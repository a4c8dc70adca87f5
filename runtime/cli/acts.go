package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"moongate/runtime/admin"
	"moongate/runtime/admin/client"
)

// outcome is what became of one target of an act.
type outcome struct {
	Target string `json:"target"`
	admin.Done
	Error string `json:"error,omitempty"`
}

// each acts on one target after the other, and goes on after one that the server refuses: the others are still meant. It
// stops when the server itself cannot be asked.
func (o *operation) each(targets []string, act func(ctx context.Context, target string) (admin.Done, error)) int {
	ctx, stop := interruptible()
	defer stop()
	code := ExitClean
	var outcomes []json.RawMessage
	for _, target := range targets {
		done, err := act(ctx, target)
		result := outcome{Target: target, Done: done}
		if err != nil {
			result.Error = err.Error()
			code = o.failed(err) // it names the target
		} else if !o.json {
			fmt.Fprintln(o.out, printable(done.Text))
		}
		row, _ := json.Marshal(result) // a struct of texts and numbers
		outcomes = append(outcomes, row)
		if refused := new(client.Refusal); err != nil && !errors.As(err, &refused) {
			break
		}
	}
	if o.json {
		return max(code, o.written(writeArray(o.out, outcomes)))
	}
	return code
}

// once does one act.
func (o *operation) once(act func(ctx context.Context) (admin.Done, error)) int {
	ctx, stop := interruptible()
	defer stop()
	done, err := act(ctx)
	if err != nil {
		return o.failed(err)
	}
	return o.said(done)
}

// said writes what an act has done.
func (o *operation) said(done admin.Done) int {
	text := printable(done.Text)
	if o.json {
		row, _ := json.Marshal(done) // a struct of a text and a number
		text = inert(row)
	}
	_, err := fmt.Fprintln(o.out, text)
	return o.written(err)
}

// numbers reads arguments that are numbers of something. Nothing is done when one of them is none.
func numbers(args []string, of string) error {
	for _, arg := range args {
		if n, err := strconv.ParseInt(arg, 10, 64); err != nil || n <= 0 {
			return fmt.Errorf("%q is no number of a %s", arg, of)
		}
	}
	return nil
}

// whole reads a number that numbers has looked at.
func whole(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// processAct is a method of the client that acts on a process.
type processAct func(c *client.Client, ctx context.Context, number, id int64) (admin.Done, error)

// onProcesses is a command that acts on processes by their numbers.
func onProcesses(m *invocation, name string, args []string, act processAct) int {
	o := newOperation(m, name)
	if ok, code := o.parse(args, 1, -1); !ok {
		return code
	}
	if err := numbers(o.set.Args(), "process"); err != nil {
		return o.misused(err)
	}
	return o.each(o.set.Args(), func(ctx context.Context, target string) (admin.Done, error) {
		return act(o.client, ctx, whole(target), 0)
	})
}

// abort is moongate abort.
func abort(m *invocation, args []string) int {
	return onProcesses(m, "abort", args, (*client.Client).Abort)
}

// pause is moongate pause.
func pause(m *invocation, args []string) int {
	return onProcesses(m, "pause", args, (*client.Client).Pause)
}

// resume is moongate resume.
func resume(m *invocation, args []string) int {
	return onProcesses(m, "resume", args, (*client.Client).Activate)
}

// kick is moongate kick.
func kick(m *invocation, args []string) int {
	o := newOperation(m, "kick")
	user := o.set.String("user", "", "all connections of the user with this `name`, alias or number")
	session := o.set.String("session", "", "all connections of the session with this `id`")
	if ok, code := o.parse(args, 0, -1); !ok {
		return code
	}
	byUser, bySession := o.set.Changed("user"), o.set.Changed("session")
	switch {
	case len(truths(o.set.NArg() > 0, byUser, bySession)) != 1, byUser && *user == "", bySession && *session == "":
		return o.misused(errors.New("say whom: numbers of connections, or --user NAME, or --session ID"))
	case byUser:
		return o.each([]string{*user}, o.client.DropUser)
	case bySession:
		return o.each([]string{*session}, o.client.DropSession)
	}
	if err := numbers(o.set.Args(), "connection"); err != nil {
		return o.misused(err)
	}
	return o.each(o.set.Args(), func(ctx context.Context, target string) (admin.Done, error) {
		return o.client.DropConnection(ctx, whole(target))
	})
}

// truths are the places of those that are true.
func truths(all ...bool) []int {
	var found []int
	for i, is := range all {
		if is {
			found = append(found, i)
		}
	}
	return found
}

// send is moongate send.
func send(m *invocation, args []string) int {
	o := newOperation(m, "send")
	var act admin.MessageAct
	o.set.StringVar(&act.User, "user", "", "only to the user with this `name`, alias or number")
	o.set.Int64Var(&act.Connection, "connection", 0, "only to the connection with this `number`")
	o.set.StringVar(&act.Session, "session", "", "only to the session with this `id`")
	if ok, code := o.parse(args, 1, -1); !ok {
		return code
	}
	byUser, byConnection, bySession := o.set.Changed("user"), o.set.Changed("connection"), o.set.Changed("session")
	switch {
	case o.set.NArg() > 1:
		return o.misused(fmt.Errorf("the text is one argument: quote it, as in moongate %s", o.manual.examples[0]))
	case len(truths(byUser, byConnection, bySession)) > 1:
		return o.misused(errors.New("give one of --user, --connection and --session, or none for everybody"))
	case byUser && act.User == "", byConnection && act.Connection <= 0, bySession && act.Session == "": // they would mean everybody
		return o.misused(errors.New("--user, --connection and --session need somebody; without them the message is for everybody"))
	}
	act.Text = o.set.Arg(0)
	return o.once(func(ctx context.Context) (admin.Done, error) { return o.client.Send(ctx, act) })
}

// simple is a command without flags or arguments of its own.
func simple(m *invocation, name string, args []string, act func(ctx context.Context, c *client.Client) (admin.Done, error)) int {
	o := newOperation(m, name)
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	return o.once(func(ctx context.Context) (admin.Done, error) { return act(ctx, o.client) })
}

// refuseNew is moongate refuse-new.
func refuseNew(m *invocation, args []string) int {
	return simple(m, "refuse-new", args, func(ctx context.Context, c *client.Client) (admin.Done, error) { return c.RefuseNew(ctx, true) })
}

// acceptNew is moongate accept-new.
func acceptNew(m *invocation, args []string) int {
	return simple(m, "accept-new", args, func(ctx context.Context, c *client.Client) (admin.Done, error) { return c.RefuseNew(ctx, false) })
}

// reload is moongate reload.
func reload(m *invocation, args []string) int {
	return simple(m, "reload", args, func(ctx context.Context, c *client.Client) (admin.Done, error) { return c.Reload(ctx) })
}
