package process_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/process"
)

// office is boxes whose workers note what they carry out: "name/id method".
type office struct {
	t     *testing.T
	table process.Table
	boxes process.Boxes
	busy  map[string]time.Duration // how long a method takes
	shut  bool

	mu      sync.Mutex
	notes   []string
	working map[string]int // how many processes a worker has
	left    sync.WaitGroup
}

func newOffice(t *testing.T) *office {
	o := &office{t: t, working: map[string]int{}, busy: map[string]time.Duration{"slow": time.Second}}
	o.boxes.Start = o.start
	return o
}

var errShut = errors.New("shut")

func (o *office) start(b *process.Box, method string) (*process.Process, error) {
	if o.shut {
		return nil, errShut
	}
	p := o.table.Start(process.Spec{Name: b.Name(), Type: process.Worker, Method: method})
	o.change(b, 1)
	o.left.Go(func() {
		for {
			m, ok := b.Take(p)
			if !ok {
				break
			}
			if d := o.busy[m.Method]; d > 0 {
				p.Wait(process.Executing, time.Now().Add(d), time.Time{}, nil)
			}
			o.mu.Lock()
			o.notes = append(o.notes, fmt.Sprintf("%s/%d %s", b.Name(), p.ID(), m.Method))
			o.mu.Unlock()
		}
		o.change(b, -1)
		p.End()
		b.Left(p)
	})
	return p, nil
}

// change counts the processes of a worker: there is never more than one.
func (o *office) change(b *process.Box, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.working[b.Name()] += n
	if o.working[b.Name()] > 1 {
		o.t.Errorf("%s has two processes", b.Name())
	}
}

func (o *office) post(name, method string) {
	o.t.Helper()
	if err := o.boxes.Post(process.Address{Name: name}, process.Message{Method: method}, nil); err != nil {
		o.t.Error(err)
	}
}

func (o *office) expectNotes(want ...string) {
	o.t.Helper()
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.notes, want) {
		o.t.Errorf("got the notes %q, want %q", o.notes, want)
	}
	o.notes = nil
}

// close ends all workers and checks that none is left.
func (o *office) close() {
	o.shut = true
	for _, p := range o.table.All() {
		p.Kill(nil)
	}
	o.left.Wait()
	expect(o.t, "processes at the end", o.table.Count(nil), 0)
}

// work runs a test in a bubble.
func work(t *testing.T, do func(o *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		defer o.close()
		do(o)
	})
}

func TestAWorkerCarriesOutItsMessagesInOrder(t *testing.T) {
	work(t, func(o *office) {
		o.post("a", "slow")
		o.post("a", "two")
		o.post("a", "")
		o.post("b", "one")
		p := o.table.Named("a")
		expect(t, "idle while it works", o.boxes.Idle(p), false)
		o.expectNotes("b/2 one")
		expect(t, "waiting", o.boxes.Waiting(process.Address{Name: "a"}), 2)
		time.Sleep(3 * time.Second)
		o.expectNotes("a/1 slow", "a/1 two", "a/1 slow")
		expect(t, "state between messages", p.State(), process.WaitingForInternalFlag)
		expect(t, "idle", o.boxes.Idle(p), true)
		expect(t, "idle of a process that is no worker", o.boxes.Idle(o.table.Start(process.Spec{Name: "a"})), false)
		if err := o.boxes.Post(process.Address{Process: p}, process.Message{Method: "three"}, nil); err != nil {
			t.Error(err)
		}
		o.expectNotes("a/1 three")
		for _, plain := range o.table.All() {
			if plain.Type() != process.Worker {
				plain.End()
			}
		}
	})
}

func TestKillAWorker(t *testing.T) {
	work(t, func(o *office) {
		o.post("a", "slow")
		o.post("a", "forgotten")
		synctest.Wait()
		o.boxes.Kill(process.Address{Name: "a"})
		o.post("a", "next")
		o.post("a", "")
		o.boxes.Kill(process.Address{Name: "nobody"})
		p := o.table.Named("a")
		o.boxes.Post(process.Address{Name: "a"}, process.Message{Method: "to itself"}, p)
		o.expectNotes()
		time.Sleep(time.Second)
		o.expectNotes("a/1 slow", "a/2 next", "a/2 next")
		o.boxes.Kill(process.Address{Process: o.table.Named("a")})
		synctest.Wait()
		expect(t, "processes after the kill of one that waits", o.table.Count(nil), 0)
		if err := o.boxes.Post(process.Address{Name: "a"}, process.Message{}, nil); !errors.Is(err, process.ErrNoFirst) {
			t.Errorf("an empty method for a killed worker: got %v", err)
		}
	})
}

func TestABoxOutlivesItsProcess(t *testing.T) {
	work(t, func(o *office) {
		o.post("a", "slow")
		o.post("a", "waits")
		synctest.Wait()
		p := o.table.Named("a")
		p.Kill(nil)
		o.post("a", "too")
		o.expectNotes("a/1 slow", "a/2 waits", "a/2 too")
		o.table.Named("a").Kill(nil)
		synctest.Wait()
		expect(t, "processes", o.table.Count(nil), 0)
		o.post("a", "")
		time.Sleep(time.Second)
		o.expectNotes("a/3 slow")
		if err := o.boxes.Post(process.Address{Process: p}, process.Message{Method: "lost"}, nil); err != nil {
			t.Error(err)
		}
		o.expectNotes()
	})
}

