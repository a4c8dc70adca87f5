package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"moongate/runtime/admin/client"
)

// listing is a list that the server gives, and how it looks as a table.
type listing[T any] struct {
	path    string
	columns []column[T]
	keep    func(*T) bool // nil: all
	nothing string        // what is said when there is none: "no connections"
}

// column is a column of a listing.
type column[T any] struct {
	heading
	cell func(*T) cell
}

// left and right make columns of plain text.
func left[T any](title string, text func(*T) string) column[T] {
	return column[T]{heading{title: title}, func(row *T) cell { return cell{text: text(row)} }}
}

func right[T any](title string, text func(*T) string) column[T] {
	return column[T]{heading{title: title, right: true}, func(row *T) cell { return cell{text: text(row)} }}
}

// dropped is the column as one that goes before those with a lower number where there is no room for all; see heading.drop.
func (c column[T]) dropped(order int) column[T] {
	c.drop = order
	return c
}

// state makes a column of states, in their colours.
func state[T any](title string, text func(*T) string) column[T] {
	return column[T]{heading{title: title}, func(row *T) cell {
		s := text(row)
		return cell{text: s, style: stateStyles[s]}
	}}
}

// show asks for the list and writes it. With --json it is what the server sent, less what is not to be shown.
func show[T any](o *operation, l listing[T]) int {
	ctx, stop := interruptible()
	defer stop()
	raw, rows, err := l.fetch(func() (json.RawMessage, error) { return o.client.Raw(ctx, l.path) })
	if err != nil {
		return o.failed(err)
	}
	if o.json {
		return o.written(writeArray(o.out, raw))
	}
	if len(rows) == 0 {
		fmt.Fprintln(o.stderr, l.nothing)
		return ExitClean
	}
	return o.written(l.write(o.out, rows))
}

// write writes the list as a table.
func (l *listing[T]) write(s *screen, rows []T) error {
	buffer, to := bufio.NewWriter(s), *s
	to.Writer = buffer
	t := &table{screen: &to, gather: -1}
	for _, c := range l.columns {
		t.headings = append(t.headings, c.heading)
	}
	for i := range rows {
		t.add(l.row(&rows[i]))
	}
	if err := t.settle(); err != nil {
		return err
	}
	return buffer.Flush()
}

// row is a row of the table.
func (l *listing[T]) row(of *T) []cell {
	cells := make([]cell, len(l.columns))
	for i, c := range l.columns {
		cells[i] = c.cell(of)
	}
	return cells
}

// fetch gives the rows that are to be shown, as they came and read.
func (l *listing[T]) fetch(ask func() (json.RawMessage, error)) (raw []json.RawMessage, rows []T, err error) {
	answer, err := ask()
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(answer, &raw); err != nil {
		return nil, nil, fmt.Errorf("%s gave no list: %w", l.path, client.ErrForeign)
	}
	kept := raw[:0]
	for _, one := range raw {
		var row T
		if err := json.Unmarshal(one, &row); err != nil {
			return nil, nil, fmt.Errorf("%s gave a row that this version cannot read: %w", l.path, err)
		}
		if l.keep == nil || l.keep(&row) {
			kept, rows = append(kept, one), append(rows, row)
		}
	}
	return kept, rows, nil
}

// writeArray writes one JSON document, an array with a row on each line.
func writeArray(s *screen, rows []json.RawMessage) error {
	var b strings.Builder
	b.WriteByte('[')
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + inert(row))
	}
	if len(rows) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	_, err := s.Write([]byte(b.String()))
	return err
}

// inert is JSON in which every character that is no printable one is escaped: the same document, but it can do nothing to
// a terminal.
func inert(document []byte) string {
	text := strings.TrimSpace(string(document))
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t' || r == '\r': // between values: within one they are escapes already
			b.WriteByte(' ')
		case r == unicode.ReplacementChar || strconv.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
