package mysql

import (
	"bytes"
	"errors"
	"net"
	"testing"
)

// greeting is that of a MariaDB server, number 0, with TLS.
var greeting = packet(0, "\x0a8.0.36\x00\x08\x00\x00\x00"+"abcdefgh\x00"+"\xff\xff\x2d\x02\x00\xff\xdf\x15"+"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"+
	"ijklmnopqrst\x00"+"caching_sha2_password\x00")

// packet gives a text the header of a packet.
func packet(sequence uint8, body string) []byte {
	return append([]byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), sequence}, body...)
}

// login is a client's, of these capabilities besides Protocol41, with what comes after the fixed part.
func login(c Capabilities, rest string) []byte {
	c |= Protocol41
	return packet(1, string([]byte{byte(c), byte(c >> 8), byte(c >> 16), byte(c >> 24)})+"\x00\x00\x00\x01\x2d"+string(make([]byte, 23))+rest)
}

func TestGreeting(t *testing.T) {
	if n, err := Measure(greeting, MaxGreeting); n != len(greeting) || err != nil {
		t.Fatalf("measured %d (%v), want %d", n, err, len(greeting))
	}
	g, err := ParseGreeting(greeting)
	if err != nil {
		t.Fatal(err)
	}
	if g.Version != "8.0.36" || g.Capabilities != 0xdfffffff {
		t.Errorf("version %q, capabilities %x; want 8.0.36 and dfffffff", g.Version, g.Capabilities)
	}
	for _, tls := range []bool{true, false} {
		offer := g.Offer(tls)
		again, err := ParseGreeting(offer)
		if err != nil || (again.Capabilities&TLS != 0) != tls || again.Capabilities|TLS != g.Capabilities {
			t.Errorf("offer of TLS %t: capabilities %x (%v)", tls, again.Capabilities, err)
		}
		if same := bytes.Equal(offer, greeting); same != tls {
			t.Errorf("offer of TLS %t: the greeting is the same: %t", tls, same)
		}
	}
}

func TestGreetingThatIsNone(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": {}, "header only": greeting[:4], "short": greeting[:30], "version 9": packet(0, "\x09x"), "no end": packet(0, "\x0aabc"),
	} {
		if _, err := ParseGreeting(b); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: error %v, want ErrMalformed or ErrUnsupported", name, err)
		}
	}
}

func TestErrorInPlaceOfGreeting(t *testing.T) {
	text, failed := ErrorText(packet(0, "\xff\x10\x04Too many connections"))
	if want := "Too many connections (1040)"; !failed || text != want {
		t.Errorf("error %q, want %q", text, want)
	}
	if _, failed := ErrorText(greeting); failed {
		t.Error("a greeting counts as an error")
	}
}

