// Package metrics publishes what a server has counted, for Prometheus. The counting itself is done where things happen;
// here numbers are read when somebody asks, so that the accept path does not know of it.
package metrics

import (
	_ "embed"
	"log/slog"
	"net/http"
	"strconv"

	"moongate/runtime/host"
	"moongate/runtime/journal"
	"moongate/runtime/measure"
	"moongate/runtime/process"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

//go:embed dashboard.json
var dashboard []byte

// Dashboard is a Grafana dashboard of the metrics, as JSON to import.
func Dashboard() []byte { return dashboard }

// Handler serves the metrics of a host, its journal (nil: none) and of Go itself. What goes wrong while they are gathered
// goes to the log.
func Handler(h *host.Host, j *journal.Journal, version string, log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(Registry(h, j, version), promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), MaxRequestsInFlight: 4})
}

// Registry has the metrics of a host.
func Registry(h *host.Host, j *journal.Journal, version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(&collector{h, j, version}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// collector reads the host when it is asked.
type collector struct {
	host    *host.Host
	journal *journal.Journal
	version string
}

// describe makes the description of a metric.
func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("moongate_"+name, help, labels, nil)
}

// The metrics. A gate is the address where clients come in.
var (
	info        = describe("info", "The version of the server and of its scripts; always 1.", "version", "scripts_version")
	connections = describe("connections", "Connections that are live, by state.", "state")
	users       = describe("users", "Users who are connected.")
	refusing    = describe("refusing_new_connections", "1 while new connections are refused because an administrator or a script said so.")
	remotes     = describe("remote_sessions", "Sessions of remote clients, by state; postponed is out of reach.", "state")
	links       = describe("remote_processes", "Processes of remote clients, with a connection or without one, by the state of their transport.", "state")
	verdicts    = describe("verdicts_total", "Verdicts about connections, by outcome, gate, code and what decided.", "outcome", "gate", "code", "by")
	closes      = describe("connections_closed_total", "Accepted connections that have ended.")
	durations   = describe("method_duration_seconds", "How long the calls of a method took, waits included.", "method", "kind")
	failures    = describe("method_errors_total", "Calls of a method that failed or were stopped.", "method", "kind")
	waits       = describe("baton_wait_seconds", "How long those who had to wait for the baton of a lane did.", "lane")
	slices      = describe("slices_total", "Slices that ended while others waited for the lane.", "lane")
	aborts      = describe("aborts_total", "Methods that were stopped: aborted, at their deadline, or for want of memory.", "lane")
	programs    = describe("lane_processes", "Processes that live in a lane.", "lane")
	usersFile   = describe("users_file_broken", "1 while the accounts in use are not those of the users file, because that is broken.")
	processes   = describe("processes", "Processes, by 4D's state.", "state")
	shadowOn    = describe("shadow", "1 while a shadow decides too.")
	shadows     = describe("shadow_verdicts_total", "Verdicts, by what the shadow would have said instead: same, accept to refuse, refuse to accept, other, failed, or not asked.", "outcome")
	probation   = describe("scripts_on_probation", "1 while the scripts in use are on probation.")
	takenBack   = describe("scripts_taken_back_total", "Changed scripts that were taken back because they broke the bounds of --probation.")
	reloads     = describe("reloads_total", "Reloads of changed scripts, by outcome.", "outcome")
	rows        = describe("journal_rows_total", "Rows written to the journal.")
	drops       = describe("journal_rows_dropped_total", "Rows that the journal could not take.")
	queued      = describe("journal_rows_queued", "Rows that wait to be written to the journal.")
	gateBytes   = describe("gate_bytes_total", "Bytes from (in) and to (out) the clients of a gate whose connections have ended.", "gate", "direction")
	gateLive    = describe("gate_connections", "Connections that are live, by gate.", "gate")
	upLive      = describe("upstream_connections", "Connections that are led to an upstream.", "gate", "upstream")
	upAttempts  = describe("upstream_attempts_total", "Connections that an upstream took and that have ended, and those that it could not be reached for.", "gate", "upstream", "outcome")
	upAvoided   = describe("upstream_avoided", "1 while an upstream is avoided because it could not be reached.", "gate", "upstream")
	failing     = describe("journal_failing", "1 while the journal cannot be written.")
)

// Describe lists the metrics.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		info, connections, users, remotes, links, refusing, verdicts, closes, durations, failures, waits, slices, aborts, programs, processes,
		usersFile, shadowOn, shadows, probation, takenBack, reloads, rows, drops, queued, failing, gateBytes, gateLive, upLive, upAttempts, upAvoided,
	} {
		ch <- d
	}
}

