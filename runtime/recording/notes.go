package recording

import (
	"encoding/binary"
	"strconv"
	"strings"

	"moongate/runtime/wire"
)

// Notes are the reads of one call, in their compact form, while it runs. The zero value is ready; Reset makes it ready
// again, and keeps its memory. It belongs to one goroutine.
//
// The compact form is a byte for its version, a byte that is 1 when reads are missing at the end, and the reads, each: what,
// key, value, file and line. A text is its length, doubled, and its bytes; what and file may instead be 2n+1, the n-th of
// those texts so far. A value is its length and 1, and its bytes; 0 is none. Numbers are varints.
type Notes struct {
	form  []byte
	value []byte // room to pack in
	texts texts
	count int
	cut   bool
}

const formVersion = 1

// Reset forgets everything.
func (n *Notes) Reset() {
	n.form, n.texts.n, n.count, n.cut = n.form[:0], 0, 0, false
	if cap(n.value) > MaxBytes { // of a value that did not fit
		n.value = nil
	}
}

// Len is how many reads are noted.
func (n *Notes) Len() int { return n.count }

// Cut reports whether reads are missing because there were too many.
func (n *Notes) Cut() bool { return n.cut }

// Add notes a read at a line of a file, 0 when that is not known; its values are those that wire.Pack takes. A value that
// cannot be packed is noted as one that cannot be kept. Once there are too many nothing is noted any more.
func (n *Notes) Add(what, key, file string, line int, values ...any) {
	if n.cut {
		return
	}
	packed, err := wire.AppendPack(n.value[:0], values)
	if err != nil {
		n.add(what, key, nil, file, line)
		return
	}
	n.AddPacked(what, key, file, line, packed)
}

// Room is memory to pack a list of values in for AddPacked, which keeps it for the next one.
func (n *Notes) Room() []byte { return n.value[:0] }

// AddPacked is Add for values that are packed as wire.Pack does it.
func (n *Notes) AddPacked(what, key, file string, line int, packed []byte) {
	n.value = packed
	n.add(what, key, packed, file, line)
}

// AddUnkept notes a read whose value is of a kind that cannot be kept.
func (n *Notes) AddUnkept(what, key, file string, line int) { n.add(what, key, nil, file, line) }

// add notes a read whose value is packed; nil is none.
func (n *Notes) add(what, key string, value []byte, file string, line int) {
	if n.cut {
		return
	}
	const around = 64 // lengths, and the numbers of texts
	if n.count == MaxReads || len(n.form)+len(what)+len(key)+len(value)+len(file)+around > MaxBytes {
		n.cut = true
		if n.count == 0 {
			n.form = append(n.form[:0], formVersion, 1)
		}
		n.form[1] = 1
		return
	}
	if n.count == 0 {
		n.form = append(n.form[:0], formVersion, 0)
	}
	n.count++
	b := n.texts.append(n.form, what)
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = append(b, key...)
	if value == nil {
		b = append(b, 0)
	} else {
		b = binary.AppendUvarint(b, uint64(len(value))+1)
		b = append(b, value...)
	}
	b = n.texts.append(b, file)
	n.form = binary.AppendUvarint(b, uint64(max(line, 0)))
}

// String is the compact form, "" when nothing was read. It shares no memory with the notes.
func (n *Notes) String() string { return string(n.form) }

// texts are the first texts of a form that may come again.
type texts struct {
	known [16]string
	n     int
}

func (t *texts) append(b []byte, s string) []byte {
	for i, known := range t.known[:t.n] {
		if known == s {
			return append(b, byte(2*i+1))
		}
	}
	t.add(s)
	b = binary.AppendUvarint(b, uint64(len(s))*2)
	return append(b, s...)
}

func (t *texts) add(s string) {
	if t.n < len(t.known) {
		t.known[t.n] = s
		t.n++
	}
}

// AppendReads adds the reads to b in the compact form that the journal keeps; nothing when there are none. Those beyond the
// bounds are left out, and ParseReads says so.
func (r *Recording) AppendReads(b []byte) []byte {
	var n Notes
	for _, read := range r.Reads {
		file, line := splitLine(read.Line)
		n.add(read.What, read.Key, read.Value, file, line)
	}
	if r.Cut && !n.cut {
		if n.count == 0 {
			n.form = append(n.form, formVersion, 1)
		}
		n.form[1] = 1
	}
	return append(b, n.form...)
}

// splitLine takes file:line apart. What is not of that form is a file without a line.
func splitLine(place string) (string, int) {
	at := strings.LastIndexByte(place, ':')
	if at < 0 {
		return place, 0
	}
	line, err := strconv.ParseUint(place[at+1:], 10, 31)
	if err != nil || line == 0 || place[at+1] == '0' || place[at+1] == '+' {
		return place, 0
	}
	return place[:at], int(line)
}
