//go:build !linux

package forward

import "net"

// loops are nothing here: goroutines serve all flows.
type loops struct{}

func (*loops) open(*Engine, Options) error                { return nil }
func (*loops) close()                                     {}
func (*loops) forward(_, _ Socket, _ Terms, _ Done) *Flow { return nil }

func (s Socket) connection(side) (net.Conn, error) { return s.conn, nil }

func (s Socket) release(net.Conn) {}

// Close closes the socket, if there is one already. It is for Done, and for who has not called Forward.
func (s Socket) Close() {
	if s.conn != nil {
		s.conn.Close()
	}
}

func shutdownWrite(net.Conn) bool { return false }
func lingerNot(net.Conn)          {}
