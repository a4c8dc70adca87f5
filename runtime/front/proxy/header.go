// Package proxy reads and writes the header of the PROXY protocol, versions 1 and 2: what a proxy says, before the
// client's first byte, of the client for which it has connected.
//
// [Measure] finds the end of a header in what has been read so far, so that a header may come in pieces and nothing
// beyond it is taken; [Parse] reads it; [Header.Append] makes one. The package is pure: its functions may be called from any
// goroutine, and do not block.
package proxy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/pires/go-proxyproto"
)

// Errors of Measure and Parse. All others are wrapped in ErrMalformed.
var (
	ErrMissing   = errors.New("no PROXY header")
	ErrTooLong   = errors.New("PROXY header too long")
	ErrMalformed = errors.New("malformed PROXY header")
)

// The largest headers, in bytes: that of version 1 is the protocol's limit, that of version 2 has room for a client's
// certificate.
const (
	MaxV1 = 107
	MaxV2 = prefixV2 + 4096
)

// prefixV2 is the part of version 2 that every header has: signature, command, family, length.
const prefixV2 = 16

// signatures of the two versions.
var (
	signatureV1 = []byte("PROXY ")
	signatureV2 = []byte("\r\n\r\n\x00\r\nQUIT\n")
)

// Type is the type of a field of version 2.
type Type uint8

// The types that have a meaning of their own here.
const (
	TypeALPN      = Type(proxyproto.PP2_TYPE_ALPN)
	TypeAuthority = Type(proxyproto.PP2_TYPE_AUTHORITY)
	TypeChecksum  = Type(proxyproto.PP2_TYPE_CRC32C)
	TypeNothing   = Type(proxyproto.PP2_TYPE_NOOP)
	TypeUniqueID  = Type(proxyproto.PP2_TYPE_UNIQUE_ID)
	TypeTLS       = Type(proxyproto.PP2_TYPE_SSL)
)

// Field is one of the type-length-value fields of version 2 (TLV).
type Field struct {
	Type  Type
	Value []byte
}

// Header is one header.
type Header struct {
	Version int // 1 or 2
	// Local means that the proxy speaks for itself, as for a health check, or does not say for whom: the addresses are
	// those of the transport.
	Local bool
	// Source is the client, Destination what it has connected to. They are invalid with Local, and when they are not IP
	// addresses.
	Source, Destination netip.AddrPort
	// Fields are those of version 2, in their order, without padding.
	Fields []Field
}

// Measure gives the number of bytes of the header that b begins with, 0 when more bytes are needed to say so. The error
// is ErrMissing or ErrTooLong, and known as early as it can be: garbage is not waited for.
func Measure(b []byte) (int, error) {
	switch {
	case begins(b, signatureV2):
		if len(b) < prefixV2 {
			return 0, nil
		}
		size := prefixV2 + int(binary.BigEndian.Uint16(b[14:]))
		if size > MaxV2 {
			return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, size, MaxV2)
		}
		if len(b) < size {
			return 0, nil
		}
		return size, nil
	case begins(b, signatureV1):
		line := b[:min(len(b), MaxV1)]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			return end + 1, nil
		}
		if len(line) == MaxV1 {
			return 0, fmt.Errorf("%w: more than %d bytes", ErrTooLong, MaxV1)
		}
		return 0, nil
	default:
		return 0, ErrMissing
	}
}

// begins reports whether b begins with a signature, as far as it goes.
func begins(b, signature []byte) bool {
	n := min(len(b), len(signature))
	return bytes.Equal(b[:n], signature[:n])
}

// Parse reads a whole header, of the size that Measure has found.
func Parse(b []byte) (Header, error) {
	if b = bytes.Clone(b); begins(b, signatureV2) && len(b) >= prefixV2 && b[12] == 0x21 && b[13] == 0 {
		b[12] = 0x20 // who speaks for somebody unknown speaks for itself, but the library does not take it
	}
	read := bufio.NewReaderSize(bytes.NewReader(b), max(len(b), 16))
	parsed, err := proxyproto.Read(read)
	switch {
	case err != nil:
		return Header{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	case read.Buffered() > 0:
		return Header{}, fmt.Errorf("%w: more than one header", ErrMalformed)
	case parsed.TransportProtocol.IsDatagram():
		return Header{}, fmt.Errorf("%w: for datagrams, not a connection", ErrMalformed)
	}
	h := Header{Version: int(parsed.Version), Local: parsed.Command.IsLocal()}
	if !h.Local {
		h.Source, h.Destination = addrPort(parsed.SourceAddr), addrPort(parsed.DestinationAddr)
	}
	fields, err := parsed.TLVs()
	if err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for _, f := range fields {
		switch Type(f.Type) {
		case TypeNothing:
		case TypeChecksum:
			if !checksumRight(b, f.Value) {
				return Header{}, fmt.Errorf("%w: wrong checksum", ErrMalformed)
			}
		default:
			h.Fields = append(h.Fields, Field{Type(f.Type), f.Value})
		}
	}
	return h, nil
}

// addrPort is an address as package netip has it, invalid when it is no IP address.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := tcp.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// Field is the value of the first field of a type, nil when there is none.
func (h *Header) Field(t Type) []byte {
	for _, f := range h.Fields {
		if f.Type == t {
			return f.Value
		}
	}
	return nil
}

// Append adds the header in its version to b. Version 1 has no room for the fields. The error says what cannot be
// written.
func (h *Header) Append(b []byte) ([]byte, error) {
	made := proxyproto.HeaderProxyFromAddrs(byte(h.Version), nil, nil)
	if !h.Local && h.Source.IsValid() && h.Destination.IsValid() {
		made = proxyproto.HeaderProxyFromAddrs(byte(h.Version), net.TCPAddrFromAddrPort(h.Source), net.TCPAddrFromAddrPort(h.Destination))
	}
	if h.Version == 2 {
		fields := make([]proxyproto.TLV, len(h.Fields))
		for i, f := range h.Fields {
			fields[i] = proxyproto.TLV{Type: proxyproto.PP2Type(f.Type), Value: f.Value}
		}
		if err := made.SetTLVs(fields); err != nil {
			return b, err
		}
	}
	text, err := made.Format()
	if err != nil {
		return b, err
	}
	return append(b, text...), nil
}
