// Package shutdown ends a program in ordered stages.
//
// A [Stage] is a row: what it does, how long it may take, and what it reports when something did not end by itself.
// [Run] runs all of them, in order, whatever the earlier ones report, and reports all. The list of a server's stages
// is in the host package.
package shutdown

import (
	"context"
	"errors"
	"time"
)

// ErrForced is the cause with which a stage's context ends when the whole shutdown is forced.
var ErrForced = errors.New("the shutdown was forced")

// ErrBudget is the cause with which a stage's context ends when its budget is used up.
var ErrBudget = errors.New("the stage's time is over")

// Stage is one step of a shutdown.
type Stage struct {
	Name   string
	Budget time.Duration // how long it may take; 0 or less: its context is over from the start
	// Run does the step. When its context ends it does what can be done at once and returns. The result names what
	// did not end by itself, each a phrase for the person who reads the log.
	Run func(ctx context.Context) []string
}

// Result is what became of one stage.
type Result struct {
	Stage    string
	Duration time.Duration
	Left     []string // what did not end by itself
	Late     bool     // the budget was used up, or the shutdown forced
}

// Run runs the stages one after the other and blocks until the last is over. When forced is closed, every stage's
// time is over. each is called with every result as soon as it is there; it may be nil.
func Run(forced <-chan struct{}, stages []Stage, each func(Result)) []Result {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() { // ends with Run
		select {
		case <-forced:
			cancel(ErrForced)
		case <-stop:
		}
	}()
	var results []Result
	for _, s := range stages {
		r := s.run(ctx)
		results = append(results, r)
		if each != nil {
			each(r)
		}
	}
	return results
}

func (s Stage) run(ctx context.Context) Result {
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, s.Budget, ErrBudget)
	defer cancel()
	left := s.Run(ctx)
	return Result{Stage: s.Name, Duration: time.Since(start), Left: left, Late: ctx.Err() != nil}
}
