package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// request is one of a route that succeeds.
type request struct {
	path, body string
	want       string // what the house is asked to do, "" for nothing
}

// requestsOf has at least one request for each route.
var requestsOf = map[string][]request{
	"live": {{"/live", "", ""}}, "ready": {{"/ready", "", ""}}, "metrics": {{"/metrics", "", ""}},
	"dashboard": {{"/grafana.json", "", ""}}, "document": {{"/openapi.json", "", ""}},
	"server": {{"/v1/server", "", ""}, {"/v1/server?x=1", "", ""}}, "processes": {{"/v1/processes", "", ""}},
	"connections": {{"/v1/connections", "", ""}}, "sessions": {{"/v1/sessions", "", ""}}, "users": {{"/v1/users", "", ""}},
	"methods": {{"/v1/methods", "", ""}}, "lanes": {{"/v1/lanes", "", ""}}, "events": {{"/v1/events", "", ""}},
	"abort": {
		{"/v1/processes/5/abort", "", "abort 5 0"}, {"/v1/processes/5/abort", "{}", "abort 5 0"},
		{"/v1/processes/9223372036854775807/abort", `{"id":9}`, "abort 9223372036854775807 9"},
	},
	"pause":          {{"/v1/processes/5/pause", ` {"id" : 9} `, "pause 5 9"}},
	"activate":       {{"/v1/processes/5/activate", "", "activate 5 0"}},
	"dropConnection": {{"/v1/connections/17/drop", "", "drop connection 17"}, {"/v1/connections/17/drop", "{}", "drop connection 17"}},
	"dropUser": {
		{"/v1/users/ann/drop", "", "drop user ann"}, {"/v1/users/a%2Fb%3F%20%C3%A9/drop", "", "drop user a/b? é"},
		{"/v1/users/%2E%2E/drop", "", "drop user .."}, {"/v1/users/../drop", "", "drop user .."}, {"/v1/users/7/drop", "", "drop user 7"},
		{"/v1/users/%7Buser%7D/drop", "", "drop user {user}"},
	},
	"dropSession": {{"/v1/sessions/0A-1/drop", "", "drop session 0A-1"}},
	"send": {
		{"/v1/messages", `{"text":"hi"}`, "send {Text:hi Connection:0 User: Session:}"},
		{"/v1/messages", `{"text":"hi","user":"ann"}`, "send {Text:hi Connection:0 User:ann Session:}"},
	},
	"newConnections": {{"/v1/new-connections", `{"refuse":true}`, "refuse true"}, {"/v1/new-connections", `{"refuse":false}`, "refuse false"}},
	"reload":         {{"/v1/reload", "", "reload"}},
	"shadow":         {{"/v1/shadow", "", ""}},
	"shadowOn":       {{"/v1/shadow", `{"folder":"/srv/new"}`, "shadow on /srv/new"}, {"/v1/shadow", "", "shadow on "}},
	"shadowOff":      {{"/v1/shadow", "", "shadow off"}},
	"promote":        {{"/v1/shadow/promote", "", "promote"}},
	"restart": {
		{"/v1/restart", `{"mode":"in","seconds":1.5}`, "restart {Mode:in Seconds:1.5}"}, {"/v1/restart", "", "restart {Mode: Seconds:0}"},
	},
	"quit":       {{"/v1/quit", `{"mode":"in","seconds":1.5,"message":"bye"}`, "quit {Mode:in Seconds:1.5 Message:bye}"}},
	"cancelQuit": {{"/v1/quit", "", "cancel quit"}},
}

