package process_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"moongate/runtime/process"
)

// model is the process table as 4D describes it, without any thought of speed.
type model struct {
	slots []modelSlot // slots[i] is number i+1
	last  process.ID
}

type modelSlot struct {
	alive bool
	name  string
	id    process.ID
	typ   process.Type
}

func (m *model) start(name string, typ process.Type) process.Number {
	m.last++
	slot := modelSlot{true, name, m.last, typ}
	for i := range m.slots {
		if !m.slots[i].alive {
			m.slots[i] = slot
			return process.Number(i + 1)
		}
	}
	m.slots = append(m.slots, slot)
	return process.Number(len(m.slots))
}

func (m *model) named(name string) process.Number {
	for i, s := range m.slots {
		if s.alive && name != "" && strings.EqualFold(s.name, name) {
			return process.Number(i + 1)
		}
	}
	return 0
}

func (m *model) highest() process.Number {
	for i := len(m.slots) - 1; i >= 0; i-- {
		if m.slots[i].alive {
			return process.Number(i + 1)
		}
	}
	return 0
}

func (m *model) living() (living []process.Number) {
	for i, s := range m.slots {
		if s.alive {
			living = append(living, process.Number(i+1))
		}
	}
	return living
}

var modelNames = []string{"", "a", "A", "b", "Watch house", "watch HOUSE"}

// step does one thing to both and says what it was.
func (m *model) step(t *testing.T, r *rand.Rand, table *process.Table) string {
	name, typ := modelNames[r.IntN(len(modelNames))], []process.Type{process.ExecuteOnServer, process.ClientManager}[r.IntN(2)]
	living := m.living()
	switch n := r.IntN(10); {
	case n < 4:
		p := table.Start(process.Spec{Name: name, Type: typ})
		want := m.start(name, typ)
		expect(t, "number of a start", p.Number(), want)
		expect(t, "unique number of a start", p.ID(), m.last)
		return "start " + name
	case n < 6:
		want, isNew := m.named(name), false
		if want == 0 {
			want, isNew = m.start(name, typ), true
		}
		p, started := table.StartUnique(process.Spec{Name: name, Type: typ})
		expect(t, "number of a unique start", p.Number(), want)
		expect(t, "started", started, isNew)
		return "start unique " + name
	case len(living) == 0:
		return "nothing"
	case n < 9:
		number := living[r.IntN(len(living))]
		table.Get(number).End()
		m.slots[number-1].alive = false
		return fmt.Sprint("end ", number)
	default:
		number := living[r.IntN(len(living))]
		table.Get(number).SetName(name)
		m.slots[number-1].name = name
		return fmt.Sprint("rename ", number, " ", name)
	}
}

// compare looks at everything that can be seen of the table.
func (m *model) compare(t *testing.T, table *process.Table) {
	t.Helper()
	highest := m.highest()
	expect(t, "Highest", table.Highest(), highest)
	expect(t, "Count", table.Count(nil), len(m.living()))
	expect(t, "All", fmt.Sprint(numbers(table.All())), fmt.Sprint(m.living()))
	counted := 0
	for i := range process.Number(len(m.slots) + 3) {
		want, wantState, wantInfo := modelSlot{}, process.DoesNotExist, process.Info{}
		if i >= 1 && i <= highest {
			want = m.slots[i-1]
			wantState = process.Aborted
			wantInfo = process.Info{Number: i, Name: want.name, State: process.Aborted}
			if want.alive {
				wantState = process.Executing
				wantInfo.ID, wantInfo.Type, wantInfo.State, wantInfo.Visible = want.id, want.typ, process.Executing, true
			}
		}
		if want.alive && want.typ.CountedAsUser() {
			counted++
		}
		expect(t, fmt.Sprintf("State(%d)", i), table.State(i), wantState)
		info, ok := table.Info(i)
		info.Started = wantInfo.Started
		expect(t, fmt.Sprintf("Info(%d)", i), info, wantInfo)
		expect(t, fmt.Sprintf("Info(%d) is there", i), ok, i >= 1 && i <= highest)
		expect(t, fmt.Sprintf("Get(%d) is there", i), table.Get(i) != nil, want.alive)
		if want.alive {
			expect(t, fmt.Sprintf("ByID(%d)", want.id), table.ByID(want.id), table.Get(i))
		}
	}
	expect(t, "Count of users", table.Count(func(p *process.Process) bool { return p.Type().CountedAsUser() }), counted)
	for _, name := range modelNames {
		got := process.Number(0)
		if p := table.Named(name); p != nil {
			got = p.Number()
		}
		expect(t, fmt.Sprintf("Named(%q)", name), got, m.named(name))
	}
}

func TestTableAgreesWithAModel(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			var table process.Table
			m := &model{}
			var steps []string
			for len(steps) < 120 && !t.Failed() {
				steps = append(steps, m.step(t, r, &table))
				m.compare(t, &table)
			}
			if t.Failed() {
				t.Log("after:", strings.Join(steps, ", "))
			}
		})
	}
}
