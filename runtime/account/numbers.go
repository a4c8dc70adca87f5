package account

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The numbers that a file of numbers may have: 1 and 2 are 4D's own users, and the last is the highest that 4D could hold.
const (
	firstNumber = 3
	lastNumber  = math.MaxInt32
)

// maxNumbered is the most that a name with a number may have, in bytes. It is more than an account's has, for names that come
// from elsewhere, as from a certificate.
const maxNumbered = 1024

// ReadNumbers reads the file in which older versions kept the numbers of users, "number<TAB>name" a line: who has which. A
// last line that a crash has torn counts if a number and a name are in it; else nobody was told that number. The error
// wraps fs.ErrNotExist when there is no file; anything else that is wrong is said with the file, the line, and what to do.
func ReadNumbers(file string) (map[int64]string, error) {
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("user numbers: %w; let the user that runs moongate read it", err)
	}
	n, line := numbers{names: map[int64]string{}, byName: map[string]int64{fold("Designer"): 1, fold("Administrator"): 2}}, 0
	for raw := range strings.Lines(string(text)) {
		line++
		err := n.add(strings.TrimSuffix(raw, "\n"))
		if err != nil && strings.HasSuffix(raw, "\n") {
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		}
	}
	return n.names, nil
}

// numbers are the lines read so far.
type numbers struct {
	names  map[int64]string
	byName map[string]int64 // folded, with 4D's own
}

// add reads a line, its end left out.
func (n *numbers) add(text string) error {
	digits, name, ok := strings.Cut(text, "\t")
	number, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case !ok || err != nil || strconv.FormatInt(number, 10) != digits:
		return fmt.Errorf("%.100q is not a number, a tab and a name; restore the file from a backup, or mend the line", text)
	case number < firstNumber || number > lastNumber:
		return fmt.Errorf("the number is %d; it must be from %d to %d: mend the line", number, firstNumber, lastNumber)
	}
	if err := checkNumbered(name); err != nil {
		return err
	}
	if other := n.names[number]; other != "" {
		return fmt.Errorf("the number %d is %s's already; delete the wrong one of the two lines", number, other)
	}
	key := fold(name)
	if other, ok := n.byName[key]; ok {
		return fmt.Errorf("%s has the number %d already (case does not count); delete the wrong one of the two lines", name, other)
	}
	n.names[number], n.byName[key] = name, number
	return nil
}

// checkNumbered says what keeps a name from having a number.
func checkNumbered(name string) error {
	switch {
	case name == "":
		return errors.New("the user name is empty; only a name has a number")
	case len(name) > maxNumbered:
		return fmt.Errorf("the user name has %d characters, more than a name with a number may have", utf8.RuneCountInString(name))
	}
	return checkText(name)
}
