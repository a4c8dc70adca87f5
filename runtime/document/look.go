package document

import "os"

// Kind is what a name stands for, with 4D's numbers.
type Kind int

const (
	IsFolder   Kind = 0
	IsDocument Kind = 1
)

// Test says what is there under a name. The error has CodeNotFound when nothing is, or nothing that scripts can use. It
// waits for the disk.
func (f *Folder) Test(name string) (Kind, error) {
	info, err := f.look(name)
	switch {
	case err != nil:
		return 0, err
	case info.IsDir():
		return IsFolder, nil
	}
	return IsDocument, unusual(name, info)
}

func (f *Folder) look(name string) (os.FileInfo, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	root, err := f.root(name)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	return info, failed(name, err)
}

// Delete deletes a document. One that is open is not deleted (CodeInUse), and a folder never (CodeNotFound). A link is
// deleted, and what it leads to stays. It waits for the disk.
func (f *Folder) Delete(name string) error {
	f.opening.Lock()
	defer f.opening.Unlock()
	if err := checkName(name); err != nil {
		return err
	}
	root, err := f.root(name)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return failed(name, err)
	}
	if err := unusual(name, info); err != nil {
		return err
	}
	if err := f.free(name, info, ReadWrite, true); err != nil {
		return err
	}
	return failed(name, root.Remove(name))
}
