package statement

import (
	"strings"

	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"
)

// compareText writes a comparison of texts.
func (s *Table) compareText(w *writer, c *query.Comparison, o operand, op query.Operator, value string) error {
	switch {
	case op == query.Keyword:
		s.keyword(w, o, value)
	case op == query.Exact:
		s.exactly(w, o, value)
	case op == query.Equal && query.HasWildcard(value):
		if len(value) > maxPattern {
			return s.wrong(c, "a value with @ can have 16 KB")
		}
		s.like(w, o, query.Pieces(value))
	case op == query.Equal && !ascii(value):
		s.writeFolded(w, o)
		w.text(" = ")
		s.folded(w, value)
	default: // Equal, and the order, by ASCII's small letters
		s.ordered(w, o, signs[op], value)
	}
	return nil
}

// ordered compares by what indexes go by.
func (s *Table) ordered(w *writer, o operand, sign, value string) {
	o.writeLowered(w)
	w.text(sign)
	w.typed(structure.Text, LowerASCII(value))
}

// exactly compares byte by byte; the first half is for the index.
func (s *Table) exactly(w *writer, o operand, value string) {
	w.text("(")
	s.ordered(w, o, " = ", value)
	w.text(" AND ")
	o.write(w)
	w.text(binary[s.Dialect], " = ")
	w.typed(structure.Text, value)
	w.text(")")
}

var binary = [2]string{SQLite: " COLLATE BINARY", PostgreSQL: ` COLLATE "C"`}

// like compares with what is between wildcards.
func (s *Table) like(w *writer, o operand, pieces []string) {
	plain := ascii(strings.Join(pieces, ""))
	w.text("(")
	if first := LowerASCII(pieces[0]); plain && first != "" && first[len(first)-1] < 0x7f {
		s.ordered(w, o, " >= ", first)
		w.text(" AND ")
		s.ordered(w, o, " < ", first[:len(first)-1]+string(first[len(first)-1]+1))
		w.text(" AND ")
	}
	pattern := likePattern(pieces)
	switch {
	case plain:
		o.writeLowered(w)
		pattern = LowerASCII(pattern)
	default:
		s.writeFolded(w, o)
	}
	w.text(" LIKE ")
	if plain || s.Dialect == SQLite {
		w.typed(structure.Text, Fold(pattern))
	} else {
		s.folded(w, pattern)
	}
	w.text(` ESCAPE '\')`)
}

func (s *Table) keyword(w *writer, o operand, value string) {
	if s.Dialect == SQLite {
		w.text("moongate_keyword(")
		o.write(w)
		w.text(", ")
		w.arg(Fold(value))
		w.text(")")
		return
	}
	s.writeFolded(w, o)
	w.text(" ~ ")
	w.typed(structure.Text, keywordPattern(value))
}

// writeFolded writes the operand in Unicode's small letters.
func (s *Table) writeFolded(w *writer, o operand) {
	if s.Dialect == SQLite {
		w.text("moongate_fold(")
		o.write(w)
		w.text(")")
		return
	}
	w.text("lower(")
	o.write(w)
	w.text(s.collate(), ")")
}

// folded writes a value in Unicode's small letters.
func (s *Table) folded(w *writer, value string) {
	if s.Dialect == SQLite {
		w.arg(Fold(value))
		return
	}
	w.text("lower(")
	w.typed(structure.Text, value)
	w.text(s.collate(), ")")
}

func (s *Table) collate() string {
	if s.Unicode == "" {
		return ""
	}
	return " COLLATE " + s.Unicode
}

// lowered is a text in ASCII's small letters, as PostgreSQL's indexes have it.
func lowered(expression string) string { return `lower(` + expression + ` COLLATE "C")` }
