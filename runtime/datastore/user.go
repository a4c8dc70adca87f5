package datastore

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"moongate/runtime/datastore/statement"
)

// The numbers of 4D's own two users; everybody else's come after them.
const (
	designer      = 1
	administrator = 2
	firstUser     = 3
	lastUser      = math.MaxInt32 // the highest that 4D could hold
	maxUserName   = 1024          // bytes
)

// users are the user numbers that this host knows. They never change, so what is known is never asked again.
type users struct {
	mu      sync.RWMutex // never held while anything waits
	numbers map[string]int64
	names   map[int64]string
}

func (u *users) init() {
	u.numbers, u.names = map[string]int64{}, map[int64]string{}
	u.publish(designer, "Designer")
	u.publish(administrator, "Administrator")
}

func (u *users) publish(number int64, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.numbers[foldUser(name)], u.names[number] = number, name
}

// foldUser is the same for two names exactly if strings.EqualFold says that they are the same.
func foldUser(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, name)
}

// UserNumber is the number of a user's name: the same for ever, on every host of the database, without regard to
// case; 1 for the Designer and 2 for the Administrator. A new name gets the next number. It blocks for the database
// when this host does not know the name yet, and never otherwise. A name that nobody can have is an error of kind
// Value.
func (s *Store) UserNumber(ctx context.Context, name string) (int64, error) {
	folded := foldUser(name)
	s.users.mu.RLock()
	number, ok := s.users.numbers[folded]
	s.users.mu.RUnlock()
	if ok {
		return number, nil
	}
	if err := checkUser(name); err != nil {
		return 0, err
	}
	for range 20 { // of others' new names at the same time
		known, written, err := s.findUser(ctx, "folded", folded)
		if err != nil {
			return 0, err
		}
		if known != 0 {
			s.users.publish(known, written)
			return known, nil
		}
		err = s.addUser(ctx, name, folded)
		if k := KindOf(err); err != nil && k != DuplicateKey {
			return 0, err
		}
	}
	return 0, &Error{Kind: Unavailable, Message: "user numbers: too many new names at the same time; try again"}
}

func checkUser(name string) error {
	if name == "" || len(name) > maxUserName || !utf8.ValidString(name) || strings.IndexFunc(name, unicode.IsControl) >= 0 {
		return &Error{Kind: Value, Message: fmt.Sprintf("%.40q cannot have a user number: a name has 1 to %d bytes of printable text", name, maxUserName)}
	}
	return nil
}

// findUser reads a user by one of the columns; number 0 when there is none.
func (s *Store) findUser(ctx context.Context, column string, value any) (number int64, name string, err error) {
	text := "SELECT number, name FROM moongate_users WHERE " + column + " = " + s.placeholder(1)
	err = s.engine.Read(ctx, text, []any{value}, func(row []any) error {
		number, _ = row[0].(int64)
		name, _ = row[1].(string)
		return nil
	})
	return number, name, err
}

func (s *Store) placeholder(n int) string {
	if s.engine.Dialect() == statement.PostgreSQL {
		return fmt.Sprintf("$%d", n)
	}
	return fmt.Sprintf("?%d", n)
}

// addUser gives a name the next number, if it has none. Of two who do that at the same time one may get DuplicateKey.
func (s *Store) addUser(ctx context.Context, name, folded string) error {
	text := fmt.Sprintf(`INSERT INTO moongate_users (number, name, folded) SELECT coalesce(max(number), %d) + 1, %s, %s FROM moongate_users
		HAVING coalesce(max(number), 0) < %d`, firstUser-1, s.placeholder(1), s.placeholder(2), lastUser)
	var affected int64
	err := s.insist(ctx, func() (err error) {
		affected, err = s.engine.Write(ctx, "a new user", text, []any{name, folded}, nil)
		return err // done twice, it is a duplicate
	})
	if err == nil && affected == 0 {
		return &Error{Kind: State, Message: fmt.Sprintf("user numbers: somebody has the last number that there is, %d; correct it in moongate_users", lastUser)}
	}
	return err
}

// KnownUser is who has a number, "" when this host does not know that yet. It never blocks.
func (s *Store) KnownUser(number int64) string {
	s.users.mu.RLock()
	defer s.users.mu.RUnlock()
	return s.users.names[number]
}

// UserName is who has a number, "" when nobody has. It blocks for the database when this host does not know the
// number.
func (s *Store) UserName(ctx context.Context, number int64) (string, error) {
	if name := s.KnownUser(number); name != "" {
		return name, nil
	}
	_, name, err := s.findUser(ctx, "number", number)
	if name != "" {
		s.users.publish(number, name)
	}
	return name, err
}

// ImportUsers takes over numbers that were given elsewhere. Those that are here already, as after an earlier import,
// are left out; a name that has another number here, or a number that is another's, is an error of kind Conflict, and
// then nothing is taken over.
func (s *Store) ImportUsers(ctx context.Context, names map[int64]string) (err error) {
	t, err := s.engine.begin(ctx, "the import of users")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			t.Cancel()
		}
	}()
	for number, name := range names {
		if number < firstUser {
			continue // Designer and Administrator
		}
		if err := s.importUser(ctx, t, number, name); err != nil {
			return err
		}
	}
	return t.Commit(ctx)
}

func (s *Store) importUser(ctx context.Context, t transaction, number int64, name string) error {
	if err := checkUser(name); err != nil {
		return err
	}
	folded, same := foldUser(name), false
	text := "SELECT number, name, folded FROM moongate_users WHERE number = " + s.placeholder(1) + " OR folded = " + s.placeholder(2)
	err := t.Read(ctx, text, []any{number, folded}, func(row []any) error {
		if row[0] == number && row[2] == folded {
			same = true
			return nil
		}
		return &Error{Kind: Conflict, Message: fmt.Sprintf("user numbers: %s should have %d, but %v has %v; correct one of them", name, number, row[1], row[0])}
	})
	if err != nil || same {
		return err
	}
	text = "INSERT INTO moongate_users (number, name, folded) VALUES (" + s.placeholder(1) + ", " + s.placeholder(2) + ", " + s.placeholder(3) + ")"
	_, err = t.Write(ctx, text, []any{number, name, folded}, nil)
	return err
}
