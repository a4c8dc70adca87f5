package recording

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// What is wrong with a compact form.
var (
	errEnd  = errors.New("reads: it ends in the middle of a read")
	errText = errors.New("reads: a text is named that has not been there")
	errMany = fmt.Errorf("reads: more than %d", MaxReads)
	errSize = fmt.Errorf("reads: more than %d bytes", MaxBytes)
)

// ParseReads reads the compact form, and says whether reads are missing at its end because there were too many. Nothing of
// it is trusted: what is malformed is an error of one line. No bytes at all are no reads. The result shares no memory with b.
func ParseReads(b []byte) (reads []Read, cut bool, err error) {
	switch {
	case len(b) == 0:
		return nil, false, nil
	case len(b) > MaxBytes:
		return nil, false, errSize
	case b[0] != formVersion:
		return nil, false, fmt.Errorf("reads: their form is of version %d; this program knows %d", b[0], formVersion)
	case len(b) < 2 || b[1] > 1:
		return nil, false, errEnd
	}
	p := parser{rest: b[2:]}
	for len(p.rest) > 0 && p.err == nil {
		if len(reads) == MaxReads {
			return nil, false, errMany
		}
		reads = append(reads, p.read())
	}
	if p.err != nil {
		return nil, false, p.err
	}
	return reads, b[1] == 1, nil
}

// parser reads from the beginning of rest. After an error it gives empty values.
type parser struct {
	rest  []byte
	texts texts
	err   error
}

func (p *parser) read() Read {
	r := Read{What: p.text(), Key: string(p.bytes(p.number()))}
	if n := p.number(); n > 0 {
		r.Value = append([]byte{}, p.bytes(n-1)...)
	}
	r.Line = p.text()
	if line := p.number(); line > 0 {
		if line > 1<<31-1 {
			p.fail(errEnd)
			return r
		}
		r.Line += ":" + strconv.FormatUint(line, 10)
	}
	return r
}

func (p *parser) number() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 {
		p.fail(errEnd)
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *parser) bytes(n uint64) []byte {
	if n > uint64(len(p.rest)) {
		p.fail(errEnd)
		return nil
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *parser) text() string {
	n := p.number()
	if n%2 == 0 {
		s := string(p.bytes(n / 2))
		p.texts.add(s)
		return s
	}
	if n/2 >= uint64(p.texts.n) {
		p.fail(errText)
		return ""
	}
	return p.texts.known[n/2]
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.rest = nil
}
