package account

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// replace writes a file whole or not at all, so that it lasts. Who owned the old one and who could read it stays as it was
// (old is nil when there was none: its owner alone then), or the server could no longer read what somebody else has changed.
func replace(path, text string, old fs.FileInfo) (err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.new") // 0600
	if err != nil {
		return fmt.Errorf("users file: %w; its folder must be writable", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err := f.WriteString(text); err != nil {
		return fmt.Errorf("users file: %w; nothing was changed", err)
	}
	if old != nil {
		if err := keepOwner(f, old); err != nil {
			return fmt.Errorf("users file %s belongs to somebody else: %w; change it as that user", path, err)
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("users file: %w; nothing was changed", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("users file: %w; nothing was changed", err)
	}
	if err := syncFolder(folder); err != nil {
		return fmt.Errorf("users file: changed, but a crash of the machine might undo it: %w", err)
	}
	return nil
}

// syncFolder makes a new name in a folder last, where the file system can do that.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // folders cannot be opened for that
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, f.Close())
}
