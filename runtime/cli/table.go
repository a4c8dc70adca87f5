package cli

import "strings"

// heading is the head of a table's column.
type heading struct {
	title string
	right bool // its texts stand to the right, as numbers do, and are not cut
	least int  // columns that it takes at least, when no rows gather that would say how wide it has to be
	whole bool // its texts are not cut either: half a time says nothing
	drop  int  // where there is no room for all columns, the one with the highest goes first, then from the right
}

// cell is one field of a table. Its text may hold anything: it is made printable where it is written.
type cell struct {
	text  string
	style style
}

// table writes rows as aligned columns. Rows gather in it until settle, which fixes the widths; from then on each row is
// written at once, and a column grows with a text that is wider.
type table struct {
	screen   *screen
	headings []heading
	gather   int // rows that gather before it settles by itself; 0: none, less than 0: all
	rows     [][]cell
	widths   []int
	settled  bool
}

const between = "  " // two columns

// add takes a row, with a cell for each heading. Its error is that of the writer.
func (t *table) add(row []cell) error {
	for i := range row {
		row[i].text = printable(row[i].text)
	}
	if t.settled {
		return t.write(row)
	}
	t.rows = append(t.rows, row)
	if t.gather >= 0 && len(t.rows) > t.gather {
		return t.settle()
	}
	return nil
}

// settle writes the head and the rows that have gathered.
func (t *table) settle() error {
	if t.settled {
		return nil
	}
	t.settled = true
	head := make([]cell, len(t.headings))
	t.widths = make([]int, len(t.headings))
	for i, h := range t.headings {
		head[i] = cell{h.title, bold}
		if t.gather == 0 {
			t.widths[i] = h.least
		}
	}
	t.grow(head)
	for _, row := range t.rows {
		t.grow(row)
	}
	if err := t.write(head); err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := t.write(row); err != nil {
			return err
		}
	}
	t.rows = nil
	return nil
}

// grow makes the columns as wide as a row needs.
func (t *table) grow(row []cell) {
	for i, c := range row {
		t.widths[i] = max(t.widths[i], displayWidth(c.text))
	}
}

func (t *table) write(row []cell) error {
	t.grow(row)
	limit := t.screen.columns()
	_, err := t.screen.Write([]byte(t.line(row, fitted(t.headings, t.widths, limit), limit) + "\n"))
	return err
}

// narrowest is how many columns are left of a text that has to give way, if it is not shorter. alwaysThere is how many of
// the first columns are never left out.
const (
	narrowest   = 12
	alwaysThere = 3
)

// leftOut is the width of a column that there is no room for.
const leftOut = -1

// fitted are the widths with which a line has at most so many columns. What there is no room for even with short texts is
// left out; then always the widest text gives way, and numbers never do. It may come out too wide all the same, and the
// line is cut. With 0 there is no limit.
func fitted(headings []heading, widths []int, limit int) []int {
	fit := append([]int(nil), widths...)
	if limit <= 0 {
		return fit
	}
	for shortest(headings, fit) > limit {
		i := dispensable(headings, fit)
		if i < 0 {
			break
		}
		fit[i] = leftOut
	}
	for _, least := range []int{narrowest, narrowest / 2} { // the half of it where nothing can be left out
		for total(fit) > limit {
			i := widestText(headings, fit, least)
			if i < 0 {
				break
			}
			fit[i]--
		}
	}
	return fit
}

// total is how wide a line is.
func total(widths []int) int {
	n := -len(between)
	for _, w := range widths {
		if w != leftOut {
			n += w + len(between)
		}
	}
	return n
}

// mayCut reports whether the texts of a column may be cut: those of the first say what the row is about.
func mayCut(headings []heading, i int) bool { return i > 0 && !headings[i].right && !headings[i].whole }

// shortest is how wide a line is when all texts give way.
func shortest(headings []heading, widths []int) int {
	short := append([]int(nil), widths...)
	for i := range short {
		if mayCut(headings, i) {
			short[i] = min(short[i], narrowest)
		}
	}
	return total(short)
}

// dispensable is the column to leave out next, -1 when none may be.
func dispensable(headings []heading, widths []int) int {
	next := -1
	for i := len(widths) - 1; i >= 0; i-- {
		if widths[i] == leftOut || headings[i].drop == 0 && i < alwaysThere {
			continue
		}
		if next < 0 || headings[i].drop > headings[next].drop {
			next = i
		}
	}
	return next
}

// widestText is the column that gives way next, -1 when all are as narrow as they may be.
func widestText(headings []heading, widths []int, least int) int {
	widest := -1
	for i, w := range widths {
		if mayCut(headings, i) && w > least && (widest < 0 || w > widths[widest]) {
			widest = i
		}
	}
	return widest
}

// line is a row as it is written, without its end, and cut where the terminal ends.
func (t *table) line(row []cell, widths []int, limit int) string {
	var b strings.Builder
	at, first := 0, true
	for i, c := range row {
		if widths[i] == leftOut {
			continue
		}
		if !first {
			b.WriteString(between)
			at += len(between)
		}
		first = false
		text := cutTo(c.text, widths[i])
		space := strings.Repeat(" ", widths[i]-displayWidth(text))
		before, after := "", space
		if t.headings[i].right {
			before, after = space, ""
		}
		if limit > 0 && at+widths[i] > limit {
			b.WriteString(t.screen.styled(cutTo(before+text, limit-at), c.style))
			break
		}
		b.WriteString(before + t.screen.styled(text, c.style) + after)
		at += widths[i]
	}
	return strings.TrimRight(b.String(), " ")
}
