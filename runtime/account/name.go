package account

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what a user types in.
const (
	maxName     = 80   // characters
	maxPassword = 1024 // bytes
)

// CheckName says what keeps a text from being the name of an account: it has 1 to 80 printable characters, no colon, no
// space at its ends, and begins neither with $ (which is for processes) nor with # (which is for comments).
func CheckName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case name == "":
		return fmt.Errorf("a user name has 1 to %d characters, and this one is empty", maxName)
	case n > maxName:
		return fmt.Errorf("a user name has 1 to %d characters, and this one has %d", maxName, n)
	case strings.Contains(name, ":"):
		return fmt.Errorf("the user name %q has a colon in it; leave that out", name)
	case name[0] == '$' || name[0] == '#':
		return fmt.Errorf("the user name %q begins with %c; begin it with another character", name, name[0])
	}
	return checkText(name)
}

// checkText says what keeps a text from standing in a line of a file and being read there as what it is.
func checkText(name string) error {
	switch {
	case !utf8.ValidString(name):
		return fmt.Errorf("the user name %q is no UTF-8; write it in that encoding", name)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("the user name %q has a space at its beginning or end; leave that out", name)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("the user name %q has the character %U in it, which cannot be seen; leave that out", name, r)
		}
	}
	return nil
}

// CheckPassword says what keeps bytes from being the password of an account: it has 1 to 1,024 bytes. The error does not
// show it.
func CheckPassword(password []byte) error {
	switch {
	case len(password) == 0:
		return fmt.Errorf("the password is empty; give one of 1 to %d bytes", maxPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("the password is too long; give one of 1 to %d bytes", maxPassword)
	}
	return nil
}

// fold is the same for two names exactly if strings.EqualFold says that they are the same.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z': // the same, sooner
			return r - 'a' + 'A'
		case r < utf8.RuneSelf:
			return r
		}
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, name)
}
