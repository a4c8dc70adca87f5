package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"moongate/runtime/account"

	"golang.org/x/term"
)

// errNotTyped is said when somebody thinks better of it.
var errNotTyped = errors.New("no password was given; nothing was changed")

// newPassword is a new password for a user: typed twice, unseen, when the standard input is a terminal, else its first
// line. It blocks until it is there; at a terminal SIGINT and SIGTERM end the wait.
func (m *invocation) newPassword(name string) ([]byte, error) {
	if file, ok := m.stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return m.typed(int(file.Fd()), func() ([]byte, error) { return m.askTwice(int(file.Fd()), name) })
	}
	return firstLine(m.stdin)
}

// longestLine is as long as no line with a good password is, in bytes.
const longestLine = 2 << 10

// firstLine is the first line without its end, of either system. It reads no more than it needs to know that a line is too
// long.
func firstLine(from io.Reader) ([]byte, error) {
	if from == nil {
		from = bytes.NewReader(nil)
	}
	line, err := bufio.NewReader(io.LimitReader(from, longestLine)).ReadBytes('\n')
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("standard input: %w; nothing was changed", err)
	}
	if err == io.EOF && len(line) == 0 {
		return nil, errors.New("standard input is empty; its first line is the password")
	}
	if whole, ok := bytes.CutSuffix(line, []byte("\n")); ok {
		line = bytes.TrimSuffix(whole, []byte("\r"))
	}
	return line, account.CheckPassword(line)
}

// typed asks at a terminal, which is left as it was found whatever ends the wait: what is typed, or an OS signal,
// Ctrl-C's among them. (Package term lets Ctrl-D mean nothing.) The goroutine that reads ends with what is typed or, after
// an OS signal, with the program.
func (m *invocation) typed(terminal int, ask func() ([]byte, error)) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	type answer struct {
		password []byte
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		password, err := ask()
		answers <- answer{password, err}
	}()
	select {
	case a := <-answers:
		return a.password, a.err
	case <-signals:
		term.Restore(terminal, before)
		fmt.Fprintln(m.stderr)
		return nil, errNotTyped
	}
}

// askTwice lets a password be typed, and typed again.
func (m *invocation) askTwice(terminal int, name string) ([]byte, error) {
	first, err := m.ask(terminal, "New password of "+printable(name)+": ")
	if err != nil {
		return nil, err
	}
	if err := account.CheckPassword(first); err != nil {
		return nil, err
	}
	second, err := m.ask(terminal, "The same again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, second) {
		return nil, errors.New("the two passwords differ; nothing was changed")
	}
	return first, nil
}

// ask asks once. What is typed does not appear.
func (m *invocation) ask(terminal int, question string) ([]byte, error) {
	fmt.Fprint(m.stderr, question)
	typed, err := term.ReadPassword(terminal)
	fmt.Fprintln(m.stderr)
	switch {
	case err == io.EOF:
		return nil, errNotTyped
	case err != nil:
		return nil, fmt.Errorf("terminal: %w", err)
	}
	return typed, nil
}
