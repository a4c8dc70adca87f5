package addressset

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"moongate/runtime/current"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 256 << 20

// maxFiles is how many files may be in use.
const maxFiles = 1000

// Folder has the sets that are files in and below a folder: nothing outside can be reached, also not by links. Its methods may
// be called from any goroutine.
type Folder struct {
	dir string
	log *slog.Logger

	mu     sync.Mutex
	files  map[string]*opening
	closed bool
	loads  sync.WaitGroup // files that are read again
}

// opening is a file that is read for the first time, or was.
type opening struct {
	done chan struct{} // closed when file or err is there
	file *File
	err  error
}

// NewFolder gives the folder; nothing is read yet. log is told when a changed file was read, or cannot be.
func NewFolder(dir string, log *slog.Logger) *Folder {
	return &Folder{dir: dir, log: log, files: map[string]*opening{}}
}

// File is a set that follows its file. Its methods may be called from any goroutine.
type File struct {
	folder  *Folder
	value   *current.Value[*Set]
	loading atomic.Bool
}

// Open gives the set of a file, named from the folder with slashes. It blocks while the file is read for the first
// time, for about a second with a million networks; everybody who asks later gets the same set at once. The error is
// one line that tells file and line.
func (f *Folder) Open(name string) (*File, error) {
	f.mu.Lock()
	o := f.files[name]
	if o == nil {
		if len(f.files) >= maxFiles {
			f.mu.Unlock()
			return nil, fmt.Errorf("%s: more than %d files of networks are in use; put some together", name, maxFiles)
		}
		o = &opening{done: make(chan struct{})}
		f.files[name] = o
		f.mu.Unlock()
		o.file, o.err = f.open(name)
		if o.err != nil { // the next to ask tries again
			f.mu.Lock()
			delete(f.files, name)
			f.mu.Unlock()
		}
		close(o.done)
		return o.file, o.err
	}
	f.mu.Unlock()
	<-o.done
	return o.file, o.err
}

// Known is the set of a file that Open has given before, nil otherwise. It does not block.
func (f *Folder) Known(name string) *File {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o := f.files[name]; o != nil {
		select {
		case <-o.done:
			return o.file
		default:
		}
	}
	return nil
}

func (f *Folder) open(name string) (*File, error) {
	value, err := current.Open(name, f.log, []string{name}, f.stat, func() (*Set, error) { return f.read(name) })
	if err != nil {
		return nil, err
	}
	return &File{folder: f, value: value}, nil
}

// stat looks at a file. The folder is opened each time, because it may have been replaced by another.
func (f *Folder) stat(name string) (fs.FileInfo, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Stat(filepath.FromSlash(name))
}

func (f *Folder) read(name string) (*Set, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, reason(err))
	}
	defer root.Close()
	file, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; name a file in the scripts folder", name, reason(err))
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, reason(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file; name a file of networks, one a line", name)
	case info.Size() > MaxFile:
		return nil, fmt.Errorf("%s: %d bytes; a file of networks has at most %d", name, info.Size(), MaxFile)
	}
	return Read(name, io.LimitReader(file, MaxFile))
}

// reason takes the path off an error of package os: messages begin with the file's own.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Set is the set as the file was last read. It never blocks: at most once a second it has the folder's goroutine look
// at the file, and read it if it has changed; the set that was there serves meanwhile, and stays if the file is wrong.
func (f *File) Set() *Set {
	if f.value.Due() && f.loading.CompareAndSwap(false, true) {
		f.folder.load(f)
	}
	return f.value.Now()
}

// load looks at a file in a goroutine, which ends when the file is read; Close waits for it.
func (f *Folder) load(file *File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.loads.Go(func() {
		file.value.Refresh()
		file.loading.Store(false)
	})
}

// Close ends looking at files, and waits for those that are being read. The sets stay as they are.
func (f *Folder) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.loads.Wait()
}

// Contains reports whether an address is in one of the networks that the file had when it was last read. See Set.
func (f *File) Contains(a netip.Addr) bool { return f.Set().Contains(a) }

// Len is the number of networks that the file had when it was last read. See Set.
func (f *File) Len() int { return f.Set().Len() }
