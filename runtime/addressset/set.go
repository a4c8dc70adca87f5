// Package addressset has large sets of networks, in which an address is found in some tens of nanoseconds however many
// there are: lists of who must not come in, of a country's networks, of a provider's.
//
// A [Set] does not change once it is made. A [Folder] has the sets that are files: each is read once, whoever asks, and
// again when the file changes.
package addressset

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"

	"moongate/runtime/session"
)

// The limits of a set: networks, and bytes of a line.
const (
	MaxNetworks = 5_000_000
	MaxLine     = 4 << 10
)

// maxProblems is how many wrong lines an error tells of.
const maxProblems = 3

// Set is a set of networks. The zero value is empty. Its methods may be called from any goroutine, do not block, and do not
// allocate.
type Set struct{ table bart.Lite }

// Of makes a set of networks as scripts write them: 10.0.0.0/8, 10.*, fd00::/8 or one address. The error names the
// first that is none.
func Of(networks []string) (*Set, error) {
	s := &Set{}
	for _, text := range networks {
		network, err := session.ParseNetwork(text)
		if err != nil {
			return nil, err
		}
		s.table.Insert(network)
	}
	return s, nil
}

// Read makes a set of a text: a network or address a line; empty lines, and what is behind a # or ; in a line, say
// nothing. name is the text's in errors, which tell the line, up to three of them.
func Read(name string, r io.Reader) (*Set, error) {
	s := &Set{}
	var problems []string
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, MaxLine), MaxLine)
	number, networks := 0, 0
	for lines.Scan() {
		number++
		text := lines.Text()
		if i := strings.IndexAny(text, "#;"); i >= 0 {
			text = text[:i]
		}
		if text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")); text == "" {
			continue
		}
		network, err := session.ParseNetwork(text)
		if err != nil {
			if problems = append(problems, fmt.Sprintf("%s:%d: %s", name, number, err)); len(problems) == maxProblems {
				break
			}
			continue
		}
		if networks++; networks > MaxNetworks {
			return nil, fmt.Errorf("%s:%d: more than %d networks; is it the right file?", name, number, MaxNetworks)
		}
		s.table.Insert(network)
	}
	switch err := lines.Err(); {
	case len(problems) > 0:
		return nil, errors.New(strings.Join(problems, "; "))
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s:%d: more than %d bytes; write a network a line", name, number+1, MaxLine)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// Contains reports whether an address is in one of the networks. An IPv4 address in IPv6 counts as the former, a zone is not
// looked at, and the zero Addr is in none.
func (s *Set) Contains(a netip.Addr) bool {
	return a.IsValid() && s.table.Contains(a.Unmap().WithZone(""))
}

// Len is the number of networks that differ.
func (s *Set) Len() int { return s.table.Size() }
