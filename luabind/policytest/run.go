package policytest

import (
	"context"
	"runtime"
	"sync"
	"time"

	"moongate/runtime/method"
	"moongate/runtime/trial"
)

// Run runs the tests of a scripts folder and tells done of each file, in the order of their names, as soon as it and those
// before it are over. It blocks until all are, or ctx has ended, and no more tests begin; done is called in the caller's
// goroutine. The error is about the folder itself; scripts and tests that are wrong are in the summary.
func Run(ctx context.Context, path string, o trial.Options, done func(trial.File)) (trial.Summary, error) {
	f, err := readFolder(path)
	if err != nil {
		return trial.Summary{}, err
	}
	if o.Limit <= 0 {
		o.Limit = trial.DefaultLimit
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	summary := trial.Summary{Problems: f.problems}
	r := &runner{folder: f, options: o, role: f.roleOf(o.Role)}
	for _, t := range f.files {
		summary.Found += len(t.tests)
	}
	if len(f.problems) > 0 {
		return summary, nil
	}
	if o.Cover {
		r.cover = newCover()
	}
	r.choose()
	r.start(ctx)
	for _, t := range r.files {
		<-t.over
		summary.Files = append(summary.Files, t.result)
		done(t.result)
	}
	r.workers.Wait()
	if r.cover != nil {
		summary.Coverage = r.cover.of(f)
	}
	return summary, nil
}

// runner runs the tests of one folder.
type runner struct {
	folder  *folder
	options trial.Options
	role    method.Role
	cover   *cover // nil: nobody counts
	files   []*running
	workers sync.WaitGroup // goroutines that end when no test is left
}

// running is a file whose tests are being run.
type running struct {
	*file
	chosen []test
	over   chan struct{} // closed when result is complete

	mu     sync.Mutex
	left   int // tests that have not ended
	result trial.File
}

// choose finds the files that have something to run, or to say.
func (r *runner) choose() {
	for _, t := range r.folder.files {
		one := &running{file: t, over: make(chan struct{}), result: trial.File{Name: t.name, Problems: t.problems}}
		for _, test := range t.tests {
			if len(t.problems) == 0 && r.wanted(t, test) {
				one.chosen = append(one.chosen, test)
			}
		}
		if one.left = len(one.chosen); one.left > 0 || len(t.problems) > 0 {
			one.result.Tests = make([]trial.Test, one.left)
			r.files = append(r.files, one)
		}
		if one.left == 0 {
			close(one.over)
		}
	}
}

func (r *runner) wanted(t *file, one test) bool {
	if r.options.Only != nil && !r.options.Only[t.name+":"+one.name] {
		return false
	}
	return r.options.Run == nil || r.options.Run.MatchString(one.name)
}

// start has the workers run all tests, each one after the other.
func (r *runner) start(ctx context.Context) {
	type place struct {
		file  *running
		index int
	}
	queue := make(chan place)
	r.workers.Go(func() { // ends when all is given out
		defer close(queue)
		for _, t := range r.files {
			for i := range t.chosen {
				queue <- place{t, i}
			}
		}
	})
	for range r.options.Workers {
		r.workers.Go(func() {
			for p := range queue {
				result := trial.Test{Name: p.file.chosen[p.index].name, Line: p.file.chosen[p.index].line, Failed: true, Output: []string{"it did not run: interrupted"}}
				if ctx.Err() == nil {
					result = r.test(p.file.file, p.file.chosen[p.index])
				}
				p.file.take(p.index, result)
			}
		})
	}
}

// take notes the result of a test.
func (t *running) take(index int, result trial.Test) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Tests[index] = result
	t.result.Elapsed += result.Elapsed
	if t.left--; t.left == 0 {
		close(t.over)
	}
}

// test runs one test: again, when it says by its first at when its host is to be started.
func (r *runner) test(t *file, one test) trial.Test {
	begin := time.Now()
	result := r.attempt(t, one, time.Time{})
	if !result.begins.IsZero() {
		result = r.attempt(t, one, result.begins)
	}
	return trial.Test{Name: one.name, Line: one.line, Failed: len(result.failures) > 0, Elapsed: time.Since(begin),
		Output: result.failures, Log: result.log, Notices: result.notices}
}
