package archive

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"runtime"
	"sync"

	"moongate/runtime/journal"
)

// chunkBytes is how many bytes of lines are decoded by one goroutine before it takes the next ones.
const chunkBytes = 256 << 10

// chunk is lines on their way.
type chunk struct {
	lines []rawLine
	size  int
	items []item
	done  chan struct{} // closed when the items are there
}

// rawLine is what Reader.next gave.
type rawLine struct {
	text []byte
	at   int
	err  error
}

// Rows gives what Next gives, in the same order, and ends with the last line, after which there is no error, or with the first
// error that is no *LineError. Reading JSON is dear, so several goroutines do it; they have ended when the loop over the rows
// has. Next is not to be called any more.
func (a *Reader) Rows() iter.Seq2[journal.Row, error] {
	return func(yield func(journal.Row, error) bool) {
		workers := runtime.GOMAXPROCS(0)
		work, queue, stop := make(chan *chunk), make(chan *chunk, 2*workers), make(chan struct{})
		var all sync.WaitGroup
		defer all.Wait()
		defer close(stop)
		all.Go(func() { // ends with the lines, or when stop is closed
			defer close(queue)
			defer close(work)
			a.feed(work, queue, stop)
		})
		for range workers {
			all.Go(func() { // the same
				for c := range work {
					c.decode()
				}
			})
		}
		for c := range queue {
			<-c.done
			for _, i := range c.items {
				if !a.give(i, yield) {
					return
				}
			}
		}
	}
}

// give gives what an item stands for. It reports whether there may be more.
func (a *Reader) give(i item, yield func(journal.Row, error) bool) bool {
	row, err := a.settle(i)
	var line *LineError
	switch {
	case err == io.EOF:
		return false
	case err != nil:
		return yield(journal.Row{}, err) && errors.As(err, &line)
	case row != nil:
		return yield(*row, nil)
	}
	return true
}

// feed reads the lines into chunks, which come in their order in the queue, and are decoded by who takes them from work.
func (a *Reader) feed(work, queue chan<- *chunk, stop <-chan struct{}) {
	for over := false; !over; {
		c := &chunk{done: make(chan struct{})}
		for !over && c.size < chunkBytes {
			b, err := a.next()
			over = err != nil && !errors.Is(err, errLong)
			c.lines = append(c.lines, rawLine{bytes.Clone(b), a.at, err})
			c.size += len(b) + 1
		}
		select {
		case queue <- c:
		case <-stop:
			return
		}
		select {
		case work <- c:
		case <-stop:
			close(c.done) // nobody decodes it, and nobody wants it
			return
		}
	}
}

// decode reads the lines.
func (c *chunk) decode() {
	defer close(c.done)
	c.items = make([]item, len(c.lines))
	for i, l := range c.lines {
		c.items[i] = decoded(l.text, l.at, l.err)
	}
	c.lines = nil
}
