package forward_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"moongate/runtime/forward"
)

func TestRoundTrip(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		for _, word := range []string{"one", "two", "three"} {
			p.say(p.client, p.upstream, word)
			p.say(p.upstream, p.client, "the answer to "+word)
		}
		if in, out := p.flow.Bytes(); in != 11 || out != 53 {
			t.Errorf("Bytes: got %d and %d, want 11 and 53", in, out)
		}
		p.client.Close()
		p.silent(p.upstream)
		p.upstream.Close()
		end := p.end(forward.ClientEnded)
		if end.In != 11 || end.Out != 53 || end.Err != nil {
			t.Errorf("got %+v, want 11 bytes in and 53 out, and no error", end)
		}
	})
}

// say sends a text from one end and reads it at the other.
func (p *pair) say(from, to net.Conn, text string) {
	p.t.Helper()
	if _, err := from.Write([]byte(text)); err != nil {
		p.t.Fatal(err)
	}
	p.hear(to, text)
}

func (p *pair) hear(at net.Conn, want string) {
	p.t.Helper()
	at.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(at, got); err != nil || string(got) != want {
		p.t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

// silent checks that an end sees the end of file now.
func (p *pair) silent(at net.Conn) {
	p.t.Helper()
	at.SetReadDeadline(time.Now().Add(patience))
	if n, err := at.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		p.t.Fatalf("got %d bytes and %v, want the end of file", n, err)
	}
}

// reset checks that an end has been reset.
func (p *pair) reset(at net.Conn) {
	p.t.Helper()
	at.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, at); !errors.Is(err, syscall.ECONNRESET) {
		p.t.Errorf("got %v, want a reset", err)
	}
}

func TestHalfCloseOfTheClient(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		p.say(p.client, p.upstream, "question")
		p.client.CloseWrite()
		p.silent(p.upstream)
		p.say(p.upstream, p.client, "a late answer")
		p.upstream.Close()
		p.end(forward.ClientEnded)
		p.silent(p.client)
	})
}

func TestHalfCloseOfTheUpstream(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		p.say(p.upstream, p.client, "greeting")
		p.upstream.CloseWrite()
		p.silent(p.client)
		p.say(p.client, p.upstream, "more words")
		p.client.CloseWrite()
		p.silent(p.upstream)
		p.end(forward.UpstreamEnded)
	})
}

// TestDoneComesBeforeTheEndOfFile: what Done does is over when a client sees the end that both sides have made.
func TestDoneComesBeforeTheEndOfFile(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		g := newGate(t, form, forward.Options{})
		outer, inner := g.connect(t)
		s, closeClient := form.client(t, inner)
		called, proceed := make(chan forward.End), make(chan struct{})
		g.Forward(s, form.upstream(t, g.upstream.Addr()), forward.Terms{}, func(end forward.End, handover func()) {
			handover()
			called <- end
			<-proceed
			closeClient()
		})
		u, err := g.upstream.AcceptTCP()
		if err != nil {
			t.Fatal(err)
		}
		outer.CloseWrite()
		if n, err := u.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the upstream got %d bytes and %v, want the end of file", n, err)
		}
		u.Close()
		if end := <-called; end.Cause != forward.ClientEnded {
			t.Errorf("got %q, want %q", end.Cause, forward.ClientEnded)
		}
		outer.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		var timeout net.Error
		if _, err := outer.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("the client saw %v while Done was not over, want nothing", err)
		}
		other := g.open(t, forward.Terms{}) // the loop goes on meanwhile
		other.say(other.client, other.upstream, "word")
		close(proceed)
		other.silent(outer)
	})
}

func TestResetOfTheClient(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		p.say(p.client, p.upstream, "word")
		p.client.SetLinger(0)
		p.client.Close()
		if end := p.end(forward.ClientLost); !errors.Is(end.Err, syscall.ECONNRESET) {
			t.Errorf("End.Err: got %v, want a reset", end.Err)
		}
		p.reset(p.upstream)
	})
}

func TestResetOfTheUpstream(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		p.say(p.client, p.upstream, "word")
		p.upstream.SetLinger(0)
		p.upstream.Close()
		if end := p.end(forward.UpstreamLost); !errors.Is(end.Err, syscall.ECONNRESET) {
			t.Errorf("End.Err: got %v, want a reset", end.Err)
		}
		p.reset(p.client)
	})
}

// TestResetAfterHalfClose: a side that has ended its sending can be lost as well.
func TestResetAfterHalfClose(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		if !form.raw {
			t.Skip("nobody reads or writes there, so goroutines see it only when they write")
		}
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		p.client.CloseWrite()
		p.silent(p.upstream)
		p.client.SetLinger(0)
		p.client.Close()
		p.end(forward.ClientLost)
		for err := error(nil); err == nil; { // it has read the end of file, so only writing tells
			if _, err = p.upstream.Write([]byte("word")); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %v, want a reset", err)
			}
		}
	})
}