// Collect reads them.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(info, 1, c.version, c.host.Scripts().Version())
	c.sessions(gauge, count)
	c.gates(gauge, count)
	for _, m := range c.host.MethodReports() {
		histogram(ch, durations, m.Durations, m.Method, kind(m.Event))
		count(failures, m.Errors, m.Method, kind(m.Event))
	}
	for _, l := range c.host.Scripts().Lanes() {
		lane := strconv.Itoa(l.Number)
		histogram(ch, waits, l.Waits, lane)
		count(slices, l.Slices, lane)
		count(aborts, l.Aborts, lane)
		gauge(programs, float64(l.Programs), lane)
	}
	gauge(usersFile, truth(c.host.UsersProblem() != ""))
	states := map[string]int{}
	for _, s := range []process.State{process.Executing, process.Delayed, process.WaitingForInputOutput, process.WaitingForInternalFlag, process.Paused} {
		states[s.String()] = 0 // a state without processes has a series too
	}
	for _, p := range c.host.Processes().All() {
		states[p.State().String()]++
	}
	for state, n := range states {
		gauge(processes, float64(n), state)
	}
	c.otherScripts(gauge, count)
	loaded, failed := c.host.Reloads()
	count(reloads, loaded, "loaded")
	count(reloads, failed, "failed")
	if c.journal != nil {
		stats := c.journal.Stats()
		count(rows, stats.Rows)
		count(drops, stats.Dropped)
		gauge(queued, float64(stats.Queued))
		gauge(failing, truth(stats.Failing != nil))
	}
}

// otherScripts gives what is known of the shadow and of probation.
func (c *collector) otherScripts(gauge func(*prometheus.Desc, float64, ...string), count func(*prometheus.Desc, int64, ...string)) {
	_, on := c.host.Shadow()
	gauge(shadowOn, truth(on))
	totals := c.host.ShadowTotals()
	count(shadows, totals.Same, "same")
	count(shadows, totals.Refuses, "accept to refuse")
	count(shadows, totals.Accepts, "refuse to accept")
	count(shadows, totals.Other, "other")
	count(shadows, totals.Failed, "failed")
	count(shadows, totals.NotAsked, "not asked")
	p, _ := c.host.Probation()
	gauge(probation, truth(p.On))
	count(takenBack, p.Taken)
}

// sessions gives what is known of connections.
func (c *collector) sessions(gauge func(*prometheus.Desc, float64, ...string), count func(*prometheus.Desc, int64, ...string)) {
	sessions := c.host.Sessions()
	totals := sessions.Totals()
	gauge(connections, float64(totals.Open), "open")
	gauge(connections, float64(totals.Live-totals.Open), "deciding")
	gauge(connections, float64(totals.Arrivals), "logging in")
	gauge(users, float64(sessions.Users()))
	inSession, inLink := sessions.RemoteStates()
	for state, n := range inSession {
		gauge(remotes, float64(n), state)
	}
	for state, n := range inLink {
		gauge(links, float64(n), state)
	}
	gauge(refusing, truth(sessions.RefusesNew()))
	count(closes, totals.Closed)
	for outcome, n := range c.host.Outcomes() {
		word, by := "accepted", outcome.By
		if !outcome.Accepted {
			word = "refused"
			if by == "" {
				by = "method"
			}
		}
		code := strconv.FormatInt(outcome.Code, 10)
		if outcome.Code == host.OtherCode {
			code = "other"
		}
		count(verdicts, n, word, outcome.Listener, code, by)
	}
}

// gates gives what is known of gates and their upstreams.
func (c *collector) gates(gauge func(*prometheus.Desc, float64, ...string), count func(*prometheus.Desc, int64, ...string)) {
	for _, g := range c.host.Gates() {
		gauge(gateLive, float64(g.Connections), g.Name)
		count(gateBytes, g.In, g.Name, "in")
		count(gateBytes, g.Out, g.Name, "out")
		for _, u := range g.Upstreams {
			gauge(upLive, float64(u.Live), g.Name, u.Upstream)
			count(upAttempts, u.Connected, g.Name, u.Upstream, "connected")
			count(upAttempts, u.Failed, g.Name, u.Upstream, "failed")
			gauge(upAvoided, truth(u.Problem != ""), g.Name, u.Upstream)
		}
	}
}

func kind(event bool) string {
	if event {
		return "database"
	}
	return "project"
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// histogram gives one of our histograms as Prometheus'.
func histogram(ch chan<- prometheus.Metric, d *prometheus.Desc, s measure.Snapshot, labels ...string) {
	buckets := make(map[float64]uint64, len(measure.Bounds))
	for i, bound := range measure.Bounds {
		buckets[bound.Seconds()] = uint64(s.Buckets[i])
	}
	ch <- prometheus.MustNewConstHistogram(d, uint64(s.Count), s.Sum.Seconds(), buckets, labels...)
}
