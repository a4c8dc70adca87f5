package process_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/process"
)

// forever is what a wait that does not end by itself is expected to take.
const forever = -1

// action is what somebody else does to a waiting process.
type action struct {
	at time.Duration
	do func(p *process.Process)
}

func delay(d time.Duration) func(p *process.Process) {
	return func(p *process.Process) { p.Delay(d) }
}
func kill(cause error) func(p *process.Process) {
	return func(p *process.Process) { p.Kill(cause) }
}

// run lets a wait begin in a goroutine of its own, does the actions at their times, and checks how and when it ends.
func run(t *testing.T, p *process.Process, wait func() process.Outcome, actions []action, want process.Outcome, after time.Duration) {
	t.Helper()
	start := time.Now()
	ended := make(chan struct{})
	var got process.Outcome
	var took time.Duration
	go func() {
		defer close(ended)
		got = wait()
		took = time.Since(start)
	}()
	for _, a := range actions {
		time.Sleep(a.at - time.Since(start))
		synctest.Wait()
		a.do(p)
	}
	if after == forever {
		time.Sleep(1000 * time.Hour)
		synctest.Wait()
		select {
		case <-ended:
			t.Errorf("ended with outcome %d after %v, want no end", got, took)
		default:
			p.Kill(nil)
			<-ended
		}
		return
	}
	<-ended
	if got != want || took != after {
		t.Errorf("got outcome %d after %v, want %d after %v", got, took, want, after)
	}
}

func TestDelayAndPause(t *testing.T) {
	const second = time.Second
	pause, resume, flag := (*process.Process).Pause, (*process.Process).Resume, (*process.Process).SetAbortFlag
	for _, c := range []struct {
		name    string
		first   func(p *process.Process)
		actions []action
		limit   time.Duration
		want    process.Outcome
		after   time.Duration
	}{
		{name: "a delay", first: delay(process.Ticks(60)), want: process.Ready, after: second},
		{name: "half a tick", first: delay(process.Ticks(0.5)), want: process.Ready, after: second / 120},
		{name: "a tick", first: delay(process.Ticks(1)), want: process.Ready, after: process.Tick},
		{name: "no delay", first: delay(0), want: process.Ready, after: 0},
		{name: "a negative delay", first: delay(-1), want: process.Ready, after: 0},
		{name: "replaced by a shorter one", first: delay(60 * second),
			actions: []action{{10 * second, delay(5 * second)}}, want: process.Ready, after: 15 * second},
		{name: "replaced by a longer one", first: delay(10 * second),
			actions: []action{{5 * second, delay(60 * second)}}, want: process.Ready, after: 65 * second},
		{name: "replaced twice", first: delay(10 * second),
			actions: []action{{5 * second, delay(20 * second)}, {6 * second, delay(second)}}, want: process.Ready, after: 7 * second},
		{name: "ended by 0", first: delay(60 * second),
			actions: []action{{7 * second, delay(0)}}, want: process.Ready, after: 7 * second},
		{name: "ended by less than 0", first: delay(60 * second),
			actions: []action{{7 * second, delay(-second)}}, want: process.Ready, after: 7 * second},
		{name: "resumed", first: delay(60 * second),
			actions: []action{{7 * second, resume}}, want: process.Ready, after: 7 * second},
		{name: "becomes a pause", first: delay(10 * second),
			actions: []action{{5 * second, pause}}, after: forever},
		{name: "becomes a pause and is resumed at once", first: delay(60 * second),
			actions: []action{{5 * second, pause}, {6 * second, resume}}, want: process.Ready, after: 6 * second},
		{name: "a pause", first: pause, after: forever},
		{name: "a pause twice and one resume", first: pause,
			actions: []action{{second, pause}, {2 * second, resume}}, want: process.Ready, after: 2 * second},
		{name: "a paused process stays so when delayed", first: pause,
			actions: []action{{second, delay(second)}}, after: forever},
		{name: "a paused process stays so when its delay is ended", first: pause,
			actions: []action{{second, delay(0)}}, after: forever},
		{name: "killed in a delay", first: delay(60 * second),
			actions: []action{{second, kill(nil)}}, want: process.Killed, after: second},
		{name: "killed in a pause", first: pause,
			actions: []action{{second, kill(nil)}}, want: process.Killed, after: second},
		{name: "the abort flag ends a delay", first: delay(60 * second),
			actions: []action{{second, flag}}, want: process.Ready, after: second},
		{name: "the abort flag ends a pause", first: pause,
			actions: []action{{second, flag}}, want: process.Ready, after: second},
		{name: "the deadline in a delay", first: delay(60 * second), limit: 5 * second, want: process.Late, after: 5 * second},
		{name: "the deadline in a pause", first: pause, limit: 5 * second, want: process.Late, after: 5 * second},
		{name: "the deadline after the delay", first: delay(second), limit: 5 * second, want: process.Ready, after: second},
		{name: "the deadline and a resume before it", first: pause, limit: 5 * second,
			actions: []action{{second, resume}}, want: process.Ready, after: second},
		{name: "the deadline while a delay is replaced", first: delay(second), limit: 5 * second,
			actions: []action{{second / 2, delay(60 * second)}}, want: process.Late, after: 5 * second},
		{name: "nothing", first: resume, want: process.Ready, after: 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var table process.Table
				p := table.Start(process.Spec{})
				deadline := time.Time{}
				if c.limit > 0 {
					deadline = time.Now().Add(c.limit)
				}
				c.first(p)
				run(t, p, func() process.Outcome { return p.AwaitRelease(deadline) }, c.actions, c.want, c.after)
				expect(t, "state after the wait", p.State(), process.Executing)
			})
		})
	}
}

func TestStateAndAttentionOfAHeldProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		expect(t, "attention of a free process", p.Attention(), false)
		p.Delay(time.Hour)
		expect(t, "attention of a delayed process", p.Attention(), true)
		expect(t, "state before it stops", p.State(), process.Delayed)
		go p.AwaitRelease(time.Time{})
		for _, step := range []struct {
			do   func()
			want process.State
		}{
			{func() {}, process.Delayed},
			{p.Pause, process.Paused},
			{func() { p.Delay(time.Second) }, process.Paused},
			{p.Resume, process.Executing},
		} {
			step.do()
			synctest.Wait()
			expect(t, "state", p.State(), step.want)
			expect(t, "state in the table", table.State(1), step.want)
		}
		expect(t, "attention of a resumed process", p.Attention(), false)
	})
}

func TestMainProcessesAreNotPaused(t *testing.T) {
	for _, is := range []process.Type{process.Main, process.MainOfServer} {
		synctest.Test(t, func(t *testing.T) {
			var table process.Table
			p := table.Start(process.Spec{Type: is})
			p.Pause()
			expect(t, "attention", p.Attention(), false)
			expect(t, "outcome", p.AwaitRelease(time.Time{}), process.Ready)
			after := time.Minute // 4D lets the main process be delayed; a pause does not change that
			if is == process.MainOfServer {
				after = 0 // it runs no code that could wait
			}
			p.Delay(time.Minute)
			run(t, p, func() process.Outcome { return p.AwaitRelease(time.Time{}) },
				[]action{{time.Second, (*process.Process).Pause}}, process.Ready, after)
		})
	}
}

