package datastore

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestSavesTogether has many processes save at the same time, some of them what cannot be saved, or in transactions:
// each learns how its own save went.
func TestSavesTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		var all sync.WaitGroup
		var duplicates atomic.Int64
		const processes, rows = 32, 20
		for p := range processes {
			all.Go(func() { // until its rows are saved
				c := s.NewContext(Owner{Process: int64(p)})
				defer c.Close(context.Background())
				for i := range rows {
					if p%8 == 0 {
						c.StartTransaction(t.Context())
					}
					r, _ := c.New("words")
					r.Set(0, fmt.Sprint("word ", i, " of ", p/2)) // two processes have the same
					switch err := c.Save(t.Context(), r); {
					case err == nil:
					case KindOf(err) == DuplicateKey:
						duplicates.Add(1)
					default:
						t.Error(err)
					}
					if c.Level() > 0 {
						ok(t, c.ValidateTransaction(t.Context()))
					}
				}
			})
		}
		all.Wait()
		c := contextOf(t, s, 1)
		if n := find(t, c, "words", "").Len(); n != processes*rows/2 || duplicates.Load() != processes*rows/2 {
			t.Errorf("%d rows and %d duplicates; want %d of each", n, duplicates.Load(), processes*rows/2)
		}
	})
}

// TestFileTakenAway confirms no save that nobody could find.
func TestFileTakenAway(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be deleted here")
	}
	config := databases[0].config(t)
	config.Structure = serverLog()
	s, err := Open(t.Context(), config)
	ok(t, err)
	defer s.Close()
	c := contextOf(t, s, 1)
	ok(t, os.Remove(config.Path))
	wantKind(t, c.Save(t.Context(), record(t, c, "words", map[string]any{"word": "a"})), Unavailable)
}
