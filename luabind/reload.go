package luabind

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"moongate/luabind/script"
	"moongate/runtime/addressset"
)

// How the current version of the scripts comes to be another one: by a reload, by following another folder, by taking one back.

// Folder is where the scripts are.
func (e *Engine) Folder() string { return *e.folder.Load() }

// inhabitLocked has the scripts be in a folder from now on.
func (e *Engine) inhabitLocked(folder string) {
	e.folder.Store(&folder)
	addresses := addressset.NewFolder(folder, e.log)
	e.addresses = append(e.addresses, addresses)
	e.commands.AddressFiles(addresses)
}

// tidyEvery is how often the interprocess variables are looked through.
const tidyEvery = 10 * time.Second

// Watch loads the scripts again whenever their folder changes, and keeps the lanes tidy, until stop is closed.
func (e *Engine) Watch(stop <-chan struct{}) {
	var watching sync.WaitGroup
	watch := func() context.CancelFunc {
		ctx, cancel := context.WithCancel(context.Background())
		watcher := script.Watcher{Dir: e.Folder(), Changed: func() { e.Reload() }}
		watching.Go(func() { watcher.Watch(ctx) }) // ends with ctx
		return cancel
	}
	cancel := watch()
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.lanes[0].Tidy()
		case <-e.moved:
			cancel()
			watching.Wait()
			cancel = watch()
		case <-stop:
			cancel()
			watching.Wait()
			return
		}
	}
}

// Reload loads the scripts again. A set with an error is not used: the last good one stays, and the log says what is
// wrong, once. New processes use the new set; those that run end on the one they began with.
func (e *Engine) Reload() error {
	e.reload.Lock()
	defer e.reload.Unlock()
	set, err := e.read(e.Folder())
	if err != nil {
		e.notLoaded(err)
		return err
	}
	return e.use(set, "")
}

// Follow loads the scripts of another folder, as Reload does, and has the scripts be there from then on. When they cannot be
// used everything stays as it is.
func (e *Engine) Follow(folder string) error {
	e.reload.Lock()
	defer e.reload.Unlock()
	set, err := e.read(folder)
	if err != nil {
		return err
	}
	return e.use(set, folder)
}

// moveLocked has the scripts be in another folder, and Watch watch that.
func (e *Engine) moveLocked(folder string) {
	e.inhabitLocked(folder)
	select {
	case e.moved <- struct{}{}:
	default: // the watch will find this one
	}
}

// read loads a folder.
func (e *Engine) read(folder string) (*script.Set, error) {
	set, err := script.Load(folder, e.known)
	if err != nil {
		return nil, err
	}
	if e.additions.shadow != nil {
		return set, nil // the data stays as the host has it
	}
	return set, e.renewStructure(folder)
}

// use has a set be the current one, unless it was taken back and nothing has changed since; with a folder the scripts are there
// from now on, and somebody wants them nevertheless.
func (e *Engine) use(set *script.Set, folder string) error {
	e.swap.Lock()
	before := e.set.Load()
	switch {
	case folder != "":
		e.moveLocked(folder)
	case set.Version == e.rejected:
		why := e.whyNot
		e.problem.Store(&why) // it may have been about a file that was wrong meanwhile
		e.swap.Unlock()
		return errors.New(why)
	}
	e.rejected = ""
	e.set.Store(set)
	mended := e.problem.Swap(nil) != nil
	e.swap.Unlock()
	if set.Version == before.Version {
		if mended {
			e.log.Info("scripts are as they were", "version", set.Version)
			e.tell(set.Version, nil)
		}
		return nil
	}
	e.warn(set)
	e.log.Info("scripts loaded", "version", set.Version, "before", before.Version, "changed", strings.Join(changed(before, set), " "), "mended", mended)
	e.tell(set.Version, nil)
	return nil
}

// Vouch says that the current version is good, if it is this one.
func (e *Engine) Vouch(version string) {
	e.swap.Lock()
	defer e.swap.Unlock()
	if set := e.set.Load(); set.Version == version {
		e.good, e.goodFolder = set, e.Folder()
	}
}

// TakeBack has the set that was vouched for last be the current one, in its folder, if the current one is this version.
func (e *Engine) TakeBack(version, why string) (current string, done bool) {
	e.swap.Lock()
	defer e.swap.Unlock()
	now := e.set.Load()
	if now.Version != version || e.good.Version == version {
		return now.Version, false
	}
	problem := fmt.Sprintf("version %s was taken back and is not tried again until a file changes: %s", version, why)
	e.rejected, e.whyNot = version, problem
	e.problem.Store(&problem)
	e.set.Store(e.good)
	if e.goodFolder != e.Folder() {
		e.moveLocked(e.goodFolder)
	}
	return e.good.Version, true
}

// tell says what a reload has brought.
func (e *Engine) tell(version string, problem error) {
	if s := e.additions.shadow; s != nil {
		s.Loaded(version, problem)
		return
	}
	e.config.Host.ScriptsLoaded(version, problem)
}

// notLoaded says why a set is not used, unless that is known already.
func (e *Engine) notLoaded(err error) {
	problem := err.Error()
	if known := e.problem.Load(); known != nil && *known == problem {
		return
	}
	e.problem.Store(&problem)
	for line := range strings.Lines(problem) {
		e.log.Error("scripts not loaded", "problem", strings.TrimSuffix(line, "\n"), "kept_version", e.Version())
	}
	e.tell(e.Version(), err)
}

// Problem is what the last reload found wrong, or why its version was taken back; "" when its scripts are in use.
func (e *Engine) Problem() string {
	if p := e.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// changed names the methods that differ between two sets.
func changed(before, after *script.Set) []string {
	var names []string
	for _, m := range after.Methods {
		if old, ok := before.Method(m.Name); !ok {
			names = append(names, "+"+m.File)
		} else if old.Hash != m.Hash {
			names = append(names, m.File)
		}
	}
	for _, m := range before.Methods {
		if _, ok := after.Method(m.Name); !ok {
			names = append(names, "-"+m.File)
		}
	}
	slices.Sort(names)
	return names
}
