package datastore

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// schemas counts the schemas that tests have made.
var schemas atomic.Int64

// postgresConfig makes an empty schema in the database that MOONGATE_TEST_POSTGRES names, and takes it away at the
// end.
func postgresConfig(t testing.TB) Config {
	t.Helper()
	url := os.Getenv("MOONGATE_TEST_POSTGRES")
	if url == "" {
		t.Skip("MOONGATE_TEST_POSTGRES holds no URL of a PostgreSQL to test with")
	}
	schema := fmt.Sprintf("moongate_test_%d_%d", os.Getpid(), schemas.Add(1))
	runOn(t, url, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { runOn(t, url, "DROP SCHEMA "+schema+" CASCADE") })
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return Config{URL: url + separator + "search_path=" + schema}
}

// runOn runs a statement on a server.
func runOn(t testing.TB, url, text string) {
	t.Helper()
	c, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(context.Background(), text); err != nil {
		t.Fatal(err)
	}
}

// TestSchemasHaveTheirOwnLocks locks rows of the same key in two schemas of one database.
func TestSchemasHaveTheirOwnLocks(t *testing.T) {
	for range 2 {
		c := postgresConfig(t)
		c.Structure = serverLog()
		mine := contextOf(t, openTest(t, c), 1)
		r := saved(t, mine, "words", map[string]any{"word": "a"})
		ok(t, mine.Lock(t.Context(), r))
		set(t, r, map[string]any{"n": 1})
		ok(t, mine.Save(t.Context(), r))
	}
}
