package cli_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

// client is a connection to a server, whose bytes are read as they come.
type client struct {
	conn  net.Conn
	came  *transcript // and was not taken away yet
	ended error       // why nothing more comes; after came is over
}

// connect connects to an address, from an address of this machine if one is given.
func connect(address, from string) (*client, error) {
	dialer := net.Dialer{Timeout: patience}
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, came: newTranscript()}
	go func() { // ends with the connection
		_, c.ended = io.Copy(c.came, conn)
		c.came.end()
	}()
	return c, nil
}

// client connects to a server.
func (s *scene) client(args []string) error {
	from, count := "", 1
	for len(args) > 2 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-from":
			from = args[1]
		case "-count":
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return err
			}
			count = n
		default:
			return fmt.Errorf("unknown option %s", args[0])
		}
		args = args[2:]
	}
	if len(args) == 0 || len(args) > 2 {
		return fmt.Errorf("usage: client [-from ADDRESS] [-count N] NAME [SERVER|ADDRESS:PORT]")
	}
	address, err := s.addressOf(append(slices.Clone(args[1:]), defaultServer)[0])
	if err != nil {
		return err
	}
	members := make([]*client, count)
	var failed [2]error // the first connection's, and any other's: the first says most
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range members {
		all.Go(func() {
			c, err := connect(address, from)
			mu.Lock()
			defer mu.Unlock()
			members[i] = c
			if err != nil {
				failed[min(i, 1)] = err
			}
		})
	}
	all.Wait()
	s.clients[args[0]] = slices.DeleteFunc(members, func(c *client) bool { return c == nil })
	return errors.Join(failed[:]...)
}

// addressOf is the address of a server, which may still be about to listen.
func (s *scene) addressOf(name string) (string, error) {
	if strings.Contains(name, ":") {
		return name, nil
	}
	server, ok := s.servers[name]
	if !ok {
		return "", fmt.Errorf("no server is called %s", name)
	}
	addresses, err := server.addresses()
	if err != nil || len(addresses) == 0 {
		return "", fmt.Errorf("%s listens nowhere: %w", name, err)
	}
	return addresses[0], nil
}

// each does something with all connections of a name, and stops at the first error.
func (s *scene) each(name string, do func(c *client) error) error {
	members, ok := s.clients[name]
	if !ok {
		return fmt.Errorf("no client is called %s", name)
	}
	for i, c := range members {
		if err := do(c); err != nil {
			if len(members) > 1 {
				return fmt.Errorf("%s, %d of %d: %w", name, i+1, len(members), err)
			}
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// unescaped reads the escapes of Go's double quotes; a quote may stand as it is.
func unescaped(text string) (string, error) {
	var plain []byte
	for rest := text; rest != ""; {
		if rest[0] == '"' {
			plain, rest = append(plain, '"'), rest[1:]
			continue
		}
		char, multibyte, tail, err := strconv.UnquoteChar(rest, '"')
		if err != nil {
			return "", fmt.Errorf("%q: %w", text, err)
		}
		if multibyte {
			plain = utf8.AppendRune(plain, char)
		} else {
			plain = append(plain, byte(char))
		}
		rest = tail
	}
	return string(plain), nil
}

// send sends bytes.
func (s *scene) send(args []string) error {
	slowly, times := len(args) == 3 && args[0] == "-slowly", 1
	if slowly {
		args = args[1:]
	}
	if len(args) == 4 && args[0] == "-times" {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		times, args = n, args[2:]
	}
	if len(args) != 2 {
		return fmt.Errorf("usage: send [-slowly] [-times N] NAME TEXT")
	}
	text, err := unescaped(args[1])
	if err != nil {
		return err
	}
	text = strings.Repeat(text, times)
	return s.each(args[0], func(c *client) error {
		if slowly {
			go c.drip(text)
			return nil
		}
		return c.send(text)
	})
}

func (c *client) send(text string) error {
	c.conn.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(c.conn, text)
	return err
}

// drip sends a byte a second until there are no more, or the connection is over.
func (c *client) drip(text string) {
	for i := range len(text) {
		if c.send(text[i:i+1]) != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// expect waits for bytes.
func (s *scene) expect(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: expect NAME REGEXP")
	}
	return s.expectText(args[0], args[1])
}

func (s *scene) expectText(name, expression string) error {
	pattern, err := regexp.Compile(`(?s)\A(?:` + expression + `)`)
	if err != nil {
		return err
	}
	return s.each(name, func(c *client) error {
		var found []int
		if !c.came.await(func(text []byte) bool { found = pattern.FindIndex(text); return found != nil }) {
			return fmt.Errorf("got %q, want %s", shortened(c.came.text()), expression)
		}
		c.came.drop(found[1])
		return nil
	})
}

func shortened(text string) string {
	if len(text) > 1000 {
		return text[:1000] + "..."
	}
	return text
}

// ask sends a line and waits for its answer.
func (s *scene) ask(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: ask NAME TEXT REGEXP")
	}
	if err := s.send([]string{args[0], args[1] + `\r\n`}); err != nil {
		return err
	}
	return s.expectText(args[0], "(?:"+args[2]+`)\r\n`)
}

// eof waits for the end of file.
func (s *scene) eof(args []string) error {
	mayReset := len(args) == 2 && args[0] == "-reset"
	if mayReset {
		args = args[1:]
	}
	if len(args) != 1 {
		return fmt.Errorf("usage: eof [-reset] NAME")
	}
	return s.each(args[0], func(c *client) error {
		c.came.await(func(text []byte) bool { return len(text) > 0 })
		switch text := c.came.text(); {
		case text != "":
			return fmt.Errorf("got %q, want the end of file", shortened(text))
		case !c.came.isOver():
			return fmt.Errorf("no end of file came")
		case mayReset && errors.Is(c.ended, syscall.ECONNRESET):
			return nil
		default:
			return c.ended
		}
	})
}

func (t *transcript) isOver() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// close closes connections.
func (s *scene) close(args []string) error {
	reset := len(args) == 2 && args[0] == "-reset"
	if reset {
		args = args[1:]
	}
	if len(args) != 1 {
		return fmt.Errorf("usage: close [-reset] NAME")
	}
	defer delete(s.clients, args[0])
	return s.each(args[0], func(c *client) error {
		if reset {
			c.conn.(*net.TCPConn).SetLinger(0)
		}
		return c.conn.Close()
	})
}

// answered asks so many times, each time by a new connection, and logs how long the answers took. It is the benchmarks' to
// say how long they may take: here they must come.
func (s *scene) answered(args []string) error {
	server, args, err := s.serverAnd(args, 1)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	address, err := s.addressOf(server.name)
	if err != nil {
		return err
	}
	waits, err := measure(address, n)
	if err != nil {
		return err
	}
	s.ts.Logf("answers after %v (half), %v (all but one in a hundred), %v (all)", waits[n/2], waits[n-1-n/100], waits[n-1])
	return nil
}

// measure connects and asks n times, and returns the waits, shortest first.
func measure(address string, n int) ([]time.Duration, error) {
	waits := make([]time.Duration, n)
	for i := range waits {
		before := time.Now()
		conn, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			return nil, err
		}
		conn.SetDeadline(before.Add(patience))
		io.WriteString(conn, "PING\r\n") // who is refused need not take it
		_, err = conn.Read(make([]byte, 512))
		waits[i] = time.Since(before)
		conn.Close()
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(waits)
	return waits, nil
}
