package mysql

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Greeting is what a server says first.
type Greeting struct {
	Version      string // of the server
	Capabilities Capabilities

	packet []byte
	low    int // where the low half of the capabilities is in packet
}

// protocolVersion is the only version of the protocol that servers of this century speak.
const protocolVersion = 10

// ParseGreeting reads a whole packet, of the size that Measure has found. The greeting keeps the packet. One that
// is an error of the server's is for ErrorText.
func ParseGreeting(packet []byte) (Greeting, error) {
	c := cursor{b: packet[min(headerSize, len(packet)):]}
	if v := c.uint8(); v != protocolVersion {
		return Greeting{}, fmt.Errorf("%w: the server has %d, only %d", ErrUnsupported, v, protocolVersion)
	}
	g := Greeting{packet: packet, Version: c.terminated()}
	c.bytes(4 + 8 + 1) // connection, random bytes, filler
	g.low = len(packet) - len(c.b)
	low := c.bytes(2)
	c.bytes(1 + 2) // character set, status
	high := c.bytes(2)
	if c.short {
		return Greeting{}, fmt.Errorf("%w: a greeting of %d bytes", ErrMalformed, len(packet))
	}
	g.Capabilities = Capabilities(binary.LittleEndian.Uint16(low)) | Capabilities(binary.LittleEndian.Uint16(high))<<16
	if g.Capabilities&Protocol41 == 0 {
		return Greeting{}, fmt.Errorf("%w: the server is older than version 4.1", ErrUnsupported)
	}
	return g, nil
}

// Offer is the greeting for a client, with or without the offer of TLS.
func (g *Greeting) Offer(tls bool) []byte {
	packet := bytes.Clone(g.packet)
	setTLS(packet[g.low:], tls)
	return packet
}

// setTLS changes the capability in the two bytes of the low half.
func setTLS(low []byte, on bool) {
	const bit = byte(TLS >> 8)
	low[1] &^= bit
	if on {
		low[1] |= bit
	}
}
