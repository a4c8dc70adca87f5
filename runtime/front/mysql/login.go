package mysql

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Login is what a client answers to the greeting.
type Login struct {
	Capabilities Capabilities
	User         string // "" is MySQL's anonymous user
	Database     string // "" when the client names none
	Plugin       string // by which the client proves who it is, "" when it does not say
	// Attributes are what the client says of itself, such as program_name; of several with the same name the last.
	Attributes map[string]string
	// WantsTLS means that the packet is the beginning of a login, and that the client begins TLS after it.
	WantsTLS bool

	packet []byte
}

// tlsRequestSize is the size of a request for TLS without its header: the fixed part of a login.
const tlsRequestSize = 32

// ParseLogin reads a whole packet, of the size that Measure has found. The login keeps the packet.
func ParseLogin(packet []byte) (Login, error) {
	if len(packet) < headerSize+2 {
		return Login{}, fmt.Errorf("%w: a login of %d bytes", ErrMalformed, len(packet))
	}
	body := packet[headerSize:]
	if Capabilities(binary.LittleEndian.Uint16(body))&Protocol41 == 0 {
		return Login{}, fmt.Errorf("%w: the client is older than version 4.1", ErrUnsupported)
	}
	if len(body) < tlsRequestSize {
		return Login{}, fmt.Errorf("%w: a login of %d bytes", ErrMalformed, len(packet))
	}
	l := Login{packet: packet, Capabilities: Capabilities(binary.LittleEndian.Uint32(body))}
	if len(body) == tlsRequestSize && l.Capabilities&TLS != 0 {
		l.WantsTLS = true
		return l, nil
	}
	c := cursor{b: body[tlsRequestSize:]}
	l.read(&c)
	if c.short {
		return Login{}, fmt.Errorf("%w: a login that ends too early", ErrMalformed)
	}
	return l, nil
}

// read reads what is after the fixed part.
func (l *Login) read(c *cursor) {
	l.User = c.terminated()
	switch { // the proof, which is for the upstream to judge
	case l.Capabilities&LengthEncodedReply != 0:
		c.counted()
	case l.Capabilities&SecureConnection != 0:
		c.bytes(int(c.uint8()))
	default:
		c.terminated()
	}
	if l.Capabilities&WithDatabase != 0 {
		l.Database = c.terminated()
	}
	if l.Capabilities&PluginAuth != 0 && len(c.b) > 0 { // some clients promise one and send none
		l.Plugin = c.terminated()
	}
	if l.Capabilities&ConnectAttributes != 0 && len(c.b) > 0 {
		all := cursor{b: c.bytes(c.number())}
		l.Attributes = map[string]string{}
		for len(all.b) > 0 {
			name := all.counted()
			l.Attributes[name] = all.counted()
		}
		c.short = c.short || all.short
	}
}

// Packet is the login for the upstream with another number, and saying whether it comes by TLS.
func (l *Login) Packet(sequence uint8, tls bool) []byte {
	packet := bytes.Clone(l.packet)
	packet[3] = sequence
	setTLS(packet[headerSize:], tls)
	return packet
}

// TLSRequest is the packet that asks the upstream for TLS before this login.
func (l *Login) TLSRequest(sequence uint8) []byte {
	packet := append([]byte{tlsRequestSize, 0, 0, sequence}, l.packet[headerSize:headerSize+tlsRequestSize]...)
	setTLS(packet[headerSize:], true)
	return packet
}
