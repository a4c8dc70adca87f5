package handover

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
)

// Use is what a listening socket is for.
type Use string

// The uses. A socket of systemd has none until it is taken.
const (
	Clients Use = "listen" // --listen
	Gate    Use = "gate"   // --gate and open_gate
	Admin   Use = "admin"  // --admin
)

// Socket is a bound listening socket that goes from one process to another.
type Socket struct {
	Use   Use    // "": whatever fits
	Asked string // the address as the flag or the script has it: with port 0 the bound one is another
	Name  string // of the gate, or what systemd calls it; "": none
	File  *os.File
}

// Sockets are sockets that were inherited and wait to be taken. A nil *Sockets has none. Its methods may be called from
// any goroutine.
type Sockets struct {
	mu  sync.Mutex
	all []*waiting
}

type waiting struct {
	Socket
	number int // of the descriptor
	inner  *net.TCPListener
	bound  netip.AddrPort
}

// add looks at what a descriptor is and takes it in. The error says what it is instead of a listening TCP socket.
func (s *Sockets) add(socket Socket, number int) error {
	defer socket.File.Close() // the listener has a descriptor of its own
	inner, err := asListener(socket.File)
	if err != nil {
		return fmt.Errorf("descriptor %d%s: %w", number, called(socket.Name), err)
	}
	s.all = append(s.all, &waiting{socket, number, inner, inner.Addr().(*net.TCPAddr).AddrPort()})
	return nil
}

func called(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", name)
}

// errNoListener is what asListener says of a socket of another kind.
var errNoListener = errors.New("it is no listening TCP socket; give one with ListenStream= and an address with a port")

// asListener makes a listener of a descriptor.
func asListener(file *os.File) (*net.TCPListener, error) {
	if err := listens(file); err != nil {
		return nil, err
	}
	l, err := net.FileListener(file)
	if err != nil {
		return nil, errNoListener
	}
	inner, ok := l.(*net.TCPListener)
	if !ok {
		l.Close()
		return nil, errNoListener
	}
	return inner, nil
}

// Take gives the socket for an address, nil when there is none: that of the same use and the same text, else that
// which is bound there, else one of systemd's that is called as the use or the gate. name is a gate's, or "". Each socket is given once; closing it is the
// caller's affair.
func (s *Sockets) Take(use Use, address, name string) *net.TCPListener {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fits := range []func(w *waiting) bool{
		func(w *waiting) bool { return w.Use == use && w.Asked == address && (name == "" || w.Name == name) },
		func(w *waiting) bool { return w.Use == use && w.Asked == address },
		func(w *waiting) bool { return bindsTo(w.bound, address) },
		func(w *waiting) bool { return w.Use == "" && w.Name != "" && (w.Name == string(use) || w.Name == name) },
	} {
		if i := slices.IndexFunc(s.all, fits); i >= 0 {
			found := s.all[i]
			s.all = slices.Delete(s.all, i, i+1)
			return found.inner
		}
	}
	return nil
}

// bindsTo reports whether a socket is bound where an address of a flag says.
func bindsTo(bound netip.AddrPort, address string) bool {
	asked, err := net.ResolveTCPAddr("tcp", address)
	if err != nil || asked.Port == 0 || asked.Port != int(bound.Port()) {
		return false
	}
	ip, _ := netip.AddrFromSlice(asked.IP)
	if !ip.IsValid() {
		return bound.Addr().IsUnspecified() // :19813 is every address
	}
	return ip.Unmap() == bound.Addr().Unmap()
}

// Left says which sockets nobody has taken, one text each.
func (s *Sockets) Left() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	for _, w := range s.all {
		left = append(left, fmt.Sprintf("%s%s", w.bound, called(w.Name)))
	}
	return left
}

// Close closes the sockets that nobody has taken.
func (s *Sockets) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.all {
		w.inner.Close()
	}
	s.all = nil
}

// ErrLeft is returned by Unclaimed.
var ErrLeft = errors.New("systemd has handed over sockets that no flag and no gate is for")

// Unclaimed is an error that wraps ErrLeft and names the sockets that nobody has taken, nil when there are none.
func (s *Sockets) Unclaimed() error {
	left := s.Left()
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s; give --listen, --gate or --admin the same address, or name the socket so (FileDescriptorName=listen, gate or admin)",
		ErrLeft, strings.Join(left, ", "))
}
