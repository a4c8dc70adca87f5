package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	secret  = "sesame-sesame-sesame"
	bearer  = "Authorization: Bearer " + secret
	here    = "127.0.0.1"
	farAway = "203.0.113.9"
)

// checked is what a guard says about a request with headers, "Name: value": 0 is that it may come in.
func checked(g guard, peer, local string, headers ...string) int {
	r := &http.Request{Host: "localhost:19880", Header: http.Header{}}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	if f := g.check(r, netip.MustParseAddr(peer).Unmap(), netip.MustParseAddr(local).Unmap()); f != nil {
		return f.status
	}
	return 0
}

// Who needs the token: everybody, unless both ends of the connection are loopback and nobody has forwarded the request.
func TestWhoNeedsTheToken(t *testing.T) {
	withToken := newGuard(netip.MustParseAddr("0.0.0.0"), secret)
	without := newGuard(netip.MustParseAddr("127.0.0.1"), "")
	for _, c := range []struct {
		peer, local     string
		header          string
		guarded, unlock int // with a token, without
	}{
		{here, here, "", 0, 0},
		{"127.8.9.10", here, "", 0, 0},
		{"::1", "::1", "", 0, 0},
		{"::ffff:127.0.0.1", "::ffff:127.0.0.1", "", 0, 0},
		{farAway, "10.0.0.1", "", 401, 403},
		{farAway, here, "", 401, 403},
		{here, "10.0.0.1", "", 401, 403},
		{"10.0.0.1", "10.0.0.1", "", 401, 403}, // this machine by its other address
		{"fe80::1%eth0", "fe80::2%eth0", "", 401, 403},
		{here, here, "X-Forwarded-For: 203.0.113.9", 401, 403},
		{here, here, "Forwarded: for=203.0.113.9", 401, 403},
		{here, here, "X-Real-Ip: 203.0.113.9", 401, 403},
		{farAway, "10.0.0.1", bearer, 0, 403},
		{here, here, bearer, 0, 0},
		{farAway, "10.0.0.1", "Authorization: bearer " + secret, 0, 403},
		{farAway, "10.0.0.1", "Authorization: Bearer  " + secret, 0, 403},
		{farAway, "10.0.0.1", "Authorization: Basic " + secret, 401, 403},
		{farAway, "10.0.0.1", "Authorization: " + secret, 401, 403},
		{farAway, "10.0.0.1", "Authorization: Bearer", 401, 403},
		{farAway, "10.0.0.1", "Authorization: Bearer ", 401, 403},
		{farAway, "10.0.0.1", bearer + "x", 401, 403},
		{farAway, "10.0.0.1", bearer[:len(bearer)-1], 401, 403},
		{farAway, "10.0.0.1", strings.ToUpper(bearer), 401, 403},
		{here, here, "Authorization: Bearer wrong-wrong-wrong-wrong", 0, 0}, // none is needed here
	} {
		if got := checked(withToken, c.peer, c.local, c.header); got != c.guarded {
			t.Errorf("%s to %s, %q, with a token: got %d, want %d", c.peer, c.local, c.header, got, c.guarded)
		}
		if got := checked(without, c.peer, c.local, c.header); got != c.unlock {
			t.Errorf("%s to %s, %q, without a token: got %d, want %d", c.peer, c.local, c.header, got, c.unlock)
		}
	}
	if got := checked(withToken, farAway, "10.0.0.1", bearer, "Authorization: Bearer other"); got != 401 {
		t.Errorf("two Authorization headers: got %d, want 401", got)
	}
}

// No page in the administrator's browser can read or act, by DNS rebinding either.
func TestPagesAreKeptOut(t *testing.T) {
	loopback := newGuard(netip.MustParseAddr("::1"), "")
	everywhere := newGuard(netip.MustParseAddr("0.0.0.0"), secret)
	for _, c := range []struct {
		headers              []string
		loopback, everywhere int
	}{
		{[]string{"Host: localhost"}, 0, 0},
		{[]string{"Host: LOCALHOST:1"}, 0, 0},
		{[]string{"Host: 127.0.0.1:19880"}, 0, 0},
		{[]string{"Host: 127.200.0.1"}, 0, 0},
		{[]string{"Host: [::1]"}, 0, 0},
		{[]string{"Host: [::1]:80"}, 0, 0},
		{[]string{"Host: "}, 0, 0},
		{[]string{"Host: 10.0.0.1:19880"}, 421, 0},
		{[]string{"Host: [fd00::1]:19880"}, 421, 0},
		{[]string{"Host: 0.0.0.0:19880"}, 421, 421},
		{[]string{"Host: [::]:19880"}, 421, 421},
		{[]string{"Host: evil.example"}, 421, 421},
		{[]string{"Host: evil.example:19880"}, 421, 421},
		{[]string{"Host: localhost.evil.example"}, 421, 421},
		{[]string{"Host: 127.0.0.1.nip.example"}, 421, 421},
		{[]string{"Host: localhost:evil"}, 421, 421},
		{[]string{"Host: localhost:1:2"}, 421, 421},
		{[]string{"Host: :19880"}, 421, 421},
		{[]string{"Host: ::1"}, 421, 421},
		{[]string{"Host: [::1"}, 421, 421},
		{[]string{"Host: [127.0.0.1]"}, 421, 421},
		{[]string{"Host: [::1%lo]"}, 421, 421},
		{[]string{"Host: [::1]evil.example"}, 421, 421},
		{[]string{"Host: 2130706433"}, 421, 421}, // what some take for 127.0.0.1
		{[]string{"Host: evil.example", "Origin: http://evil.example"}, 421, 421},
		{[]string{"Host: evil.example", bearer}, 421, 0}, // no page knows the token
		{[]string{"Host: localhost:19880", "Origin: http://localhost:19880"}, 0, 0},
		{[]string{"Host: [::1]:19880", "Origin: http://[::1]:19880"}, 0, 0},
		{[]string{"Host: localhost:19880", "Origin: https://localhost:19880"}, 403, 403},
		{[]string{"Host: localhost:19880", "Origin: http://localhost:80"}, 403, 403},
		{[]string{"Host: localhost:19880", "Origin: http://localhost"}, 403, 403},
		{[]string{"Host: localhost:19880", "Origin: http://evil.example"}, 403, 403},
		{[]string{"Host: localhost:19880", "Origin: null"}, 403, 403},
		{[]string{"Host: localhost:19880", "Origin: "}, 403, 403},
		{[]string{"Host: ", "Origin: http://"}, 403, 403},
		{[]string{"Host: localhost:1", "Origin: http://localhost:1", "Origin: http://evil.example"}, 403, 403},
		{[]string{"Origin: http://evil.example", bearer}, 403, 403},
		{[]string{"Sec-Fetch-Site: none"}, 0, 0}, // typed by the user
		{[]string{"Sec-Fetch-Site: same-origin"}, 0, 0},
		{[]string{"Sec-Fetch-Site: same-site"}, 403, 403},
		{[]string{"Sec-Fetch-Site: cross-site"}, 403, 403},
		{[]string{"Sec-Fetch-Site: something-new"}, 403, 403},
		{[]string{"Sec-Fetch-Site: cross-site", bearer}, 403, 403},
	} {
		if got := checked(loopback, here, here, c.headers...); got != c.loopback {
			t.Errorf("%q at a loopback listener: got %d, want %d", c.headers, got, c.loopback)
		}
		if got := checked(everywhere, here, here, c.headers...); got != c.everywhere {
			t.Errorf("%q at a listener for everybody: got %d, want %d", c.headers, got, c.everywhere)
		}
	}
}