func TestBoxesThatRefuse(t *testing.T) {
	work(t, func(o *office) {
		if err := o.boxes.Post(process.Address{Name: "a"}, process.Message{}, nil); !errors.Is(err, process.ErrNoFirst) {
			t.Errorf("an empty method for an unknown worker: got %v", err)
		}
		o.post("a", "slow")
		synctest.Wait()
		for range process.MostMessages {
			o.post("a", "")
		}
		if err := o.boxes.Post(process.Address{Name: "a"}, process.Message{Method: "one more"}, nil); !errors.Is(err, process.ErrBoxFull) {
			t.Errorf("a full box: got %v", err)
		}
		o.boxes.Kill(process.Address{Name: "a"})
		time.Sleep(time.Second)
		o.expectNotes("a/1 slow")
		o.shut = true
		if err := o.boxes.Post(process.Address{Name: "b"}, process.Message{Method: "late"}, nil); !errors.Is(err, errShut) {
			t.Errorf("nothing is started any more: got %v", err)
		}
		expect(t, "waiting", o.boxes.Waiting(process.Address{Name: "b"}), 0)
	})
}

func TestMessagesThatAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		var boxes process.Boxes
		var box *process.Box
		boxes.Start = func(b *process.Box, method string) (*process.Process, error) {
			if box != nil {
				return nil, errShut
			}
			box = b
			return table.Start(process.Spec{Name: b.Name(), Type: process.Worker}), nil
		}
		for range 3 {
			if err := boxes.Post(process.Address{Name: "a"}, process.Message{Method: "m"}, nil); err != nil {
				t.Error(err)
			}
		}
		p := table.Named("a")
		box.Take(p)
		p.End()
		lost, err := box.Left(p)
		expect(t, "lost", lost, 2)
		expect(t, "error", err, errShut)
	})
}

// The box of the main process is kept: a kill only empties it, and an empty method is nothing.
func TestTheBoxOfTheMainProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		var boxes process.Boxes
		p := table.Start(process.Spec{Name: "Main process", Type: process.Main})
		box := boxes.Keep(p)
		to := process.Address{Process: p}
		for _, method := range []string{"one", "", "two"} {
			if err := boxes.Post(to, process.Message{Method: method}, nil); err != nil {
				t.Error(err)
			}
		}
		boxes.Kill(to)
		expect(t, "waiting after a kill", boxes.Waiting(to), 0)
		boxes.Post(to, process.Message{Method: "three"}, nil)
		m, ok := box.Take(p)
		expect(t, "message", m.Method, "three")
		expect(t, "goes on", ok, true)
		p.Kill(nil)
		_, ok = box.Take(p)
		expect(t, "goes on when it was ended", ok, false)
		box.Left(p)
		expect(t, "waiting at the end", boxes.Waiting(to), 0)
	})
}

// A box that is never empty does not grow for ever, and keeps the order.
func TestABoxThatIsNeverEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		var boxes process.Boxes
		p := table.Start(process.Spec{Name: "Main process"})
		box := boxes.Keep(p)
		next := 0
		for i := range 5000 {
			boxes.Post(process.Address{Process: p}, process.Message{Method: fmt.Sprint(i)}, nil)
			if i%2 == 0 || i > 500 {
				m, _ := box.Take(p)
				expect(t, "message", m.Method, fmt.Sprint(next))
				next++
			}
		}
	})
}

// Many post and kill and abort at once; in the end every message was carried out by the one process that its worker had,
// or was forgotten by a kill.
func TestWorkersFromManyGoroutines(t *testing.T) {
	for seed := range uint64(10) {
		work(t, func(o *office) {
			o.busy["m"] = time.Millisecond
			var posted atomic.Int64
			var posters sync.WaitGroup
			for g := range uint64(8) {
				posters.Go(func() {
					r := rand.New(rand.NewPCG(seed, g))
					for range 200 {
						name := fmt.Sprint("w", r.IntN(3))
						switch r.IntN(20) {
						case 0:
							o.boxes.Kill(process.Address{Name: name})
						case 1:
							if p := o.table.Named(name); p != nil {
								p.Kill(nil)
							}
						default:
							o.post(name, "m")
							posted.Add(1)
						}
						time.Sleep(time.Duration(r.IntN(1000)) * time.Microsecond)
					}
				})
			}
			posters.Wait()
			time.Sleep(time.Minute)
			synctest.Wait()
			for _, name := range []string{"w0", "w1", "w2"} {
				expect(t, "messages of "+name+" that wait", o.boxes.Waiting(process.Address{Name: name}), 0)
			}
			if n := int64(len(o.notes)); n == 0 || n > posted.Load() {
				t.Errorf("%d messages were carried out, of %d", n, posted.Load())
			}
		})
	}
}

func BenchmarkBox(b *testing.B) {
	var table process.Table
	var boxes process.Boxes
	p := table.Start(process.Spec{Name: "Main process"})
	box := boxes.Keep(p)
	to, m := process.Address{Name: "Main process"}, process.Message{Method: "m"}
	b.ReportAllocs()
	for b.Loop() {
		boxes.Post(to, m, nil)
		box.Take(p)
	}
}
