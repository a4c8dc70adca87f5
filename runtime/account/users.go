package account

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash/maphash"
	"log/slog"
	"runtime"
	"sync/atomic"
)

// Errors that Verify returns, beside those of its context.
var (
	ErrWrongPassword = errors.New("wrong user name or password") // or a disabled user: a guesser learns no more than that
	ErrBusy          = errors.New("too many logins wait; try again later")
)

// User is an account.
type User struct {
	Name     string // as the users file has it
	Disabled bool   // it is there, and nobody can log in with it
	Costs    Costs  // of checking its password
}

// Users are the accounts of a users file, as they are now. Open makes one.
type Users struct {
	path    string
	log     *slog.Logger
	now     atomic.Pointer[roll]
	pool    pool
	seed    maphash.Seed
	matches func(hash, []byte) bool // hash.matches, and in tests what counts its calls
	seen    sight                   // of the file
	problem atomic.Pointer[string]  // why the accounts in use are not the file's; nil: they are
}

// Problem is why the accounts in use are not those of the file, "" when they are.
func (u *Users) Problem() string {
	if p := u.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// Open reads a users file. It does not watch it yet. A wrong file is an error that names the file and the line and says
// what to do; a file that others can read, or that has no account, is a warning in the log.
func Open(path string, log *slog.Logger) (*Users, error) {
	text, info, err := read(path)
	if err != nil {
		return nil, err
	}
	r, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	u := &Users{path: path, log: log, pool: newPool(max(1, runtime.GOMAXPROCS(0)/2)), seed: maphash.MakeSeed(), matches: hash.matches}
	u.now.Store(r)
	u.seen.settled = stateOf(text, nil)
	u.seen.see(info)
	u.warnIfExposed(info)
	if len(r.list) == 0 {
		log.Warn("the users file has no account, so nobody can log in; see moongate user add", "file", path)
	}
	return u, nil
}

// Verify checks a password. A name that nobody has, a disabled user and a wrong password give ErrWrongPassword, and cost
// the same: a hash is computed in any case, for an unknown name one with the costs of an account that the name picks, the
// same one each time. An empty password is always wrong, whatever hash the file has.
//
// It blocks: passwords are hashed by at most half the processors, and at least one, at a time, so that a storm of logins
// starves nothing else; the wait for a place ends with ctx, whose cause is the error then. Who finds too many waiting gets
// ErrBusy at once. Hashing itself, some 40 milliseconds with the usual costs, is not interrupted: when ctx ends it keeps its
// place until it is done, and Verify does not wait for it.
func (u *Users) Verify(ctx context.Context, name string, password []byte) (User, error) {
	known, h, ok := u.candidate(name)
	if err := u.pool.take(ctx, h.costs.Threads); err != nil {
		return User{}, err
	}
	if len(password) == 0 || len(password) > maxPassword {
		password, ok = nil, false
	}
	password = bytes.Clone(password) // the caller may clear it when ctx ends
	result := make(chan bool, 1)
	go func() { // ends when the hash is done
		defer u.pool.give(h.costs.Threads)
		result <- u.matches(h, password)
		clear(password)
	}()
	select {
	case same := <-result:
		if !same || !ok {
			return User{}, ErrWrongPassword
		}
		return known, nil
	case <-ctx.Done():
		return User{}, context.Cause(ctx)
	}
}

// candidate is the user of that name with the hash to compare with. Who cannot log in anyway gets a hash to be busy with.
func (u *Users) candidate(name string) (User, hash, bool) {
	r := u.now.Load()
	if known, ok := r.find(name); ok {
		return known.User, known.hash, !known.Disabled
	}
	if len(r.list) == 0 {
		return User{}, nobody, false
	}
	return User{}, r.list[maphash.String(u.seed, fold(name))%uint64(len(r.list))].hash, false
}

// nobody is the hash of no password: what a login is compared with when there are no accounts.
var nobody = hash{costs: usual, salt: make([]byte, 16), digest: make([]byte, 32)}

// Lookup is the account of that name, without regard to case.
func (u *Users) Lookup(name string) (User, bool) {
	known, ok := u.now.Load().find(name)
	return known.User, ok
}

// Mark is what an account was at one moment, for who wants to know later whether it still is that. The zero Mark is that of an
// account with which nobody can log in.
type Mark [sha256.Size]byte

// Mark is that of the account of a name, without regard to case, as it is now. Another password makes another one; a disabled
// account and a name that nobody has have the zero Mark.
func (u *Users) Mark(name string) Mark {
	known, ok := u.now.Load().find(name)
	if !ok || known.Disabled {
		return Mark{}
	}
	return sha256.Sum256([]byte(known.hash.String()))
}

// List is every account, in the order of the file. The list is the caller's.
func (u *Users) List() []User { return u.now.Load().users() }