func TestWait(t *testing.T) {
	const second = time.Second
	never := func() <-chan struct{} { return make(chan struct{}) }
	closed := func() <-chan struct{} {
		c := make(chan struct{})
		close(c)
		return c
	}
	for _, c := range []struct {
		name            string
		until, deadline time.Duration // 0: none
		ready           func() <-chan struct{}
		actions         []action
		want            process.Outcome
		after           time.Duration
		state           process.State // after the wait
	}{
		{name: "nothing ends it", after: forever},
		{name: "ready already", ready: closed, want: process.Ready, after: 0},
		{name: "never ready", ready: never, after: forever},
		{name: "until", until: 3 * second, want: process.TimedOut, after: 3 * second},
		{name: "until, never ready", until: 3 * second, ready: never, want: process.TimedOut, after: 3 * second},
		{name: "until long ago", until: -second, want: process.TimedOut, after: 0},
		{name: "deadline", deadline: 3 * second, want: process.Late, after: 3 * second},
		{name: "deadline long ago", deadline: -second, want: process.Late, after: 0},
		{name: "until before the deadline", until: 2 * second, deadline: 3 * second, want: process.TimedOut, after: 2 * second},
		{name: "deadline before until", until: 3 * second, deadline: 2 * second, want: process.Late, after: 2 * second},
		{name: "until and the deadline together", until: second, deadline: second, want: process.Late, after: second},
		{name: "killed", until: 9 * second, actions: []action{{second, kill(nil)}}, want: process.Killed, after: second},
		{name: "abort flag", until: 9 * second,
			actions: []action{{second, (*process.Process).SetAbortFlag}}, want: process.Woken, after: second},
		{name: "a delay does not end it", until: 9 * second, actions: []action{{second, delay(second)}}, want: process.TimedOut, after: 9 * second,
			state: process.Delayed},
		{name: "a pause and a resume do not end it", until: 9 * second,
			actions: []action{{second, (*process.Process).Pause}, {2 * second, (*process.Process).Resume}}, want: process.TimedOut, after: 9 * second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var table process.Table
				p := table.Start(process.Spec{})
				at := func(d time.Duration) time.Time {
					if d == 0 {
						return time.Time{}
					}
					return time.Now().Add(d)
				}
				until, deadline := at(c.until), at(c.deadline)
				var ready <-chan struct{}
				if c.ready != nil {
					ready = c.ready()
				}
				run(t, p, func() process.Outcome {
					return p.Wait(process.WaitingForInternalFlag, until, deadline, ready)
				}, c.actions, c.want, c.after)
				expect(t, "state after the wait", p.State(), c.state)
			})
		})
	}
}

func TestWaitShowsItsState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		ready := make(chan struct{}, 1)
		go p.Wait(process.WaitingForUserEvent, time.Time{}, time.Time{}, ready)
		synctest.Wait()
		expect(t, "state in the wait", p.State(), process.WaitingForUserEvent)
		ready <- struct{}{}
		synctest.Wait()
		expect(t, "state after the wait", p.State(), process.Executing)
		expect(t, "what was to be received", len(ready), 0)
	})
}

// A process that was delayed while it waited for something else is held afterwards.
func TestDelayDuringAWaitHoldsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		run(t, p, func() process.Outcome {
			return p.Wait(process.WaitingForInternalFlag, time.Now().Add(2*time.Second), time.Time{}, nil)
		}, []action{{time.Second, delay(5 * time.Second)}}, process.TimedOut, 2*time.Second)
		expect(t, "attention", p.Attention(), true)
		run(t, p, func() process.Outcome { return p.AwaitRelease(time.Time{}) }, nil, process.Ready, 4*time.Second)
	})
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		ticks float64
		want  time.Duration
	}{
		{0, 0}, {60, time.Second}, {0.5, time.Second / 120}, {1, process.Tick}, {3600, time.Minute}, {-1, 0}, {math.NaN(), 0},
		{math.Inf(1), math.MaxInt64}, {math.Inf(-1), 0}, {1e300, math.MaxInt64}, {1e-300, 0}, {60 * 1e9, 1e9 * time.Second},
		{float64(math.MaxInt64), math.MaxInt64},
	} {
		if got := process.Ticks(c.ticks); got != c.want {
			t.Errorf("Ticks(%v): got %v, want %v", c.ticks, got, c.want)
		}
	}
}

// A delay of the longest time there is does not end at once by an overflow.
func TestALongestDelayDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		p.Delay(process.Ticks(math.Inf(1)))
		run(t, p, func() process.Outcome { return p.AwaitRelease(time.Time{}) }, nil, process.Ready, forever)
	})
}
