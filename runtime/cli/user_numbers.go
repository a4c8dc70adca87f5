package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"moongate/runtime/account"
	"moongate/runtime/datafolder"
	"moongate/runtime/datastore"
	"moongate/runtime/structure"
)

// userNumbers are the users' numbers of a server. They are in its data store; a server that was started without one opens the
// database when somebody needs a number at last: at a gate that a script has opened, whose clients have certificates. The
// methods are those of host.Numbers.
type userNumbers struct {
	server *server

	late   atomic.Pointer[datastore.Store] // nil: not opened yet, or the server has a store anyway
	mu     sync.Mutex                      // held while the database is opened
	closed bool
}

// errClosing is what who comes after the end gets.
var errClosing = errors.New("the data store is closed")

// store is where the numbers are. It blocks while it opens the database, if make says so or there is one; otherwise it is nil
// when there is none.
func (n *userNumbers) store(ctx context.Context, make bool) (*datastore.Store, error) {
	if store := n.opened(); store != nil {
		return store, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch late := n.late.Load(); {
	case n.closed:
		return nil, errClosing
	case late != nil || !make && !n.kept():
		return late, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	store, err := n.server.openDatabase(ctx, structure.Structure{})
	if err != nil {
		return nil, err
	}
	n.late.Store(store)
	return store, nil
}

// opened is where the numbers are, nil while nothing is open.
func (n *userNumbers) opened() *datastore.Store {
	if n.server.store != nil {
		return n.server.store
	}
	return n.late.Load()
}

// kept reports whether the data folder has numbers, from an earlier run.
func (n *userNumbers) kept() bool {
	for _, name := range []string{storeFile, datafolder.NumberFile} {
		if _, err := os.Stat(n.server.data.File(name)); err == nil {
			return true
		}
	}
	return false
}

// UserNumber is the number of a name, a new one if it has none.
func (n *userNumbers) UserNumber(ctx context.Context, name string) (int64, error) {
	store, err := n.store(ctx, true)
	if err != nil {
		return 0, err
	}
	return store.UserNumber(ctx, name)
}

// UserName is the name of a number, "" when nobody has it.
func (n *userNumbers) UserName(ctx context.Context, number int64) (string, error) {
	store, err := n.store(ctx, false)
	if store == nil || err != nil {
		return "", err
	}
	return store.UserName(ctx, number)
}

// KnownUser is the name of a number, "" when this server does not know it yet.
func (n *userNumbers) KnownUser(number int64) string {
	if store := n.opened(); store != nil {
		return store.KnownUser(number)
	}
	return ""
}

// close closes the database that was opened late.
func (n *userNumbers) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if late := n.late.Load(); late != nil {
		if err := late.Close(); err != nil {
			n.server.log.Error("data not closed", "error", err)
		}
	}
}

// importNumbers takes over the numbers that older versions kept in a file of the data folder, and calls the file otherwise
// then: it stays, and is not read again.
func (s *server) importNumbers(ctx context.Context, store *datastore.Store) error {
	file := s.data.File(datafolder.NumberFile)
	names, err := account.ReadNumbers(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	if err := store.ImportUsers(ctx, names); err != nil {
		return fmt.Errorf("%s: %w; a name whose line is taken out gets another number", file, err)
	}
	kept, err := aside(file)
	if err != nil {
		return fmt.Errorf("the user numbers are in the data store now, but the old file is still there: %w; rename or remove it", err)
	}
	s.log.Info("user numbers moved into the data store", "users", len(names), "file", kept)
	return nil
}

// aside renames a file that was imported, and gives its new name. One that was imported before stays as it is.
func aside(file string) (string, error) {
	for n := 1; ; n++ {
		name := file + ".imported"
		if n > 1 {
			name = fmt.Sprintf("%s.%d", name, n)
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, os.Rename(file, name)
		} else if err != nil {
			return "", err
		}
	}
}
