package document

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"sync/atomic"
)

// FolderName is what the folder is called in a data folder.
const FolderName = "documents"

// Bounds of open documents.
const (
	MaxOpen      = 1000 // in all
	MaxOpenOwner = 100  // of one process
)

// Folder is the folder of the documents. Each act looks at the folder anew, so a Folder needs no closing, and a person
// may move the folder away while it is used.
type Folder struct {
	path string

	// opening is held over the disk by who opens or deletes documents, so that what it finds about a document stays true.
	opening sync.Mutex

	count atomic.Int64 // of open documents, for those who have none
	mu    sync.Mutex   // guards what follows; never held while anybody waits
	last  Ref
	open  map[Ref]*Document
	owned map[Owner]int
}

// New is the folder at a path. It does nothing on the disk: the folder is made when the first document is created.
func New(path string) *Folder {
	return &Folder{path: path, open: map[Ref]*Document{}, owned: map[Owner]int{}}
}

// Create makes a document, and the folders on its way, and opens it for reading and writing. One that is there is
// emptied, unless it is open (CodeInUse). It waits for the disk, as do Open and Append.
func (f *Folder) Create(o Owner, name string) (*Document, error) {
	f.opening.Lock()
	defer f.opening.Unlock()
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(f.path, 0o700); err != nil {
		return nil, failed(name, err)
	}
	root, err := f.root(name)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return nil, failed(name, err)
	}
	d, err := f.enter(root, o, name, ReadWrite, true)
	if err != nil {
		return nil, err
	}
	defer d.Release()
	if err := d.file.Truncate(0); err != nil {
		d.Close()
		return nil, failed(name, err)
	}
	return d, nil
}

// Open opens a document that is there, at its beginning. While one process has it open for writing, no other opens it for
// that (CodeNotFound, as in 4D).
func (f *Folder) Open(o Owner, name string, m Mode) (*Document, error) {
	d, err := f.openHeld(o, name, m)
	if err != nil {
		return nil, err
	}
	d.Release()
	return d, nil
}

func (f *Folder) openHeld(o Owner, name string, m Mode) (*Document, error) {
	f.opening.Lock()
	defer f.opening.Unlock()
	if err := checkName(name); err != nil {
		return nil, err
	}
	root, err := f.root(name)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return f.enter(root, o, name, m, false)
}

// Append is Open for reading and writing, at the end of the document.
func (f *Folder) Append(o Owner, name string) (*Document, error) {
	d, err := f.openHeld(o, name, ReadWrite)
	if err != nil {
		return nil, err
	}
	defer d.Release()
	info, err := d.file.Stat()
	if err != nil {
		d.Close()
		return nil, failed(name, err)
	}
	d.reader.at = info.Size()
	return d, nil
}

// root opens the folder itself.
func (f *Folder) root(name string) (*os.Root, error) {
	root, err := os.OpenRoot(f.path)
	return root, failed(name, err)
}

// enter opens a file and makes it one of the open documents. create says that it is made if it is not there, and that
// nobody may have it open. The document is held: nobody can guess its reference and use it before it is ready.
func (f *Folder) enter(root *os.Root, o Owner, name string, m Mode, create bool) (*Document, error) {
	if err := f.mayOpen(o, name); err != nil {
		return nil, err
	}
	file, info, err := openFile(root, name, m, create)
	if err != nil {
		return nil, err
	}
	if err := f.free(name, info, m, create); err != nil {
		file.Close()
		return nil, err
	}
	d := &Document{folder: f, owner: o, name: name, mode: m, file: file, info: info, held: make(chan struct{}, 1)}
	d.reader.from = file
	d.Hold()
	f.add(d)
	return d, nil
}

// openFile opens a file, and nothing else that has the name.
func openFile(root *os.Root, name string, m Mode, create bool) (*os.File, os.FileInfo, error) {
	flag := m.flag() | noWait
	if create {
		flag |= os.O_CREATE
	}
	info, err := root.Stat(name) // before it is opened: opening is enough to make some devices act
	if err == nil {
		if err := unusual(name, info); err != nil {
			return nil, nil, err
		}
	} else if !create || !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, failed(name, err)
	}
	file, err := root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, nil, failed(name, err)
	}
	if info, err = file.Stat(); err != nil {
		file.Close()
		return nil, nil, failed(name, err)
	}
	if err := unusual(name, info); err != nil { // it has just taken the other's place
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// mayOpen says whether there is room for one more document. Documents are only added under opening, so there is still
// room when this one is.
func (f *Folder) mayOpen(o Owner, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.owned[o] >= MaxOpenOwner:
		return &Error{Code: CodeTooManyOpen, Name: name, Text: fmt.Sprintf("the process has %d documents open already; close_document closes one", MaxOpenOwner)}
	case len(f.open) >= MaxOpen:
		return &Error{Code: CodeTooManyOpen, Name: name, Text: fmt.Sprintf("%d documents are open already; close_document closes one", MaxOpen)}
	}
	return nil
}

// free says whether a document may be opened beside those that are open. alone says that none may be this one.
func (f *Folder) free(name string, info os.FileInfo, m Mode, alone bool) error {
	for _, d := range f.all() {
		if !os.SameFile(info, d.info) {
			continue
		}
		if alone {
			return &Error{Code: CodeInUse, Name: name, Text: fmt.Sprintf("process %d has it open", d.owner.Process)}
		}
		if m.writes() && d.mode.writes() {
			return &Error{Code: CodeNotFound, Name: name, Text: fmt.Sprintf("process %d has it open for writing", d.owner.Process)}
		}
	}
	return nil
}

// add makes a document one of those that are open.
func (f *Folder) add(d *Document) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	d.ref = f.last
	f.open[d.ref] = d
	f.owned[d.owner]++
	f.count.Add(1)
}

// forget is what Close of a document does last.
func (f *Folder) forget(d *Document) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, d.ref)
	if f.owned[d.owner]--; f.owned[d.owner] == 0 {
		delete(f.owned, d.owner)
	}
	f.count.Add(-1)
}

// all are the open documents.
func (f *Folder) all() []*Document {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*Document, 0, len(f.open))
	for _, d := range f.open {
		all = append(all, d)
	}
	return all
}

// Lookup is the open document with a reference. One of a process that uses its documents alone is found by that process
// only, and such a process finds no other's. The error has CodeNotOpen. It does not block.
func (f *Folder) Lookup(o Owner, r Ref) (*Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.open[r]
	if d == nil || d.owner != o && (d.owner.Alone || o.Alone) {
		return nil, notOpen(r)
	}
	return d, nil
}

// Count is how many documents are open. It does not block.
func (f *Folder) Count() int { return int(f.count.Load()) }

// CloseAll closes what an owner has open. The error joins those of documents that could not be written. Without documents
// it is done at once; otherwise it waits for the disk.
func (f *Folder) CloseAll(o Owner) error {
	if f.count.Load() == 0 {
		return nil
	}
	f.mu.Lock()
	var mine []*Document
	if f.owned[o] > 0 {
		for _, d := range f.open {
			if d.owner == o {
				mine = append(mine, d)
			}
		}
	}
	f.mu.Unlock()
	slices.SortFunc(mine, func(a, b *Document) int { return int(a.ref - b.ref) })
	var errs []error
	for _, d := range mine {
		d.Hold()
		if d.file != nil { // nobody closed it just now
			errs = append(errs, d.Close())
		}
		d.Release()
	}
	return errors.Join(errs...)
}
