package admin

import "net/http"

// Health is the answer of /live and /ready.
type Health struct {
	Status string `json:"status"` // live, ready; otherwise why not: starting, stopping, refusing new connections
}

func (l *Listener) live(w http.ResponseWriter, _ *http.Request) {
	l.answer(w, http.StatusOK, Health{"live"})
}

// ready says whether the server takes new connections in; what its scripts decide about them is their affair.
func (l *Listener) ready(w http.ResponseWriter, _ *http.Request) {
	switch s := l.house.Server(); {
	case s.State != "serving":
		l.answer(w, http.StatusServiceUnavailable, Health{s.State})
	case s.RefusesNew:
		l.answer(w, http.StatusServiceUnavailable, Health{"refusing new connections"})
	default:
		l.answer(w, http.StatusOK, Health{"ready"})
	}
}

func (l *Listener) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if l.metrics == nil {
		l.problem(w, &failure{http.StatusNotFound, "this server has no metrics"})
		return
	}
	l.hurry(w)
	l.metrics.ServeHTTP(w, r)
}

func (l *Listener) serveDashboard(w http.ResponseWriter, _ *http.Request) {
	if l.dashboard == nil {
		l.problem(w, &failure{http.StatusNotFound, "this server has no dashboard"})
		return
	}
	l.send(w, http.StatusOK, "application/json", l.dashboard)
}

func (l *Listener) serveDocument(w http.ResponseWriter, _ *http.Request) {
	l.send(w, http.StatusOK, "application/json", l.document)
}
