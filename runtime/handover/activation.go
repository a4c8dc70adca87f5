package handover

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// firstDescriptor is the number of the first descriptor that systemd hands over; so it is for us.
const firstDescriptor = 3

// mostSockets is more than anybody binds; a greater number in the environment is a mistake.
const mostSockets = 1024

// Activated gives the sockets that systemd (or systemd-socket-activate) has handed to this process, nil when there are
// none. It takes its variables out of the environment. The error names what is wrong: a number that is none, a
// descriptor that is no listening TCP socket.
func Activated() (*Sockets, error) {
	pid, number, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	if number == "" || pid != strconv.Itoa(os.Getpid()) { // they were meant for who started us
		return nil, nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > mostSockets {
		return nil, fmt.Errorf("LISTEN_FDS is %q; it must be how many sockets are handed over", number)
	}
	var called []string
	if names != "" {
		called = strings.Split(names, ":")
	}
	if names != "" && len(called) != n {
		return nil, fmt.Errorf("LISTEN_FDNAMES has %d names for %d sockets (LISTEN_FDS); give each one, or none", len(called), n)
	}
	s := &Sockets{}
	for i := range n {
		socket := Socket{File: inherited(firstDescriptor+i, "socket")}
		if called != nil && called[i] != "unknown" {
			socket.Name = called[i]
		}
		if err := s.add(socket, firstDescriptor+i); err != nil {
			s.Close()
			return nil, fmt.Errorf("socket of systemd: %w", err)
		}
	}
	return s, nil
}
