package handover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Limits of a start.
const (
	Silence   = 30 * time.Second // that a successor may keep between two signs of life
	takeover  = 10 * time.Second // for it to accept after it was told to
	lastLines = 20               // of what it has written, in errors
)

// Bequest is what a successor gets.
type Bequest struct {
	Program  string    // the file to run
	Args     []string  // that follow the program's name
	Sockets  []Socket  // the files are the caller's to close after Start
	Lock     *os.File  // of the data folder
	Session  Session   // of this process
	Heritage *Heritage // what this process was left itself, nil: nothing
	Stderr   io.Writer // gets what the successor writes until it serves
}

// Successor is a process that is to serve in place of this one. Its methods are called by one goroutine; PID, Gone and
// Kill by any.
type Successor struct {
	cmd   *exec.Cmd
	to    *os.File
	from  *os.File
	words chan word // closed when it says no more
	gone  chan struct{}
	tail  tail
	err   error          // of its end; after gone
	reads sync.WaitGroup // its words and what it writes, each a goroutine that ends with the pipe
}

// Start starts a successor, and returns as soon as its process runs.
func Start(b Bequest) (*Successor, error) {
	if !supported {
		return nil, ErrUnsupported
	}
	in, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	from, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), to.Close())
	}
	lines, stderr, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), to.Close(), from.Close(), out.Close())
	}
	s := &Successor{to: to, from: from, words: make(chan word), gone: make(chan struct{})}
	s.tail.to = b.Stderr
	s.cmd = exec.Command(b.Program, b.Args...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = os.Stdin, os.Stdout, stderr
	p := s.plan(b, in, out)
	err = s.cmd.Start()
	in.Close()
	out.Close()
	stderr.Close()
	if err != nil {
		to.Close()
		from.Close()
		lines.Close()
		return nil, fmt.Errorf("cannot start %s: %w", b.Program, reason(err))
	}
	s.reads.Go(func() { io.Copy(&s.tail, lines); lines.Close() })
	s.reads.Go(s.listen)
	go func() { // ends with the successor, or with this program, which it may outlive
		s.err = s.cmd.Wait()
		close(s.gone)
	}()
	say(to, p) // its end says more than an error here
	return s, nil
}

// reason takes the parts away that repeat the file.
func reason(err error) error {
	if path := new(os.PathError); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// plan gives descriptors their numbers in the successor.
func (s *Successor) plan(b Bequest, in, out *os.File) plan {
	give := func(f *os.File) int {
		s.cmd.ExtraFiles = append(s.cmd.ExtraFiles, f)
		return firstDescriptor + len(s.cmd.ExtraFiles) - 1
	}
	s.cmd.Env = append(environment(), fmt.Sprintf("%s=%d,%d", Variable, give(in), give(out)))
	p := plan{Protocol: protocol, Lock: give(b.Lock), Stderr: give(os.Stderr)}
	for _, socket := range b.Sockets {
		p.Sockets = append(p.Sockets, plannedSocket{give(socket.File), socket.Use, socket.Asked, socket.Name})
	}
	p.Sessions = append(p.Sessions, plannedSession{Session: b.Session})
	if b.Heritage != nil {
		for i, before := range b.Heritage.Sessions {
			p.Sessions = append(p.Sessions, plannedSession{before, give(b.Heritage.lifelines[i])})
		}
	}
	return p
}

// environment is this process's, without what was meant for it alone.
func environment() []string {
	var all []string
	for _, entry := range os.Environ() {
		switch name, _, _ := strings.Cut(entry, "="); name {
		case "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", Variable:
		default:
			all = append(all, entry)
		}
	}
	return all
}

// listen hands on what the successor says.
func (s *Successor) listen() {
	defer close(s.words)
	defer s.from.Close()
	r := bufio.NewReaderSize(s.from, longestLine)
	for {
		var w word
		if hear(r, &w) != nil {
			return
		}
		select {
		case s.words <- w:
		case <-s.gone:
			return
		}
	}
}

// PID is the number of its process in the operating system.
func (s *Successor) PID() int { return s.cmd.Process.Pid }

// Gone is closed when the process has ended.
func (s *Successor) Gone() <-chan struct{} { return s.gone }

// AwaitReady waits until the successor is ready. It is an error when it ends, says nothing for the time of Silence, or
// ctx does; the error has the last lines that the successor has written. The successor runs on then, unless it has
// ended: Kill it.
func (s *Successor) AwaitReady(ctx context.Context) error {
	return s.await(ctx, ready, Silence)
}

// Go has the successor accept, and waits until it does. The errors are AwaitReady's.
func (s *Successor) Go(ctx context.Context, last int64) error {
	if err := say(s.to, word{Said: goAhead, Last: last}); err != nil {
		return s.told(fmt.Errorf("the new process cannot be told to take over: %w", err))
	}
	return s.await(ctx, serving, takeover)
}

// await waits for a word.
func (s *Successor) await(ctx context.Context, said string, silence time.Duration) error {
	for {
		timer := time.NewTimer(silence)
		select {
		case w, ok := <-s.words:
			timer.Stop()
			if ok && w.Said == said {
				return nil
			}
			if !ok {
				return s.told(s.ended(silence))
			}
		case <-timer.C:
			return s.told(fmt.Errorf("the new process (%d) has said nothing for %v", s.PID(), silence))
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// ended says how the process has come to its end, when it says no more.
func (s *Successor) ended(patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.gone:
		s.reads.Wait()
		if s.err == nil {
			return errors.New("the new process has ended without a word: is it the program that it should be?")
		}
		return fmt.Errorf("the new process has ended: %w", s.err)
	case <-timer.C:
		return fmt.Errorf("the new process (%d) has closed the pipe, but goes on: is it the program that it should be?", s.PID())
	}
}

// told adds what the successor has written last.
func (s *Successor) told(err error) error {
	if text := s.tail.text(); text != "" {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return err
}

// Kill ends the process at once, and waits until it has gone.
func (s *Successor) Kill() {
	s.cmd.Process.Kill()
	<-s.gone
	s.to.Close()
}

// tail hands on what is written to it, and keeps the last lines.
type tail struct {
	to io.Writer

	mu    sync.Mutex
	lines []string // the last may be unfinished
}

// longestTail is how much of a line is kept.
const longestTail = 2000

// Write never fails: what the successor says is not to be held up.
func (t *tail) Write(b []byte) (int, error) {
	if t.to != nil {
		t.to.Write(b)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range strings.Lines(string(b)) {
		if last := len(t.lines) - 1; last >= 0 && !strings.HasSuffix(t.lines[last], "\n") && len(t.lines[last]) < longestTail {
			t.lines[last] += line
		} else {
			t.lines = append(t.lines, line)
		}
	}
	t.lines = t.lines[max(0, len(t.lines)-lastLines):]
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimRight(strings.Join(t.lines, ""), "\n")
}
