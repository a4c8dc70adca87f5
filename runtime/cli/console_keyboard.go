package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// keyboard is a typist at a terminal. From open to restore the terminal is raw: what is typed comes byte by byte and is
// edited here. A goroutine takes the bytes, so that Ctrl-C is seen while something runs; the others wait for their line to
// be asked for. One goroutine calls next and writes results, the log is written by another.
type keyboard struct {
	in, out  *os.File
	log      *detour   // the log of the program
	stderr   io.Writer // where that goes when no line is typed
	terminal *term.Terminal
	past     past
	prompt   string // of the line that is asked for
	complete func(text string) (candidates []string, replaced int)

	mu      sync.Mutex
	arrived *sync.Cond         // pending, ended or stopped has changed
	before  *term.State        // nil: the terminal is as it was found
	pending []byte             // typed and not yet asked for
	ended   bool               // nothing more will be typed
	stopped bool               // nothing more is to be typed
	asking  bool               // a line is being typed
	gaveUp  bool               // on that line, by Ctrl-C
	cancel  context.CancelFunc // interrupts the line that was typed last; nil: none was
	ctx     context.Context
}

// Keys and what a terminal sends before and after what is pasted.
const (
	ctrlC    = 3
	ctrlE    = 5
	tab      = '\t'
	pasteEnd = "\x1b[201~"
)

const (
	prompt     = "> "
	promptMore = ">> "
)

// newKeyboard makes the typist at a terminal, which it does not touch before open.
func newKeyboard(in, out *os.File, log *detour, stderr io.Writer) *keyboard {
	k := &keyboard{in: in, out: out, log: log, stderr: stderr}
	k.arrived = sync.NewCond(&k.mu)
	return k
}

// open takes the terminal: from now on it shows what is typed by next and written by Write. The goroutine that reads from
// it ends with the terminal, with the first key after stop, or with the program.
func (k *keyboard) open(words completer) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return nil
	}
	before, err := term.MakeRaw(int(k.in.Fd()))
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	k.before, k.complete = before, words.Complete
	k.terminal = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k, k.out}, prompt)
	k.terminal.History = &k.past
	k.terminal.AutoCompleteCallback = k.key
	k.terminal.SetBracketedPasteMode(true)
	if file, ok := k.stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		k.log.lead(k.terminal)
	}
	go k.pump()
	return nil
}

// restore leaves the terminal as it was found. It may be called from any goroutine, and again.
func (k *keyboard) restore() {
	k.log.lead(k.stderr)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.before == nil {
		return
	}
	k.terminal.SetBracketedPasteMode(false)
	if k.asking {
		io.WriteString(k.out, "\r\n")
	}
	term.Restore(int(k.in.Fd()), k.before)
	k.before = nil
}

// stop ends the wait for a line, and leaves the terminal as it was found.
func (k *keyboard) stop() {
	k.mu.Lock()
	k.stopped = true
	k.arrived.Broadcast()
	k.mu.Unlock()
	k.restore()
}

// pump takes what is typed.
func (k *keyboard) pump() {
	defer k.restoreAfterPanic()
	buffer := make([]byte, 1024)
	for {
		n, err := k.in.Read(buffer)
		k.mu.Lock()
		for _, b := range buffer[:n] {
			if b == ctrlC {
				k.interruptLocked()
			} else {
				k.pending = append(k.pending, b)
			}
		}
		k.ended = k.ended || err != nil
		over := k.ended || k.stopped
		k.arrived.Broadcast()
		k.mu.Unlock()
		if over {
			return
		}
	}
}

// restoreAfterPanic lets a panic go on with the terminal as it was found.
func (k *keyboard) restoreAfterPanic() {
	if v := recover(); v != nil {
		k.restore()
		panic(v)
	}
}

// interruptLocked is Ctrl-C: lines that were typed ahead are forgotten, and what runs is interrupted or, when nothing does,
// the line that is being typed is ended, to be forgotten too.
func (k *keyboard) interruptLocked() {
	if k.cancel != nil || bytes.ContainsAny(k.pending, "\r\n") {
		k.pending = k.pending[:0]
	}
	k.pending = append(k.pending, pasteEnd...) // its end may be among what is forgotten
	if k.cancel != nil {
		k.cancel()
		return
	}
	k.gaveUp = true
	k.pending = append(k.pending, ctrlE, '^', 'C', '\r')
}

// Read gives the terminal what was typed, up to the end of a line at the most: with that the line counts as running.
func (k *keyboard) Read(b []byte) (int, error) {
	if columns, rows, err := term.GetSize(int(k.out.Fd())); err == nil && columns > 0 {
		k.terminal.SetSize(columns, rows)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.pending) == 0 && !k.ended && !k.stopped {
		k.arrived.Wait()
	}
	if k.stopped || len(k.pending) == 0 {
		return 0, io.EOF
	}
	n := min(len(b), len(k.pending))
	if end := bytes.IndexAny(k.pending[:n], "\r\n"); end >= 0 {
		n = end + 1
		if k.pending[end] == '\r' && n < min(len(b), len(k.pending)) && k.pending[n] == '\n' {
			n++
		}
		if !k.gaveUp {
			k.ctx, k.cancel = context.WithCancel(context.Background())
		}
	}
	copy(b, k.pending[:n])
	k.pending = append(k.pending[:0], k.pending[n:]...)
	return n, nil
}

