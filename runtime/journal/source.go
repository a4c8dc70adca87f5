package journal

import (
	"errors"
	"net/netip"

	"modernc.org/sqlite/vtab"
)

// source is the batch as SQLite sees it: a virtual table of rows that are in memory already. INSERT ... SELECT from it
// costs less than binding parameters, and takes any number of rows by one statement.
//
// It is module, table and cursor in one: one connection, one table, one statement at a time.
type source struct {
	lines []line
	at    int // in lines
	line  *line
}

// declaration is what SQLite is told of the source. Its columns are those of record.
const declaration = "CREATE TABLE batch(" + columns + ")"

func (s *source) Create(c vtab.Context, _ []string) (vtab.Table, error) {
	return s, c.Declare(declaration)
}

func (s *source) Connect(c vtab.Context, _ []string) (vtab.Table, error) {
	return s, c.Declare(declaration)
}

func (s *source) BestIndex(i *vtab.IndexInfo) error {
	i.EstimatedCost, i.EstimatedRows = 1000, 1000
	return nil
}

func (s *source) Open() (vtab.Cursor, error) { return s, nil }
func (s *source) Disconnect() error          { return nil }
func (s *source) Destroy() error             { return nil }
func (s *source) Close() error               { return nil }

func (s *source) Filter(int, string, []vtab.Value) error {
	s.at = -1
	return s.Next()
}

func (s *source) Next() error {
	s.at++
	s.line = nil
	if s.at < len(s.lines) {
		s.line = &s.lines[s.at]
	}
	return nil
}

func (s *source) Eof() bool             { return s.line == nil }
func (s *source) Rowid() (int64, error) { return int64(s.at), nil }

// Column gives one value of the row; the order is that of columns.
func (s *source) Column(column int) (vtab.Value, error) {
	l, e := s.line, s.line.entry
	switch column {
	case 0:
		return l.id, nil
	case 1:
		return l.part, nil
	case 2:
		return e.connection, nil
	case 3:
		return e.user, nil
	case 4:
		return say(l.name, e.name), nil
	case 5:
		return address(e.address), nil
	case 6:
		return say(l.listener, e.listener), nil
	case 7:
		return say(l.version, e.version), nil
	case 8:
		if e.kind == wasRefused {
			return int64(Refused), nil
		}
		return int64(Accepted), nil
	case 9:
		return e.code, nil
	case 10:
		return say(l.reason, e.reason), nil
	case 11:
		return say(l.by, e.by), nil
	case 12:
		return e.opened, nil
	case 13:
		return e.decided, nil
	case 14:
		if e.kind == wasAccepted {
			return nil, nil
		}
		return e.closed, nil
	case 15:
		return e.in, nil
	case 16:
		return e.out, nil
	case 17:
		return say(l.cause, e.cause), nil
	case 18:
		return say(l.gate, e.gate), nil
	case 19:
		return say(l.upstream, e.upstream), nil
	case 20:
		return say(l.facts, e.facts), nil
	case 21:
		return say(l.shadow, e.shadow), nil
	}
	return l.recorded(column)
}

// recorded gives one value of what the verdict depended on; NULL when that was not recorded.
func (l *line) recorded(column int) (vtab.Value, error) {
	e := l.entry
	switch {
	case !e.recorded && column <= 28:
		return nil, nil
	case column == 22:
		return address(e.local), nil
	case column == 23:
		return e.began, nil
	case column == 24:
		return e.took, nil
	case column == 25:
		return e.steps, nil
	case column == 26:
		return say(l.place, e.line), nil
	case column == 27:
		return say(l.fault, e.fault), nil
	case column == 28:
		if e.reads == "" {
			return nil, nil
		}
		return []byte(e.reads), nil
	}
	return nil, errors.New("journal: the batch has no such column")
}

// say is a text as a column's value.
func say(ref textRef, s string) vtab.Value {
	switch ref {
	case 0:
		return nil
	case inline:
		return s
	}
	return int64(ref)
}

// address is an address as a column's value.
func address(a netip.AddrPort) vtab.Value {
	packed, text, number := packAddress(a)
	switch {
	case number:
		return packed
	case text == "":
		return nil
	}
	return text
}
