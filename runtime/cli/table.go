package cli

import "strings"

// heading is the head of a table's column.
type heading struct {
	title string
	right bool // its texts stand to the right, as numbers do, and are not cut
	least int  // columns that it takes at least, when no rows gather that would say how wide it has to be
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

// narrowest is how many columns are left of a text that has to give way.
const narrowest = 6

// fitted are the widths with which a line has at most so many columns: always the widest text gives way, and numbers
// never do. It may come out too wide all the same, and the line is cut. With 0 there is no limit.
func fitted(headings []heading, widths []int, limit int) []int {
	fit := append([]int(nil), widths...)
	total := len(between) * (len(fit) - 1)
	for i := range fit {
		if limit > 0 {
			fit[i] = min(fit[i], limit)
		}
		total += fit[i]
	}
	for limit > 0 && total > limit {
		widest := -1
		for i, w := range fit {
			if !headings[i].right && w > narrowest && (widest < 0 || w > fit[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return fit
		}
		fit[widest]--
		total--
	}
	return fit
}

// line is a row as it is written, without its end, and cut where the terminal ends.
func (t *table) line(row []cell, widths []int, limit int) string {
	var b strings.Builder
	at := 0
	for i, c := range row {
		if i > 0 {
			b.WriteString(between)
			at += len(between)
		}
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