// The guard runs before everything else, whatever is asked for.
func TestTheGuardIsBeforeEverything(t *testing.T) {
	house := &FakeHouse{}
	a := attend(t, house)
	for _, r := range routes() {
		path := strings.ReplaceAll(r.path, "{"+variableOf(r.path)+"}", "5")
		for _, header := range [][]string{{"Origin", "http://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Host", "evil.example"}} {
			got := a.ask(r.method, path, `{}`, header...)
			if got.status != 403 && got.status != 421 || !strings.Contains(got.body, `{"error":"`) {
				t.Errorf("%s %s with %v: got %d %s", r.method, path, header, got.status, got.body)
			}
		}
	}
	expectProblem(t, a.ask("GET", "/nowhere", "", "Origin", "null"), 403, "Origin")
	expectProblem(t, a.ask("OPTIONS", "/v1/quit", "", "Origin", "http://evil.example", "Access-Control-Request-Method", "DELETE"), 403, "Origin")
	expect(t, "the connection is over", a.raw("GET /live HTTP/1.1\r\nHost: evil.example\r\n\r\n").closes, true)
	expect(t, "acts", house.Calls(), nil)
	if got := a.log.with("WARN administrator refused"); len(got) == 0 || len(got) > 20 || !strings.Contains(got[0], "from=127.0.0.1:") {
		t.Errorf("got the lines %q, want one a second that says from where", got)
	}
}

// outside is an address of this machine that is no loopback one.
func outside(t *testing.T) string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback")
	return ""
}

func TestTheTokenOverRealAddresses(t *testing.T) {
	ip := outside(t)
	a := attend(t, &FakeHouse{Row: Server{State: "serving"}}, func(o *Options) { o.Address, o.Token = "0.0.0.0:0", secret })
	port := a.Address().Port()
	for _, path := range []string{"/live", "/ready", "/metrics", "/openapi.json", "/v1/server", "/nowhere"} {
		for _, c := range []struct {
			host, authorization string
			allowed             bool
		}{
			{here, "", true}, {here, "Bearer " + secret, true},
			{ip, "", false}, {ip, "Bearer wrong-wrong-wrong-wrong", false}, {ip, "Bearer " + secret, true},
		} {
			r, _ := http.NewRequest("GET", "http://"+netip.AddrPortFrom(netip.MustParseAddr(c.host), port).String()+path, nil)
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			got := readReply(t, response)
			if (got.status != 401) != c.allowed {
				t.Errorf("%s at %s with %q: got %d", path, c.host, c.authorization, got.status)
			}
			if got.status == 401 && got.header.Get("WWW-Authenticate") != `Bearer realm="moongate"` {
				t.Errorf("%s: 401 without WWW-Authenticate", path)
			}
		}
	}
}

// A storm of wrong tokens writes a line a second, which says how many it stands for.
func TestWrongTokensInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, p := attendPipes(t, &FakeHouse{}, "192.0.2.1:1", secret)
		try := func(n int) {
			for range n {
				c := p.dial(farAway+":40000", "192.0.2.1:1")
				expect(t, "status", exchange(t, c, "GET /live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n\r\n").status, 401)
				c.Close()
			}
		}
		try(100)
		time.Sleep(time.Second)
		try(1)
		got := a.log.with("WARN administrator refused")
		if len(got) != 2 || !strings.Contains(got[0], "from="+farAway) || !strings.Contains(got[1], "lines_left_out=99") {
			t.Errorf("got %q", got)
		}
		if all := strings.Join(a.log.with(""), "\n"); strings.Contains(all, "Bearer wrong") {
			t.Errorf("the log shows a token:\n%s", all)
		}
	})
}
