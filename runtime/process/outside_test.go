package process_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/process"
)

// answers makes a process note when it answers, relative to the start.
func answers(p *process.Process, then func() bool) *[]time.Duration {
	start := time.Now()
	at := new([]time.Duration)
	p.OnOutsideCall(func() bool {
		*at = append(*at, time.Since(start))
		return then()
	})
	return at
}

func goesOn() bool { return true }

func expectTimes(t *testing.T, what string, got []time.Duration, want ...time.Duration) {
	t.Helper()
	expect(t, what+": number", len(got), len(want))
	for i := range min(len(got), len(want)) {
		expect(t, what, got[i], want[i])
	}
}

func TestAWaitingProcessAnswersAndWaitsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		at := answers(p, goesOn)
		post := []action{{time.Second, (*process.Process).PostOutsideCall}, {2 * time.Second, (*process.Process).PostOutsideCall}}
		p.Delay(10 * time.Second)
		run(t, p, func() process.Outcome { return p.AwaitRelease(time.Time{}) }, post, process.Ready, 10*time.Second)
		expectTimes(t, "in a delay", *at, time.Second, 2*time.Second)

		at = answers(p, goesOn)
		wait := func() process.Outcome {
			return p.Wait(process.WaitingForInternalFlag, time.Now().Add(5*time.Second), time.Time{}, nil)
		}
		run(t, p, wait, post, process.TimedOut, 5*time.Second)
		expectTimes(t, "in a wait", *at, time.Second, 2*time.Second)
	})
}

func TestCallsBeforeTheEndOfAWaitAreAnsweredThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		at := answers(p, func() bool {
			p.PostOutsideCall() // a flood: it does not keep the wait from its end
			return true
		})
		ready := make(chan struct{})
		close(ready)
		p.PostOutsideCall()
		expect(t, "Wait", p.Wait(process.WaitingForInternalFlag, time.Time{}, time.Time{}, ready) == process.Ready, true)
		if n := len(*at); n == 0 {
			t.Error("the call that came before the wait was not answered")
		}
		p.OnOutsideCall(nil)
	})
}

// While it answers it is neither delayed nor paused; what was, is again afterwards, unless it was resumed meanwhile.
func TestHoldsWhileAProcessAnswers(t *testing.T) {
	second := func(p *process.Process) { time.Sleep(time.Second) }
	for name, c := range map[string]struct {
		hold, during func(p *process.Process)
		after        process.State
	}{
		"a delay":               {func(p *process.Process) { p.Delay(time.Hour) }, second, process.Delayed},
		"a pause":               {(*process.Process).Pause, second, process.Paused},
		"a resumed delay":       {func(p *process.Process) { p.Delay(time.Hour) }, (*process.Process).Resume, process.Executing},
		"a resumed pause":       {(*process.Process).Pause, (*process.Process).Resume, process.Executing},
		"a delay ended":         {func(p *process.Process) { p.Delay(time.Hour) }, func(p *process.Process) { p.Delay(0) }, process.Executing},
		"a pause, no delay":     {(*process.Process).Pause, func(p *process.Process) { p.Delay(0) }, process.Paused},
		"a pause, a delay":      {(*process.Process).Pause, func(p *process.Process) { p.Delay(time.Hour) }, process.Paused},
		"a delay, a pause":      {func(p *process.Process) { p.Delay(time.Hour) }, (*process.Process).Pause, process.Paused},
		"a delay, the shutdown": {func(p *process.Process) { p.Delay(time.Hour) }, (*process.Process).SetAbortFlag, process.Executing},
		"a pause and a wait": {(*process.Process).Pause, func(p *process.Process) {
			p.Delay(time.Minute)
			p.AwaitRelease(time.Time{})
		}, process.Paused},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var table process.Table
				p := table.Start(process.Spec{})
				answered := false
				p.OnOutsideCall(func() bool {
					expect(t, "state while it answers", p.State(), process.Executing)
					expect(t, "attention while it answers", p.Attention(), false)
					c.during(p)
					answered = true
					return true
				})
				c.hold(p)
				over := make(chan struct{})
				go func() {
					p.AwaitRelease(time.Time{})
					close(over)
				}()
				synctest.Wait()
				p.PostOutsideCall()
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				expect(t, "answered", answered, true)
				expect(t, "state afterwards", p.State(), c.after)
				p.Resume()
				<-over
			})
		})
	}
}

func TestAnswersAreNotInsideEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		inside := 0
		at := answers(p, func() bool {
			inside++
			expect(t, "answers at once", inside, 1)
			p.PostOutsideCall()
			p.Wait(process.WaitingForInternalFlag, time.Now().Add(time.Second), time.Time{}, nil)
			inside--
			return true
		})
		p.PostOutsideCall()
		p.Wait(process.WaitingForInternalFlag, time.Now().Add(2500*time.Millisecond), time.Time{}, nil)
		expectTimes(t, "answers", *at, 0, time.Second, 2*time.Second, 3*time.Second)
	})
}

func TestAnswersThatEndAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		at := answers(p, func() bool { return false })
		p.Delay(time.Hour)
		run(t, p, func() process.Outcome { return p.AwaitRelease(time.Time{}) }, []action{{time.Second, (*process.Process).PostOutsideCall}}, process.Woken, time.Second)
		expectTimes(t, "answers", *at, time.Second)
		p.Resume()
		p.OnOutsideCall(func() bool { p.Kill(nil); return true })
		p.Pause()
		run(t, p, func() process.Outcome { return p.AwaitRelease(time.Time{}) }, []action{{time.Second, (*process.Process).PostOutsideCall}}, process.Killed, time.Second)
	})
}

func TestWhoDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		p.PostOutsideCall()
		at := answers(p, goesOn)
		p.AnswerOutsideCalls()
		expectTimes(t, "calls before there was an answer", *at)
		p.PostOutsideCall()
		p.PostOutsideCall()
		p.AnswerOutsideCalls()
		expectTimes(t, "calls", *at, 0, 0)
		p.PostOutsideCall()
		p.OnOutsideCall(nil)
		at = answers(p, goesOn)
		p.AnswerOutsideCalls()
		expectTimes(t, "calls that were forgotten", *at)
	})
}

func TestUndisturbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		at := answers(p, goesOn)
		end := p.Undisturbed()
		p.PostOutsideCall()
		p.Wait(process.WaitingForInternalFlag, time.Now().Add(time.Second), time.Time{}, nil)
		expectTimes(t, "answers meanwhile", *at)
		end()
		p.Wait(process.WaitingForInternalFlag, time.Now().Add(time.Second), time.Time{}, nil)
		expectTimes(t, "answers afterwards", *at, time.Second)
	})
}

// Whoever posts calls in a loop holds up the end of a wait for a limited time.
func TestAFloodOfOutsideCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		const slice = 10 * time.Millisecond
		p.OnOutsideCall(func() bool {
			time.Sleep(slice) // its turn in a lane in which others run
			return true
		})
		stop := make(chan struct{})
		var poster sync.WaitGroup
		poster.Go(func() { // ends with the test
			for {
				select {
				case <-stop:
					return
				default:
				}
				for range 10_000 {
					p.PostOutsideCall()
				}
				time.Sleep(slice)
			}
		})
		defer poster.Wait()
		defer close(stop)
		began := time.Now()
		p.Delay(time.Second)
		expect(t, "outcome", p.AwaitRelease(time.Time{}), process.Ready)
		if took := time.Since(began); took < time.Second || took > 12*time.Second {
			t.Errorf("a delay of a second took %v, want 12s at the most", took)
		}
	})
}
