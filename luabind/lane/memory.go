package lane

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
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

	mu        sync.Mutex
	heap      uint64 // at the last look
	collected time.Time
	accounts  map[*Program]uint64 // bytes grown by those who have grown much
}

const (
	accountFrom  = 1 << 20               // growth below this is not remembered
	pendingLook  = 4 << 20               // announced bytes after which the heap is looked at at once
	collectEvery = 20 * time.Millisecond // at the most, while the limit is near
	near         = 0.75                  // of the limit: from here on the heap is collected and processes are stopped
)

// NewMemory watches over a limit in bytes; 0 is no limit.
func NewMemory(limit uint64) *Memory {
	return &Memory{limit: limit, heap: heapBytes(), accounts: map[*Program]uint64{}}
}

// heapBytes is how many bytes of the heap are taken by objects, dead ones included.
func heapBytes() uint64 {
	sample := [1]metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample[:])
	return sample[0].Value.Uint64()
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
func (m *Memory) look(p *Program, more uint64) bool {
	if m == nil || m.limit == 0 {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending.Store(0)
	heap := heapBytes()
	m.chargeLocked(p, heap)
	bound := uint64(near * float64(m.limit))
	if heap+more < bound {
		return true
	}
	if time.Since(m.collected) > collectEvery {
		runtime.GC()
		m.collected = time.Now()
		heap = heapBytes()
		m.heap = heap
	}
	if heap+more < bound {
		return true
	}
	return m.chooseLocked(p)
}

func (m *Memory) chargeLocked(p *Program, heap uint64) {
	if grown := int64(heap) - int64(m.heap); grown > 0 {
		p.grown += uint64(grown)
		if p.grown >= accountFrom {
			m.accounts[p] = p.grown
		}
	}
	m.heap = heap
}

// chooseLocked stops the program that has grown most. It reports false when that is p itself, or when nobody has grown
// much, so that p is the one who would take the memory now.
func (m *Memory) chooseLocked(p *Program) bool {
	most, culprit := uint64(0), (*Program)(nil)
	for q, grown := range m.accounts {
		if grown > most {
			most, culprit = grown, q
		}
	}
	if culprit == nil || culprit == p || most < m.limit/8 {
		return false
	}
	culprit.process.Kill(m.err())
	delete(m.accounts, culprit)
	return true
}

// forget ends the account of a program that has ended.
func (m *Memory) forget(p *Program) {
	if m == nil || p.grown < accountFrom {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.accounts, p)
}

func (m *Memory) err() error {
	return fmt.Errorf("%w: the memory limit of %d MB is reached", ErrMemory, m.limit>>20)
}
