package host_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// speaker is a remote client process over loopback.
type speaker struct {
	net.Conn
	r *bufio.Reader
}

func speak(b testing.TB, address string) *speaker {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	return &speaker{c, bufio.NewReader(c)}
}

// ask sends a command and reads so many lines.
func (s *speaker) ask(b testing.TB, lines int, words string) string {
	io.WriteString(s, words)
	var reply strings.Builder
	for range lines {
		line, err := s.r.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		reply.WriteString(line)
	}
	return reply.String()
}

// announce begins a session, and gives its token.
func (s *speaker) announce(b testing.TB) string {
	s.ask(b, 26, words("HELLO", 3))
	reply := s.ask(b, 40, words("SESSION", "PROTOCOL", 1, "MACHINE", "desk", "PROCESS", 1, "NAME", "Application process"))
	return field(reply, "token")
}

// BenchmarkCallRoundTrip is CALLV of a method that does nothing, from a client process on loopback.
func BenchmarkCallRoundTrip(b *testing.B) {
	address := listen(b, files{"nothing.lua": "return 1"})
	c := speak(b, address)
	defer c.Close()
	c.announce(b)
	request := words("CALLV", "nothing", packed())
	b.ReportAllocs()
	for b.Loop() {
		c.ask(b, 2, request)
	}
}

// BenchmarkClockRoundTrip is what current_time("*") of a client asks for.
func BenchmarkClockRoundTrip(b *testing.B) {
	address := listen(b, files{})
	c := speak(b, address)
	defer c.Close()
	c.announce(b)
	request := words("DO", "current_time", packed())
	b.ReportAllocs()
	for b.Loop() {
		c.ask(b, 2, request)
	}
}

// BenchmarkHeldSessions has 2,000 remote sessions, each with three client processes with language, and keeps them; B/session
// is the memory of one, both ends in this program.
func BenchmarkHeldSessions(b *testing.B) {
	const sessions = 2000
	address := listen(b, withCode(0))
	for b.Loop() {
		before := memoryInUse()
		var held []*speaker
		for range sessions {
			c := speak(b, address)
			token := c.announce(b)
			held = append(held, c)
			for n := 2; n <= 3; n++ {
				c := speak(b, address)
				c.ask(b, 12, words("JOIN", token, n, "P"))
				c.ask(b, 7, words("LANGUAGE"))
				held = append(held, c)
			}
		}
		b.ReportMetric(float64(memoryInUse()-before)/sessions, "B/session")
		for _, c := range held {
			c.Close()
		}
	}
}
