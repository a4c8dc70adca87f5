package admin

import (
	"time"

	"moongate/runtime/host"
)

// Gate is a gate that is open. Its numbers count from when it was opened.
type Gate struct {
	Name        string     `json:"name"`
	Listen      string     `json:"listen"`
	Connections int        `json:"connections"` // open or being decided
	Accepted    int64      `json:"accepted"`
	Refused     int64      `json:"refused"`
	BytesIn     int64      `json:"bytes_in"` // from clients whose connections are over
	BytesOut    int64      `json:"bytes_out"`
	Upstreams   []Upstream `json:"upstreams"`
}

// Upstream is an upstream of a gate. One that has failed is avoided for a while; when that is over a connection tries it.
type Upstream struct {
	Address   string    `json:"address"` // host:port, as it was given
	Live      int64     `json:"live"`    // connections that are led there
	Connected int64     `json:"connected"`
	Failed    int64     `json:"failed"`
	Problem   string    `json:"problem"`        // why it is avoided; "" when it is not
	Until     time.Time `json:"until,omitzero"` // for how long; zero when it is not avoided
}

// gateRows are the gates by name, nil when there are none.
func gateRows(all []host.GateReport) []Gate {
	var rows []Gate
	for i := range all {
		g := &all[i]
		row := Gate{
			Name: g.Name, Listen: g.Listen.String(), Connections: g.Connections, Accepted: g.Accepted, Refused: g.Refused,
			BytesIn: g.In, BytesOut: g.Out, Upstreams: []Upstream{},
		}
		for _, u := range g.Upstreams {
			row.Upstreams = append(row.Upstreams, Upstream{
				Address: u.Upstream, Live: u.Live, Connected: u.Connected, Failed: u.Failed, Problem: u.Problem, Until: u.Until,
			})
		}
		rows = append(rows, row)
	}
	return rows
}
