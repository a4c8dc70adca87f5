package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"moongate/runtime/datastore"
	"moongate/runtime/datastore/query"
	"moongate/runtime/structure"
)

// rowsReading is one run of moongate data.
type rowsReading struct {
	*operation
	scripts string
	where   string
	last    int
	csv     bool
}

// showData is moongate data.
func showData(m *invocation, args []string) int {
	r := &rowsReading{operation: newReading(m, "data")}
	r.set.StringVar(&r.where, "where", "", "only rows that a `query` finds, as ds.table:query() takes it, values written in it")
	r.set.IntVar(&r.last, "last", 0, "only so many, the last ones (a `number`)")
	r.set.BoolVar(&r.csv, "csv", false, "write CSV (RFC 4180)")
	r.dataFlags(&r.scripts)
	if ok, code := r.parse(args, 0, 1); !ok {
		return code
	}
	switch {
	case r.json && r.csv:
		return r.misused(errors.New("--json and --csv are two ways to write the same; choose one"))
	case r.last < 0:
		return r.misused(fmt.Errorf("--last is %d; it must be 0 or more", r.last))
	}
	q, err := query.Parse(r.where)
	if err == nil && q.Placeholders() > 0 {
		err = errors.New("there is nothing to put in place of :1; write the value itself")
	}
	if err != nil {
		return r.misused(fmt.Errorf("--where: %w", err))
	}
	ctx, stop := interruptible()
	defer stop()
	return r.run(ctx, q)
}

// dataFlags adds the flags that say which database, and which tables it has.
func (o *operation) dataFlags(scripts *string) {
	o.set.StringVar(scripts, "scripts", "scripts", "the `folder` with the structure.lua")
	o.set.StringVar(&o.data, "data", defaultData(), "the `folder` where the server keeps its data, or the postgres://... of --data")
	o.set.Lookup("data").DefValue = "moongate in $XDG_STATE_HOME or ~/.local/state" // as serve says it
}

// storeConfig says which database the flags name.
func (o *operation) storeConfig(s structure.Structure) datastore.Config {
	if isDatabase(o.data) {
		return datastore.Config{URL: o.data, Structure: s}
	}
	return datastore.Config{Path: filepath.Join(o.data, storeFile), Structure: s}
}

func (r *rowsReading) run(ctx context.Context, q *query.Query) int {
	tables, err := r.readStructure(r.scripts)
	if err != nil {
		return r.failed(err)
	}
	if len(r.set.Args()) == 0 {
		return r.misused(fmt.Errorf("which table? structure.lua has %s", strings.Join(tables.Names(), ", ")))
	}
	store, err := datastore.OpenReader(ctx, r.storeConfig(tables))
	if err != nil {
		return r.failed(err)
	}
	defer store.Close()
	reader := store.NewContext(datastore.Owner{Name: "moongate data"})
	defer reader.Close(context.WithoutCancel(ctx))
	rows, err := reader.Select(ctx, r.set.Arg(0), q, nil)
	if err != nil {
		return r.failed(err)
	}
	if r.last > 0 && r.last < rows.Len() {
		rows = rows.Slice(rows.Len()-r.last, rows.Len())
	}
	out := bufio.NewWriterSize(r.out, 1<<16)
	err = r.write(ctx, rows, r.format(out, rows.Table()))
	if flushed := out.Flush(); err == nil && flushed != nil {
		err = writeError{flushed}
	}
	var unwritten writeError
	switch {
	case errors.As(err, &unwritten):
		return r.written(unwritten.error)
	case err != nil:
		return r.failed(err)
	case rows.Len() == 0 && !r.json && !r.csv:
		fmt.Fprintln(r.stderr, "no rows")
	}
	return ExitClean
}

// readStructure reads the structure.lua of a scripts folder, for a command that is of no use without tables.
func (o *operation) readStructure(folder string) (structure.Structure, error) {
	s, err := o.scripts.Structure(folder)
	if err == nil && len(s.Tables) == 0 {
		err = fmt.Errorf("%s declares no tables: --scripts names the folder with the structure.lua", filepath.Join(folder, "structure.lua"))
	}
	return s, err
}

// rowsAtOnce is how many rows are read at once.
const rowsAtOnce = 500

// write writes the rows, in the order of the query.
func (r *rowsReading) write(ctx context.Context, rows datastore.Rows, f recordFormat) error {
	for from := 0; from < rows.Len(); from += rowsAtOnce {
		records, err := rows.Records(ctx, from, min(from+rowsAtOnce, rows.Len()))
		if err != nil {
			return err
		}
		for _, record := range records {
			if err := f.record(record); err != nil {
				return writeError{err}
			}
		}
	}
	if err := f.end(); err != nil {
		return writeError{err}
	}
	return nil
}

// recordFormat is a way to write records of one table.
type recordFormat interface {
	record(*datastore.Record) error
	end() error
}

