package process_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/process"
)

func TestTheFirstCauseOfAKillStays(t *testing.T) {
	var table process.Table
	p := table.Start(process.Spec{})
	expect(t, "Killed before", p.Killed(), nil)
	first := errors.New("first")
	var told []error
	p.OnKill(func(cause error) { told = append(told, cause) })
	p.Kill(first)
	p.Kill(errors.New("second"))
	p.Kill(nil)
	expect(t, "Killed", p.Killed(), first)
	expect(t, "attention", p.Attention(), true)
	expect(t, "calls of OnKill", len(told), 1)
	expect(t, "cause given to OnKill", told[0], first)
	expect(t, "state", p.State(), process.Executing) // until whoever runs it ends it
}

func TestAKillWithoutACauseHasOne(t *testing.T) {
	var table process.Table
	p := table.Start(process.Spec{})
	p.Kill(nil)
	expect(t, "Killed", p.Killed(), process.ErrEnded)
}

func TestAKilledProcessWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		p.Kill(nil)
		p.Delay(time.Hour)
		ready := make(chan struct{})
		close(ready)
		start := time.Now()
		expect(t, "AwaitRelease", p.AwaitRelease(time.Time{}), process.Killed)
		expect(t, "Wait", p.Wait(process.Delayed, start.Add(time.Hour), time.Time{}, ready), process.Killed)
		expect(t, "time", time.Since(start), 0)
	})
}

func TestPardon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		p.Delay(time.Hour)
		p.Kill(nil)
		p.Pardon()
		expect(t, "Killed", p.Killed(), nil)
		expect(t, "attention", p.Attention(), false)
		expect(t, "AwaitRelease", p.AwaitRelease(time.Time{}), process.Ready)
		second := errors.New("second")
		p.Kill(second)
		expect(t, "Killed again", p.Killed(), second)
	})
}

func TestTheAbortFlagWakesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		expect(t, "Aborting before", p.Aborting(), false)
		wait := func() process.Outcome {
			return p.Wait(process.WaitingForInternalFlag, time.Now().Add(10*time.Second), time.Time{}, nil)
		}
		flag := []action{{time.Second, (*process.Process).SetAbortFlag}}
		run(t, p, wait, flag, process.Woken, time.Second)
		expect(t, "Aborting", p.Aborting(), true)
		run(t, p, wait, nil, process.TimedOut, 10*time.Second)
		p.Delay(5 * time.Second)
		run(t, p, func() process.Outcome { return p.AwaitRelease(time.Time{}) }, nil, process.Ready, 5*time.Second)
		expect(t, "Aborting stays", p.Aborting(), true)
		expect(t, "Killed", p.Killed(), nil)
	})
}

// The wake-up is for those who wait at that moment: a running process has its flag and no wake-up saved.
func TestTheAbortFlagDoesNotWakeLaterWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{})
		p.SetAbortFlag()
		run(t, p, func() process.Outcome {
			return p.Wait(process.WaitingForInternalFlag, time.Now().Add(time.Second), time.Time{}, nil)
		}, nil, process.TimedOut, time.Second)
	})
}

// Everybody does everything at once to processes that wait, and all of them end.
func TestProcessesFromManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		var workers, others sync.WaitGroup
		stop := make(chan struct{})
		for range 20 {
			workers.Go(func() {
				p := table.Start(process.Spec{Name: "worker", Type: process.Worker})
				defer p.End()
				for {
					if p.AwaitRelease(time.Time{}) == process.Killed {
						return
					}
					if p.Wait(process.WaitingForUserEvent, time.Now().Add(time.Second), time.Time{}, nil) == process.Killed {
						return
					}
				}
			})
		}
		for range 4 {
			others.Go(func() {
				for {
					for _, p := range table.All() {
						p.Delay(time.Minute)
						p.Pause()
						p.SetAbortFlag()
						p.Resume()
						p.SetName(p.Name() + "!")
						p.Info()
						table.State(p.Number())
						table.Named("worker")
					}
					select {
					case <-stop:
						return
					case <-time.After(300 * time.Millisecond):
					}
				}
			})
		}
		time.Sleep(30 * time.Second)
		close(stop)
		others.Wait()
		for _, p := range table.All() {
			p.Kill(nil)
		}
		workers.Wait()
		expect(t, "Count at the end", table.Count(nil), 0)
		expect(t, "Highest at the end", table.Highest(), 0)
	})
}
