package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"moongate/runtime/admin"
	"moongate/runtime/admin/client"

	"golang.org/x/term"
)

// watching is one run of moongate top.
type watching struct {
	*operation
	interval time.Duration
	count    int
	all      bool

	view          view
	columns, rows int // of the terminal, when it was drawn
}

// shortestInterval is the least time between two rounds: a server has other things to do.
const shortestInterval = 100 * time.Millisecond

// top is moongate top.
func top(m *invocation, args []string) int {
	w := &watching{operation: newOperation(m, "top")}
	w.set.DurationVar(&w.interval, "interval", time.Second, "the `time` from one round to the next")
	w.set.IntVar(&w.count, "count", 0, "so many rounds (a `number`; 0: without end on a terminal, 1 elsewhere)")
	w.set.BoolVar(&w.all, "all", false, "show the host's own processes too")
	if ok, code := w.parse(args, 0, 0); !ok {
		return code
	}
	switch {
	case w.interval < shortestInterval:
		return w.misused(fmt.Errorf("--interval is %v; it must be %v or more", w.interval, shortestInterval))
	case w.count < 0:
		return w.misused(fmt.Errorf("--count is %d; it must be 0 or more", w.count))
	}
	ctx, stop := interruptible()
	defer stop()
	w.view = view{address: w.client.Address(), all: w.all}
	if w.out.terminal && !w.json {
		return w.live(ctx)
	}
	w.count = max(w.count, 1)
	return w.rounds(ctx)
}

// rounds writes so many rounds, one below the other. Ctrl-C is the end, and no failure.
func (w *watching) rounds(ctx context.Context) int {
	for i := range w.count {
		if i > 0 {
			pauseFor(ctx, w.interval)
		}
		s, err := ask(ctx, w.client)
		switch {
		case ctx.Err() != nil:
			return ExitClean
		case err != nil:
			return w.failed(err)
		}
		w.view.take(s)
		if err := w.round(i); err != nil {
			return w.written(err)
		}
	}
	return ExitClean
}

func (w *watching) round(i int) error {
	if w.json {
		document, err := json.Marshal(w.view.document())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(w.out, inert(document))
		return err
	}
	if i > 0 {
		fmt.Fprintln(w.out)
	}
	for _, line := range w.view.lines(w.out, 0) {
		if _, err := fmt.Fprintln(w.out, line); err != nil {
			return err
		}
	}
	return nil
}

// mostConnections is how many connections top looks at one by one: the list of more would take the server longer than it
// is worth, and their number is known anyway.
const mostConnections = 5000

// ask takes a sample.
func ask(ctx context.Context, c *client.Client) (s *sample, err error) {
	s = &sample{Time: time.Now()}
	if s.Server, err = c.Server(ctx); err != nil {
		return nil, err
	}
	if s.Processes, err = c.Processes(ctx); err != nil {
		return nil, err
	}
	if s.Server.Connections <= mostConnections {
		if s.Connections, err = c.Connections(ctx); err != nil {
			return nil, err
		}
	}
	s.Lanes, err = c.Lanes(ctx)
	return s, err
}

// sample is what the server said in one round.
type sample struct {
	Time        time.Time          `json:"time"`
	Server      admin.Server       `json:"server"`
	Processes   []admin.Process    `json:"processes"`
	Connections []admin.Connection `json:"connections"` // null: there are too many to list
	Lanes       []admin.Lane       `json:"lanes"`
}

// Sequences that a terminal understands (ECMA-48, and xterm's for its other screen).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[2J" // the other screen, no cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	homeward    = "\x1b[H"
	wholeLine   = "\x1b[2K"    // erases it: before it is written, as after one that is full the cursor stands on its end
	restOfIt    = "\r\n\x1b[J" // erases the rows below
)

// resizeEvery is how often the size of the terminal is looked at.
const resizeEvery = 250 * time.Millisecond

// live fills the terminal until q or Ctrl-C, which is no failure, or for --count rounds. A server that goes away is
// waited for.
func (w *watching) live(ctx context.Context) int {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	restore := w.listen(leave)
	defer restore()
	fmt.Fprint(w.out, enterScreen)
	defer fmt.Fprint(w.out, leaveScreen)
	resized := time.NewTicker(resizeEvery)
	defer resized.Stop()
	for round := 1; ctx.Err() == nil; round++ {
		s, err := ask(ctx, w.client)
		if ctx.Err() != nil {
			break
		}
		w.view.heard(s, err)
		if err := w.draw(); err != nil {
			return w.written(err)
		}
		if round == w.count {
			break
		}
		w.await(ctx, resized.C)
	}
	return ExitClean
}

// await waits for the next round, and draws again when the terminal has another size.
func (w *watching) await(ctx context.Context, look <-chan time.Time) {
	next := time.NewTimer(w.interval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			return
		case <-look:
			if columns, rows := w.out.size(); columns != w.columns || rows != w.rows {
				w.draw()
			}
		}
	}
}

// draw writes the whole screen at once, line over line, so that nothing flickers.
func (w *watching) draw() error {
	w.columns, w.rows = w.out.size()
	lines := w.view.lines(w.out, w.rows)
	frame := homeward
	for i, line := range lines {
		if i > 0 {
			frame += "\r\n"
		}
		frame += wholeLine + line
	}
	if len(lines) < w.rows {
		frame += restOfIt
	}
	_, err := io.WriteString(w.out, frame)
	return err
}

// listen has q, Ctrl-C and Escape call leave, and gives the function that makes the keyboard what it was.
func (w *watching) listen(leave func()) (restore func()) {
	keyboard, ok := w.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(keyboard.Fd())) {
		return func() {}
	}
	before, err := term.MakeRaw(int(keyboard.Fd()))
	if err != nil {
		return func() {}
	}
	go keys(keyboard, leave) // ends with the program: a read from a terminal cannot be called back
	return func() { term.Restore(int(keyboard.Fd()), before) }
}

// keys reads keys until one of them leaves. A lone escape character is the key of that name; followed by more it is
// another key.
func keys(keyboard io.Reader, leave func()) {
	defer leave()
	pressed := make([]byte, 64)
	for {
		n, err := keyboard.Read(pressed)
		if err != nil || n == 0 {
			return
		}
		switch pressed[0] {
		case 'q', 'Q', 3:
			return
		case 27:
			if n == 1 {
				return
			}
		}
	}
}
