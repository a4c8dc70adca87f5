// Package ja4 makes the JA4 fingerprint of a TLS client out of what its ClientHello says: FoxIO's published algorithm for
// TLS over TCP. Programs that use the same TLS library with the same settings have the same fingerprint, whatever their
// address; so a policy can tell a browser from a script, or let in only what it has seen before. A fingerprint is no
// proof: whoever wants to can send another program's ClientHello.
//
// The package is pure: its functions may be called from any goroutine, and do not block.
package ja4

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

// Hello is what a ClientHello says, each list in the client's own order with everything that the client put there. The
// zero value is a hello that says nothing.
type Hello struct {
	Versions     []uint16 // the versions that the client supports; without that extension, those up to its version
	CipherSuites []uint16
	Extensions   []uint16
	Signatures   []uint16 // the signature algorithms
	Protocols    []string // of ALPN
}

// The extensions that are not in the hash, because the first part of a fingerprint already tells of them.
const (
	serverName = 0x0000
	alpn       = 0x0010
)

// nothing stands for the hash of an empty list.
const nothing = "000000000000"

// Fingerprint is a hello's JA4 fingerprint, such as t13d1516h2_8daaf6152771_e5627efa2ab1: protocol, version, whether
// there is a server name, the numbers of cipher suites and extensions, the first application protocol; then the hash
// of the cipher suites; then that of the extensions and signature algorithms.
func Fingerprint(h Hello) string {
	suites, extensions := significant(h.CipherSuites), significant(h.Extensions)
	name := byte('i')
	if slices.Contains(extensions, serverName) {
		name = 'd'
	}
	text := make([]byte, 0, len("t13d1516h2_8daaf6152771_e5627efa2ab1"))
	text = append(append(text, 't'), version(h.Versions)...)
	text = append(text, name)
	text = appendCount(text, len(suites))
	text = appendCount(text, len(extensions))
	text = append(append(text, protocol(h.Protocols)...), '_')
	slices.Sort(suites)
	text = append(append(text, hash(suites, nil)...), '_')
	extensions = slices.DeleteFunc(extensions, func(e uint16) bool { return e == serverName || e == alpn })
	slices.Sort(extensions)
	return string(append(text, hash(extensions, significant(h.Signatures))...))
}

// grease reports whether a value is one of those that clients send so that servers stay tolerant of unknown values (RFC
// 8701): 0a0a, 1a1a ... fafa.
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// significant is a list without GREASE, in a new slice.
func significant(list []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(list), grease)
}

func version(versions []uint16) string {
	highest := uint16(0)
	for _, v := range versions {
		if !grease(v) {
			highest = max(highest, v)
		}
	}
	switch highest {
	case 0x0304:
		return "13"
	case 0x0303:
		return "12"
	case 0x0302:
		return "11"
	case 0x0301:
		return "10"
	case 0x0300:
		return "s3"
	case 0x0002:
		return "s2"
	default:
		return "00"
	}
}

// appendCount adds a number of two digits, 99 for all that have more.
func appendCount(text []byte, n int) []byte {
	n = min(n, 99)
	return append(text, byte('0'+n/10), byte('0'+n%10))
}

// protocol is the first and the last character of the first application protocol, in hexadecimal if either is neither a
// letter nor a digit.
func protocol(protocols []string) string {
	if len(protocols) == 0 || protocols[0] == "" {
		return "00"
	}
	p := protocols[0]
	first, last := p[0], p[len(p)-1]
	if !alphanumeric(first) || !alphanumeric(last) {
		all := hex.EncodeToString([]byte{first, last})
		first, last = all[0], all[3]
	}
	return string([]byte{first, last})
}

func alphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}

// hash is the first 12 characters of the hash of a list, with the second after it if there is one.
func hash(list, after []uint16) string {
	if len(list) == 0 {
		return nothing
	}
	text := appendList(make([]byte, 0, 5*(len(list)+len(after))), list)
	if len(after) > 0 {
		text = appendList(append(text, '_'), after)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

func appendList(text []byte, list []uint16) []byte {
	for i, v := range list {
		if i > 0 {
			text = append(text, ',')
		}
		for shift := uint16(0x1000); shift > v && shift > 1; shift >>= 4 {
			text = append(text, '0')
		}
		text = strconv.AppendUint(text, uint64(v), 16)
	}
	return text
}
