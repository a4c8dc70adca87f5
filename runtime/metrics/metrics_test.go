package metrics_test

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/metrics"
	"moongate/runtime/session"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// newHost is a host with scripts, a verdict of a check and one of each kind of the method.
func newHost(t *testing.T) *host.Host {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "on_server_open_connection.lua"), []byte("local _, c = ... return c % 2 * 22000"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := host.New(host.Config{Log: log, Version: "test", MethodTimeout: time.Second, Slice: time.Millisecond, QuitWindow: time.Second})
	scripts, err := luabind.Open(host.ScriptsConfig{Folder: folder, Role: method.Server, Log: log, Slice: time.Millisecond, Host: h})
	if err != nil {
		t.Fatal(err)
	}
	h.SetScripts(scripts)
	peer := session.Peer{Address: netip.MustParseAddrPort("192.0.2.1:40000"), Listener: "gate"}
	h.Open(peer, func() {})
	h.Sessions().SetStage(session.Serving)
	h.Open(peer, func() {})
	h.Open(peer, func() {})
	return h
}

// The metrics are what Prometheus' own linter wants.
func TestMetricsAreWellFormed(t *testing.T) {
	problems, err := testutil.GatherAndLint(metrics.Registry(newHost(t), nil, "test"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "moongate_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// Verdicts are told apart by what they were and what decided.
func TestVerdictsAreCounted(t *testing.T) {
	answer := httptest.NewRecorder()
	metrics.Handler(newHost(t), nil, "test", slog.New(slog.DiscardHandler)).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`moongate_verdicts_total{by="starting",code="-10516",gate="gate",outcome="refused"} 1`,
		`moongate_verdicts_total{by="method",code="22000",gate="gate",outcome="refused"} 1`,
		`moongate_verdicts_total{by="",code="0",gate="gate",outcome="accepted"} 1`,
		`moongate_connections{state="open"} 1`,
		`moongate_remote_sessions{state="postponed"} 0`,
		`moongate_remote_processes{state="lost"} 0`,
		`moongate_method_duration_seconds_count{kind="database",method="on_server_open_connection"} 2`,
		`moongate_method_errors_total{kind="database",method="on_server_open_connection"} 0`,
	} {
		if !strings.Contains(answer.Body.String(), want+"\n") {
			t.Errorf("the metrics do not have: %s", want)
		}
	}
}

// What the dashboard shows exists.
func TestDashboardShowsWhatThereIs(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(metrics.Dashboard(), &dashboard); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	metrics.Handler(newHost(t), nil, "test", slog.New(slog.DiscardHandler)).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	described, err := os.ReadFile("metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\b(moongate_\w+|go_\w+|process_\w+)\b`)
	checked := 0
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			for _, name := range names.FindAllString(target.Expr, -1) {
				checked++
				name = strings.TrimSuffix(name, "_bucket")
				ours, _ := strings.CutPrefix(name, "moongate_")
				if !strings.Contains(answer.Body.String(), name) && !strings.Contains(string(described), `describe("`+ours+`"`) {
					t.Errorf("panel %q shows %s, which does not exist", p.Title, name)
				}
			}
		}
	}
	if checked < 16 {
		t.Errorf("got %d names in the dashboard, want 16 or more", checked)
	}
}
