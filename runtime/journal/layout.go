package journal

import (
	"fmt"
	"strings"
)

// FileName is the journal's name in the data folder. SQLite keeps two more files beside it while a server runs
// (journal.db-wal, journal.db-shm); a copy needs the -wal file too.
const FileName = "journal.db"

// layoutVersion is PRAGMA user_version of the files that this package writes. It grows with every change that an older
// Moongate could not write or read rightly.
//
//	1  the first
//	2  gate, upstream and facts
const layoutVersion = 2

// applicationID is PRAGMA application_id of a journal, "Moon" in ASCII. A file with another one is not ours.
const applicationID = 0x4d6f6f6e

// columns are record's, in the order in which the batch gives them.
const columns = `id, part, connection, user, name, address, listener, version, verdict, code, reason, decider, ` +
	`opened, decided, closed, bytes_in, bytes_out, cause, gate, upstream, facts`

// tables is the layout. Rows are narrow: texts that come again are numbers, times and IPv4 addresses too.
//
//   - record: one row per connection, in the order in which they were decided. opened is microseconds since 1970,
//     decided and closed microseconds after that, closed NULL while open. verdict is 0 accepted, 1 refused. name,
//     listener, version, reason, decider, cause, gate, upstream and facts are NULL when empty, a number of text when they
//     were seen before, or the text itself. address is IPv4 address*65536 + port, or text.
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
  reason, decider, opened, decided, closed, bytes_in, bytes_out, cause, gate, upstream, facts);
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
  %s AS upstream, %s AS facts FROM record r LEFT JOIN part p ON p.id = r.part;
`, spelled("name"), spelled("listener"), spelled("version"), spelled("reason"),
	spelled("decider"), instant("r.opened"), instant("r.opened + r.decided"), instant("r.opened + r.closed"), spelled("cause"), spelled("gate"),
	spelled("upstream"), spelled("facts"))

// steps make a file of one version into one of the next: steps[0] begins with version 1.
var steps = []string{
	"ALTER TABLE record ADD COLUMN gate; ALTER TABLE record ADD COLUMN upstream; ALTER TABLE record ADD COLUMN facts; DROP VIEW connections; " + view,
}

// columnsOf are the columns as a file of that version has them; what it does not have is NULL.
func columnsOf(version int64) string {
	if version < 2 {
		return strings.Replace(columns, "gate, upstream, facts", "NULL, NULL, NULL", 1)
	}
	return columns
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
	writeRows  = `INSERT OR REPLACE INTO record SELECT * FROM temp.batch`
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
