package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestBodiesThatAreRefused(t *testing.T) {
	house := &FakeHouse{}
	a := attend(t, house)
	deep := strings.Repeat("[", 30_000)
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/v1/quit", "", 400, "a body is needed: a JSON object with mode"},
		{"POST", "/v1/quit", "{}", 400, `the field \"mode\" is missing; the fields are mode, seconds, message`},
		{"POST", "/v1/quit", `{"Mode":"now"}`, 400, `the field \"mode\" is missing`},
		{"POST", "/v1/new-connections", "{}", 400, `the field \"refuse\" is missing`},
		{"POST", "/v1/new-connections", `{"refuse":"yes"}`, 400, `the field \"refuse\" must be true or false, not string`},
		{"POST", "/v1/messages", `{"user":"ann"}`, 400, `the field \"text\" is missing`},
		{"POST", "/v1/messages", `{"text":"a","usr":"ann"}`, 400, `unknown field \"usr\"; the fields are text, connection, user, session`},
		{"POST", "/v1/messages", `{"text":7}`, 400, `the field \"text\" must be a text, not number`},
		{"POST", "/v1/messages", `{"text":{"a":1}}`, 400, `the field \"text\" must be a text, not object`},
		{"POST", "/v1/messages", `{"text":"a","connection":1.5}`, 400, `the field \"connection\" must be a whole number, not number 1.5`},
		{"POST", "/v1/messages", `{"text":"a","connection":1e99}`, 400, "must be a whole number"},
		{"POST", "/v1/quit", `{"mode":"in","seconds":1e999}`, 400, "must be a number"},
		{"POST", "/v1/quit", `{"mode":"now"} {"mode":"now"}`, 400, "must be one JSON object (byte 16"},
		{"POST", "/v1/quit", `{"mode":"now"}]`, 400, "must be one JSON object"},
		{"POST", "/v1/quit", `{"mode":"now"`, 400, "must be one JSON object (byte 13"},
		{"POST", "/v1/quit", `{"mode":`, 400, "must be one JSON object"},
		{"POST", "/v1/quit", `{mode:"now"}`, 400, "must be one JSON object"},
		{"POST", "/v1/quit", `null`, 400, "must be one JSON object"},
		{"POST", "/v1/quit", `[]`, 400, "must be one JSON object"},
		{"POST", "/v1/quit", `"now"`, 400, "must be one JSON object"},
		{"POST", "/v1/quit", "\x00\xff", 400, "must be one JSON object"},
		{"POST", "/v1/quit", deep, 400, "must be one JSON object"},
		{"POST", "/v1/quit", `{"mode":` + deep, 400, "must be one JSON object"},
		{"POST", "/v1/quit", `{"mode":"now","x":` + deep[:9000] + strings.Repeat("]", 9000) + "}", 400, `unknown field \"x\"`},
		{"POST", "/v1/quit", `{"mode":"` + strings.Repeat("x", longestBody) + `"}`, 413, "65536 bytes at the most"},
		{"POST", "/v1/quit", strings.Repeat(" ", 10<<20), 413, "65536 bytes at the most"},
		{"POST", "/v1/reload", `{"now":true}`, 400, `unknown field \"now\"; this act takes none`},
		{"DELETE", "/v1/quit", `{"now":true}`, 400, `unknown field \"now\"`},
		{"POST", "/v1/processes/5/abort", `{"id":"5"}`, 400, `the field \"id\" must be a whole number, not string`},
		{"POST", "/v1/processes/five/abort", ``, 400, `\"five\" is not the number of a process`},
		{"POST", "/v1/processes/-1/abort", ``, 400, "not the number of a process"},
		{"POST", "/v1/connections/9223372036854775808/drop", ``, 400, "not the number of a connection"},
		{"POST", "/v1/connections/1.5/drop", ``, 400, "not the number of a connection"},
		{"POST", "/v1/users/" + strings.Repeat("a", 1025) + "/drop", ``, 404, "no user has a name of more than 1024 bytes"},
	} {
		got := a.ask(c.method, c.path, c.body, "Content-Type", "application/json")
		if got.status != c.status || !strings.Contains(got.body, c.says) || len(got.body) > 400 {
			t.Errorf("%s %.60s %.60q: got %d %.400s, want %d with %q", c.method, c.path, c.body, got.status, got.body, c.status, c.says)
		}
	}
	expect(t, "acts", house.Calls(), nil)
}

