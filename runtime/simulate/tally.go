package simulate

import (
	"errors"
	"sync"
	"time"

	"moongate/runtime/wire"
)

// mostKinds is how many different reasons of one sort are told apart; the others are counted together: a policy that
// puts a counter into its reason must not take the memory.
const mostKinds = 1000

// others is what the rest is called.
const others = "(others)"

// refusal is what refusals are told apart by.
type refusal struct {
	code   int64
	reason string
}

// failure is one kind of failure.
type failure struct {
	count   int64
	example string
}

// misbehaviour is what failures of behaviours are told apart by.
type misbehaviour struct {
	kind    Kind
	message string
}

// calls are the calls of one method.
type calls struct {
	Histogram
	failed  int64
	example string // of a failure
}

// tally counts what became of the clients. Its methods may be called from any goroutine.
type tally struct {
	mu       sync.Mutex
	started  int64 // clients
	omitted  int64 // clients that were not started: no room
	open     int
	mostOpen int

	accepted, refused, failed, broken int64 // verdicts, or their lack
	hasLeft, wasLost                  int64 // of the accepted
	misbehaved                        int64 // clients
	refusals                          map[refusal]int64
	failures                          map[Kind]*failure
	losses                            map[string]int64
	misbehaviours                     map[misbehaviour]int64
	methods                           map[string]*calls

	verdicts, acceptances, refusalTimes, leavings, late Histogram

	hopeless      int       // failures with nobody at the other end, since the last verdict
	hopelessSince time.Time // the first of them
	lastHopeless  error
}

func newTally() *tally {
	return &tally{refusals: map[refusal]int64{}, failures: map[Kind]*failure{}, losses: map[string]int64{}, misbehaviours: map[misbehaviour]int64{}, methods: map[string]*calls{}}
}

// comes counts a client that was started, so much later than it should have been.
func (t *tally) comes(late time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.started++
	t.late.Observe(late)
}

// omits counts a client that could not be started.
func (t *tally) omits() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.omitted++
}

// opens and closes count who is connected, or about to be.
func (t *tally) opens() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open++
	t.mostOpen = max(t.mostOpen, t.open)
}

func (t *tally) closes() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open--
}

// decided counts a verdict.
func (t *tally) decided(v Verdict, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hopeless = 0
	t.verdicts.Observe(took)
	if v.Accepted {
		t.accepted++
		t.acceptances.Observe(took)
		return
	}
	t.refused++
	t.refusalTimes.Observe(took)
	key := refusal{v.Code, v.Reason}
	if _, known := t.refusals[key]; !known && len(t.refusals) >= mostKinds {
		key = refusal{0, others}
	}
	t.refusals[key]++
}

// fails counts a failure. It reports true when there has been nobody at the other end for so long as patience says.
func (t *tally) fails(f *Failure, patience time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed++
	row := t.failures[f.Kind]
	if row == nil {
		row = &failure{example: f.Error()}
		t.failures[f.Kind] = row
	}
	row.count++
	if !f.Kind.hopeless() {
		t.hopeless = 0
		return false
	}
	if t.hopeless++; t.hopeless == 1 {
		t.hopelessSince = time.Now()
	}
	t.lastHopeless = f
	return t.hopeless > 2 && time.Since(t.hopelessSince) >= patience
}

// brokeOff counts a connection that the end of the run cut off.
func (t *tally) brokeOff() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken++
}

// left counts a client that left; took is less than 0 when it is not known how long that took.
func (t *tally) left(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hasLeft++
	if took >= 0 {
		t.leavings.Observe(took)
	}
}

// lost counts a connection that ended before its client did.
func (t *tally) lost(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wasLost++
	if _, known := t.losses[reason]; !known && len(t.losses) >= mostKinds {
		reason = others
	}
	t.losses[reason]++
}

// called counts a call.
func (t *tally) called(method string, took time.Duration, failed *wire.Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.methods[method]
	if row == nil && len(t.methods) >= mostKinds {
		method = others
		row = t.methods[method]
	}
	if row == nil {
		row = &calls{}
		t.methods[method] = row
	}
	row.Observe(took)
	if failed != nil {
		if row.failed++; row.failed == 1 {
			row.example = failed.Error()
		}
	}
}

// misbehaves counts a client whose behaviour failed.
func (t *tally) misbehaves(f *Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.misbehaved++
	key := misbehaviour{f.Kind, f.Error()}
	if _, known := t.misbehaviours[key]; !known && len(t.misbehaviours) >= mostKinds {
		key.message = others
	}
	t.misbehaviours[key]++
}

// ended counts what the life of a client ended with, unless that was counted where it happened.
func (t *tally) ended(err error) {
	var lost *errLost
	var f *Failure
	switch {
	case err == nil, errors.Is(err, ErrOver), errors.Is(err, ErrBrokenOff), errors.As(err, &lost):
	case !errors.As(err, &f):
		t.misbehaves(&Failure{BehaviourFailed, err})
	case f.Kind == BehaviourFailed || f.Kind == BehaviourLooped:
		t.misbehaves(f)
	}
}