func TestLogin(t *testing.T) {
	attributes := "\x0c_client_name\x08libmysql" + "\x0cprogram_name\x05mysql"
	for name, row := range map[string]struct {
		packet []byte
		want   Login
	}{
		"all": {login(WithDatabase|LengthEncodedReply|SecureConnection|PluginAuth|ConnectAttributes,
			"alice\x00\x03xyzshop\x00mysql_native_password\x00"+string(rune(len(attributes)))+attributes),
			Login{User: "alice", Database: "shop", Plugin: "mysql_native_password"}},
		"long reply":    {login(LengthEncodedReply, "alice\x00\xfc\x2c\x01"+string(make([]byte, 300))), Login{User: "alice"}},
		"counted reply": {login(SecureConnection|WithDatabase, "alice\x00\x02xyshop\x00"), Login{User: "alice", Database: "shop"}},
		"old reply":     {login(0, "alice\x00xyz\x00"), Login{User: "alice"}},
		"anonymous":     {login(SecureConnection, "\x00\x00"), Login{}},
		"no plugin":     {login(SecureConnection|PluginAuth, "alice\x00\x00"), Login{User: "alice"}},
	} {
		got, err := ParseLogin(row.packet)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.User != row.want.User || got.Database != row.want.Database || got.Plugin != row.want.Plugin || got.WantsTLS {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
		if name == "all" && (got.Attributes["program_name"] != "mysql" || len(got.Attributes) != 2) {
			t.Errorf("attributes %q", got.Attributes)
		}
		again, err := ParseLogin(got.Packet(2, true))
		if err != nil || again.Capabilities != got.Capabilities|TLS || Sequence(again.packet) != 2 || again.User != got.User {
			t.Errorf("%s: for the upstream %+v (%v)", name, again, err)
		}
		request, err := ParseLogin(got.TLSRequest(1))
		if err != nil || !request.WantsTLS || request.Capabilities != got.Capabilities|TLS {
			t.Errorf("%s: request for TLS %+v (%v)", name, request, err)
		}
	}
}

func TestLoginThatIsNone(t *testing.T) {
	for name, row := range map[string]struct {
		packet []byte
		want   error
	}{
		"empty":            {packet(1, ""), ErrMalformed},
		"old client":       {packet(1, "\x05\x00\x00\x00\x00alice\x00xyz"), ErrUnsupported},
		"fixed part short": {login(0, "")[:20], ErrMalformed},
		"no user":          {login(0, ""), ErrMalformed},
		"user without end": {login(0, "alice"), ErrMalformed},
		"reply beyond":     {login(SecureConnection, "alice\x00\x09x"), ErrMalformed},
		"reply of 4 GiB":   {login(LengthEncodedReply, "alice\x00\xfe\xff\xff\xff\xff\xff\xff\xff\xff"), ErrMalformed},
		"attribute beyond": {login(SecureConnection|ConnectAttributes, "alice\x00\x00\x03\x09ab"), ErrMalformed},
		"attributes short": {login(SecureConnection|ConnectAttributes, "alice\x00\x00\x09\x01a"), ErrMalformed},
	} {
		if _, err := ParseLogin(row.packet); !errors.Is(err, row.want) {
			t.Errorf("%s: error %v, want %v", name, err, row.want)
		}
	}
}

func TestPacketTooLong(t *testing.T) {
	if _, err := Measure([]byte{0xff, 0xff, 0xff, 1}, MaxLogin); !errors.Is(err, ErrTooLong) {
		t.Errorf("error %v, want ErrTooLong", err)
	}
}

func TestErrorPacket(t *testing.T) {
	for code, want := range map[int64]string{
		22000: "\x15\x00\x00\x03\xff\xf0\x55#28000closed today", 0: "\x15\x00\x00\x03\xff\x15\x04#28000closed today",
		2013: "\x15\x00\x00\x03\xff\x15\x04#28000closed today", 1 << 40: "\x15\x00\x00\x03\xff\x15\x04#28000closed today",
	} {
		if got := string(AppendError(nil, 3, code, "closed today")); got != want {
			t.Errorf("error %d: %q, want %q", code, got, want)
		}
	}
	if got, want := string(AppendError(nil, 0, CodeUnknown, "gone")), "\x07\x00\x00\x00\xff\x51\x04gone"; got != want {
		t.Errorf("error before the greeting %q, want %q", got, want)
	}
}

// TestRenumber plays a login that a client began by TLS and the upstream did not see so, in pieces of each size.
func TestRenumber(t *testing.T) {
	fromUpstream := [][]byte{packet(2, "\xfeswitch"), packet(4, "\x01more"), packet(6, "\x00ok"), packet(1, "\x00answer"), packet(2, "\x05rows")}
	toClient := bytes.Join([][]byte{packet(3, "\xfeswitch"), packet(5, "\x01more"), packet(7, "\x00ok"), packet(1, "\x00answer"), packet(2, "\x05rows")}, nil)
	fromClient := bytes.Join([][]byte{packet(4, "\x00proof"), packet(6, "")}, nil)
	toUpstream := bytes.Join([][]byte{packet(3, "\x00proof"), packet(5, "")}, nil)
	for size := 1; size < len(toClient); size++ {
		wire := &recorded{from: bytes.NewReader(fromClient)}
		c := Renumber(wire, 1)
		got := make([]byte, 0, len(toUpstream))
		for len(got) < len(toUpstream) {
			n, err := c.Read(got[len(got):min(len(got)+size, len(toUpstream))])
			if err != nil {
				t.Fatal(err)
			}
			got = got[:len(got)+n]
		}
		if !bytes.Equal(got, toUpstream) {
			t.Fatalf("pieces of %d: the upstream gets %q, want %q", size, got, toUpstream)
		}
		for _, p := range fromUpstream { // as they come: nothing follows a success in the same piece
			kept := bytes.Clone(p)
			for rest := p; len(rest) > 0; rest = rest[min(size, len(rest)):] {
				if _, err := c.Write(rest[:min(size, len(rest))]); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(p, kept) {
				t.Fatal("Write changed what it was given")
			}
		}
		if got := wire.to.Bytes(); !bytes.Equal(got, toClient) {
			t.Fatalf("pieces of %d: the client gets %q, want %q", size, got, toClient)
		}
		command := packet(0, "\x03select")
		wire.from = bytes.NewReader(command)
		after := make([]byte, len(command))
		if c.Read(after); !bytes.Equal(after, command) {
			t.Fatalf("a command after the login becomes %q, want %q", after, command)
		}
	}
	plain := &recorded{}
	if Renumber(plain, 0) != net.Conn(plain) || Numbered(plain) != net.Conn(plain) || Numbered(Renumber(plain, 1)) != net.Conn(plain) {
		t.Error("a connection whose numbers agree is another one")
	}
}

// recorded is a client's connection.
type recorded struct {
	net.Conn
	from *bytes.Reader
	to   bytes.Buffer
}

func (r *recorded) Read(b []byte) (int, error)  { return r.from.Read(b) }
func (r *recorded) Write(b []byte) (int, error) { return r.to.Write(b) }

func FuzzParse(f *testing.F) {
	f.Add(greeting)
	f.Add(login(WithDatabase|LengthEncodedReply|PluginAuth|ConnectAttributes, "alice\x00\x03xyzshop\x00p\x00\x04\x01a\x01b"))
	f.Add(packet(0, "\xff\x10\x04#08004Too many connections"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Measure(b, MaxLogin)
		if err != nil || n == 0 {
			return
		}
		if n > len(b) || n > MaxLogin {
			t.Fatalf("a packet of %d bytes in %d", n, len(b))
		}
		b = b[:n]
		ErrorText(b)
		if g, err := ParseGreeting(b); err == nil {
			if offer := g.Offer(true); len(offer) != n {
				t.Fatalf("an offer of %d bytes for a greeting of %d", len(offer), n)
			}
		}
		l, err := ParseLogin(b)
		if err != nil || l.WantsTLS {
			return
		}
		again, err := ParseLogin(l.Packet(2, false))
		if err != nil || again.User != l.User || again.Database != l.Database {
			t.Fatalf("for the upstream %+v (%v), want %+v", again, err, l)
		}
	})
}

// FuzzRenumber holds that it does not matter in which pieces packets come.
func FuzzRenumber(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x02\xfe\x02\x00\x00\x04\x00k\x01\x00\x00\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, parts := &recorded{}, &recorded{}
		Renumber(whole, 1).Write(b)
		c := Renumber(parts, 1)
		for i := range b {
			c.Write(b[i : i+1])
		}
		if got, want := parts.to.Bytes(), whole.to.Bytes(); !bytes.Equal(got, want) || len(got) != len(b) {
			t.Fatalf("in pieces %q, at once %q", got, want)
		}
	})
}
