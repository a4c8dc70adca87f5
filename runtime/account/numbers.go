package account

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Number is a user's number. It stays the user's for ever, and is never another's.
type Number int64

// The numbers of 4D's own two users; everybody else's come after them.
const (
	Designer      Number = 1
	Administrator Number = 2
	firstNumber   Number = 3
)

// lastNumber is the highest number that 4D could hold.
const lastNumber Number = math.MaxInt32

// maxNumbered is the most that a name may have to get a number, in bytes. It is more than an account's has, for names that
// come from elsewhere, as from a certificate.
const maxNumbered = 1024

// Numbers gives each user name its number, and keeps it in a file, across restarts. OpenNumbers makes one.
//
// The file has a line for each name, "number<TAB>name", in the order in which they came, and only ever grows. Nobody else
// may change it while it is open; the lock of the data folder sees to that.
type Numbers struct {
	path string

	writing sync.Mutex // held by who gives a new number, while it is written; guards what follows
	size    int64      // of the lines in the file that are known to be whole and on the disk, in bytes
	pending string     // the lines that could not be written yet
	torn    bool       // something may be in the file after size
	next    Number

	mu      sync.RWMutex // guards what follows; never held while anything waits
	numbers map[string]Number
	names   map[Number]string
}

// OpenNumbers reads the file, and makes it if it is missing, for its owner only. A last line that a crash has torn is mended:
// it is completed if a number and a name are in it, and else taken away, since nobody was told that number. Anything else
// that is wrong is an error that names the file and the line and says what to do.
func OpenNumbers(file string) (*Numbers, error) {
	n := &Numbers{path: file, next: firstNumber, numbers: map[string]Number{}, names: map[Number]string{}}
	n.publish(Designer, "Designer")
	n.publish(Administrator, "Administrator")
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = n.create()
	case err != nil:
		err = fmt.Errorf("user numbers: %w; let the user that runs moongate read it", err)
	default:
		err = n.load(string(text))
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

// create makes an empty file that lasts.
func (n *Numbers) create() error {
	f, err := os.OpenFile(n.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), syncFolder(filepath.Dir(n.path)))
	}
	if err != nil {
		return fmt.Errorf("user numbers: %w; the data folder must be writable", err)
	}
	return nil
}

// load reads the lines. That the last one cannot be mended now, as on a full disk, is no reason not to serve: the next new
// name tries again, and says so.
func (n *Numbers) load(text string) error {
	line := 0
	for raw := range strings.Lines(text) {
		line++
		whole := strings.HasSuffix(raw, "\n")
		number, name, err := n.entry(strings.TrimSuffix(raw, "\n"))
		switch {
		case err != nil && !whole:
			n.torn = true
			n.write()
			return nil
		case err != nil:
			return fmt.Errorf("%s:%d: %w", n.path, line, err)
		}
		n.publish(number, name)
		n.next = max(n.next, number+1)
		if !whole {
			n.pending, n.torn = entryLine(number, name), true
			n.write()
			return nil
		}
		n.size += int64(len(raw))
	}
	return nil
}

func entryLine(number Number, name string) string { return fmt.Sprintf("%d\t%s\n", number, name) }

// entry reads a line, its end left out.
func (n *Numbers) entry(text string) (Number, string, error) {
	digits, name, ok := strings.Cut(text, "\t")
	value, err := strconv.ParseInt(digits, 10, 64)
	number := Number(value)
	switch {
	case !ok || err != nil || strconv.FormatInt(value, 10) != digits:
		return 0, "", fmt.Errorf("%.100q is not a number, a tab and a name; restore the file from a backup, or mend the line", text)
	case number < firstNumber || number > lastNumber:
		return 0, "", fmt.Errorf("the number is %d; it must be from %d to %d: mend the line", number, firstNumber, lastNumber)
	}
	if err := checkNumbered(name); err != nil {
		return 0, "", err
	}
	if other := n.Name(number); other != "" {
		return 0, "", fmt.Errorf("the number %d is %s's already; delete the wrong one of the two lines", number, other)
	}
	if other, ok := n.find(name); ok {
		return 0, "", fmt.Errorf("%s has the number %d already (case does not count); delete the wrong one of the two lines", name, other)
	}
	return number, name, nil
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

// Of is the number of a name: the same for ever for the same name, without regard to case, 1 for the Designer and 2 for the
// Administrator. A name that is new gets the next number, and Of blocks until that is on the disk; names that are known
// never wait. When it cannot be written the number is returned all the same, with an error: it holds while the program
// runs, and is written together with a later one. For a name that nobody can have (empty, longer than 1,024 bytes, not
// printable) it is 0 with an error.
func (n *Numbers) Of(name string) (Number, error) {
	if number, ok := n.find(name); ok {
		return number, nil
	}
	if err := checkNumbered(name); err != nil {
		return 0, err
	}
	n.writing.Lock()
	defer n.writing.Unlock()
	if number, ok := n.find(name); ok { // somebody was quicker
		return number, nil
	}
	if n.next > lastNumber {
		return 0, fmt.Errorf("user numbers: %s has the last number that there is, %d; correct it there while the server is stopped", n.path, lastNumber)
	}
	number := n.next
	n.next++
	n.pending += entryLine(number, name)
	err := n.write()
	n.publish(number, name)
	if err != nil {
		err = fmt.Errorf("user numbers: %w; the number holds until the server stops, unless it can be written before", err)
	}
	return number, err
}

// Name is who has a number, "" when nobody has. It is written as it was when the number was given.
func (n *Numbers) Name(number Number) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.names[number]
}

func (n *Numbers) find(name string) (Number, bool) {
	key := fold(name)
	n.mu.RLock()
	defer n.mu.RUnlock()
	number, ok := n.numbers[key]
	return number, ok
}

func (n *Numbers) publish(number Number, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.numbers[fold(name)], n.names[number] = number, name
}

// write appends what is pending, and blocks until it is on the disk. Only who has the lock n.writing may call it. The file
// is opened anew each time: new names are rare, and a file that is closed needs nobody to close it.
func (n *Numbers) write() (err error) {
	f, err := os.OpenFile(n.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case info.Size() < n.size || info.Size() > n.size && !n.torn:
		return fmt.Errorf("%s was changed by somebody else; start the server again, after mending it", n.path)
	case info.Size() > n.size:
		if err := f.Truncate(n.size); err != nil {
			return err
		}
	}
	n.torn = true
	if _, err := f.WriteAt([]byte(n.pending), n.size); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	n.size, n.pending, n.torn = n.size+int64(len(n.pending)), "", false
	return nil
}