// Every route answers as the document says, whether the house has much or nothing to show.
func TestEveryRouteAnswersAsTheDocumentSays(t *testing.T) {
	house := &FakeHouse{Row: Server{State: "serving", Listen: []string{}}}
	a := attend(t, house)
	document := a.ask("GET", "/openapi.json", "")
	d := readDocument(t, []byte(document.body))
	for _, empty := range []bool{false, true} {
		house.Empty = empty
		for _, r := range routes() {
			if len(requestsOf[r.id]) == 0 {
				t.Errorf("the test has no request for %s", r.id)
			}
			for _, q := range requestsOf[r.id] {
				before := len(house.Calls())
				got := a.ask(r.method, q.path, q.body)
				if got.status != 200 {
					t.Errorf("%s %s: got %d %s", r.method, q.path, got.status, got.body)
				} else if err := d.check(r, got); err != nil {
					t.Errorf("%s %s: %v", r.method, q.path, err)
				}
				if calls := strings.Join(house.Calls()[before:], "; "); calls != q.want {
					t.Errorf("%s %s %s: the house was asked to %q, want %q", r.method, q.path, q.body, calls, q.want)
				}
				expect(t, "Cache-Control", got.header.Get("Cache-Control"), "no-store")
				expect(t, "X-Content-Type-Options", got.header.Get("X-Content-Type-Options"), "nosniff")
				if got.body == "null\n" {
					t.Errorf("%s is null", q.path)
				}
				if r.method == "GET" {
					head := a.ask("HEAD", q.path, "")
					if head.status != got.status || head.body != "" || head.header.Get("Content-Type") != got.header.Get("Content-Type") {
						t.Errorf("HEAD %s: got %d %v %q", q.path, head.status, head.header, head.body)
					}
				}
			}
		}
	}
	expect(t, "the first row's text", strings.Contains(a.ask("GET", "/v1/users", "").body, "[]"), true)
	house.Empty = false
	expect(t, "a row's text", strings.Contains(a.ask("GET", "/v1/users", "").body, `"name":"<a & ü>"`), true)
}

// A server with everything set, the shutdown too, is as the document says.
func TestAServerInItsShutdownIsAsTheDocumentSays(t *testing.T) {
	a := attend(t, &FakeHouse{Fill: true})
	d := readDocument(t, a.document)
	list := routes()
	r := list[slices.IndexFunc(list, func(r route) bool { return r.id == "server" })]
	if err := d.check(r, a.ask("GET", "/v1/server", "")); err != nil {
		t.Error(err)
	}
	if err := d.fits(object{"$ref": "#/components/schemas/Event"}, asJSON(t, filled[Event](false)), "event"); err != nil {
		t.Error(err)
	}
}

func asJSON(t *testing.T, row any) (value any) {
	t.Helper()
	text, err := json.Marshal(row)
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// What the house cannot do has a status, which the document has, and the house's text.
func TestWhatTheHouseCannotDo(t *testing.T) {
	house := &FakeHouse{Row: Server{State: "serving"}}
	a := attend(t, house)
	d := readDocument(t, a.document)
	strange := errors.New("strange")
	for _, r := range routes() {
		for _, q := range requestsOf[r.id][:1] {
			if q.want == "" {
				continue
			}
			for err, want := range map[error]int{ErrGone: 404, ErrNotUser: 409, ErrTooLate: 409, ErrBad: 400, strange: 500} {
				if slices.Contains([]string{"reload", "shadowOn", "promote"}, r.id) && err == strange {
					want = 422
				}
				house.Err = err
				got := a.ask(r.method, q.path, q.body)
				expectProblem(t, got, want, q.want+": "+err.Error())
				if !slices.Contains(slices.Concat(r.statuses, everywhere), want) {
					continue // the house does not do that
				}
				if err := d.check(r, got); err != nil {
					t.Errorf("%s %s: %v", r.method, q.path, err)
				}
			}
		}
	}
}

func TestReady(t *testing.T) {
	for _, c := range []struct {
		row    Server
		status int
		says   string
	}{
		{Server{State: "starting"}, 503, "starting"},
		{Server{State: "serving"}, 200, "ready"},
		{Server{State: "serving", RefusesNew: true}, 503, "refusing new connections"},
		{Server{State: "stopping", RefusesNew: true}, 503, "stopping"},
	} {
		a := attend(t, &FakeHouse{Row: c.row})
		got := a.ask("GET", "/ready", "")
		expect(t, "status", got.status, c.status)
		expect(t, "body", got.body, fmt.Sprintf("{\"status\":%q}\n", c.says))
		expect(t, "live", a.ask("GET", "/live", "").body, "{\"status\":\"live\"}\n")
	}
}

func TestAServerWithoutMetricsAndDashboard(t *testing.T) {
	a := attend(t, &FakeHouse{}, func(o *Options) { o.Metrics, o.Dashboard = nil, nil })
	expectProblem(t, a.ask("GET", "/metrics", ""), 404, "no metrics")
	expectProblem(t, a.ask("GET", "/grafana.json", ""), 404, "no dashboard")
}

// Two administrators end the same things at once: each thing is ended once, and everybody gets an answer that says so.
func TestTwoAdministratorsAtOnce(t *testing.T) {
	const things, each = 20, 4
	house := &FakeHouse{Gone: map[int64]bool{}}
	a := attend(t, house)
	var mu sync.Mutex
	statuses := map[int]int{}
	var administrators sync.WaitGroup
	for range each {
		administrators.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := range things {
				for _, path := range []string{fmt.Sprintf("/v1/processes/%d/abort", 1+n), fmt.Sprintf("/v1/connections/%d/drop", 101+n)} {
					r, err := client.Post("http://"+a.Address().String()+path, "", nil)
					if err != nil {
						t.Error(err)
						return
					}
					r.Body.Close()
					mu.Lock()
					statuses[r.StatusCode]++
					mu.Unlock()
				}
			}
		})
	}
	administrators.Wait()
	expect(t, "answers", statuses, map[int]int{200: 2 * things, 404: 2 * things * (each - 1)})
	expect(t, "acts of the house", len(house.Calls()), 2*things)
	expect(t, "lines", len(a.log.with("INFO administrator acts")), 2*things*each)
}

