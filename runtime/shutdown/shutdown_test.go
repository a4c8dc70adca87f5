package shutdown_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/shutdown"
)

// stage is a stage that takes so long, or until its context ends, and notes that it ran.
func stage(ran *[]string, name string, budget, takes time.Duration, left ...string) shutdown.Stage {
	return shutdown.Stage{Name: name, Budget: budget, Run: func(ctx context.Context) []string {
		*ran = append(*ran, name)
		select {
		case <-time.After(takes):
			return nil
		case <-ctx.Done():
			return left
		}
	}}
}

func TestStagesRunInOrderAndReport(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		name   string
		stages func(ran *[]string) []shutdown.Stage
		force  time.Duration // after so long; 0: never
		want   []shutdown.Result
	}{
		{name: "no stages", stages: func(*[]string) []shutdown.Stage { return nil }},
		{
			name: "all in time",
			stages: func(ran *[]string) []shutdown.Stage {
				return []shutdown.Stage{stage(ran, "a", 9*second, 2*second), stage(ran, "b", 9*second, 0), stage(ran, "c", 9*second, 8*second)}
			},
			want: []shutdown.Result{{Stage: "a", Duration: 2 * second}, {Stage: "b"}, {Stage: "c", Duration: 8 * second}},
		},
		{
			name: "each has a budget of its own, and the next one runs all the same",
			stages: func(ran *[]string) []shutdown.Stage {
				return []shutdown.Stage{
					stage(ran, "a", 3*second, time.Hour, "process 1", "process 2"), stage(ran, "b", 3*second, 2*second), stage(ran, "c", second, 9*second, "process 3"),
				}
			},
			want: []shutdown.Result{
				{Stage: "a", Duration: 3 * second, Late: true, Left: []string{"process 1", "process 2"}}, {Stage: "b", Duration: 2 * second},
				{Stage: "c", Duration: second, Late: true, Left: []string{"process 3"}},
			},
		},
		{
			name: "no budget is over from the start",
			stages: func(ran *[]string) []shutdown.Stage {
				return []shutdown.Stage{stage(ran, "a", 0, time.Hour, "x"), stage(ran, "b", -second, time.Hour, "y")}
			},
			want: []shutdown.Result{{Stage: "a", Late: true, Left: []string{"x"}}, {Stage: "b", Late: true, Left: []string{"y"}}},
		},
		{
			name: "forced: every stage's time is over, and all of them run",
			stages: func(ran *[]string) []shutdown.Stage {
				return []shutdown.Stage{stage(ran, "a", 9*second, second), stage(ran, "b", 9*second, 8*second, "x"), stage(ran, "c", 9*second, 8*second, "y")}
			},
			force: 3 * second,
			want: []shutdown.Result{
				{Stage: "a", Duration: second}, {Stage: "b", Duration: 2 * second, Late: true, Left: []string{"x"}}, {Stage: "c", Late: true, Left: []string{"y"}},
			},
		},
		{
			name: "forced when all is over",
			stages: func(ran *[]string) []shutdown.Stage {
				return []shutdown.Stage{stage(ran, "a", 9*second, second)}
			},
			force: 3 * second,
			want:  []shutdown.Result{{Stage: "a", Duration: second}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				forced := make(chan struct{})
				if c.force > 0 {
					time.AfterFunc(c.force, func() { close(forced) })
				}
				var ran []string
				var each, got []shutdown.Result
				stages := c.stages(&ran)
				got = shutdown.Run(forced, stages, func(r shutdown.Result) { each = append(each, r) })
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("got %+v, want %+v", got, c.want)
				}
				if !reflect.DeepEqual(each, got) {
					t.Errorf("told one by one %+v, want %+v", each, got)
				}
				for i, s := range stages {
					if i >= len(ran) || ran[i] != s.Name {
						t.Fatalf("ran %q, want the stages in order", ran)
					}
				}
				time.Sleep(time.Hour) // until a late force
			})
		})
	}
}

func TestResultsAreToldAsSoonAsTheyAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var ran []string
		var at []time.Duration
		shutdown.Run(nil, []shutdown.Stage{stage(&ran, "a", time.Minute, time.Second), stage(&ran, "b", time.Minute, time.Second)},
			func(shutdown.Result) { at = append(at, time.Since(start)) })
		if want := []time.Duration{time.Second, 2 * time.Second}; !reflect.DeepEqual(at, want) {
			t.Errorf("told after %v, want %v", at, want)
		}
	})
}

func TestCauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forced := make(chan struct{})
		var got []error
		cause := func(ctx context.Context) []string {
			<-ctx.Done()
			got = append(got, context.Cause(ctx))
			return nil
		}
		time.AfterFunc(90*time.Second, func() { close(forced) })
		results := shutdown.Run(forced, []shutdown.Stage{{Name: "a", Budget: time.Minute, Run: cause}, {Name: "b", Budget: time.Minute, Run: cause},
			{Name: "c", Budget: time.Minute, Run: cause}}, nil)
		for i, want := range []error{shutdown.ErrBudget, shutdown.ErrForced, shutdown.ErrForced} {
			if !errors.Is(got[i], want) {
				t.Errorf("cause of the end of %s: got %v, want %v", results[i].Stage, got[i], want)
			}
		}
		if got, want := results[1].Duration, 30*time.Second; got != want {
			t.Errorf("the forced stage took %v, want %v", got, want)
		}
	})
}

// A stage that does not look at its context is waited for all the same: the next one may not run beside it. The result
// says that it was late.
func TestAStageThatIgnoresItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		results := shutdown.Run(nil, []shutdown.Stage{{Name: "stubborn", Budget: time.Second, Run: func(context.Context) []string {
			time.Sleep(time.Minute)
			return []string{"me"}
		}}}, nil)
		want := []shutdown.Result{{Stage: "stubborn", Duration: time.Minute, Left: []string{"me"}, Late: true}}
		if !reflect.DeepEqual(results, want) {
			t.Errorf("got %+v, want %+v", results, want)
		}
	})
}
