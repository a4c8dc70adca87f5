package journal

import (
	"context"
	"sync"
)

// living is what a journal knows of other sessions' servers that may write beside it.
type living struct {
	mu     sync.Mutex
	beside bool     // there is such a server, or may be
	ended  []string // sessions that have ended since the writer looked
}

// Share says that a server which takes over from this one is about to write to the same file. It is called before that one
// does. From then on only rows of sessions that are said to have Ended are closed as [Lost].
func (j *Journal) Share() {
	j.living.mu.Lock()
	defer j.living.mu.Unlock()
	j.living.beside = true
}

func (l *living) isBeside() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.beside
}

// Ended says that another session writes no more, because its server has ended. What it has left open is closed
// as [Lost], soon.
func (j *Journal) Ended(session string) {
	j.living.add(session)
	select {
	case j.queue.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (l *living) add(sessions ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = append(l.ended, sessions...)
}

func (l *living) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ended := l.ended
	l.ended = nil
	return ended
}

// closeLost closes what sessions have left open that live no more. When a file is opened and nobody else writes, that is
// every session but our own. Beside others it is those that are said to have ended: there may be servers of which this one
// does not know, because they have taken over from the one that took over from it.
func (w *writer) closeLost(ctx context.Context, s *store, opening bool) error {
	all := int64(0)
	if opening && !w.j.living.isBeside() {
		lost, err := s.closeLost(ctx, []string{w.j.options.Session}, false)
		if err != nil {
			return err
		}
		all = lost
	}
	ended := w.j.living.take()
	if len(ended) > 0 {
		lost, err := s.closeLost(ctx, ended, true)
		if err != nil {
			w.j.living.add(ended...)
			return err
		}
		all += lost
	}
	if all > 0 {
		w.log.Warn("journal closed rows of a session that did not end", "rows", all, "cause", Lost)
	}
	return nil
}

// known is what the writer knows of the file, to find out whether another session has written to it.
type known struct {
	version  int64 // of the file when it was looked at last; 0: never
	lastPart int64
}

// follow makes the batch fit what another session has written since the last time: rows, texts and parts have numbers, which
// both give. It is called in the transaction that writes the batch, so that nobody writes in between. Parts do not overlap:
// after another session's rows a new one begins.
func (w *writer) follow(ctx context.Context) error {
	version, err := w.store.version(ctx)
	if err != nil || version == w.known.version {
		return err
	}
	st, err := w.store.read(ctx, w.j.options.Session)
	if err != nil {
		return err
	}
	b := &w.batch
	foreign := st.lastPart > w.known.lastPart || st.nextID > b.nextID-int64(len(b.fresh)) || st.nextText > b.nextText-int64(len(b.texts))
	w.known = known{version, st.lastPart}
	if foreign {
		w.renumber(st)
	}
	return nil
}

// renumber begins a part behind all that is in the file, and puts what is to be written there.
func (w *writer) renumber(st *state) {
	b := &w.batch
	b.begin(part{st.lastPart + 1, st.nextID, st.nextText})
	b.nextID, b.nextText, b.open, b.span, b.spans = st.nextID, st.nextText, st.open, st.span, st.spans
	if w.assembled {
		b.assemble(w.blocks, w.debts)
	}
}
