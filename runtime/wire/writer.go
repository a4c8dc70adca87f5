package wire

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unsafe"
)

// blockSize is the size of a Writer's buffer, and the length from which a string is not copied into it.
const blockSize = 4 << 10

// longestItem is more than any header or number takes, the longest being a double as a string in RESP2.
const longestItem = 64

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// Writer writes the replies to one client. Make it with NewWriter. It is for one goroutine at a time: a
// server that pushes from elsewhere puts a lock around it, and around whole replies.
//
// Everything is buffered until Flush, or until the buffer is full. A Writer has a buffer from the first byte
// after a Flush to the next Flush. The first error of the destination ends the writing: later writes do
// nothing, and every Flush returns that error.
type Writer struct {
	dst     io.Writer
	block   *[blockSize]byte // nil while nothing is buffered
	used    int              // bytes of block that hold something
	err     error
	version Version
}

// NewWriter returns a Writer to dst that speaks RESP2.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst, version: RESP2} }

// SetVersion changes the version of what is written from now on. It returns ErrVersion, and changes nothing,
// for a version that does not exist.
func (w *Writer) SetVersion(v Version) error {
	if v != RESP2 && v != RESP3 {
		return ErrVersion
	}
	w.version = v
	return nil
}

// Version is the version in which the Writer writes.
func (w *Writer) Version() Version { return w.version }

// Flush sends what is buffered, and blocks while the destination does. It returns the first error that the
// destination ever returned, unchanged; io.ErrShortWrite if it took less than it was given and did not say
// why.
func (w *Writer) Flush() error {
	w.send()
	if w.block != nil {
		blocks.Put(w.block)
		w.block = nil
	}
	return w.err
}

// WriteValue writes a reply. The values are nil, bool, int, int64, float64, string, []byte, [SimpleString],
// [Error], []any and [Map], the last two with elements from the same set. In RESP2, which knows neither of
// them, a bool is 0 or 1, a float64 a string and a Map a list of keys and values by turns. A float64 stays a
// double even if it is integral.
//
// An Error stands in place of what cannot be sent: a value of any other type, a Push (see WritePush), and a
// list or map inside [MaxDepth] others. A value must not contain itself: the depth ends that, but only after
// all its copies are written.
func (w *Writer) WriteValue(v any) { w.writeNested(v, 0) }

// WriteSimple writes a simple string. A CR or LF in it becomes a space.
func (w *Writer) WriteSimple(text string) {
	w.write("+")
	w.writeLine(text)
	w.write("\r\n")
}

// WriteError writes an error: a code, one word in upper case (ERR if it is ""), and a message. A CR or LF in
// them becomes a space.
func (w *Writer) WriteError(code, message string) {
	w.write("-")
	w.writeLine(cmp.Or(code, "ERR"))
	if message != "" {
		w.write(" ")
		w.writeLine(message)
	}
	w.write("\r\n")
}

// WriteInteger writes an integer.
func (w *Writer) WriteInteger(n int64) { w.writeHeader(':', n) }

// WriteNull writes the reply that says that there is nothing.
func (w *Writer) WriteNull() {
	if w.version == RESP3 {
		w.write("_\r\n")
		return
	}
	w.write("$-1\r\n")
}

// WriteBulk writes a string of any bytes. A long one goes to the destination without being copied.
func (w *Writer) WriteBulk(s string) {
	w.writeHeader('$', int64(len(s)))
	w.write(s)
	w.write("\r\n")
}

// WriteBulkBytes is WriteBulk for bytes. It does not keep them.
func (w *Writer) WriteBulkBytes(b []byte) {
	w.writeHeader('$', int64(len(b)))
	w.writeBytes(b)
	w.write("\r\n")
}

// WriteRaw writes bytes that another Writer has made, as they are: whole replies.
func (w *Writer) WriteRaw(b []byte) { w.writeBytes(b) }

// WritePush writes a push, with elements as in WriteValue. RESP2 has none: there it writes nothing and
// returns false.
func (w *Writer) WritePush(p Push) bool {
	if w.version != RESP3 {
		return false
	}
	w.writeList('>', p, 1)
	return true
}

