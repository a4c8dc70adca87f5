package journal

import (
	"fmt"
	"slices"
	"strings"
)

// FileName is the journal's name in the data folder. SQLite keeps two more files beside it while a server runs
// (journal.db-wal, journal.db-shm); a copy needs the -wal file too.
const FileName = "journal.db"

// layoutVersion is PRAGMA user_version of the files that this package writes. It grows with every change that an
// older Moongate could not write or read rightly.
//
//	1  the first
//	2  gate, upstream and facts
//	3  shadow, and what a verdict depended on: local, began, took, steps, line, fault, reads
const layoutVersion = 3

// applicationID is PRAGMA application_id of a journal, "Moon" in ASCII. A file with another one is not ours.
const applicationID = 0x4d6f6f6e

// columns are record's, in the order in which the batch gives them; bareColumns are those without what a verdict
// depended on.
const (
	columns     = bareColumns + `, local, began, took, steps, line, fault, reads`
	bareColumns = `id, part, connection, user, name, address, listener, version, verdict, code, reason, decider, ` +
		`opened, decided, closed, bytes_in, bytes_out, cause, gate, upstream, facts, shadow`
)

// carried are the columns that stay as they were written first when the row of the end has nothing for them.
var carried = []string{"shadow", "local", "began", "took", "steps", "line", "fault", "reads"}

// tables is the layout. Rows are narrow: texts that come again are numbers, times and IPv4 addresses too.
//
//   - record: one row per connection, in the order in which they were decided. opened is microseconds since 1970,
//     decided and closed microseconds after that, closed NULL while open. verdict is 0 accepted, 1 refused. name,
//     listener, version, reason, decider, cause, gate, upstream, facts, shadow, line and fault are NULL when empty, a number of text
//     when they were seen before, or the text itself. address and local are IPv4 address*65536 + port, or text. began is
//     microseconds after opened, took microseconds, reads a blob; all seven from local on are NULL where nothing was recorded.
//   - text: texts that come again and again.
//   - part: a stretch of one server session with texts of its own; first and texts are the first numbers it may have
//     used, alive is when the session last wrote, in microseconds since 1970.
//   - mark: a coarse index by time: the rows after the mark before and up to this one were decided between low and high,
//     whatever the clock did. A real index on the time would cost something for every row.
//   - record_open: the few rows that are open.
//
// The view connections is for people with sqlite3.
var tables = fmt.Sprintf(`
PRAGMA application_id = %d;
PRAGMA user_version = %d;
CREATE TABLE record(id INTEGER PRIMARY KEY, part, connection, user, name, address, listener, version, verdict, code,
  reason, decider, opened, decided, closed, bytes_in, bytes_out, cause, gate, upstream, facts, shadow, local, began, took,
  steps, line, fault, reads);
CREATE INDEX record_open ON record(connection) WHERE closed IS NULL;
CREATE TABLE text(id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE part(id INTEGER PRIMARY KEY, session TEXT NOT NULL, first INTEGER, texts INTEGER, alive INTEGER);
CREATE TABLE mark(last INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL);
%s`, applicationID, layoutVersion, view)

// view is for people.
var view = fmt.Sprintf(`CREATE VIEW connections AS SELECT r.id, p.session, r.connection, r.user, %s AS user_name,
  CASE typeof(r.address) WHEN 'integer' THEN printf('%%d.%%d.%%d.%%d:%%d', r.address >> 40, r.address >> 32 & 255,
    r.address >> 24 & 255, r.address >> 16 & 255, r.address & 65535) ELSE coalesce(r.address, '') END AS address,
  %s AS listener, %s AS version, iif(r.verdict, 'refused', 'accepted') AS verdict, r.code, %s AS reason,
  %s AS refused_by, %s AS opened, %s AS decided, %s AS closed, r.bytes_in, r.bytes_out, %s AS cause, %s AS gate,
  %s AS upstream, %s AS facts, %s AS shadow, %s AS line, %s AS fault, r.took, r.steps, length(r.reads) AS reads FROM record r LEFT JOIN part p ON p.id = r.part;
`, spelled("name"), spelled("listener"), spelled("version"), spelled("reason"),
	spelled("decider"), instant("r.opened"), instant("r.opened + r.decided"), instant("r.opened + r.closed"), spelled("cause"), spelled("gate"),
	spelled("upstream"), spelled("facts"), spelled("shadow"), spelled("line"), spelled("fault"))

