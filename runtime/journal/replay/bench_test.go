package replay

import (
	"testing"
	"time"

	"moongate/runtime/journal"
	"moongate/runtime/recording"
	"moongate/runtime/wire"
)

// BenchmarkJournal is what a recorded connection costs a replay besides the method: it is read from a journal, with
// five reads, parsed and counted. ns/op is for one connection.
func BenchmarkJournal(b *testing.B) {
	const rows = 20000
	folder := b.TempDir()
	j := journal.Open(journal.Options{Folder: folder, Session: "s"})
	value, err := wire.Pack([]any{int64(21)})
	if err != nil {
		b.Fatal(err)
	}
	form := recording.Recording{}
	for range 5 {
		form.Reads = append(form.Reads, recording.Read{What: "count_connections", Key: `{address = "203.0.113.7"}`, Value: value, Line: "on_server_open_connection.lua:6"})
	}
	one := row(1, "ann", 22000, "closed")
	one.Reads = string(form.AppendReads(nil))
	for n := range int64(rows) {
		one.Connection = n + 1
		j.Refused(&one)
	}
	if err := j.Close(time.Minute); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		if n%rows == 0 {
			r, err := Run(b.Context(), journal.Read(b.Context(), folder, journal.Query{WithReads: true}), []recording.Rehearsal{scripted{}}, new(Progress))
			if err != nil || r.Connections != rows {
				b.Fatal(err, r.Connections)
			}
		}
		n++
	}
}