// writeNested writes a value that stands inside depth lists and maps.
func (w *Writer) writeNested(v any, depth int) {
	switch v := v.(type) {
	case nil:
		w.WriteNull()
	case bool:
		w.writeBool(v)
	case int:
		w.WriteInteger(int64(v))
	case int64:
		w.WriteInteger(v)
	case float64:
		w.writeDouble(v)
	case string:
		w.WriteBulk(v)
	case []byte:
		w.WriteBulkBytes(v)
	case SimpleString:
		w.WriteSimple(string(v))
	case Error:
		w.WriteError(v.Code, v.Message)
	default:
		w.writeContainer(v, depth)
	}
}

func (w *Writer) writeContainer(v any, depth int) {
	list, isList := v.([]any)
	pairs, isMap := v.(Map)
	switch {
	case !isList && !isMap:
		w.WriteError("ERR", fmt.Sprintf("a value of type %T cannot be sent", v))
	case depth == MaxDepth:
		w.WriteError("ERR", "lists and maps are nested more than "+strconv.Itoa(MaxDepth)+" deep")
	case isList:
		w.writeList('*', list, depth+1)
	default:
		w.writeMap(pairs, depth+1)
	}
}

func (w *Writer) writeList(kind byte, list []any, depth int) {
	w.writeHeader(kind, int64(len(list)))
	for _, element := range list {
		w.writeNested(element, depth)
	}
}

func (w *Writer) writeMap(m Map, depth int) {
	if w.version == RESP3 {
		w.writeHeader('%', int64(len(m)))
	} else {
		w.writeHeader('*', 2*int64(len(m)))
	}
	for _, pair := range m {
		w.writeNested(pair.Key, depth)
		w.writeNested(pair.Value, depth)
	}
}

func (w *Writer) writeBool(v bool) {
	switch {
	case w.version == RESP3 && v:
		w.write("#t\r\n")
	case w.version == RESP3:
		w.write("#f\r\n")
	case v:
		w.write(":1\r\n")
	default:
		w.write(":0\r\n")
	}
}

func (w *Writer) writeDouble(f float64) {
	var scratch [longestItem]byte
	digits := appendDouble(scratch[:0], f)
	b := w.room(longestItem)
	if w.version == RESP3 {
		b = append(b, ',')
	} else {
		b = strconv.AppendInt(append(b, '$'), int64(len(digits)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, digits...)
	b = append(b, "\r\n"...)
	w.used += len(b)
}

// writeHeader writes a type byte and a number on a line.
func (w *Writer) writeHeader(kind byte, n int64) {
	b := append(w.room(longestItem), kind)
	b = strconv.AppendInt(b, n, 10)
	b = append(b, "\r\n"...)
	w.used += len(b)
}

// writeLine writes text with spaces for its line breaks.
func (w *Writer) writeLine(text string) {
	for {
		i := strings.IndexAny(text, "\r\n")
		if i < 0 {
			w.write(text)
			return
		}
		w.write(text[:i])
		w.write(" ")
		text = text[i+1:]
	}
}

// write writes a string without copying it first. Its bytes are lent to an io.Writer, which by its contract
// does not change them; io.WriteString would copy the string for any destination that has no WriteString,
// and a connection has none.
func (w *Writer) write(s string) { w.writeBytes(unsafe.Slice(unsafe.StringData(s), len(s))) }

// writeBytes fills the buffer and sends it, as often as needed. What is longer than a buffer goes straight
// to the destination as soon as the buffer is empty.
func (w *Writer) writeBytes(p []byte) {
	for len(p) > 0 && w.err == nil {
		if w.used == blockSize {
			w.send()
		}
		if w.used == 0 && len(p) >= blockSize {
			w.sendBytes(p)
			return
		}
		room := w.room(1)
		n := copy(room[:cap(room)], p)
		w.used += n
		p = p[n:]
	}
}

// room is the free part of the buffer, as an empty slice to append to, after sending what is in the way of
// the bytes needed.
func (w *Writer) room(needed int) []byte {
	if blockSize-w.used < needed {
		w.send()
	}
	if w.block == nil {
		w.block = blocks.Get().(*[blockSize]byte)
	}
	return w.block[w.used:w.used]
}

// send sends the buffer and empties it, whatever happens: after an error nothing is kept.
func (w *Writer) send() {
	if w.used > 0 && w.err == nil {
		w.sendBytes(w.block[:w.used])
	}
	w.used = 0
}

func (w *Writer) sendBytes(p []byte) {
	n, err := w.dst.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	w.err = err
}
