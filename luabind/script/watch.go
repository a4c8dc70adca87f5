package script

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settleTime is how long a folder must be quiet after the operating system has said that it changes:
	// editors write a file in several steps.
	settleTime = 50 * time.Millisecond
	// defaultInterval is the time between two looks that nothing has asked for.
	defaultInterval = time.Second
)

// Watcher sees changes of a scripts folder. The operating system's notifications (fsnotify) make it quick. A
// look at names, sizes and times of modification at each interval, and at the contents at each second one,
// makes it sure: there are file systems without notifications, editors that rename, copies that keep the
// time, and folders that are replaced by others.
type Watcher struct {
	Dir string
	// Changed is called when the content of the folder may have changed, from the goroutine of Watch and so
	// never twice at the same time. While it runs, Watch waits.
	Changed func()
	// Interval is the time between two looks; 0 means one second.
	Interval time.Duration

	polling atomic.Bool
	seen    observation
	// open is fsnotify.NewWatcher but for tests.
	open func() (*fsnotify.Watcher, error)
}

// Watch watches a folder with a Watcher of default settings. It blocks until ctx ends and returns its cause.
func Watch(ctx context.Context, dir string, changed func()) error {
	w := Watcher{Dir: dir, Changed: changed}
	return w.Watch(ctx)
}

// Polling reports that the operating system gives no notifications of the folder, or not of all of it, so
// that a change is seen within two intervals and not at once. It is known when Changed is called for the first
// time, and may be asked from any goroutine.
func (w *Watcher) Polling() bool { return w.polling.Load() }

// Watch calls Changed once when it begins to watch, so that nothing is lost between a first Load and Watch,
// and then each time that what Load would read is not what it was at the call before. A folder that
// disappears is a change, and so is its return. It blocks until ctx ends and returns its cause; a Watcher
// watches once.
//
// Changed loads again and compares: an equal [Set.Version] or an equal text of the error is nothing new.
// There is one such call at the beginning, and there may be one when files change while Changed reads them.
func (w *Watcher) Watch(ctx context.Context) error {
	notifier, events, failures := w.openNotifier()
	if notifier != nil {
		defer notifier.Close()
	}
	tick := time.NewTicker(w.interval())
	defer tick.Stop()
	settle := time.NewTimer(0) // the first look
	defer settle.Stop()
	look := func(deep bool) {
		if w.look(notifier, deep) {
			settle.Reset(settleTime)
		}
	}
	for looks := 0; ; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-events:
			settle.Reset(settleTime)
		case <-failures: // events may be lost
			settle.Reset(settleTime)
		case <-settle.C:
			look(true)
		case <-tick.C:
			looks++
			look(looks%2 == 0)
		}
	}
}

func (w *Watcher) interval() time.Duration {
	if w.Interval > 0 {
		return w.Interval
	}
	return defaultInterval
}

// openNotifier gives nil channels, which are silent, when there are no notifications.
func (w *Watcher) openNotifier() (*fsnotify.Watcher, <-chan fsnotify.Event, <-chan error) {
	open := w.open
	if open == nil {
		open = fsnotify.NewWatcher
	}
	notifier, err := open()
	if err != nil {
		w.polling.Store(true)
		return nil, nil, nil
	}
	return notifier, notifier.Events, notifier.Errors
}

// observation is what was seen of a folder: hashes of what Load would read, or of what keeps it from that.
type observation struct {
	listing string // names, sizes and times
	content string
}

// look compares the folder with what was seen of it. The contents are read if the listing differs or deep is
// true. It asks for another look when it has come upon new folders, for they may have changed between the
// listing and the beginning of the notifications.
func (w *Watcher) look(notifier *fsnotify.Watcher, deep bool) (again bool) {
	f, err := openFolder(w.Dir)
	now := observation{listing: listingHash(f, err)}
	if f != nil {
		defer f.close()
		again = w.notice(notifier, f.folders)
	}
	if now.listing == w.seen.listing && !deep {
		return again
	}
	now.content = contentHash(f, err)
	changed := now.content != w.seen.content
	w.seen = now
	if changed {
		w.Changed()
	}
	return again
}

// notice asks for notifications of the folders that have none yet, and reports whether there were any. The
// operating system forgets a folder that is removed or renamed by itself.
func (w *Watcher) notice(notifier *fsnotify.Watcher, folders []string) bool {
	if notifier == nil {
		return false
	}
	watched := notifier.WatchList()
	for _, folder := range folders {
		path := filepath.Join(w.Dir, filepath.FromSlash(folder))
		if slices.Contains(watched, path) {
			continue
		}
		if err := notifier.Add(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.polling.Store(true)
		}
	}
	return len(notifier.WatchList()) > len(watched)
}

func listingHash(f *folder, err error) string {
	if err != nil {
		return err.Error()
	}
	sum := sha256.New()
	for _, file := range f.files {
		addPair(sum, file.path, fmt.Sprint(file.size, file.modified.UnixNano()))
	}
	return shortHash(sum) + otherwise(f)
}

func contentHash(f *folder, err error) string {
	if err != nil {
		return err.Error()
	}
	sum := sha256.New()
	for _, file := range f.files {
		content, err := f.read(file.path)
		if err != nil {
			content = err.Error()
		}
		addPair(sum, file.path, content)
	}
	return shortHash(sum) + otherwise(f)
}

// otherwise is what Load would say about a folder beside its files.
func otherwise(f *folder) string {
	return fmt.Sprint(structureContent(f), f.problems, f.warnings)
}
