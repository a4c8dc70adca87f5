package journal

import (
	"path/filepath"
	"time"
)

// outage is a time in which rows are not written or dropped, and what the log has been told of it. The log must say what
// is lost without becoming what fills the disk.
type outage struct {
	pause time.Duration // before the next try; 0: the last one worked
	began time.Time     // zero: all is well
	told  bool          // of this outage
	since int64         // drops when it began

	failure string    // the last one that the log knows
	failed  time.Time // when that was said
	seen    int64     // drops, at the last try
	drop    time.Time // when they grew last
	said    int64     // drops that the log knows
	sayNext time.Time // no line about drops before

	omitted  int64     // rows without what was read, that the log knows
	omitNext time.Time // no line about them before
}

// path is the journal's.
func (w *writer) path() string { return filepath.Join(w.j.options.Folder, FileName) }

// fails notes that a try failed. The log hears of it once, and of drops from time to time.
func (w *writer) fails(err error) {
	now, o := w.j.pace.now(), &w.outage
	err = explain(w.path(), err)
	w.j.fails(err)
	o.pause = min(max(2*o.pause, w.j.pace.retry), w.j.pace.retryMost)
	o.begin(now)
	if err.Error() != o.failure || !o.told && now.Sub(o.failed) >= w.j.pace.report {
		w.log.Error("journal not written; trying again", "error", err)
		o.failure, o.failed, o.told = err.Error(), now, true
	}
	w.drops(now, err.Error())
	w.omissions(now)
}

// works notes that a try worked, and says so when the log knows of an outage.
func (w *writer) works() {
	now, o := w.j.pace.now(), &w.outage
	failing := o.pause > 0
	o.pause = 0
	if !failing {
		w.drops(now, "rows come faster than they are written")
	}
	w.omissions(now)
	if o.began.IsZero() || !failing && now.Sub(o.drop) < w.j.pace.report {
		return
	}
	_, _, dropped := w.j.queue.state()
	if o.told || dropped > o.said {
		w.log.Info("journal works again", "dropped", dropped-o.since, "duration", now.Sub(o.began))
	}
	o.began, o.told, o.seen, o.said = time.Time{}, false, dropped, dropped
}

// begin notes that all is not well.
func (o *outage) begin(now time.Time) {
	if o.began.IsZero() {
		o.began, o.since = now, o.said
	}
}

// drops says that rows were dropped, unless it was said a moment ago.
func (w *writer) drops(now time.Time, reason string) {
	o := &w.outage
	_, _, dropped := w.j.queue.state()
	if dropped > o.seen {
		o.begin(now)
		o.seen, o.drop = dropped, now
	}
	if dropped == o.said || now.Before(o.sayNext) {
		return
	}
	w.log.Error("journal rows dropped", "rows", dropped-o.said, "reason", reason)
	o.said, o.told, o.sayNext = dropped, true, now.Add(w.j.pace.report)
}

// omissions says that rows are without what their verdicts depended on, unless it was said a moment ago.
func (w *writer) omissions(now time.Time) {
	o, omitted := &w.outage, w.j.queue.leftOut()
	if omitted == o.omitted || now.Before(o.omitNext) {
		return
	}
	w.log.Warn("journal rows without what was read", "rows", omitted-o.omitted, "reason", "methods read more than is written in time")
	o.omitted, o.omitNext = omitted, now.Add(w.j.pace.report)
}
