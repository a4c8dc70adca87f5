package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// route is one thing that can be asked: a row of the table from which requests are answered and the document is made.
type route struct {
	method, path string // the path may have one variable segment: {process}
	id           string // its name in the document, for programs that make clients of it
	summary      string
	body         reflect.Type // nil: none
	answer       reflect.Type // of the JSON that a success has; nil: it has something else
	kind         string       // the media type of a success, when answer is nil
	statuses     []int        // besides success, those that every route can have left out
	stream       bool         // it lasts; it has places of its own
	unready      string       // what 503 means, with the same answer; "": as everywhere
	serve        func(l *Listener, w http.ResponseWriter, r *http.Request)
}

// routes makes the table.
func routes() []route {
	return []route{
		{method: "GET", path: "/live", id: "live", summary: "whether the program answers",
			answer: reflect.TypeFor[Health](), serve: (*Listener).live},
		{method: "GET", path: "/ready", id: "ready", summary: "whether the server takes new connections in",
			answer: reflect.TypeFor[Health](), unready: "why it does not", serve: (*Listener).ready},
		{method: "GET", path: "/metrics", id: "metrics", summary: "what the server has counted, for Prometheus",
			kind: "text/plain", statuses: []int{404}, serve: (*Listener).serveMetrics},
		{method: "GET", path: "/grafana.json", id: "dashboard", summary: "a Grafana dashboard of the metrics, to import",
			kind: "application/json", statuses: []int{404}, serve: (*Listener).serveDashboard},
		{method: "GET", path: "/openapi.json", id: "document", summary: "this document",
			kind: "application/json", serve: (*Listener).serveDocument},

		get("/v1/server", "server", "the server at a glance", House.Server),
		get("/v1/processes", "processes", "all processes, by number", House.Processes),
		get("/v1/connections", "connections", "all connections, those that log in first", House.Connections),
		get("/v1/sessions", "sessions", "all sessions", House.Sessions),
		get("/v1/users", "users", "the users who are connected", House.Users),
		get("/v1/methods", "methods", "the methods in use, with their versions and last errors", House.Methods),
		get("/v1/lanes", "lanes", "the lanes: who has the baton, since when, who waits", House.Lanes),
		get("/v1/shadow", "shadow", "what the shadow would have decided", House.Shadow),
		{method: "GET", path: "/v1/events", id: "events",
			summary: "what happens from now on: server-sent events, each with an Event as its data, and a comment every 15 seconds",
			kind:    "text/event-stream", stream: true, serve: (*Listener).serveEvents},

		act("POST", "/v1/processes/{process}/abort", "abort", "ends a user process",
			func(h House, at place, b ProcessAct) (Done, error) { return h.Abort(at.number, b.ID) }, 404, 409),
		act("POST", "/v1/processes/{process}/pause", "pause", "makes a user process wait until it is activated",
			func(h House, at place, b ProcessAct) (Done, error) { return h.Pause(at.number, b.ID) }, 404, 409),
		act("POST", "/v1/processes/{process}/activate", "activate", "wakes a user process that is paused or delayed",
			func(h House, at place, b ProcessAct) (Done, error) { return h.Activate(at.number, b.ID) }, 404, 409),
		act("POST", "/v1/connections/{connection}/drop", "dropConnection", "ends a connection; its close method runs",
			func(h House, at place, _ nothing) (Done, error) { return h.DropConnection(at.number) }, 404),
		act("POST", "/v1/users/{user}/drop", "dropUser", "ends all connections of a user, given by name, alias or number",
			func(h House, at place, _ nothing) (Done, error) { return h.DropUser(at.text) }, 404),
		act("POST", "/v1/sessions/{session}/drop", "dropSession", "ends the connections of a session",
			func(h House, at place, _ nothing) (Done, error) { return h.DropSession(at.text) }, 404),
		act("POST", "/v1/messages", "send", "gives clients a message: all, or those of one connection, user or session",
			func(h House, _ place, b MessageAct) (Done, error) { return h.Send(b) }, 404),
		act("POST", "/v1/new-connections", "newConnections", "refuses new connections, or accepts them again",
			func(h House, _ place, b NewConnectionsAct) (Done, error) { return h.RefuseNew(b.Refuse) }),
		act("POST", "/v1/reload", "reload", "loads the scripts again; 422 says what is wrong with them, and the last good version stays",
			func(h House, _ place, _ nothing) (Done, error) { return h.Reload() }, 422),
		act("POST", "/v1/shadow", "shadowOn", "has the scripts of a folder decide about every connection too, and change nothing; 422 says what is wrong with them",
			func(h House, _ place, b ShadowAct) (Done, error) { return h.ShadowOn(b) }, 404, 409, 422),
		act("DELETE", "/v1/shadow", "shadowOff", "ends the shadow",
			func(h House, _ place, _ nothing) (Done, error) { return h.ShadowOff() }, 404),
		act("POST", "/v1/shadow/promote", "promote", "has the shadow's folder serve, as a reload would; 422 says what is wrong with its scripts",
			func(h House, _ place, _ nothing) (Done, error) { return h.Promote() }, 404, 422),
		act("POST", "/v1/restart", "restart", "has a new process of the program serve in place of this one, without refusing anybody; it begins now, and events say how it ends",
			func(h House, _ place, b RestartAct) (Done, error) { return h.Restart(b) }, 409),
		act("POST", "/v1/quit", "quit", "asks the server to stop",
			func(h House, _ place, b QuitAct) (Done, error) { return h.Quit(b) }, 409),
		act("DELETE", "/v1/quit", "cancelQuit", "takes all requests to stop back",
			func(h House, _ place, _ nothing) (Done, error) { return h.CancelQuit() }, 404, 409),
	}
}

