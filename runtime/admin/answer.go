package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// recorder is an answer that remembers its status.
type recorder struct {
	http.ResponseWriter
	status int // 0: nothing was said yet
}

// WriteHeader begins the answer.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the body.
func (w *recorder) Write(part []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(part)
}

// Unwrap lets http.ResponseController find the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serve answers one request, whatever it is. The guard runs first.
func (l *Listener) serve(inner http.ResponseWriter, r *http.Request) {
	w, started := &recorder{ResponseWriter: inner}, time.Now()
	r.Body = http.MaxBytesReader(inner, r.Body, longestBody)
	defer func() {
		if v := recover(); v != nil {
			l.fault(w, r, v)
		}
		l.log.Debug("administrator asks", append(asker(r), "method", r.Method, "path", r.URL.Path, "status", w.status,
			"duration", time.Since(started))...)
	}()
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if f := l.guard.check(r, parsePeer(r.RemoteAddr), localAddress(r)); f != nil {
		l.turnAway(w, r, f)
		return
	}
	l.dispatch(w, r)
}

// turnAway refuses a request that may not come in, and hangs up.
func (l *Listener) turnAway(w http.ResponseWriter, r *http.Request, f *failure) {
	l.warn("administrator refused", append(asker(r), "error", f.text)...)
	w.Header().Set("Connection", "close")
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="moongate"`)
	}
	l.problem(w, f)
}

// dispatch finds the route of a request and answers by it.
func (l *Listener) dispatch(w http.ResponseWriter, r *http.Request) {
	found, allowed := find(l.routes, r)
	if found == nil {
		l.lost(w, allowed)
		return
	}
	if found.stream { // of which there are only so many, in a way of their own
		found.serve(l, w, r)
		return
	}
	if !l.requests.take() {
		w.Header().Set("Retry-After", "1")
		l.problem(w, &failure{http.StatusServiceUnavailable, fmt.Sprintf("%d requests of this kind are being answered; try again in a second", cap(l.requests))})
		return
	}
	defer l.requests.giveBack()
	found.serve(l, w, r)
}

// lost answers a request that no route is for.
func (l *Listener) lost(w http.ResponseWriter, allowed []string) {
	if allowed == nil {
		l.problem(w, &failure{http.StatusNotFound, "there is nothing at this path; /openapi.json says what there is"})
		return
	}
	methods := strings.Join(allowed, ", ")
	w.Header().Set("Allow", methods)
	l.problem(w, &failure{http.StatusMethodNotAllowed, "this path is for " + methods + "; /openapi.json says more"})
}

// answer writes a row, or several, as JSON. It is encoded as a whole before, so that an answer is whole or a failure.
func (l *Listener) answer(w http.ResponseWriter, status int, row any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(row); err != nil {
		l.log.Error("fault of the host", "error", err)
		l.problem(w, &failure{http.StatusInternalServerError, "the server cannot put its answer into JSON; its log says more"})
		return
	}
	l.send(w, status, "application/json", body.Bytes())
}

// problem answers with what is wrong.
func (l *Listener) problem(w http.ResponseWriter, f *failure) {
	l.answer(w, f.status, Problem{Error: f.text})
}

// send writes a whole answer, which the peer must take in time. Nobody hears of an error: the peer has gone.
func (l *Listener) send(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	l.hurry(w)
	w.WriteHeader(status)
	w.Write(body)
}

// hurry begins the time in which the peer must take what is written next.
func (l *Listener) hurry(w http.ResponseWriter) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(l.patience))
}

// fault says in the log that the host is wrong, and to the peer if nothing was said yet; otherwise it breaks the answer
// off, so that half of it does not pass for the whole.
func (l *Listener) fault(w *recorder, r *http.Request, v any) {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	l.log.Error("fault of the host", "error", v, "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr, "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	l.problem(w, &failure{http.StatusInternalServerError, "a fault of the server; its log says more"})
}

// localAddress is the address at which a request's connection came in.
func localAddress(r *http.Request) netip.Addr {
	if address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return parsePeer(address.String())
	}
	return netip.Addr{}
}

// asker is who asks and from where, for the log.
func asker(r *http.Request) []any {
	attrs := []any{"from", r.RemoteAddr}
	if name := by(r); name != "" {
		attrs = append(attrs, "by", name)
	}
	return attrs
}

// longestBy is how many characters of X-Moongate-User are kept.
const longestBy = 64

// by is who a client says that its user is: at most 64 printable characters. It is a hint for the log, no proof.
func by(r *http.Request) string {
	name := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			return '_'
		}
		return c
	}, r.Header.Get("X-Moongate-User"))
	if runes := []rune(name); len(runes) > longestBy {
		return string(runes[:longestBy])
	}
	return name
}