// A body that a form in a page could send is none, and one must say what it is.
func TestTheTypeOfABody(t *testing.T) {
	house := &FakeHouse{}
	a := attend(t, house)
	for _, c := range []struct {
		kind, body string
		status     int
	}{
		{"application/json", `{"mode":"now"}`, 200}, {"Application/JSON; charset=utf-8", `{"mode":"now"}`, 200},
		{"", `{"mode":"now"}`, 415}, {"text/plain", `{"mode":"now"}`, 415}, {"application/x-www-form-urlencoded", `{"mode":"now"}`, 415},
		{"multipart/form-data; boundary=x", `{"mode":"now"}`, 415}, {"application/json;;", `{"mode":"now"}`, 415},
		{"application/json-patch+json", `{"mode":"now"}`, 415},
	} {
		head := "POST /v1/quit HTTP/1.1\r\nHost: localhost\r\n"
		if c.kind != "" {
			head += "Content-Type: " + c.kind + "\r\n"
		}
		if got := a.raw(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(c.body), c.body)); got.status != c.status {
			t.Errorf("%q: got %d %s, want %d", c.kind, got.status, got.body, c.status)
		}
	}
	empty := "POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
	expect(t, "an empty body of a form", a.raw(empty+"Content-Type: application/x-www-form-urlencoded\r\n\r\n").status, 415)
	expect(t, "an empty body", a.raw(empty+"\r\n").status, 200)
	expect(t, "acts", len(house.Calls()), 3)
}

// A body of a length that is not said before is bounded all the same.
func TestABodyInChunks(t *testing.T) {
	house := &FakeHouse{}
	a := attend(t, house)
	head := "POST /v1/quit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunk := "4000\r\n" + strings.Repeat(" ", 0x4000) + "\r\n"
	expectProblem(t, a.raw(head+strings.Repeat(chunk, 40)+"0\r\n\r\n"), 413, "65536 bytes")
	expectProblem(t, a.raw(head+"zz\r\n"), 400, "did not arrive whole")
	expect(t, "good chunks", a.raw(head+chunk+"e\r\n{\"mode\":\"now\"}\r\n0\r\n\r\n").status, 200)
	expect(t, "acts", len(house.Calls()), 1)
}

// A body that breaks off is no act.
func TestABodyThatBreaksOff(t *testing.T) {
	house := &FakeHouse{}
	a := attend(t, house)
	c := a.dial()
	io.WriteString(c, "POST /v1/quit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"mode\":\"now\"}")
	c.CloseWrite()
	answer, _ := io.ReadAll(c)
	if !strings.Contains(string(answer), "400 Bad Request") || !strings.Contains(string(answer), "did not arrive whole") {
		t.Errorf("got %q", answer)
	}
	expect(t, "acts", house.Calls(), nil)
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		"", "{}", "null", `{"text":"a","user":"b"}`, `{"text":"a","text":7}`, `{"TEXT":"a","text":"b"}`, `{"text":"\ud800"}`,
		`{"text":"a"}{}`, `{"mode":"in","seconds":1e308}`, `{"id":-1}`, `{"":0}`, `{"refuse":null}`, "[[[[", "\xff",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fuzzed[MessageAct](t, text)
		fuzzed[QuitAct](t, text)
		fuzzed[NewConnectionsAct](t, text)
		fuzzed[ProcessAct](t, text)
		fuzzed[nothing](t, text)
	})
}

// fuzzed decodes: what comes out goes in again, and what does not is a failure with a line of text.
func fuzzed[B comparable](t *testing.T, text []byte) {
	row, f := decode[B](text)
	if f != nil {
		if f.status != 400 || f.text == "" || row != *new(B) {
			t.Errorf("%q: got %+v and %+v", text, row, f)
		}
		return
	}
	again, err := json.Marshal(row)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if same, f := decode[B](again); f != nil || same != row {
		t.Errorf("%q: got %+v, and after the round trip %+v, %+v", text, row, same, f)
	}
}
