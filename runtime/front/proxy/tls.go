package proxy

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/pires/go-proxyproto"
	"github.com/pires/go-proxyproto/tlvparse"
)

// TLS is what a header of version 2 says of the TLS that the proxy has ended.
type TLS struct {
	Version    string // as TLSv1.3, "" when unknown
	CommonName string // of the client's certificate, "" when there is none
	Cipher     string // "" when unknown
	// Verified means that the client has shown a certificate and the proxy has found it right.
	Verified bool
}

// TLS reads the field of the same name; false when there is none, or none that can be read.
func (h *Header) TLS() (TLS, bool) {
	value := h.Field(TypeTLS)
	if value == nil {
		return TLS{}, false
	}
	field, err := tlvparse.SSL(proxyproto.TLV{Type: proxyproto.PP2_TYPE_SSL, Value: value})
	if err != nil || !field.ClientSSL() {
		return TLS{}, false
	}
	t := TLS{Verified: field.Verified() && (field.ClientCertConn() || field.ClientCertSess())}
	t.Version, _ = field.SSLVersion()
	t.CommonName, _ = field.ClientCN()
	t.Cipher, _ = field.SSLCipher()
	return t, true
}

// SetTLS adds what is known of the client's TLS as a field.
func (h *Header) SetTLS(t TLS) error {
	field := tlvparse.PP2SSL{Client: tlvparse.PP2_BITFIELD_CLIENT_SSL, Verify: 1}
	if t.Verified {
		field.Client |= tlvparse.PP2_BITFIELD_CLIENT_CERT_CONN | tlvparse.PP2_BITFIELD_CLIENT_CERT_SESS
		field.Verify = 0
	}
	for _, part := range []struct {
		kind proxyproto.PP2Type
		text string
	}{
		{proxyproto.PP2_SUBTYPE_SSL_VERSION, t.Version},
		{proxyproto.PP2_SUBTYPE_SSL_CN, t.CommonName},
		{proxyproto.PP2_SUBTYPE_SSL_CIPHER, t.Cipher},
	} {
		if part.text != "" {
			field.TLV = append(field.TLV, proxyproto.TLV{Type: part.kind, Value: []byte(part.text)})
		}
	}
	made, err := field.Marshal()
	if err != nil {
		return err
	}
	h.Fields = append(h.Fields, Field{TypeTLS, made.Value})
	return nil
}

// checksumRight reports whether the field of the checksum is right: CRC-32C of the header with zeros in its place.
func checksumRight(header, value []byte) bool {
	if len(value) != crc32.Size {
		return false
	}
	field := append([]byte{byte(TypeChecksum), 0, crc32.Size}, value...)
	at := bytes.LastIndex(header, field)
	if at < 0 {
		return false
	}
	zeroed := bytes.Clone(header)
	clear(zeroed[at+3 : at+len(field)])
	return crc32.Checksum(zeroed, crc32.MakeTable(crc32.Castagnoli)) == binary.BigEndian.Uint32(value)
}
