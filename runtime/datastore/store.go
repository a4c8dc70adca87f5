package datastore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"moongate/runtime/datastore/sqlite"
	"moongate/runtime/datastore/statement"
	"moongate/runtime/structure"
)

// Durability says what a power cut may cost. What a save has confirmed survives the death of the process in either
// case.
type Durability int

// The durabilities.
const (
	Full   Durability = iota // nothing: each commit waits for the disk
	Normal                   // the last commits before it, the latest first
)

// ParseDurability reads "full" or "normal".
func ParseDurability(s string) (Durability, error) {
	switch s {
	case "full":
		return Full, nil
	case "normal":
		return Normal, nil
	}
	return 0, fmt.Errorf("unknown durability %q%s; it is full or normal", s, structure.DidYouMean(s, []string{"full", "normal"}))
}

// String is "full" or "normal".
func (d Durability) String() string {
	if d == Normal {
		return "normal"
	}
	return "full"
}

// Config says which database, and how.
type Config struct {
	Path       string // of a file of SQLite, made if it is missing; or
	URL        string // of PostgreSQL: postgres://user:password@host/database
	Structure  structure.Structure
	Durability Durability
	Log        *slog.Logger  // is told of changes to the database, and of one that goes away; nil: nobody is
	TurnWait   time.Duration // how long a save waits for another process's transaction; 0 is 10 s
	RetryFor   time.Duration // how long a database that went away is tried again; 0 is 5 s
}

// Store is an open database.
type Store struct {
	config  Config
	engine  engine
	schema  atomic.Pointer[schema]
	stamps  atomic.Int64
	locks   locks
	numbers sequences
	users   users
	upgrade sync.Mutex // one at a time
}

// schema is a structure and its tables' statements. It does not change.
type schema struct {
	structure structure.Structure
	tables    map[string]*statement.Table
}

// Open opens the database and brings it up to the structure: it adds tables, columns and indexes, and drops and
// narrows nothing. What stands in the way is an error of kind Conflict that says what to do, and then nothing was
// changed. It blocks while it does that.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := c.Structure.Validate(); err != nil {
		return nil, &Error{Kind: Value, Message: err.Error(), Cause: err}
	}
	c.defaults()
	e, err := openEngine(ctx, c, false)
	if err != nil {
		return nil, err
	}
	s := newStore(c, e)
	if err := s.bring(ctx, c.Structure); err != nil {
		e.Close()
		return nil, err
	}
	return s, nil
}

// newStore makes a store that has no schema yet.
func newStore(c Config, e engine) *Store {
	s := &Store{config: c, engine: e}
	s.locks.init()
	s.numbers.init(e)
	s.users.init()
	var random [8]byte
	rand.Read(random[:])
	s.stamps.Store(int64(binary.BigEndian.Uint64(random[:]) >> 16)) // small enough to be short in a row, and to be counted up for ever
	return s
}

func (c *Config) defaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.TurnWait == 0 {
		c.TurnWait = 10 * time.Second
	}
	if c.RetryFor == 0 {
		c.RetryFor = 5 * time.Second
	}
}

// openEngine opens the database that the Config names.
func openEngine(ctx context.Context, c Config, readOnly bool) (engine, error) {
	switch {
	case c.Path != "" && c.URL != "":
		return nil, &Error{Kind: Value, Message: "the data store has a path and a URL; give one of them"}
	case c.URL != "":
		return openServer(ctx, c)
	case c.Path == "":
		return nil, &Error{Kind: Value, Message: "the data store has neither a path nor a URL; give one of them"}
	}
	e, err := sqlite.Open(ctx, c.Path, sqlite.Options{Normal: c.Durability == Normal, TurnWait: c.TurnWait, ReadOnly: readOnly})
	if err != nil {
		return nil, err
	}
	return file{e}, nil
}

// Structure is the structure that the database was brought up to. Nobody may change it.
func (s *Store) Structure() *structure.Structure { return &s.schema.Load().structure }

// table finds a table's statements.
func (s *Store) table(name string) (*statement.Table, error) {
	schema := s.schema.Load()
	if t := schema.tables[name]; t != nil {
		return t, nil
	}
	return nil, unknownTable(&schema.structure, name)
}

func unknownTable(s *structure.Structure, name string) error {
	if len(s.Tables) == 0 {
		return &Error{Kind: Unknown, Message: fmt.Sprintf("there is no table %.64s: structure.lua declares none", name)}
	}
	return &Error{Kind: Unknown, Message: fmt.Sprintf("there is no table %.64s%s", name, structure.DidYouMean(name, s.Names()))}
}

// stamp is a number that no other save has, on any host: see Save.
func (s *Store) stamp() int64 { return s.stamps.Add(1) }

// Close gives unused sequence numbers back, waits for saves that run, and closes the database. Contexts must be
// closed before. It may be called twice.
func (s *Store) Close() error {
	s.numbers.giveBack(s.engine)
	return s.engine.Close()
}