// Write shows a text, also while a line is being typed.
func (k *keyboard) Write(b []byte) (int, error) { return k.terminal.Write(b) }

// longestTyped is how many characters package term lets be typed.
const longestTyped = 4096

// tooLong is said of a line that the terminal has cut.
const tooLong = "the line is too long to be typed (the limit is 4096 characters): paste it, or put it into a method"

// howToLeave is what Ctrl-C says where there is nothing to interrupt.
const howToLeave = "Ctrl-D ends the host, as quit_4d() does"

// next lets a line be typed.
func (k *keyboard) next(more bool) (typedLine, context.Context) {
	k.mu.Lock()
	if k.cancel != nil {
		k.cancel()
	}
	k.cancel, k.gaveUp, k.asking = nil, false, true
	k.mu.Unlock()
	k.prompt = prompt
	if more {
		k.prompt = promptMore
	}
	k.terminal.SetPrompt(k.prompt)
	text, err := k.terminal.ReadLine()
	k.mu.Lock()
	defer k.mu.Unlock()
	pasted := errors.Is(err, term.ErrPasteIndicator)
	switch {
	case err != nil && !pasted:
		return typedLine{end: true, gaveUp: true}, context.Background()
	case k.gaveUp:
		k.asking = false
		if !more && text == "^C" {
			k.terminal.Write([]byte(howToLeave + "\n"))
		}
		return typedLine{gaveUp: true}, context.Background()
	}
	k.asking = false
	if !pasted && len(text) >= longestTyped && len([]rune(text)) >= longestTyped {
		k.terminal.Write([]byte(tooLong + "\n"))
		return typedLine{gaveUp: true}, context.Background()
	}
	k.past.remember(text)
	return typedLine{text: text, pasted: pasted || len(k.pending) > 0}, k.ctx
}

// key completes a word when Tab is typed. Where a line begins it indents.
func (k *keyboard) key(line string, at int, key rune) (string, int, bool) {
	if key != tab {
		return "", 0, false
	}
	before, after := line[:at], line[at:]
	if strings.TrimSpace(before) == "" {
		return before + "  " + after, at + 2, true
	}
	candidates, replaced := k.complete(before)
	if len(candidates) == 0 {
		return line, at, true
	}
	common := commonBeginning(candidates)
	if len(candidates) > 1 && len(common) <= replaced {
		k.show(line, candidates)
		return line, at, true
	}
	before = before[:len(before)-replaced] + common
	return before + after, len(before), true
}

// show lists candidates below the line that is being typed.
func (k *keyboard) show(line string, candidates []string) {
	columns, rows, err := term.GetSize(int(k.out.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		columns, rows = 80, 24
	}
	fmt.Fprintf(k.terminal, "%s%s\n%s", k.prompt, line, inColumns(candidates, columns, max(1, rows-3)))
}

// inColumns lists the last words of names, in lines of so many columns, no more lines than that.
func inColumns(names []string, columns, rows int) string {
	widest := 0
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = name[strings.LastIndexAny(name, ".:")+1:]
		widest = max(widest, len(words[i]))
	}
	each := max(1, columns/(widest+2))
	lines := (len(words) + each - 1) / each
	var b strings.Builder
	for row := range min(lines, rows) {
		line := ""
		for i := row; i < len(words); i += lines { // down the columns
			line += fmt.Sprintf("%-*s", widest+2, words[i])
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if lines > rows {
		fmt.Fprintf(&b, "... %d names in all; type more of one\n", len(words))
	}
	return b.String()
}

// commonBeginning is what all names begin with.
func commonBeginning(names []string) string {
	common := names[0]
	for _, name := range names[1:] {
		n := 0
		for n < min(len(common), len(name)) && common[n] == name[n] {
			n++
		}
		common = common[:n]
	}
	return common
}

// past is the lines that were typed. It is package term's History; that adds every line, also those that were given up, so
// its Add does nothing.
type past struct{ lines []string }

// mostPast is how many lines are remembered.
const mostPast = 1000

// Add does nothing.
func (p *past) Add(string) {}

// Len is how many lines are remembered.
func (p *past) Len() int { return len(p.lines) }

// At is the n-th line before, from 0 on.
func (p *past) At(n int) string { return p.lines[len(p.lines)-1-n] }

// remember adds a line, unless it is blank or the same as the last.
func (p *past) remember(line string) {
	if n := len(p.lines); strings.TrimSpace(line) == "" || n > 0 && p.lines[n-1] == line {
		return
	}
	p.lines = append(p.lines, line)
	if len(p.lines) > mostPast {
		p.lines = p.lines[1:]
	}
}