func (r *rowsReading) format(out io.Writer, t *structure.Table) recordFormat {
	switch {
	case r.json:
		return &jsonRecords{out: out, table: t}
	case r.csv:
		w := csv.NewWriter(out)
		w.UseCRLF = true
		w.Write(t.Names())
		return &csvRecords{out: w, table: t}
	}
	f := &tableRecords{table: t, lines: &table{screen: r.out, gather: rowsAtOnce}}
	for _, c := range t.Columns {
		f.lines.headings = append(f.lines.headings, heading{title: c.Name, right: c.Type.Numeric(), least: 10})
	}
	return f
}

// tableRecords writes records for people.
type tableRecords struct {
	table *structure.Table
	lines *table
}

func (f *tableRecords) record(r *datastore.Record) error {
	cells := make([]cell, len(f.table.Columns))
	for i, c := range f.table.Columns {
		cells[i].text = valueText(c.Type, r.Value(i))
	}
	return f.lines.add(cells)
}

func (f *tableRecords) end() error {
	if len(f.lines.rows) == 0 { // there is nothing to have a head over
		return nil
	}
	return f.lines.settle()
}

// csvRecords writes CSV as of RFC 4180, with a head.
type csvRecords struct {
	out   *csv.Writer
	table *structure.Table
}

func (f *csvRecords) record(r *datastore.Record) error {
	fields := make([]string, len(f.table.Columns))
	for i, c := range f.table.Columns {
		fields[i] = valueText(c.Type, r.Value(i))
		if !c.Type.Numeric() {
			fields[i] = harmless(fields[i])
		}
	}
	return f.out.Write(fields)
}

func (f *csvRecords) end() error {
	f.out.Flush()
	return f.out.Error()
}

// jsonRecords writes one JSON object a line, its fields in the order of the columns.
type jsonRecords struct {
	out   io.Writer
	table *structure.Table
}

func (f *jsonRecords) record(r *datastore.Record) error {
	line := []byte{'{'}
	for i, c := range f.table.Columns {
		v := r.Value(i)
		if seconds, ok := v.(int64); ok && c.Type == structure.Time {
			v = timeText(seconds)
		}
		value, err := json.Marshal(v) // a blob is base64
		if err != nil {
			return err
		}
		if i > 0 {
			line = append(line, ',')
		}
		line = append(strconv.AppendQuote(line, c.Name), ':')
		line = append(line, value...)
	}
	_, err := io.WriteString(f.out, inert(append(line, '}'))+"\n")
	return err
}

func (f *jsonRecords) end() error { return nil }

// valueText is a value for people and for CSV; null is empty.
func valueText(t structure.Type, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		if t == structure.Time {
			return timeText(v)
		}
		return strconv.FormatInt(v, 10)
	case float64:
		if t == structure.Real {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case []byte:
		return hex.EncodeToString(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// timeText is a number of seconds as a time of 4D, which may have more than 24 hours.
func timeText(seconds int64) string {
	sign := ""
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	return fmt.Sprintf("%s%02d:%02d:%02d", sign, seconds/3600, seconds/60%60, seconds%60)
}

// planTime is how long moongate structure may take to look at a database.
const planTime = 30 * time.Second

// showStructure is moongate structure: what a start of the server would change in the database.
func showStructure(m *invocation, args []string) int {
	o, scripts := newReading(m, "structure"), ""
	o.dataFlags(&scripts)
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	tables, err := o.readStructure(scripts)
	if err != nil {
		return o.failed(err)
	}
	ctx, stop := interruptible()
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, planTime)
	defer cancel()
	changes, err := datastore.Plan(ctx, o.storeConfig(tables))
	if err != nil {
		return o.failed(err)
	}
	return o.written(o.writePlan(changes))
}

// writePlan writes what would be changed.
func (o *operation) writePlan(changes []datastore.Change) error {
	if o.json {
		type change struct {
			Table   string `json:"table"`
			Summary string `json:"change"`
			SQL     string `json:"sql"`
		}
		all := []change{}
		for _, c := range changes {
			all = append(all, change{c.Table, c.Summary, c.SQL})
		}
		text, err := json.Marshal(all)
		if err == nil {
			_, err = io.WriteString(o.out, inert(text)+"\n")
		}
		return err
	}
	if len(changes) == 0 {
		_, err := io.WriteString(o.out, "the database has all that structure.lua declares\n")
		return err
	}
	for _, c := range changes {
		about := c.Table
		if about == "" {
			about = "(the data store itself)"
		}
		if _, err := fmt.Fprintf(o.out, "%s: %s\n", printable(about), printable(c.Summary)); err != nil {
			return err
		}
		for line := range strings.Lines(c.SQL) {
			if _, err := fmt.Fprintf(o.out, "    %s\n", printable(strings.TrimSuffix(line, "\n"))); err != nil {
				return err
			}
		}
	}
	return nil
}
