package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"moongate/runtime/datastore"
	"moongate/runtime/structure"
)

// storeFile is the data of the scripts in the data folder.
const storeFile = "data.sqlite"

// storeTime is how long the data store may take to open, and to be brought up to the structure.
const storeTime = time.Minute

// splitData takes the address of a PostgreSQL out of --data: what else the server keeps is in the default folder then.
func (f *flags) splitData() error {
	if !isDatabase(f.data) {
		return nil
	}
	if _, err := url.Parse(f.data); err != nil {
		return fmt.Errorf("--data is no address of a database; write it as postgres://user@host/database") // which has no password in it
	}
	f.database, f.data = f.data, defaultData()
	return nil
}

// isDatabase reports whether --data names a database and no folder.
func isDatabase(data string) bool {
	return strings.HasPrefix(data, "postgres://") || strings.HasPrefix(data, "postgresql://")
}

// openStore opens the data store, if --data names a database, the scripts have tables, or users log in, who have numbers. Of
// gates only some need it: see userNumbers. It blocks for the database.
func (s *server) openStore() (err error) {
	tables := s.scripts.Structure()
	if len(tables.Tables) == 0 && s.flags.database == "" && s.users == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	s.store, err = s.openDatabase(ctx, tables)
	return err
}

// openDatabase opens the database of --data with these tables, and takes over the numbers of users that an older Moongate has
// kept beside it.
func (s *server) openDatabase(ctx context.Context, tables structure.Structure) (*datastore.Store, error) {
	durability, err := datastore.ParseDurability(s.flags.durability)
	if err != nil {
		return nil, err
	}
	c := datastore.Config{URL: s.flags.database, Structure: tables, Durability: durability, Log: s.log}
	if c.URL == "" {
		c.Path = s.data.File(storeFile)
	}
	store, err := datastore.Open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("the data: %w", err)
	}
	if err := s.importNumbers(ctx, store); err != nil {
		store.Close()
		return nil, err
	}
	return store, nil
}

// closeStore closes the data store, if there is one. No process saves any more.
func (s *server) closeStore() {
	s.numbers.close()
	if s.store == nil {
		return
	}
	if err := s.store.Close(); err != nil {
		s.log.Error("data not closed", "error", err)
	}
}
