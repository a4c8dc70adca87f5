package account

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockPatience is how long a change waits for another one of the same file.
const lockPatience = 10 * time.Second

// Add adds an account with this password to a users file, which it makes if it is missing, for its owner only. Here as in
// SetPassword and SetDisabled the other lines, comments among them, stay as they are, whatever their hashes; the file is
// replaced whole, so that nobody ever reads half of it; of a symbolic link its target is changed. All three block for the
// disk, for the hashing, and for another change of that file, which they wait for up to 10 seconds: a file beside it,
// .NAME.lock, is locked meanwhile, and stays there. Their errors are one line and say what to do; nothing has changed
// then, unless they say so.
func Add(path, name string, password []byte) error { return add(path, name, password, usual) }

func add(path, name string, password []byte, costs Costs) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	return change(path, true, func(text string) (string, error) {
		if err := checkAdd(path, text, name); err != nil {
			return "", err
		}
		end := "\n"
		if strings.HasSuffix(text, "\r\n") {
			end = "\r\n"
		}
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return text + line{name, "", newHash(password, costs).String()}.String() + end, nil
	})
}

// SetPassword gives an account another password. It stays disabled if it was.
func SetPassword(path, name string, password []byte) error {
	return setPassword(path, name, password, usual)
}

func setPassword(path, name string, password []byte, costs Costs) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	return changeLine(path, name, func(l *line) { l.hash = newHash(password, costs).String() })
}

// SetDisabled says whether nobody can log in with an account. It is no error when that was so before.
func SetDisabled(path, name string, isDisabled bool) error {
	return changeLine(path, name, func(l *line) {
		l.state = ""
		if isDisabled {
			l.state = disabled
		}
	})
}

// MayAdd says what keeps Add from adding a user, so that nobody types in a password for nothing.
func MayAdd(path, name string) error {
	text, _, err := read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return checkAdd(path, text, name)
}

// MayChange says what keeps SetPassword and SetDisabled from changing a user.
func MayChange(path, name string) error {
	text, _, err := read(path)
	if err != nil {
		return err
	}
	_, err = locate(path, text, name)
	return err
}

func checkAdd(path, text, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	p, err := search(path, text, name)
	if err == nil && p.found {
		err = fmt.Errorf("user %s is in %s already; to change the password: moongate user passwd %s", p.line.name, path, quoted(p.line.name))
	}
	return err
}

// changeLine changes the account of that name.
func changeLine(path, name string, to func(*line)) error {
	return change(path, false, func(text string) (string, error) {
		p, err := locate(path, text, name)
		if err != nil {
			return "", err
		}
		to(&p.line)
		return text[:p.from] + p.line.String() + text[p.to:], nil
	})
}

// place is where an account stands in a users file, from one byte up to another, the end of the line left out.
type place struct {
	line     line
	from, to int
	found    bool
}

// locate is the place of an account that must be there.
func locate(path, text, name string) (place, error) {
	p, err := search(path, text, name)
	if err == nil && !p.found {
		err = fmt.Errorf("no user %q is in %s; to add one: moongate user add NAME", name, path)
	}
	return p, err
}

// search looks for an account. Hashes do not matter to it, since a new password may be what mends one; that the file is a
// users file does.
func search(path, text, name string) (place, error) {
	var p place
	key, number, at := fold(name), 0, 0
	for raw := range strings.Lines(text) {
		number++
		content := withoutEnd(raw)
		l, err := splitLine(content)
		if err != nil {
			return p, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if !l.blank() && fold(l.name) == key {
			if p.found {
				return p, fmt.Errorf("%s:%d: user %s is there twice (case does not count); delete one of the two lines", path, number, l.name)
			}
			p = place{l, at, at + len(content), true}
		}
		at += len(raw)
	}
	return p, nil
}

// change replaces a users file by what the function makes of it. Two changes of the same file come one after the other. A
// missing file is as good as an empty one if it may be made.
func change(path string, mayMake bool, to func(text string) (string, error)) error {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) && mayMake {
		target, err = path, nil
		if _, dangling := os.Lstat(path); dangling == nil {
			err = fmt.Errorf("users file: %s is a symbolic link to nothing; make what it should point to, or delete it", path)
		}
	} else if err != nil {
		_, _, err = read(path) // which says it better
	}
	if err != nil {
		return err
	}
	unlock, err := lock(target)
	if err != nil {
		return err
	}
	defer unlock()
	text, info, err := read(target)
	if err != nil && !(mayMake && errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	changed, err := to(text)
	switch {
	case err != nil:
		return err
	case changed == text:
		return nil
	case len(changed) > maxFile:
		return fmt.Errorf("users file %s would have more than %d MB; delete accounts that nobody needs", path, maxFile>>20)
	}
	return replace(target, changed, info)
}

// lock keeps other changes of the file out until the function that it returns is called. The lock is the operating
// system's, which takes it back from who has crashed. It is a file of its own because the users file itself is replaced;
// everybody may open it, so that no change made by root keeps the owner out.
func lock(target string) (func(), error) {
	l := flock.New(filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+".lock"), flock.SetPermissions(0o644))
	ctx, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	_, err := l.TryLockContext(ctx, 10*time.Millisecond)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("users file %s: somebody else is changing it, and has been for %v; try again", target, lockPatience)
	case err != nil:
		return nil, fmt.Errorf("users file: %w; its folder must be there, and be writable", err)
	}
	return func() { l.Unlock() }, nil
}
