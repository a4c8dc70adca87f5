package admin

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestPathsAndMethodsThatAreNotThere(t *testing.T) {
	house := &FakeHouse{}
	a := attend(t, house)
	for _, path := range []string{
		"/", "/v1", "/v1/", "/v1/server/", "//v1/server", "/v1//server", "/V1/server", "/v1/./server", "/v1/x/../server", "/v1/server%2F",
		"/v1/processes/5", "/v1/processes/5/kill", "/v1/processes//abort", "/v1/processes/5/abort/", "/v1/users//drop", "/v1/users/a/b/drop",
		"/metrics/..", "/favicon.ico", "/v1/%73erver",
	} {
		for _, method := range []string{"GET", "POST"} {
			expectProblem(t, a.ask(method, path, ""), 404, "/openapi.json")
		}
	}
	for _, c := range []struct{ method, path, allow string }{
		{"POST", "/v1/server", "GET, HEAD"}, {"DELETE", "/live", "GET, HEAD"}, {"PUT", "/v1/quit", "POST, DELETE"}, {"GET", "/v1/quit", "POST, DELETE"},
		{"HEAD", "/v1/quit", "POST, DELETE"}, {"GET", "/v1/reload", "POST"}, {"GET", "/v1/processes/5/abort", "POST"}, {"OPTIONS", "/v1/quit", "POST, DELETE"},
		{"PATCH", "/v1/users/ann/drop", "POST"}, {"TRACE", "/v1/server", "GET, HEAD"}, {"get", "/v1/server", "GET, HEAD"}, {"POST", "/v1/events", "GET, HEAD"},
	} {
		got := a.ask(c.method, c.path, "")
		if got.status != 405 || got.header.Get("Allow") != c.allow || c.method != "HEAD" && !strings.Contains(got.body, "this path is for") {
			t.Errorf("%s %s: got %d, Allow: %s, %s", c.method, c.path, got.status, got.header.Get("Allow"), got.body)
		}
	}
	expect(t, "acts", house.Calls(), nil)
}

// What is hardly HTTP is answered or hung up on, and hurts nobody.
func TestRequestsThatAreHardlyHTTP(t *testing.T) {
	house := &FakeHouse{}
	a := attend(t, house)
	for _, c := range []struct {
		text   string
		status int
	}{
		{"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
		{"GET /live HTTP/1.0\r\n\r\n", 200}, // as load balancers do
		{"GET http://localhost/live HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200},
		{"GET http://evil.example/live HTTP/1.1\r\nHost: localhost\r\n\r\n", 421},
		{"GET /live HTTP/1.1\r\n\r\n", 400},
		{"GET /live HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400},
		{"GET /live HTTP/1.1\r\nHost: localhost\r\nHost : localhost\r\n\r\n", 400},
		{"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
		{"GET /live\r\n\r\n", 400},
		{"GET  HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
		{"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
		{"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 421},
		{"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n", 404},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404},
		{"GET /live HTTP/3.0\r\nHost: localhost\r\n\r\n", 505},
		{"GET /live HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		{"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200},
		{"POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400},
		{"POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\n\r\n", 417},
		{"GET /live HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n", 431},
		{"GET /" + strings.Repeat("x", 32<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 431},
		{"GET /live HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X: y\r\n", 8<<10) + "\r\n", 431},
		{"PING\r\n", 400},
		{"*1\r\n$4\r\nPING\r\n", 400},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400},
	} {
		if got := a.raw(c.text); got.status != c.status {
			t.Errorf("%.80q: got %d %s, want %d", c.text, got.status, got.body, c.status)
		}
	}
	expect(t, "acts", house.Calls(), nil)
}

// Requests that come at once on one connection are answered one after the other.
func TestRequestsInOnePiece(t *testing.T) {
	a := attend(t, &FakeHouse{})
	c := a.dial()
	one := "POST /v1/reload HTTP/1.1\r\nHost: localhost\r\n\r\n"
	io.WriteString(c, strings.Repeat(one, 50))
	answers := bufio.NewReader(c)
	for range 50 {
		r, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "status", readReply(t, r).status, 200)
	}
}
