package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"moongate/runtime/journal"
)

// Writer writes an archive. One goroutine uses it.
type Writer struct {
	out   *json.Encoder
	count int64
	bare  int64
}

// NewWriter begins an archive: it writes the first line. program is the version of the program. The error is w's, as
// are those of the methods.
func NewWriter(w io.Writer, program string, anonymous bool) (*Writer, error) {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return &Writer{out: out}, out.Encode(Header{kind, Version, program, time.Now().UTC().Truncate(time.Second), anonymous})
}

// Write adds a row, in the order of the calls. A row whose reads cannot be read is written without what was recorded.
func (w *Writer) Write(r *journal.Row) error {
	l, err := newLine(r)
	if err != nil {
		w.bare++
	}
	if err := w.out.Encode(&l); err != nil {
		return err
	}
	w.count++
	return nil
}

// Count is how many rows were written, and how many of them without what was recorded, because it was nonsense.
func (w *Writer) Count() (rows, bare int64) { return w.count, w.bare }

// End writes the last line. Without it the archive is cut off, which a reader notices.
func (w *Writer) End() error { return w.out.Encode(line{End: &w.count}) }

// What is wrong with an archive. The errors of NewReader and Reader.Next wrap them.
var (
	ErrForeign = errors.New("it is no export of a journal: its first line should be {\"moongate\":\"recordings\",...}")
	ErrVersion = errors.New("it was written in another version of the form")
	ErrCut     = errors.New("it is cut off: its last line should be {\"end\":...}")
)

// LineError is a line that is nonsense. Reading goes on behind it.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error has the line's number first.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap is what is wrong with it.
func (e *LineError) Unwrap() error { return e.Err }

// Reader reads an archive. One goroutine uses it.
type Reader struct {
	Header Header

	in    *bufio.Reader
	line  []byte // the memory of the last one
	at    int    // its number
	count int64  // lines that should have been connections
	ended bool
}

// longestLine is how many bytes of a line are looked at: one that is longer is nonsense. Reads of the size that is
// kept take less in any form.
const longestLine = 1 << 20

// NewReader reads the first line. The error wraps ErrForeign or ErrVersion, or is r's.
func NewReader(r io.Reader) (*Reader, error) {
	a := &Reader{in: bufio.NewReaderSize(r, 1<<16)}
	first, err := a.next()
	if err != nil && err != io.EOF && !errors.Is(err, errLong) {
		return nil, err
	}
	if json.Unmarshal(first, &a.Header) != nil || a.Header.Moongate != kind {
		return nil, ErrForeign
	}
	if a.Header.Version != Version {
		return nil, fmt.Errorf("%w: %d; this program knows %d", ErrVersion, a.Header.Version, Version)
	}
	return a, nil
}

// Next gives the next row. Its error is a *LineError for a line that is nonsense, after which the next call goes on;
// io.EOF after the last line; ErrCut when there was no last line; or that of the reader below.
func (a *Reader) Next() (*journal.Row, error) {
	for {
		b, err := a.next()
		row, err := a.settle(decoded(b, a.at, err))
		if row != nil || err != nil {
			return row, err
		}
	}
}

// item is what a line turned out to be: a row, the number of the last line, an error, or nothing at all.
type item struct {
	at  int // the line
	row *journal.Row
	end *int64
	err error
}

// decoded reads a line, which next gave with err. It needs nothing of the reader.
func decoded(b []byte, at int, err error) item {
	switch {
	case errors.Is(err, errLong):
		return item{at: at, err: &LineError{at, err}}
	case err != nil:
		return item{at: at, err: err}
	case len(bytes.TrimSpace(b)) == 0:
		return item{at: at}
	}
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return item{at: at, err: &LineError{at, fmt.Errorf("it is no JSON of a connection: %w", err)}}
	}
	if l.End != nil {
		return item{at: at, end: l.End}
	}
	row, err := l.row()
	if err != nil {
		return item{at: at, err: &LineError{at, err}}
	}
	return item{at: at, row: row}
}

// settle counts an item, in the order of the lines, and says what is to be given for it; nothing when both results are nil.
func (a *Reader) settle(i item) (*journal.Row, error) {
	var bad *LineError
	switch {
	case i.err == io.EOF && !a.ended:
		return nil, ErrCut
	case i.err != nil && !errors.As(i.err, &bad):
		return nil, i.err
	case i.end == nil && i.row == nil && i.err == nil:
		return nil, nil
	case a.ended:
		return nil, &LineError{i.at, errors.New("something follows the last line")}
	case i.end != nil:
		if a.ended = true; *i.end != a.count {
			return nil, &LineError{i.at, fmt.Errorf("there are %d connections, and should be %d", a.count, *i.end)}
		}
		return nil, nil
	}
	a.count++
	return i.row, i.err
}

var errLong = fmt.Errorf("it has more than %d bytes", longestLine)

// next gives the next line without its end. The last one may have no end, if something is in it.
func (a *Reader) next() ([]byte, error) {
	a.line = a.line[:0]
	a.at++
	long := false
	for {
		part, err := a.in.ReadSlice('\n')
		if long = long || len(a.line)+len(part) > longestLine; !long {
			a.line = append(a.line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(a.line) == 0 && !long:
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, err
		case long:
			return nil, errLong
		}
		return bytes.TrimSuffix(a.line, []byte("\n")), nil
	}
}
