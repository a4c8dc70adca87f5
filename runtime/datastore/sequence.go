package datastore

import (
	"context"
	"sync"

	"moongate/runtime/datastore/statement"
)

// Numbers are taken from the database by the block.
const (
	fileBlock   = 1000
	serverBlock = 100 // other hosts take from the same sequence, and their numbers interleave by as much
)

// sequences are the sequence numbers of all tables.
type sequences struct {
	dialect statement.Dialect
	mu      sync.Mutex
	tables  map[string]*sequence
}

func (s *sequences) init(e engine) { s.dialect, s.tables = e.Dialect(), map[string]*sequence{} }

// of is the sequence of a table.
func (s *sequences) of(table string) *sequence {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.tables[table]
	if q == nil {
		q = &sequence{table: table, dialect: s.dialect, size: fileBlock}
		if s.dialect == statement.PostgreSQL {
			q.size = serverBlock
		}
		s.tables[table] = q
	}
	return q
}

// sequence is one table's. It is never locked while anything waits.
type sequence struct {
	table   string
	dialect statement.Dialect
	size    int64

	mu     sync.Mutex
	blocks []block
	least  int64 // no number below it is given; 0: the table has not been looked at
	limit  int64 // the database's mark, as this host knows it
}

// block is a range of numbers that are this host's.
type block struct{ next, end int64 }

// take gives the next number, if there is one.
func (q *sequence) take() (int64, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.blocks) > 0 {
		b := &q.blocks[0]
		b.next = max(b.next, q.least)
		if b.next < b.end {
			b.next++
			return b.next - 1, true
		}
		q.blocks = q.blocks[1:]
	}
	return 0, false
}

// add takes a block that was reserved up to end.
func (q *sequence) add(end int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.blocks = append(q.blocks, block{end - q.size, end})
	q.limit = max(q.limit, end)
}

// raise has the numbers go on from n.
func (q *sequence) raise(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.least = max(q.least, n, 1)
}

func (q *sequence) looked() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.least > 0
}

// reserve is the statement that reserves the next block; it gives its end.
func (q *sequence) reserve() statement.Statement {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dialect == statement.PostgreSQL {
		return statement.Statement{Text: `INSERT INTO moongate_sequences AS s (name, next) VALUES ($1, $2::bigint + $3::bigint)
			ON CONFLICT (name) DO UPDATE SET next = greatest(s.next, $2::bigint) + $3::bigint RETURNING next`, Args: []any{q.table, max(q.least, 1), q.size}}
	}
	return statement.Statement{Text: `INSERT INTO moongate_sequences AS s (name, next) VALUES (?1, ?2 + ?3)
		ON CONFLICT (name) DO UPDATE SET next = max(s.next, ?2) + ?3 RETURNING next`, Args: []any{q.table, max(q.least, 1), q.size}}
}

// hold is the statement that reserves up to the mark again. Only SQLite needs it, where reserving can be undone.
func (q *sequence) hold() statement.Statement {
	q.mu.Lock()
	defer q.mu.Unlock()
	return statement.Statement{Text: `INSERT INTO moongate_sequences AS s (name, next) VALUES (?1, ?2)
		ON CONFLICT (name) DO UPDATE SET next = max(s.next, ?2)`, Args: []any{q.table, q.limit}}
}

// Sequence is the table's next sequence number: 1 for a table that never had one, and never the same twice, whether
// the transaction in which it was taken is kept or not.
func (c *Context) Sequence(ctx context.Context, table string) (int64, error) {
	t, err := c.begin(table)
	if err != nil {
		return 0, err
	}
	return c.next(ctx, t)
}

// next gives a number, and reserves more when there is none.
func (c *Context) next(ctx context.Context, t *statement.Table) (int64, error) {
	q := c.store.numbers.of(t.Name)
	for {
		if n, ok := q.take(); ok {
			return n, nil
		}
		if err := c.look(ctx, t, q); err != nil {
			return 0, err
		}
		end, err := c.reserve(ctx, q)
		if err != nil {
			return 0, of(t.Name, err)
		}
		q.add(end)
	}
}

// look finds where the numbers begin: after those that are in the table, if the data store has not put them there.
func (c *Context) look(ctx context.Context, t *statement.Table, q *sequence) error {
	if q.looked() {
		return nil
	}
	for i := range t.Columns {
		if t.Columns[i].Sequence {
			highest, err := c.highest(ctx, t, i)
			if err != nil {
				return err
			}
			q.raise(highest + 1)
		}
	}
	q.raise(1)
	return nil
}

// highest is the highest number in a column, 0 when there is none above it.
func (c *Context) highest(ctx context.Context, t *statement.Table, column int) (n int64, err error) {
	err = c.read(ctx, t.Name, t.Highest(column), func(row []any) error { n, _ = row[0].(int64); return nil })
	return max(n, 0), err
}

// reserve reserves a block and gives its end. SQLite has one connection that writes: who has it in a transaction
// reserves in that, and again if it is undone.
func (c *Context) reserve(ctx context.Context, q *sequence) (int64, error) {
	s := q.reserve()
	var row []any
	var err error
	if c.tx != nil && q.dialect == statement.SQLite {
		_, err = c.tx.Write(ctx, s.Text, s.Args, &row)
		c.blocks = append(c.blocks, q.table)
	} else {
		err = c.store.insist(ctx, func() error {
			_, err := c.store.engine.Write(ctx, c.name, s.Text, s.Args, &row)
			return err // done twice, it makes a gap
		})
	}
	if err != nil {
		return 0, err
	}
	if len(row) == 1 {
		if end, ok := row[0].(int64); ok {
			return end, nil
		}
	}
	return 0, &Error{Message: "the database gave no sequence number"}
}

// giveBack returns what was reserved and not given, where nobody has reserved more since.
func (s *sequences) giveBack(e engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := "UPDATE moongate_sequences SET next = ? WHERE name = ? AND next = ?"
	if s.dialect == statement.PostgreSQL {
		text = "UPDATE moongate_sequences SET next = $1 WHERE name = $2 AND next = $3"
	}
	for _, q := range s.tables {
		next, ok := q.take()
		if !ok || len(q.blocks) != 1 || q.blocks[0].end != q.limit {
			continue
		}
		e.Write(context.Background(), "the end", text, []any{next, q.table, q.limit}, nil) // otherwise a gap
	}
}
