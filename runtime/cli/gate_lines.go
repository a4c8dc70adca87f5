package cli

import (
	"fmt"

	"moongate/runtime/admin"
)

// gateLines say how the gates are: where each listens, and how its upstreams are. There are none without gates.
func gateLines(gates []admin.Gate) []sheetLine {
	var lines []sheetLine
	for i := range gates {
		g, about := &gates[i], ""
		if i == 0 {
			about = "gates"
		}
		says := []cell{{text: g.Name}}
		if g.Name != g.Listen {
			says = append(says, cell{text: "at " + g.Listen})
		}
		says = append(says, cell{text: fmt.Sprintf("%d open", g.Connections)}, cell{text: fmt.Sprintf("%d accepted", g.Accepted)},
			cell{text: fmt.Sprintf("%d refused", g.Refused)})
		lines = append(lines, sheetLine{about, says})
		for _, u := range g.Upstreams {
			lines = append(lines, sheetLine{"", upstreamCells(&u)})
		}
	}
	return lines
}

// upstreamCells say how an upstream is.
func upstreamCells(u *admin.Upstream) []cell {
	says := []cell{{text: "  to " + u.Address}, {text: fmt.Sprintf("%d open", u.Live)}}
	if u.Failed > 0 {
		says = append(says, cell{text: fmt.Sprintf("%d failed", u.Failed)})
	}
	if u.Problem != "" {
		says = append(says, cell{"avoided: " + u.Problem, red})
	}
	return says
}
