package interprocess

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// Owner is a process: its unique number, from 1 on. 0 is nobody.
type Owner uint64

// Config is what a Commons is made with.
type Config struct {
	// Name says which process an owner is, for messages: process 5 (Writer). It must not call the Commons. nil gives
	// the bare number.
	Name func(Owner) string
	// Face makes what a language shows of a new shared object, which Shared.Face then returns; nil makes nothing. It is
	// called before anybody else has the object.
	Face func(*Shared) any
}

// Commons is what the processes of one machine have in common.
type Commons struct {
	config  Config
	storage *Shared
	serial  atomic.Uint64 // of shared objects

	// mu guards what follows, every lock, and which lock a shared object has; never held while anybody waits. It is one
	// for all because circles of waiting go through semaphores and groups alike.
	mu         sync.Mutex
	semaphores map[string]*lock
	holders    map[Owner]*holder
	spare      []*lock // of semaphores, not in use
	search     uint64  // counts the searches for circles
}

// New makes a Commons without semaphores, whose storage is empty.
func New(c Config) *Commons {
	commons := &Commons{config: c, semaphores: map[string]*lock{}, holders: map[Owner]*holder{}}
	commons.storage = commons.newShared(Storage)
	return commons
}

// Storage is the shared object that is there for every process from the beginning.
func (c *Commons) Storage() *Shared { return c.storage }

// NewStorage makes a shared object like the storage, for a session: empty, of shared objects and collections only,
// and with a use of its own. The Commons does not keep it.
func (c *Commons) NewStorage() *Shared { return c.newShared(SessionStorage) }

// holder is what the Commons keeps of a process from its first semaphore or use until Free.
type holder struct {
	owner  Owner
	held   *lock  // the first of those that it holds
	wait   *Wait  // its innermost wait, nil when it does not wait
	spare  *Wait  // for its next one
	search uint64 // the last search for a circle that came by
}

func (c *Commons) holderLocked(by Owner) *holder {
	h := c.holders[by]
	if h == nil {
		h = &holder{owner: by}
		c.holders[by] = h
	}
	return h
}

// Free gives back everything that an owner holds: its semaphores are gone or handed to the next who wait, its uses are
// over. It is called once, when the process has ended, and costs nothing for one that never held anything.
func (c *Commons) Free(by Owner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.holders[by]
	if h == nil {
		return
	}
	for w := h.wait; w != nil; w = w.outer {
		if w.lock != nil {
			w.lock.removeLocked(w)
		}
	}
	for h.held != nil {
		c.releaseLocked(h.held)
	}
	delete(c.holders, by)
}

// Holding is one thing that is held at one moment.
type Holding struct {
	Owner   Owner
	What    string  // semaphore "$Journal", shared object 7, storage
	Waiting []Owner // for it, the next one first
}

// Held is everything that is held now, by owner. The zero result means that nobody holds anything and nobody waits.
func (c *Commons) Held() []Holding {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Holding
	for _, h := range c.holders {
		for l := h.held; l != nil; l = l.next {
			one := Holding{Owner: h.owner, What: l.what()}
			for w := l.first; w != nil; w = w.behind {
				one.Waiting = append(one.Waiting, w.holder.owner)
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.What, b.What))
	})
	return all
}
