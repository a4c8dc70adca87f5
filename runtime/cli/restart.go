package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"moongate/runtime/handover"
	"moongate/runtime/host"
	"moongate/runtime/session"
)

// restarts is a server's part in being replaced by another process. What the other one does is in takeOver.
type restarts struct {
	program string           // the file to run
	signals <-chan os.Signal // that ask for a restart

	mu        sync.Mutex
	underway  bool                // a successor is starting
	successor *handover.Successor // that serves; nil: none does
}

// programFile is the file that this process runs, by the name it was started with: behind a symbolic link there may be
// another one at the restart.
func programFile() string {
	file, err := os.Executable()
	if err != nil {
		return ""
	}
	named, err := exec.LookPath(os.Args[0])
	if err != nil {
		return file
	}
	named = absolute(named)
	a, errA := filepath.EvalSymlinks(named)
	b, errB := filepath.EvalSymlinks(file)
	if errA != nil || errB != nil || a != b {
		return file
	}
	return named
}

// replaced reports whether another process serves in place of this one.
func (r *restarts) replaced() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.successor != nil
}

// restart starts a successor, and returns its number in the operating system as soon as it runs; a goroutine of the server
// sees it through. The error says why there can be no restart now.
func (s *server) restart(drain host.QuitRequest) (pid int, err error) {
	r := &s.restarts
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.successor != nil:
		return 0, fmt.Errorf("process %d serves already in place of this one", r.successor.PID())
	case r.underway:
		return 0, errors.New("a restart is under way; wait until it is over")
	case s.host.Sessions().Stage() == session.Starting:
		return 0, errors.New("the server is starting; try again when clients can connect")
	case !s.host.Serves() || s.isOver():
		return 0, errors.New("the server is stopping")
	}
	s.journal.Share()
	next, err := s.startSuccessor()
	if err != nil {
		return 0, err
	}
	r.underway = true
	s.log.Info("restart", "program", r.program, "pid", next.PID())
	s.host.Note(host.Restarting, fmt.Sprintf("process %d starts", next.PID()))
	s.attendants.Go(func() { s.seeThrough(next, drain) })
	return next.PID(), nil
}

