package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pseudoTerminal is a terminal and the end at which somebody types.
type pseudoTerminal struct {
	t               *testing.T
	typist, program *os.File
	mu              sync.Mutex
	seen            strings.Builder // what appeared on the terminal
	reading         sync.WaitGroup
}

func openTerminal(t *testing.T) *pseudoTerminal {
	t.Helper()
	typist, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	number, err := unix.IoctlGetInt(int(typist.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(typist.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	p := &pseudoTerminal{t: t, typist: typist, program: program}
	p.reading.Go(p.watch) // ends when nobody has the program's end open
	return p
}

func (p *pseudoTerminal) watch() {
	buffer := make([]byte, 1024)
	for {
		n, err := p.typist.Read(buffer)
		p.mu.Lock()
		p.seen.Write(buffer[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// echoes reports whether what is typed appears.
func (p *pseudoTerminal) echoes() bool {
	state, err := unix.IoctlGetTermios(int(p.program.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// typeUnseen types a line as soon as the terminal does not show what is typed.
func (p *pseudoTerminal) typeUnseen(text string) {
	p.waitUntilUnseen()
	if _, err := io.WriteString(p.typist, text); err != nil {
		p.t.Error(err)
	}
}

func (p *pseudoTerminal) waitUntilUnseen() {
	for end := time.Now().Add(time.Minute); p.echoes(); runtime.Gosched() {
		if time.Now().After(end) {
			p.t.Fatal("the terminal still shows what is typed")
		}
	}
}

// asked is what the program writes: each text as it comes.
type asked chan string

func (a asked) Write(b []byte) (int, error) {
	a <- string(b)
	return len(b), nil
}

type typed struct {
	password []byte
	err      error
}

// start asks for ada's password at the terminal.
func (p *pseudoTerminal) start() (asked, chan typed) {
	a, result := make(asked, 16), make(chan typed, 1)
	m := &invocation{stdin: p.program, stdout: io.Discard, stderr: a}
	go func() { // ends with the answer, which every test waits for
		password, err := m.newPassword("ada")
		result <- typed{password, err}
	}()
	return a, result
}

// within is the next thing that comes.
func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(time.Minute):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

const firstQuestion, secondQuestion = "New password of ada: ", "The same again: "

func (p *pseudoTerminal) wantText(a asked, want string) {
	p.t.Helper()
	if got := within(p.t, want, a); got != want {
		p.t.Fatalf("got %q, want %q", got, want)
	}
}

// end closes both ends, once nobody reads at the program's.
func (p *pseudoTerminal) end() {
	if !p.echoes() {
		p.t.Error("the terminal was left so that it shows nothing")
	}
	p.program.Close()
	p.reading.Wait()
	p.typist.Close()
}

func TestPasswordIsTypedTwiceAndUnseen(t *testing.T) {
	for _, c := range []struct{ first, second, password, problem string }{
		{"moon\n", "moon\n", "moon", ""},
		{"moon\n", "sun\n", "", "the two passwords differ; nothing was changed"},
		{"\n", "", "", "the password is empty"},
	} {
		p := openTerminal(t)
		a, result := p.start()
		p.wantText(a, firstQuestion)
		p.typeUnseen(c.first)
		p.wantText(a, "\n")
		if c.second != "" {
			p.wantText(a, secondQuestion)
			p.typeUnseen(c.second)
			p.wantText(a, "\n")
		}
		got := within(t, "the password", result)
		if string(got.password) != c.password || (got.err == nil) != (c.problem == "") || got.err != nil && !strings.Contains(got.err.Error(), c.problem) {
			t.Errorf("%q, %q: got %q, %v, want %q, %q", c.first, c.second, got.password, got.err, c.password, c.problem)
		}
		p.end()
		if seen := p.seen.String(); strings.Contains(seen, "moon") {
			t.Errorf("the terminal showed %q", seen)
		}
	}
}

func TestInterruptAtThePromptRestoresTheTerminal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := openTerminal(t)
		a, result := p.start()
		p.wantText(a, firstQuestion)
		p.waitUntilUnseen()
		if err := syscall.Kill(os.Getpid(), signal); err != nil {
			t.Fatal(err)
		}
		if got := within(t, "the interrupt", result); !errors.Is(got.err, errNotTyped) {
			t.Errorf("%v: got %v, want %v", signal, got.err, errNotTyped)
		}
		p.wantText(a, "\n")
		if !p.echoes() {
			t.Errorf("%v: the terminal was left so that it shows nothing", signal)
		}
		io.WriteString(p.typist, "\n") // ends the reading that the end of the program would end
		p.wantText(a, "\n")
		p.end()
	}
}