// Each act is in the log, with what, on what, from where and by whom; what is only looked at is not.
func TestActsAreInTheLog(t *testing.T) {
	house := &FakeHouse{}
	a := attend(t, house)
	for _, r := range routes() {
		for _, q := range requestsOf[r.id] {
			a.ask(r.method, q.path, q.body, "X-Moongate-User", "ann")
		}
	}
	house.Err = ErrTooLate
	a.ask("DELETE", "/v1/quit", "", "X-Moongate-User", "eve\tü\u200b "+strings.Repeat("x", 100))
	a.ask("POST", "/v1/quit", `{"mode":"now"}`)
	a.ask("POST", "/v1/quit", `{"mode":`)
	var got []string
	for _, line := range a.log.with("INFO ") {
		before, rest, _ := strings.Cut(line, " from=127.0.0.1:")
		_, after, _ := strings.Cut(rest, " ")
		got = append(got, strings.TrimPrefix(before, "INFO administrator acts: act=")+" "+after)
	}
	want := []string{
		"abort target=process 5 by=ann result=abort 5 0", "abort target=process 5 by=ann result=abort 5 0",
		"abort target=process 9223372036854775807 by=ann result=abort 9223372036854775807 9",
		"pause target=process 5 by=ann result=pause 5 9", "activate target=process 5 by=ann result=activate 5 0",
		"drop connection target=connection 17 by=ann result=drop connection 17", "drop connection target=connection 17 by=ann result=drop connection 17",
		"drop user target=user ann by=ann result=drop user ann", "drop user target=user a/b? é by=ann result=drop user a/b? é",
		"drop user target=user .. by=ann result=drop user ..", "drop user target=user .. by=ann result=drop user ..",
		"drop user target=user 7 by=ann result=drop user 7", "drop user target=user {user} by=ann result=drop user {user}",
		"drop session target=session 0A-1 by=ann result=drop session 0A-1",
		"send target=everybody message=hi by=ann result=send {Text:hi Connection:0 User: Session:}",
		"send target=user ann message=hi by=ann result=send {Text:hi Connection:0 User:ann Session:}",
		"new connections target=refused by=ann result=refuse true", "new connections target=accepted by=ann result=refuse false",
		"reload by=ann result=reload", "shadow on target=/srv/new by=ann result=shadow on /srv/new", "shadow on by=ann result=shadow on ",
		"shadow off by=ann result=shadow off", "promote by=ann result=promote",
		"restart target=in 1.5s by=ann result=restart {Mode:in Seconds:1.5}", "restart by=ann result=restart {Mode: Seconds:0}",
		"quit target=in 1.5s message=bye by=ann result=quit {Mode:in Seconds:1.5 Message:bye}",
		"cancel quit by=ann result=cancel quit",
		"cancel quit by=eve_ü_ " + strings.Repeat("x", 57) + " error=cancel quit: too late",
		"quit target=now error=quit {Mode:now Seconds:0 Message:}: too late",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, line := range a.log.with("") {
		if level, _, _ := strings.Cut(line, " "); level != "INFO" && level != "DEBUG" {
			t.Errorf("got the line %q", line)
		}
	}
}