func (s *server) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// startSuccessor starts the program with duplicates of the sockets.
func (s *server) startSuccessor() (*handover.Successor, error) {
	sockets, err := s.socketsToGive()
	defer func() {
		for _, socket := range sockets {
			socket.File.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	return handover.Start(handover.Bequest{
		Program: s.restarts.program, Args: os.Args[1:], Sockets: sockets, Lock: s.data.Shared(),
		Session: handover.Session{ID: s.session, PID: os.Getpid()}, Heritage: s.heritage, Stderr: s.stderr,
	})
}

// socketsToGive are duplicates of all sockets on which the server listens, for the caller to close.
func (s *server) socketsToGive() (all []handover.Socket, err error) {
	give := func(use handover.Use, asked, name string, socket syscall.Conn) {
		file, failed := handover.Duplicate(socket)
		if failed != nil {
			err = failed
			return
		}
		all = append(all, handover.Socket{Use: use, Asked: asked, Name: name, File: file})
	}
	for i, l := range s.listeners {
		give(handover.Clients, s.asked[i], "", l.Socket())
	}
	for _, g := range s.host.GateSockets() {
		give(handover.Gate, g.Asked, g.Name, g.Socket)
	}
	if s.admin != nil {
		give(handover.Admin, s.flags.admin, "", s.admin.Socket())
	}
	return all, err
}

// errEnding is why a restart ends with the server.
var errEnding = errors.New("the server has stopped meanwhile")

// seeThrough waits for a successor to be ready, and has it serve; or ends it and goes on.
func (s *server) seeThrough(next *handover.Successor, drain host.QuitRequest) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	s.attendants.Go(func() { // ends with seeThrough, or the server
		select {
		case <-s.over:
			cancel(errEnding)
		case <-ctx.Done():
		}
	})
	err := next.AwaitReady(ctx)
	if err == nil {
		err = s.yield(ctx, next)
	}
	s.restarts.mu.Lock()
	s.restarts.underway = false
	if err == nil {
		s.restarts.successor = next
	}
	s.restarts.mu.Unlock()
	if err != nil {
		next.Kill()
		s.log.Warn("not restarted: the server goes on", "pid", next.PID(), "error", err)
		s.host.Note(host.NotRestarted, err.Error())
		return
	}
	s.retire(next, drain)
}

// yield stops accepting and has the successor accept. After an error this server accepts again.
func (s *server) yield(ctx context.Context, next *handover.Successor) error {
	if !s.host.Serves() {
		return errEnding
	}
	for _, l := range s.listeners {
		l.Pause()
	}
	s.host.PauseGates()
	err := next.Go(ctx, int64(s.host.Sessions().Last()))
	if err == nil {
		return nil
	}
	next.Kill() // before anybody else accepts
	for _, l := range s.listeners {
		l.Resume()
	}
	s.host.ResumeGates()
	return err
}

// retire has this server go when its clients have gone.
func (s *server) retire(next *handover.Successor, drain host.QuitRequest) {
	if s.admin != nil {
		s.admin.Yield()
	}
	s.notifier.replacedBy(next.PID())
	s.log.Info("another process serves from now on; this one stays until its clients have gone", "pid", next.PID())
	s.host.Note(host.Restarted, fmt.Sprintf("process %d serves; process %d stays until its clients have gone", next.PID(), os.Getpid()))
	s.shut()
	s.host.Replace(drain)
	s.attendants.Go(func() { // ends with the successor, or the server
		select {
		case <-next.Gone():
			s.log.Error("the process that serves in place of this one has ended", "pid", next.PID())
		case <-s.over:
		}
	})
	if s.admin != nil {
		s.admin.Close(lastAnswers)
	}
}

// takeOver is what a server does between on_server_startup and its first client: a successor has its predecessor stop, and
// goes on with its numbers. It blocks for the predecessor. The error is that of a socket which nobody is for.
func (s *server) takeOver() error {
	if s.heritage == nil {
		return s.sockets.Unclaimed()
	}
	last, err := s.heritage.Ready()
	switch {
	case errors.Is(err, io.EOF):
		s.log.Warn("the predecessor has gone without a word")
	case err != nil:
		return fmt.Errorf("handover: %w", err)
	}
	s.host.Sessions().StartAfter(session.ConnectionID(last))
	for _, left := range s.sockets.Left() {
		s.log.Warn("nobody listens there any more", "listener", left)
	}
	s.sockets.Close()
	if err := s.data.Sign(); err != nil {
		s.log.Warn("the data folder does not say who has it", "error", err)
	}
	if err := s.writeAddresses(); err != nil {
		s.log.Error("the addresses are not written", "error", err)
	}
	return nil
}

// inherited says that the handover is over, and watches the predecessors.
func (s *server) inherited() {
	if s.heritage == nil {
		return
	}
	if err := s.heritage.Serving(); err != nil {
		s.log.Warn("the predecessor does not hear that this process serves", "error", err)
	}
	s.log.Info("this process serves in place of another", "predecessor", s.heritage.Sessions[0].PID)
	for i, before := range s.heritage.Sessions {
		s.attendants.Go(func() { // ends with that process, or with Close of the heritage
			if s.heritage.Await(i) == nil {
				s.log.Info("the predecessor has gone", "predecessor", before.PID)
				s.journal.Ended(before.ID)
			}
		})
	}
}

// inherit finds out what this process was given by who started it: a predecessor, or systemd.
func (s *server) inherit() (err error) {
	s.restarts.program = programFile()
	if s.heritage, err = handover.Inherit(); err != nil {
		return err
	}
	if s.heritage != nil {
		s.sockets = s.heritage.Sockets
		return nil
	}
	s.sockets, err = handover.Activated()
	return err
}

// gateSockets are inherited sockets as a host sees them.
type gateSockets struct{ *handover.Sockets }

// TakeGate gives the socket for a gate.
func (g gateSockets) TakeGate(address, name string) *net.TCPListener {
	return g.Take(handover.Gate, address, name)
}