// steps make a file of one version into one of the next: steps[0] begins with version 1.
var steps = []string{
	added("gate", "upstream", "facts"),
	added("shadow", "local", "began", "took", "steps", "line", "fault", "reads") + "DROP VIEW IF EXISTS connections; " + view,
}

// added is the SQL that adds columns to record.
func added(columns ...string) string {
	var b strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&b, "ALTER TABLE record ADD COLUMN %s; ", c)
	}
	return b.String()
}

// columnsOf are the columns as a file of that version has them; what it does not have is NULL.
func columnsOf(version int64) string {
	list := columns
	for _, since := range []struct {
		version int64
		columns string
	}{{2, "gate, upstream, facts"}, {3, "shadow, local, began, took, steps, line, fault, reads"}} {
		if version < since.version {
			none := strings.Repeat("NULL, ", strings.Count(since.columns, ",")) + "NULL"
			list = strings.Replace(list, since.columns, none, 1)
		}
	}
	return list
}

// writeRows is the SQL that puts these columns of the batch into the table: rows that are there already are complete
// then, but for what is carried.
func writeRows(list string) string {
	var sets []string
	for column := range strings.SplitSeq(list, ", ") {
		switch {
		case column == "id":
		case slices.Contains(carried, column):
			sets = append(sets, fmt.Sprintf("%[1]s = coalesce(excluded.%[1]s, %[1]s)", column))
		default:
			sets = append(sets, fmt.Sprintf("%[1]s = excluded.%[1]s", column))
		}
	}
	return fmt.Sprintf("INSERT INTO record(%[1]s) SELECT %[1]s FROM temp.batch WHERE true ON CONFLICT(id) DO UPDATE SET %[2]s", list, strings.Join(sets, ", "))
}

// spelled is the SQL for a column that holds a text or the number of one.
func spelled(column string) string {
	return fmt.Sprintf("coalesce(iif(typeof(r.%[1]s) = 'integer', (SELECT text FROM text WHERE id = r.%[1]s), r.%[1]s), '')", column)
}

// instant is the SQL that writes microseconds since 1970 as a date and time of UTC.
func instant(expression string) string {
	return fmt.Sprintf("strftime('%%Y-%%m-%%d %%H:%%M:%%f', (%s) / 1e6, 'unixepoch')", expression)
}

// The statements of the writer.
const (
	writeText  = `INSERT OR REPLACE INTO text VALUES (?, ?)`
	writePart  = `INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?)`
	writeMark  = `INSERT OR REPLACE INTO mark VALUES (?, ?, ?)`
	settleDebt = `UPDATE record SET closed = max(decided, ? - opened), cause = '` + Lost + `' WHERE id = ? AND closed IS NULL`
	closeLost  = `UPDATE record SET cause = '` + Lost + `', closed = max(decided, coalesce((SELECT max(alive) FROM part WHERE session =
  (SELECT session FROM part WHERE id = record.part)), 0) - opened) WHERE id IN (SELECT id FROM record WHERE closed IS NULL
  AND (part IN (SELECT id FROM part WHERE session IN (SELECT value FROM json_each(?1)))) = ?2 LIMIT ?3)`
	closeOwn = `UPDATE record SET cause = '` + Lost + `', closed = max(decided, ? - opened) WHERE closed IS NULL
  AND part IN (SELECT id FROM part WHERE session = ?)`
)
