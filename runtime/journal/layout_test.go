package journal

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// firstLayout makes the file that the first version wrote: an accepted connection that is open, with a view of people's.
const firstLayout = `PRAGMA application_id = 1299148654; PRAGMA user_version = 1;
CREATE TABLE record(id INTEGER PRIMARY KEY, part, connection, user, name, address, listener, version, verdict, code,
  reason, decider, opened, decided, closed, bytes_in, bytes_out, cause);
CREATE INDEX record_open ON record(connection) WHERE closed IS NULL;
CREATE TABLE text(id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE part(id INTEGER PRIMARY KEY, session TEXT NOT NULL, first INTEGER, texts INTEGER, alive INTEGER);
CREATE TABLE mark(last INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL);
CREATE VIEW connections AS SELECT r.id, r.connection FROM record r;
INSERT INTO part VALUES (1, 'an earlier run', 1, 1, 1772355600000000);
INSERT INTO record VALUES (1, 1, 7, 1, 'Designer', NULL, '127.0.0.1:19813', NULL, 0, 0, NULL, NULL, 1772355600000000, 250, 1000, 1, 2, 'idle');`

// TestFirstLayout holds that a journal of the first version is read as it is, and written on in the version of today.
func TestFirstLayout(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, FileName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := database(t, folder).Exec(firstLayout); err != nil {
		t.Fatal(err)
	}
	before := all(t, folder, Query{})
	expect(t, "rows before", len(before), 1)
	expect(t, "gate before", before[0].Gate, "")
	expect(t, "cause before", before[0].Cause, "idle")

	j, _ := opened(t, Options{Folder: folder}, brisk())
	led := ended(8)
	led.Gate, led.Upstream, led.Facts = "db", "10.0.0.5:5432", `{"database":"shop"}`
	j.Closed(led)
	closed(t, j)
	after := all(t, folder, Query{})
	expect(t, "rows after", len(after), 2)
	same(t, "the old row", after[0], &before[0])
	same(t, "the new row", after[1], led)
	db := database(t, folder)
	expect(t, "version", value(t, db, "PRAGMA user_version"), "3")
	for column, want := range map[string]string{"gate": "db", "upstream": "10.0.0.5:5432", "facts": `{"database":"shop"}`, "connection": "8"} {
		expect(t, column, value(t, db, "SELECT "+column+" FROM connections WHERE id = 2"), want)
	}
	if runtime.GOOS == "windows" {
		return
	}
	j, _ = opened(t, Options{Folder: folder}, brisk()) // a second time there is nothing to do
	closed(t, j)
	expect(t, "rows at last", len(all(t, folder, Query{})), 2)
}
