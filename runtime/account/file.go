package account

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxFile is the most that a users file may have, in bytes.
const maxFile = 16 << 20

// disabled is the one state that an account can have beside none.
const disabled = "disabled"

// line is what stands in a line of a users file. The zero value is a comment or a blank line.
type line struct {
	name, state, hash string
}

// blank reports whether there is no account in the line.
func (l line) blank() bool { return l.name == "" }

func (l line) String() string { return l.name + ":" + l.state + ":" + l.hash }

// splitLine reads a line, its end left out, without looking into the hash. No error shows the hash.
func splitLine(text string) (line, error) {
	if s := strings.TrimSpace(text); s == "" || s[0] == '#' {
		return line{}, nil
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return line{}, fmt.Errorf("the line has %d colons, and name:state:hash has 2; mend it, delete it, or put # before it", len(parts)-1)
	}
	l := line{parts[0], parts[1], parts[2]}
	if err := CheckName(l.name); err != nil {
		return line{}, err
	}
	if l.state != "" && l.state != disabled {
		return line{}, fmt.Errorf("the state of user %s is neither empty nor %q; make it one of them", l.name, disabled)
	}
	return l, nil
}

// user is an account with its hash.
type user struct {
	User
	hash hash
}

// roll is what a users file says. Nobody changes it any more.
type roll struct {
	list   []user         // in the order of the file
	byName map[string]int // the index in list, by folded name
}

func (r *roll) find(name string) (user, bool) {
	i, ok := r.byName[fold(name)]
	if !ok {
		return user{}, false
	}
	return r.list[i], true
}

// parse reads a users file. The error begins with path:line, says what to do and shows no hash.
func parse(path, text string) (*roll, error) {
	r, lines, number := &roll{byName: map[string]int{}}, map[string]int{}, 0
	for raw := range strings.Lines(text) {
		number++
		l, err := splitLine(withoutEnd(raw))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if l.blank() {
			continue
		}
		key := fold(l.name)
		if first, ok := lines[key]; ok {
			return nil, fmt.Errorf("%s:%d: user %s is in line %d already (case does not count); delete one of the two lines", path, number, l.name, first)
		}
		h, err := parseHash(l.hash)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: user %s: %w; set the password again: moongate user passwd %s", path, number, l.name, err, quoted(l.name))
		}
		lines[key], r.byName[key] = number, len(r.list)
		r.list = append(r.list, user{User{Name: l.name, Disabled: l.state == disabled, Costs: h.costs}, h})
	}
	return r, nil
}

// withoutEnd is a line without its end, of either system.
func withoutEnd(raw string) string {
	return strings.TrimSuffix(strings.TrimSuffix(raw, "\n"), "\r")
}

// quoted is a name as it is typed in a command.
func quoted(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@") == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// read reads a users file whole, with what its folder says of it. The error names the file and says what to do.
func read(path string) (string, fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, fmt.Errorf("users file: %w; make it with: moongate user add NAME --users %s", err, quoted(path))
	case err != nil:
		return "", nil, fmt.Errorf("users file: %w", err)
	case !info.Mode().IsRegular(): // to open a pipe could take for ever
		return "", nil, fmt.Errorf("users file %s is not a file; give a text file with --users", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", nil, fmt.Errorf("users file: %w; let the user that runs moongate read it", err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return "", nil, fmt.Errorf("users file: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("users file: %w", err)
	case len(text) > maxFile:
		return "", nil, fmt.Errorf("users file %s has more than %d MB; is it the right file?", path, maxFile>>20)
	}
	return string(text), info, nil
}

// Read is what a users file says, in its order. The error names the file, and the line if one is wrong, and says what to
// do.
func Read(path string) ([]User, error) {
	text, _, err := read(path)
	if err != nil {
		return nil, err
	}
	r, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	return r.users(), nil
}

func (r *roll) users() []User {
	list := make([]User, len(r.list))
	for i, u := range r.list {
		list[i] = u.User
	}
	return list
}
