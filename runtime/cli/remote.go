package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	system "os/user"
	"runtime"
	"strings"
	"syscall"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/remote"

	"golang.org/x/term"
)

// remoting is moongate remote: a host that is a client of a server.
func remoting(m *invocation, args []string) int { return start(m, newRemoteFlags(), args) }

// connect connects a client with its server, as what its user is there. It blocks until the server has let it in, or not, or
// an OS signal comes. The error says what to do.
func (s *server) connect(m *invocation, say io.Writer) error {
	r := s.flags.remote
	password, err := m.remotePassword(r)
	if err != nil {
		return err
	}
	config := remote.Config{
		Address: r.server, User: r.user, Password: string(password), Log: s.log,
		Machine: remote.Machine{Name: r.machine, SystemUser: systemUser(), Version: Version(), Compiled: r.compiled},
	}
	if r.tls {
		files := remote.TLSFiles{CA: r.ca, Certificate: r.cert, Key: r.key, Name: r.name}
		if config.TLS, err = files.Config(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	over := make(chan struct{})
	defer close(over)
	go func() { // ends with connect
		select {
		case sig := <-s.signals:
			cancel(fmt.Errorf("%w by the OS signal %v", errInterrupted, sig))
		case <-over:
		}
	}()
	options := host.ClientOptions{
		Machine: r.machine, Register: !r.noRegister, Design: !r.compiled, Leave: r.quitWithServer, Show: shown(m.stderr, say),
	}
	slow := time.AfterFunc(patient, func() { s.log.Info("the server has not let this client in yet", "address", r.server) })
	defer slow.Stop()
	if err := s.host.Connect(ctx, config, options); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return r.explained(err)
	}
	return nil
}

var errInterrupted = errors.New("interrupted")

// shown is what shows messages of the server at a terminal, between the lines of the log; nil when there is no terminal.
func shown(stderr, say io.Writer) func(string) {
	if file, ok := stderr.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return func(text string) { fmt.Fprintf(say, "moongate: %s\n", printable(text)) }
}

// remotePassword is the password of --user: the first line of --password-file, or what is typed. A client without --user has
// none.
func (m *invocation) remotePassword(r *remoteFlags) ([]byte, error) {
	if r.user == "" {
		return nil, nil
	}
	if r.passwordFile != "" {
		return readPassword(r.passwordFile)
	}
	file, ok := m.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil, fmt.Errorf("--user %s has no password: give --password-file, or start at a terminal", printable(r.user))
	}
	password, err := m.typed(int(file.Fd()), func() ([]byte, error) {
		return m.ask(int(file.Fd()), "Password of "+printable(r.user)+": ")
	})
	if errors.Is(err, errNotTyped) {
		err = errors.New("no password was given: the client is not connected")
	}
	return password, err
}

// readPassword is the first line of a file, which nobody else may read.
func readPassword(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--password-file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("--password-file: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("--password-file %s: others than its owner can read or change it (mode %04o); chmod 600 it", name, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, longestLine))
	if err != nil {
		return nil, fmt.Errorf("--password-file: %w", err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return nil, fmt.Errorf("--password-file %s: its first line is empty; it must be the password", name)
	}
	return line, nil
}

// systemUser is the name of who is logged in at this machine, "" when nobody knows.
func systemUser() string {
	if u, err := system.Current(); err == nil {
		return u.Username
	}
	return ""
}

// explained adds to why there is no connection what to do about it, in one line.
func (r *remoteFlags) explained(err error) error {
	var denied *remote.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errInterrupted):
		return fmt.Errorf("%w: the client is not connected", err)
	case errors.As(err, &certificate):
		return fmt.Errorf("%w; say who signs the server's certificate with --tls-ca, or whose name is in it with --tls-name", err)
	case errors.As(err, &denied) && denied.Number == remote.NumberDenied && r.user == "":
		return fmt.Errorf("%w; give --user, and --password-file", err)
	case errors.As(err, &denied) && r.user != "" && strings.Contains(denied.Message, "without AUTH"):
		return fmt.Errorf("%w; leave --user away", err)
	}
	return err
}

// letRun is letIn where nobody connects.
func (s *server) letRun() {
	until := []string{"quit_4d", "an OS signal"}
	if s.flags.remote != nil {
		until = append(until, "the end of the server")
	}
	if s.console != nil {
		until = append(until, "the end of the console")
		s.console.start(s.host)
	}
	last := len(until) - 1
	s.log.Info("the processes run", "until", strings.Join(until[:last], ", ")+" or "+until[last])
}

// heedSignals has OS signals that end programs come to attend, until the result is called.
func (s *server) heedSignals() (quiet func()) {
	s.signals = make(chan os.Signal, 2)
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM)
	if s.console != nil {
		signal.Notify(s.signals, syscall.SIGHUP) // its terminal has gone
	}
	return func() { signal.Stop(s.signals) }
}
