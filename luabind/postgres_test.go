package luabind_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"moongate/runtime/datastore"

	"github.com/jackc/pgx/v5"
)

// dataChunks are the files of testdata/lua that are about the data.
var dataChunks = []string{"data", "data_queries", "transactions"}

// schemas counts the schemas that tests have made.
var schemas atomic.Int64

// onPostgres makes an empty schema in the database that MOONGATE_TEST_POSTGRES names, and takes it away at the end.
func onPostgres(t *testing.T) datastore.Config {
	t.Helper()
	url := os.Getenv("MOONGATE_TEST_POSTGRES")
	if url == "" {
		t.Skip("MOONGATE_TEST_POSTGRES holds no URL of a PostgreSQL to test with")
	}
	schema := fmt.Sprintf("moongate_lua_%d_%d", os.Getpid(), schemas.Add(1))
	runOn(t, url, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { runOn(t, url, "DROP SCHEMA "+schema+" CASCADE") })
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return datastore.Config{URL: url + separator + "search_path=" + schema, Durability: datastore.Normal}
}

// runOn runs a statement on a server.
func runOn(t *testing.T, url, text string) {
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

// TestLuaOnPostgres runs the chunks about the data on PostgreSQL, unchanged. They take real time here, since a server is no
// part of a bubble; so the longest wait is shorter.
func TestLuaOnPostgres(t *testing.T) {
	for _, name := range dataChunks {
		t.Run(name, func(t *testing.T) {
			for _, c := range readChunks(t, filepath.Join(chunksFolder, name+".lua"), postgreSQL) {
				for _, lane := range c.lanes {
					t.Run(fmt.Sprintf("%d_%s", c.line, lane), func(t *testing.T) {
						t.Parallel()
						folder, data := c.write(t, lane), onPostgres(t)
						data.TurnWait = 3 * time.Second
						c.test(t, lane, func(log *slog.Logger) (*house, error) { return openOn(data, folder, log) })
					})
				}
			}
		})
	}
}
