package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"moongate/runtime/host"

	"golang.org/x/term"
)

// console is the console of moongate local --console. At a terminal it prompts for lines, edits them, and shows results and
// errors there. Otherwise it reads lines until the input ends, writes results to the standard output and errors to the
// standard error, and remembers whether there were any. Its end is the host's.
type console struct {
	typist   typist
	keyboard *keyboard // the typist, if that is one
	out, err io.Writer
	log      *slog.Logger
	host     *host.Host
	over     chan struct{}  // closed when nothing is read any more
	running  sync.WaitGroup // the goroutine that reads and runs; it ends with the input, and when the host quits
	failed   bool           // a line that was not typed at a terminal has failed; to be read when over is closed
}

// typist is where lines come from.
type typist interface {
	// open begins; words completes them. It is called once, before next.
	open(words completer) error
	// next waits for a line, without its end, until the typist was stopped; more says that it continues what came before.
	// ctx ends when the line is to be interrupted.
	next(more bool) (line typedLine, ctx context.Context)
	// stop has next give no more lines. It may be called from any goroutine, and again.
	stop()
}

// completer completes what is typed: see host.Interpreter.
type completer interface {
	Complete(text string) (candidates []string, replaced int)
}

// typedLine is a line, or what came in its place.
type typedLine struct {
	text   string
	number int   // of the line, from 1 on; 0: nobody counts
	end    bool  // there are no more lines
	gaveUp bool  // on what was typed so far
	pasted bool  // it is a part of a text
	err    error // why there are no more lines
}

// newConsole makes the console of a start of the program. log is where its log goes: lines must not disturb what is being
// typed.
func newConsole(m *invocation, lines *detour, log *slog.Logger) *console {
	c := &console{out: m.stdout, err: m.stderr, log: log, over: make(chan struct{})}
	in, isFile := m.stdin.(*os.File)
	if isFile && term.IsTerminal(int(in.Fd())) && newScreen(m.stdout).terminal {
		c.keyboard = newKeyboard(in, m.stdout.(*os.File), lines, m.stderr)
		c.typist = c.keyboard
		return c
	}
	c.typist = newInput(m.stdin)
	return c
}

// start begins to read. It returns at once.
func (c *console) start(h *host.Host) {
	c.host = h
	c.running.Go(c.run)
}

// end waits until nothing runs any more, if everything ended by itself, and leaves the terminal as it was found.
func (c *console) end(clean bool) {
	if clean {
		c.running.Wait()
	}
	c.restore()
}

// restore leaves the terminal as it was found. It may be called from any goroutine, and again; a nil console has none.
func (c *console) restore() {
	if c != nil && c.keyboard != nil {
		c.keyboard.restore()
	}
}

// hasFailed reports whether a line has failed that was not typed at a terminal. Of a nil console none has.
func (c *console) hasFailed() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.over:
		return c.failed
	default:
		return false
	}
}

// patient is how long on_startup may take before somebody is told that lines wait for it.
const patient = 2 * time.Second

// run reads and runs lines, and has the host quit at the end of the input. At a terminal the first line runs when
// on_startup first waits; other input finds on_startup done.
func (c *console) run() {
	defer close(c.over)
	defer c.restore()
	slow := time.AfterFunc(patient, func() { c.log.Info("the console waits for the method to return", "method", "on_startup") })
	begun := c.host.AwaitStartup(context.Background(), c.keyboard == nil)
	slow.Stop()
	if !begun {
		return
	}
	running, err := c.host.OpenConsole()
	if err != nil {
		if !errors.Is(err, host.ErrStopped) {
			c.log.Error("no console", "error", err)
			c.failed = true
			c.host.Quit(0)
		}
		return
	}
	watching := make(chan struct{})
	go func() { // ends when the host quits, as it does when the input has ended
		defer close(watching)
		<-running.Over()
		c.typist.stop()
	}()
	if err := c.typist.open(running); err != nil {
		c.log.Error("no console", "error", err)
		c.failed = true
		c.host.Quit(0)
		<-watching
		return
	}
	if c.keyboard != nil {
		number, name := running.Process()
		fmt.Fprintf(c.out, "Lua in process %d, %s. ? is help; Ctrl-D ends the host.\r\n", number, name)
	}
	c.read(running)
	c.host.Quit(0)
	<-watching
}

// read runs what is typed until nothing more is.
func (c *console) read(running *host.Console) {
	text, first := "", 1
	for {
		line, ctx := c.typist.next(text != "")
		blank := strings.TrimSpace(line.text) == ""
		switch {
		case line.err != nil:
			c.show("", line.err)
			return
		case line.end && (text == "" || line.gaveUp):
			return
		case line.gaveUp, text != "" && blank && !line.pasted && !line.end:
			text = ""
			continue
		case text == "" && blank:
			continue
		case text == "" && strings.HasPrefix(strings.TrimSpace(line.text), "?"):
			c.say(running.Explain(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line.text), "?"))))
			continue
		case text == "":
			text, first = line.text, max(1, line.number)
		default:
			text += "\n" + line.text
		}
		printed, err := running.Run(ctx, text, first)
		switch {
		case errors.Is(err, host.ErrStopped):
			return
		case errors.Is(err, host.ErrUnfinished) && !line.end:
			continue
		}
		text = ""
		c.show(printed, err)
		if line.end {
			return
		}
	}
}

// say shows a text.
func (c *console) say(text string) {
	if text == "" {
		return
	}
	if c.keyboard != nil {
		fmt.Fprintln(c.keyboard, text)
		return
	}
	fmt.Fprintln(c.out, text)
}

// show shows what a text gave, or its error.
func (c *console) show(printed string, err error) {
	if err == nil {
		c.say(printed)
		return
	}
	problem := legible(err.Error())
	var script host.ScriptError
	if errors.As(err, &script) {
		for call := range strings.Lines(script.Traceback()) {
			problem += "\n  " + legible(strings.TrimSuffix(call, "\n"))
		}
	}
	if c.keyboard != nil {
		fmt.Fprintln(c.keyboard, problem)
		return
	}
	c.failed = true
	fmt.Fprintln(c.err, problem)
}

// legible is a text of several lines as a terminal may have it.
func legible(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}

// detour is a writer that can be led elsewhere. Its methods may be called from any goroutine.
type detour struct {
	mu sync.Mutex
	to io.Writer
}

// Write writes to where the detour leads now.
func (d *detour) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.to.Write(b)
}

// lead has the next line written to another writer. What was being written is written then.
func (d *detour) lead(to io.Writer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = to
}
