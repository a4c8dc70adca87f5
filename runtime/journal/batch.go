package journal

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
)

// Limits of the dictionary of one part.
const (
	dictionaryTexts = 8192 // distinct texts; then a new part begins, and the old texts go when its rows are gone
	markRows        = 1024 // a mark for so many rows: what a reader may have to skip
)

// textRef is a text in a row: 0 is the empty one, above it the number of a text in the dictionary, inline the text itself.
type textRef int64

const inline textRef = -1

// line is a row of the table as it is about to be written.
type line struct {
	id, part                                    int64
	entry                                       *entry
	name, listener, version, reason, by, cause  textRef
	gate, upstream, facts, shadow, place, fault textRef // place is the entry's line
}

// text is a new word of the dictionary.
type text struct {
	id   int64
	text string
}

// mark is a span of rows and when they were decided; see tables.
type mark struct{ last, low, high int64 }

// part is a stretch of the session; see tables.
type part struct{ id, first, texts int64 }

// batch turns entries into lines: it gives rows their numbers, joins an end with its beginning, and knows the texts that
// were written before. It belongs to the writer's goroutine. What it holds is written in one transaction, as often as it
// takes: every statement has the same effect when it is repeated.
type batch struct {
	// What is to be written.
	texts  []text
	fresh  []line // numbered one after another
	ended  []line // rows of earlier batches that are now complete
	debts  []line // id and entry.closed only: rows of earlier batches whose end was dropped
	marks  []mark
	source source // reads ended, then fresh, for SQLite

	// What is known of the file.
	part     part
	nextID   int64
	nextText int64
	open     map[int64]int64    // connection to id, of this session's rows that are written open
	words    map[string]textRef // inline: seen once
	recent   [12]struct {       // the last text of each column, which is most often the next one
		text string
		ref  textRef
	}
	span  mark // of the rows since the last mark
	spans int  // rows in it
}

// assemble fills the batch from what was taken.
func (b *batch) assemble(blocks []*block, debts []debt) {
	b.texts, b.fresh, b.ended, b.debts, b.marks = b.texts[:0], b.fresh[:0], b.ended[:0], b.debts[:0], b.marks[:0]
	if len(b.words) >= dictionaryTexts {
		b.begin(part{b.part.id + 1, b.nextID, b.nextText})
	}
	for _, block := range blocks {
		for i := range block.rows[:block.n] {
			b.add(&block.rows[i])
		}
	}
	for _, d := range debts {
		if id, ok := b.open[d.connection]; ok {
			delete(b.open, d.connection)
			b.debts = append(b.debts, line{id: id, entry: &entry{closed: d.closed}})
		}
	}
	slices.SortFunc(b.ended, func(x, y line) int { return cmp.Compare(x.id, y.id) }) // pages in order
}

// begin starts a part with an empty dictionary.
func (b *batch) begin(p part) {
	b.part = p
	b.words = make(map[string]textRef)
	clear(b.recent[:])
}

// add makes a line of the entry, or completes the one of its connection.
func (b *batch) add(e *entry) {
	id, known := int64(0), false
	switch e.kind {
	case wasAccepted:
		id, known = b.open[e.connection]
		if !known {
			b.open[e.connection] = b.nextID
		}
	case hasClosed:
		if id, known = b.open[e.connection]; known {
			delete(b.open, e.connection)
		}
	}
	if !known {
		id = b.nextID
		b.nextID++
		b.fresh = append(b.fresh, line{})
		b.note(id, e.opened+e.decided)
	}
	if first := b.nextID - int64(len(b.fresh)); id >= first {
		if begun := b.fresh[id-first].entry; begun != nil {
			e.inherit(begun)
		}
		b.spell(&b.fresh[id-first], id, e)
		return
	}
	b.ended = append(b.ended, line{})
	b.spell(&b.ended[len(b.ended)-1], id, e)
}

// spell fills the line.
func (b *batch) spell(l *line, id int64, e *entry) {
	*l = line{
		id: id, part: b.part.id, entry: e, name: b.ref(0, e.name), listener: b.ref(1, e.listener), version: b.ref(2, e.version),
		reason: b.ref(3, e.reason), by: b.ref(4, e.by), cause: b.ref(5, e.cause), gate: b.ref(6, e.gate), upstream: b.ref(7, e.upstream), facts: b.ref(8, e.facts),
		shadow: b.ref(9, e.shadow), place: b.ref(10, e.line), fault: b.ref(11, e.fault),
	}
}

// ref is how a column says the text: a text that is seen for the second time gets a number.
func (b *batch) ref(column int, s string) textRef {
	if s == "" {
		return 0
	}
	recent := &b.recent[column]
	if recent.text == s {
		return recent.ref
	}
	ref, seen := b.words[s]
	switch {
	case !seen:
		b.words[strings.Clone(s)] = inline
		return inline
	case ref == inline:
		s = strings.Clone(s) // the key stays what it was; recent and texts must not hold the caller's memory
		ref = textRef(b.nextText)
		b.nextText++
		b.words[s] = ref
		b.texts = append(b.texts, text{int64(ref), s})
	}
	recent.text, recent.ref = strings.Clone(s), ref
	return ref
}

// note counts a new row into the span since the last mark, and ends the span when it is long enough.
func (b *batch) note(id, decided int64) {
	if b.spans == 0 {
		b.span = mark{id, decided, decided}
	}
	b.span = mark{id, min(b.span.low, decided), max(b.span.high, decided)}
	if b.spans++; b.spans >= markRows {
		b.marks = append(b.marks, b.span)
		b.spans = 0
	}
}

// packAddress is the address as the table keeps it: IPv4 as a number, others as text, none as NULL. What it gives is
// what unpackAddress takes.
func packAddress(a netip.AddrPort) (packed int64, text string, number bool) {
	ip := a.Addr().Unmap()
	if ip.Is4() {
		four := ip.As4()
		return int64(binary.BigEndian.Uint32(four[:]))<<16 | int64(a.Port()), "", true
	}
	if !ip.IsValid() {
		return 0, "", false
	}
	return 0, a.String(), false
}

// unpackAddress reads a column. What cannot be read is the zero address: a journal that somebody wrote into is still read.
func unpackAddress(value any) netip.AddrPort {
	switch v := value.(type) {
	case int64:
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], uint32(v>>16))
		return netip.AddrPortFrom(netip.AddrFrom4(four), uint16(v))
	case string:
		a, _ := netip.ParseAddrPort(v)
		return a
	}
	return netip.AddrPort{}
}

// release lets go of the entries, which belong to the queue again.
func (b *batch) release() {
	clear(b.fresh)
	clear(b.ended)
	b.source.lines, b.source.line = nil, nil
}
