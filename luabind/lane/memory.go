package lane

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
)

// ErrMemory is the cause when a process is stopped because the memory limit is reached.
var ErrMemory = errors.New("not enough memory")

// Memory watches the heap of the whole program and finds the process that makes it grow. All lanes share one. All
// methods may be called from any goroutine.
//
// The interpreter does not say what it allocates. But only the process that holds a lane's baton runs there, so what
// the heap grows while it runs is laid to its account; with several lanes busy at once the account is a guess, a good
// one for whoever grows fastest.
type Memory struct {
	limit   uint64 // bytes; 0 is no limit
	pending atomic.Int64

	mu       sync.Mutex
	heap     uint64              // at the last look
	accounts map[*Program]uint64 // bytes grown by those who have grown much
}

const (
	accountFrom = 1 << 20  // growth below this is not remembered
	pendingLook = 4 << 20  // announced bytes after which the heap is looked at at once
	near        = 0.75     // of the limit: from here on the heap is collected and processes are stopped
	program     = 12 << 20 // bytes of the limit that the program takes besides its heap: its code, SQLite's pages
)

// NewMemory watches over a limit in bytes; 0 is no limit.
func NewMemory(limit uint64) *Memory {
	return &Memory{limit: limit, heap: heapBytes(), accounts: map[*Program]uint64{}}
}

// heapBytes is how many bytes are taken by objects, dead ones included, and by the stacks of goroutines, which
// coroutines have too.
func heapBytes() uint64 {
	samples := [2]metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples[:])
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}

// announce says that a program is about to allocate n bytes in one piece. It reports false when they do not fit.
func (m *Memory) announce(p *Program, n int) bool {
	if m == nil || m.limit == 0 {
		return true
	}
	if m.pending.Add(int64(n)) < pendingLook {
		return true
	}
	return m.look(p, uint64(n))
}

// look compares the heap with the limit, with so many more bytes to come. It reports false when the program must be
// stopped; another one that has grown more is stopped in its place if there is one.
func (m *Memory) look(p *Program, more uint64) bool { return m.lookFor(p, p, more) }

// lookBefore is look for a program whose code has not run yet: what the heap has grown is not its doing.
func (m *Memory) lookBefore(p *Program) bool { return m.lookFor(p, nil, 0) }

// lookFor is look, where what the heap has grown is laid to the account of grower; nil is nobody.
func (m *Memory) lookFor(p, grower *Program, more uint64) bool {
	if m == nil || m.limit == 0 {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending.Store(0)
	heap := heapBytes()
	m.chargeLocked(grower, heap)
	bound := m.bound()
	if heap+more < bound {
		return true
	}
	runtime.GC() // nobody is stopped for garbage
	heap = heapBytes()
	m.chargeLocked(grower, heap)
	if heap+more < bound {
		return true
	}
	return m.chooseLocked(p)
}

// bound is the size of the heap from which on processes are stopped.
func (m *Memory) bound() uint64 {
	return uint64(near * float64(m.limit-min(program, m.limit/8)))
}

// chargeLocked brings the accounts up to what the heap is now. What it has grown is laid to the account of p, or of nobody
// when that is nil. What it has shrunk was garbage, of nobody knows whom: every account keeps its part of what is left.
func (m *Memory) chargeLocked(p *Program, heap uint64) {
	switch {
	case heap < m.heap:
		kept := float64(heap) / float64(m.heap)
		for q, account := range m.accounts {
			m.accounts[q] = uint64(kept * float64(account))
		}
	case p != nil:
		m.accounts[p] += heap - m.heap
	}
	if p != nil && m.accounts[p] < accountFrom {
		delete(m.accounts, p)
	}
	m.heap = heap
}

// chooseLocked stops the program that has grown most. It reports false when that is p itself, or not another beyond all
// doubt: then p is the one who would take the memory now.
func (m *Memory) chooseLocked(p *Program) bool {
	most, culprit := uint64(0), (*Program)(nil)
	for q, grown := range m.accounts {
		if grown > most {
			most, culprit = grown, q
		}
	}
	if culprit == nil || culprit == p || most < m.limit/4 || most < 4*m.accounts[p] {
		return false
	}
	culprit.process.Kill(m.err())
	delete(m.accounts, culprit)
	return true
}

// forget ends the account of a program that has ended.
func (m *Memory) forget(p *Program) {
	if m == nil || m.limit == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.accounts, p)
}

func (m *Memory) err() error {
	return fmt.Errorf("%w: the memory limit of %d MB is reached", ErrMemory, m.limit>>20)
}