// find gives the route of a request, with the variable of its path set; without one the methods that the path is for,
// nil when there is no such path. HEAD is as GET.
func find(routes []route, r *http.Request) (found *route, allowed []string) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range routes {
		name, value, ok := match(routes[i].path, r.URL.EscapedPath())
		switch {
		case !ok:
		case routes[i].method == method:
			r.SetPathValue(name, value)
			return &routes[i], nil
		default:
			allowed = append(allowed, routes[i].method)
		}
	}
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	return nil, allowed
}

// match compares a path, as the client escaped it, with that of a route. Every text but the empty one is a value of a
// variable, also "..", "a/b" and what else would be something different to http.ServeMux.
func match(path, escaped string) (name, value string, ok bool) {
	segments, given := strings.Split(path, "/"), strings.Split(escaped, "/")
	if len(segments) != len(given) {
		return "", "", false
	}
	for i, segment := range segments {
		if variable := variableOf(segment); variable != "" {
			text, err := url.PathUnescape(given[i])
			if err != nil || text == "" {
				return "", "", false
			}
			name, value = variable, text
		} else if segment != given[i] {
			return "", "", false
		}
	}
	return name, value, true
}

// variableOf is the name of the variable in a path or segment, "" when it has none.
func variableOf(path string) string {
	_, rest, _ := strings.Cut(path, "{")
	name, _, _ := strings.Cut(rest, "}")
	return name
}

// numbered reports whether a variable is a number.
func numbered(variable string) bool { return variable == "process" || variable == "connection" }

// get makes the route that shows something of the house.
func get[T any](path, id, summary string, read func(House) T) route {
	return route{method: "GET", path: path, id: id, summary: summary, answer: reflect.TypeFor[T](),
		serve: func(l *Listener, w http.ResponseWriter, _ *http.Request) {
			l.answer(w, http.StatusOK, listed(read(l.house)))
		}}
}

// listed is a row or a list, an empty list for none.
func listed(rows any) any {
	if v := reflect.ValueOf(rows); v.Kind() == reflect.Slice && v.IsNil() {
		return []nothing{}
	}
	return rows
}

// place is what the variable of a path says: text, and the number if it must be one.
type place struct {
	variable string // "": the path has none
	text     string
	number   int64
}

// longestName is how many bytes the variable of a path may have.
const longestName = 1024

