package process_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/process"
)

func numbers(ps []*process.Process) []process.Number {
	ns := []process.Number{}
	for _, p := range ps {
		ns = append(ns, p.Number())
	}
	return ns
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestTheZeroTableIsEmpty(t *testing.T) {
	var table process.Table
	expect(t, "Highest", table.Highest(), 0)
	expect(t, "Count", table.Count(nil), 0)
	expect(t, "All", len(table.All()), 0)
	expect(t, "Get(1)", table.Get(1), nil)
	expect(t, "ByID(1)", table.ByID(1), nil)
	expect(t, "State(1)", table.State(1), process.DoesNotExist)
	if info, ok := table.Info(1); ok {
		t.Errorf("Info(1): got %+v, want none", info)
	}
}

func TestNumbersAreTheLowestFreeSlots(t *testing.T) {
	var table process.Table
	var started []*process.Process
	for want := process.Number(1); want <= 130; want++ {
		p := table.Start(process.Spec{})
		expect(t, "number", p.Number(), want)
		started = append(started, p)
	}
	for _, n := range []process.Number{100, 3, 64, 65, 130, 1} {
		started[n-1].End()
	}
	for _, want := range []process.Number{1, 3, 64, 65, 100, 130, 131} {
		expect(t, "number of a slot used again", table.Start(process.Spec{}).Number(), want)
	}
	expect(t, "Highest", table.Highest(), 131)
	expect(t, "Count", table.Count(nil), 131)
}

func TestDeadSlotKeepsItsNameUntilUsedAgain(t *testing.T) {
	var table process.Table
	table.Start(process.Spec{Name: "Main process"})
	dead := table.Start(process.Spec{Name: "old name", Type: process.ExecuteOnServer})
	table.Start(process.Spec{Name: "after"})
	dead.SetName("Dead")
	dead.End()

	expect(t, "State of the dead slot", table.State(2), process.Aborted)
	expect(t, "number of the state", int8(table.State(2)), -1)
	expect(t, "State of the process itself", dead.State(), process.Aborted)
	expect(t, "Get", table.Get(2), nil)
	expect(t, "ByID", table.ByID(dead.ID()), nil)
	expect(t, "Named", table.Named("Dead"), nil)
	info, ok := table.Info(2)
	expect(t, "Info of the dead slot", info, process.Info{Number: 2, Name: "Dead", State: process.Aborted})
	expect(t, "Info of the dead slot exists", ok, true)

	dead.SetName("a ghost's name")
	info, _ = table.Info(2)
	expect(t, "name after a dead process was renamed", info.Name, "Dead")
	expect(t, "the dead process's own name", dead.Name(), "a ghost's name")

	next := table.Start(process.Spec{Name: "New"})
	expect(t, "number", next.Number(), 2)
	dead.SetName("still a ghost")
	info, _ = table.Info(2)
	expect(t, "name after the slot was used again", info.Name, "New")
	expect(t, "state after the slot was used again", info.State, process.Executing)
}

func TestNumbersBeyondTheSlotsDoNotExist(t *testing.T) {
	var table process.Table
	first, second := table.Start(process.Spec{}), table.Start(process.Spec{})
	for _, n := range []process.Number{0, -1, -100, 3, 64, 1 << 30, -1 << 31} {
		if got := table.State(n); got != -100 {
			t.Errorf("State(%d): got %d, want -100", n, got)
		}
		if _, ok := table.Info(n); ok {
			t.Errorf("Info(%d): got one, want none", n)
		}
		expect(t, fmt.Sprintf("Get(%d)", n), table.Get(n), nil)
	}
	second.End() // a slot above the highest living process is not in 1..Count tasks
	expect(t, "State above the highest", table.State(2), process.DoesNotExist)
	expect(t, "Highest", table.Highest(), 1)
	first.End()
	expect(t, "State in an empty table", table.State(1), process.DoesNotExist)
	expect(t, "Highest of an empty table", table.Highest(), 0)
}

func TestUniqueIDsAreTheRanksOfTheStarts(t *testing.T) {
	var table process.Table
	for want := process.ID(1); want <= 10; want++ {
		p := table.Start(process.Spec{})
		expect(t, "ID", p.ID(), want)
		expect(t, "Number", p.Number(), 1)
		expect(t, "ByID", table.ByID(want), p)
		p.End()
	}
	expect(t, "ByID of one that ended", table.ByID(10), nil)
	expect(t, "ByID(0)", table.ByID(0), nil)
}

func TestNamed(t *testing.T) {
	var table process.Table
	unnamed := table.Start(process.Spec{})
	first := table.Start(process.Spec{Name: "Watch house"})
	second := table.Start(process.Spec{Name: "WATCH HOUSE"})
	umlaut := table.Start(process.Spec{Name: "Wächter"})
	for name, want := range map[string]*process.Process{
		"Watch house": first, "watch HOUSE": first, "wäCHTER": umlaut, "WÄCHTER": umlaut, "": nil, "Watch": nil, "Watch house ": nil,
	} {
		if got := table.Named(name); got != want {
			t.Errorf("Named(%q): got %v, want %v", name, got, want)
		}
	}
	first.End()
	expect(t, "Named after the first ended", table.Named("watch house"), second)
	unnamed.SetName("now named")
	expect(t, "Named after SetName", table.Named("NOW NAMED"), unnamed)
	unnamed.SetName("")
	expect(t, "Named after the name was taken away", table.Named("now named"), nil)
}

func TestStartUnique(t *testing.T) {
	var table process.Table
	p, started := table.StartUnique(process.Spec{Name: "one", Type: process.ExecuteOnServer})
	expect(t, "started", started, true)
	again, started := table.StartUnique(process.Spec{Name: "ONE"})
	expect(t, "the process of that name", again, p)
	expect(t, "started again", started, false)
	p.End()
	next, started := table.StartUnique(process.Spec{Name: "one"})
	expect(t, "started after the end", started, true)
	if next == p {
		t.Error("got the process that has ended, want a new one")
	}
	a, _ := table.StartUnique(process.Spec{})
	b, started := table.StartUnique(process.Spec{})
	if a == b || !started {
		t.Error("two processes without a name: got one, want two: a process without a name is never found")
	}
}

func TestStartUniqueFromManyGoroutinesStartsOne(t *testing.T) {
	var table process.Table
	var group sync.WaitGroup
	found := make([]process.Number, 50)
	for i := range found {
		group.Go(func() {
			p, _ := table.StartUnique(process.Spec{Name: "only"})
			found[i] = p.Number()
		})
	}
	group.Wait()
	expect(t, "Count", table.Count(nil), 1)
	expect(t, "different numbers", len(slices.Compact(found)), 1)
}

// Count tasks is the highest number of a living process, not how many there are.
func TestHighest(t *testing.T) {
	var table process.Table
	var ps []*process.Process
	for range 70 {
		ps = append(ps, table.Start(process.Spec{}))
	}
	for _, step := range []struct {
		end  process.Number
		want process.Number
	}{{1, 70}, {70, 69}, {68, 69}, {69, 67}, {2, 67}} {
		ps[step.end-1].End()
		expect(t, fmt.Sprintf("Highest after the end of %d", step.end), table.Highest(), step.want)
	}
	for _, p := range ps {
		if p.State() != process.Aborted {
			p.End()
		}
	}
	expect(t, "Highest of an empty table", table.Highest(), 0)
	table.Start(process.Spec{})
	expect(t, "Highest after one start", table.Highest(), 1)
}

func TestTypesCounted(t *testing.T) {
	var table process.Table
	for _, c := range []struct {
		is      process.Type
		code    int8
		counted bool
		scripts bool
	}{
		{process.None, 0, true, true},
		{process.ExecuteOnServer, 1, true, true},
		{process.OtherUser, 4, true, true},
		{process.Worker, 5, true, true},
		{process.Main, -1, true, false},
		{process.ServerInterface, -15, false, false},
		{process.OnExit, -16, true, true},
		{process.InternalServer, -18, true, true},
		{process.InternalTimer, -25, false, false},
		{process.ClientManager, -31, false, false},
		{process.MainOfServer, -39, true, false},
		{process.OtherInternal, -40, true, false},
	} {
		p := table.Start(process.Spec{Type: c.is})
		expect(t, "Type", p.Type(), c.is)
		expect(t, "code of "+c.is.String(), int8(c.is), c.code)
		expect(t, "CountedAsUser of "+c.is.String(), c.is.CountedAsUser(), c.counted)
		expect(t, "RunsScripts of "+c.is.String(), p.RunsScripts(), c.scripts)
	}
	expect(t, "Count of those counted as users",
		table.Count(func(p *process.Process) bool { return p.Type().CountedAsUser() }), 9)
	expect(t, "Count of all", table.Count(nil), 12)
	expect(t, "an unknown type", process.Type(-99).String(), "type -99")
}

func TestStatesHaveTheCodesOf4D(t *testing.T) {
	for state, want := range map[process.State]struct {
		code int
		name string
	}{
		process.DoesNotExist: {-100, "does not exist"}, process.Aborted: {-1, "aborted"}, process.Executing: {0, "executing"},
		process.Delayed: {1, "delayed"}, process.WaitingForUserEvent: {2, "waiting for user event"},
		process.WaitingForInputOutput:  {3, "waiting for input output"},
		process.WaitingForInternalFlag: {4, "waiting for internal flag"}, process.Paused: {5, "paused"},
	} {
		expect(t, "code", int(state), want.code)
		expect(t, "name", state.String(), want.name)
	}
	expect(t, "an unknown state", process.State(7).String(), "state 7")
}

func TestAllIsInOrderOfNumbers(t *testing.T) {
	var table process.Table
	for range 5 {
		table.Start(process.Spec{})
	}
	table.Get(2).End()
	table.Get(4).End()
	got, want := numbers(table.All()), []process.Number{1, 3, 5}
	if !slices.Equal(got, want) {
		t.Errorf("All: got %v, want %v", got, want)
	}
}

func TestChangedTellsOfEveryEnd(t *testing.T) {
	var table process.Table
	first, second := table.Start(process.Spec{}), table.Start(process.Spec{})
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	changed := table.Changed()
	expect(t, "changed before an end", isClosed(changed), false)
	table.Start(process.Spec{}).End()
	expect(t, "changed after the first end", isClosed(changed), true)
	changed = table.Changed()
	expect(t, "changed anew", isClosed(changed), false)
	first.End()
	expect(t, "changed after the second end", isClosed(changed), true)
	second.End()
	expect(t, "changed asked for after the ends", isClosed(table.Changed()), false)
}

type place string

func (p place) Place() string { return string(p) }

func TestInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		p := table.Start(process.Spec{Name: "n", Type: process.ExecuteOnServer, Method: "m", Session: "S", Preemptive: true})
		started := time.Now()
		time.Sleep(time.Hour)
		p.AddCPU(2 * time.Second)
		p.AddCPU(time.Second)
		p.SetVisible(false)
		p.Rest(process.WaitingForInputOutput)
		want := process.Info{Number: 1, ID: 1, Name: "n", Method: "m", Session: "S", Type: process.ExecuteOnServer,
			State: process.WaitingForInputOutput, Preemptive: true, Visible: false, Started: started, CPU: 3 * time.Second}
		expect(t, "Info of the process", p.Info(), want)
		got, ok := table.Info(1)
		expect(t, "Info of the table", got, want)
		expect(t, "Info is there", ok, true)
		expect(t, "Started", p.Started(), started)

		expect(t, "Place of a process without code", p.Place(), "")
		p.SetPlaced(place("m.lua:3"))
		expect(t, "Place", p.Place(), "m.lua:3")
	})
}