// TestAnswerBeforeReset: an upstream that answers and closes without reading everything resets; the answer arrives.
func TestAnswerBeforeReset(t *testing.T) {
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		p.client.Write(make([]byte, 64<<10))
		p.upstream.Read(make([]byte, 1))
		p.say(p.upstream, p.client, "413 too much")
		p.upstream.Close()
		p.end(forward.UpstreamLost)
		p.reset(p.client)
	})
}

func TestManyBytesBothWays(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 64 << 20
	}
	inAllForms(t, func(t *testing.T, form form) {
		p := newGate(t, form, forward.Options{}).open(t, forward.Terms{})
		var ends sync.WaitGroup
		ends.Go(func() { p.pour(p.client, size, 1) })
		ends.Go(func() { p.pour(p.upstream, size/4, 2) })
		ends.Go(func() { p.check(p.client, size/4, 2) })
		p.check(p.upstream, size, 1)
		ends.Wait()
		p.client.Close()
		p.upstream.Close()
		end := <-p.ended
		if end.In != size || end.Out != size/4 {
			t.Errorf("got %d bytes in and %d out, want %d and %d", end.In, end.Out, size, size/4)
		}
	})
}

// pour writes so many bytes that look random, and ends the sending.
func (p *pair) pour(to *net.TCPConn, size int64, seed uint64) {
	to.SetDeadline(time.Now().Add(6 * patience))
	if _, err := io.Copy(struct{ io.Writer }{to}, io.LimitReader(source(seed), size)); err != nil {
		p.t.Errorf("writing: %v", err)
	}
	to.CloseWrite()
}

// check reads until the end of file, and compares with what pour wrote.
func (p *pair) check(from *net.TCPConn, size int64, seed uint64) {
	from.SetDeadline(time.Now().Add(6 * patience))
	got, want := make([]byte, 256<<10), make([]byte, 256<<10)
	src, total := source(seed), int64(0)
	for {
		n, err := from.Read(got)
		io.ReadFull(src, want[:n])
		if !bytes.Equal(got[:n], want[:n]) {
			p.t.Errorf("other bytes than were written, after %d", total)
			return
		}
		if total += int64(n); err != nil {
			if err != io.EOF || total != size {
				p.t.Errorf("got %d bytes and %v, want %d and the end of file", total, err, size)
			}
			return
		}
	}
}

// source gives bytes that look random, fast: a random block again and again, of a length that no buffer has.
func source(seed uint64) io.Reader {
	block := make([]byte, 1<<20+4099)
	random := rand.NewChaCha8([32]byte{byte(seed)})
	random.Read(block)
	return &repeated{block: block}
}

type repeated struct {
	block []byte
	at    int
}

func (r *repeated) Read(b []byte) (int, error) {
	n := copy(b, r.block[r.at:])
	r.at = (r.at + n) % len(r.block)
	return n, nil
}

func TestManyFlows(t *testing.T) {
	count := 2000
	if testing.Short() {
		count = 200
	}
	inAllForms(t, func(t *testing.T, form form) {
		g := newGate(t, form, forward.Options{Loops: 2})
		var upstreams, clients sync.WaitGroup
		upstreams.Go(func() {
			for range count {
				u, err := g.upstream.AcceptTCP()
				if err != nil {
					t.Error(err)
					return
				}
				upstreams.Go(func() { io.Copy(struct{ io.Writer }{u}, u); u.Close() })
			}
		})
		for i := range count {
			p := g.begin(t, forward.Terms{IdleTimeout: time.Hour})
			clients.Go(func() { p.echoes(uint64(i)) })
		}
		clients.Wait()
		upstreams.Wait()
	})
}

// echoes sends pieces of random sizes, reads them back from an upstream that echoes, and compares hashes.
func (p *pair) echoes(seed uint64) {
	defer p.client.Close()
	p.client.SetDeadline(time.Now().Add(6 * patience))
	random := rand.New(rand.NewPCG(seed, 1))
	sent, got := sha256.New(), sha256.New()
	var writer sync.WaitGroup
	writer.Go(func() {
		for range 1 + random.IntN(8) {
			piece := make([]byte, 1+random.IntN(1<<(1+random.IntN(17))))
			piece[0] = byte(seed)
			sent.Write(piece)
			p.client.Write(piece)
		}
		p.client.CloseWrite()
	})
	_, err := io.Copy(got, p.client)
	writer.Wait()
	if err != nil || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		p.t.Errorf("the echo of flow %d is not what was sent (%v)", seed, err)
	}
	if end := <-p.ended; end.Cause != forward.ClientEnded || end.In != end.Out {
		p.t.Errorf("got %+v, want client ended, as many bytes in as out", end)
	}
}