// placeOf reads the variable of a request's path.
func placeOf(variable string, r *http.Request) (place, *failure) {
	at := place{variable: variable, text: r.PathValue(variable)}
	if len(at.text) > longestName {
		return at, &failure{http.StatusNotFound, fmt.Sprintf("no %s has a name of more than %d bytes", variable, longestName)}
	}
	if numbered(variable) {
		n, err := strconv.ParseInt(at.text, 10, 64)
		if err != nil || n < 0 {
			return at, &failure{http.StatusBadRequest, fmt.Sprintf("%q is not the number of a %s", at.text, variable)}
		}
		at.number = n
	}
	return at, nil
}

// act makes the route of an act. The statuses are those that the house's answer can have, besides success and 400.
func act[B any](method, path, id, summary string, do func(House, place, B) (Done, error), statuses ...int) route {
	variable, takes := variableOf(path), reflect.TypeFor[B]()
	if takes == reflect.TypeFor[nothing]() {
		takes = nil
	}
	return route{method: method, path: path, id: id, summary: summary, body: takes, answer: reflect.TypeFor[Done](),
		statuses: append([]int{400, 413, 415}, statuses...),
		serve: func(l *Listener, w http.ResponseWriter, r *http.Request) {
			at, f := placeOf(variable, r)
			var b B
			if f == nil {
				b, f = body[B](r)
			}
			if f != nil {
				l.problem(w, f)
				return
			}
			done, err := do(l.house, at, b)
			l.noteAct(r, id, target(at, b), said(b), done, err)
			if err != nil {
				l.problem(w, &failure{statusOf(err, statuses), err.Error()})
				return
			}
			l.answer(w, http.StatusOK, done)
		}}
}

// statusOf is the status of an error of the house. One that the route does not expect is a fault, but for the route that
// has 422.
func statusOf(err error, statuses []int) int {
	switch {
	case errors.Is(err, ErrGone):
		return http.StatusNotFound
	case errors.Is(err, ErrNotUser), errors.Is(err, ErrTooLate):
		return http.StatusConflict
	case errors.Is(err, ErrBad):
		return http.StatusBadRequest
	case slices.Contains(statuses, http.StatusUnprocessableEntity):
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

// noteAct writes an act to the log, with who and from where.
func (l *Listener) noteAct(r *http.Request, act, target, said string, done Done, err error) {
	attrs := []any{"act", words(act)}
	if target != "" {
		attrs = append(attrs, "target", target)
	}
	if said != "" {
		attrs = append(attrs, "message", said)
	}
	attrs = append(attrs, asker(r)...)
	if err != nil {
		attrs = append(attrs, "error", err)
	} else {
		attrs = append(attrs, "result", done.Text)
	}
	l.log.Info("administrator acts", attrs...)
}

// words are a name like dropUser in words.
func words(name string) string {
	var text strings.Builder
	for _, c := range name {
		if unicode.IsUpper(c) {
			text.WriteByte(' ')
		}
		text.WriteRune(unicode.ToLower(c))
	}
	return text.String()
}

// target says what an act is for, "" for the server as a whole.
func target(at place, body any) string {
	if at.variable != "" {
		return at.variable + " " + at.text
	}
	if b, ok := body.(interface{ target() string }); ok {
		return b.target()
	}
	return ""
}

// said is what an act tells clients, "" when nothing.
func said(body any) string {
	switch b := body.(type) {
	case MessageAct:
		return b.Text
	case QuitAct:
		return b.Message
	}
	return ""
}

func (m MessageAct) target() string {
	switch {
	case m.Connection != 0:
		return fmt.Sprintf("connection %d", m.Connection)
	case m.User != "":
		return "user " + m.User
	case m.Session != "":
		return "session " + m.Session
	}
	return "everybody"
}

func (n NewConnectionsAct) target() string {
	if n.Refuse {
		return "refused"
	}
	return "accepted"
}

func (r RestartAct) target() string { return QuitAct{Mode: r.Mode, Seconds: r.Seconds}.target() }

func (q QuitAct) target() string {
	if q.Mode == "in" {
		return fmt.Sprintf("in %gs", q.Seconds)
	}
	return q.Mode
}
