package cli

import (
	"fmt"
	"testing"

	"moongate/runtime/admin"
)

// TestGateLines holds what status and top say of gates.
func TestGateLines(t *testing.T) {
	var got []string
	for _, line := range gateLines([]admin.Gate{
		{Name: "shop", Listen: "127.0.0.1:5432", Connections: 3, Accepted: 10, Refused: 2, Upstreams: []admin.Upstream{
			{Address: "10.0.0.5:5432", Live: 3}, {Address: "10.0.0.6:5432", Failed: 4, Problem: "connection refused"}}},
		{Name: "127.0.0.1:1", Listen: "127.0.0.1:1"},
	}) {
		text := line.about + ":"
		for _, c := range line.says {
			text += " " + c.text
		}
		got = append(got, text)
	}
	want := []string{
		"gates: shop at 127.0.0.1:5432 3 open 10 accepted 2 refused",
		":   to 10.0.0.5:5432 3 open",
		":   to 10.0.0.6:5432 0 open 4 failed avoided: connection refused",
		": 127.0.0.1:1 0 open 0 accepted 0 refused",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
