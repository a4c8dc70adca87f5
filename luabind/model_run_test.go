package luabind_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/process"
)

var (
	modelSeed  = flag.Uint64("model-seed", 1, "the first seed of the comparison with the model")
	modelSeeds = flag.Uint64("model-seeds", 16, "how many seeds it runs")
)

// notebook is a log that keeps what the actors say, and everything that is worse than information.
type notebook struct {
	mu       sync.Mutex
	notes    []note
	problems []string
}

func (b *notebook) Enabled(context.Context, slog.Level) bool { return true }
func (b *notebook) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *notebook) WithGroup(string) slog.Handler            { return b }

func (b *notebook) Handle(_ context.Context, r slog.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if text, ok := strings.CutPrefix(r.Message, ">\t"); ok {
		parts := strings.SplitN(text, "\t", 3)
		at, err := strconv.Atoi(parts[0])
		b.notes = append(b.notes, note{at, parts[1], parts[2]})
		return err
	}
	if r.Level >= slog.LevelWarn && r.Message != "script" {
		text := r.Message
		r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
		b.problems = append(b.problems, text)
	}
	return nil
}

// taken are the notes until now.
func (b *notebook) taken() []note {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.notes[:len(b.notes):len(b.notes)]
}

// TestAgreesWithAModelOfProcesses has processes do random things to one another, and compares what each finds, and
// when, with what a plain model says: results, wake-ups, who gets what others wait for, states and numbers. To do one
// again:
//
//	go test ./luabind -run AgreesWithAModelOfProcesses -model-seed 17 -model-seeds 1 -v
func TestAgreesWithAModelOfProcesses(t *testing.T) {
	steps := 0
	for seed := *modelSeed; seed < *modelSeed+*modelSeeds; seed++ {
		odd := []string{"actor", "actor_alone"}[seed%2] // every other seed has half of the actors in preemptive lanes
		t.Run(fmt.Sprintf("%d_%s", seed, odd), func(t *testing.T) { steps += compareWithModel(t, seed, odd) })
	}
	t.Logf("%d notes are as in the model", steps)
}

// compareWithModel gives how many notes were compared.
func compareWithModel(t *testing.T, seed uint64, odd string) int {
	programs := randomPrograms(rand.New(rand.NewPCG(seed, 2)))
	folder := t.TempDir()
	programs.files().write(t, folder)
	scripts{"actor_alone.lua": preemptiveMark + actorScripts["actor.lua"]}.write(t, folder)
	actorScripts.write(t, folder)
	const end = (guardTurns + 10) * actorCount * second
	m := newModel(programs)
	m.runUntil(end)
	synctest.Test(t, func(t *testing.T) {
		book := &notebook{}
		h, err := open(folder, slog.New(book))
		if err != nil {
			t.Fatal(err)
		}
		args := []any{int64(actorCount), int64(deepestUse), int64(objectCount), int64(signalCount), "actor", odd}
		if _, err := h.Start(host.Procedure{Method: "begin", Args: args, Type: process.ExecuteOnServer}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(end * time.Millisecond)
		synctest.Wait()
		got := book.taken() // what comes of the end of all is not compared
		for _, p := range h.Processes().All() {
			if p.RunsScripts() {
				p.Kill(nil)
			}
		}
		synctest.Wait()
		h.close(t)
		for _, problem := range book.problems {
			t.Error(problem)
		}
		compareNotes(t, seed, sorted(got), sorted(m.trace))
	})
	return len(m.trace)
}

// compareNotes shows the first note that is not as it should be, and those before it.
func compareNotes(t *testing.T, seed uint64, got, want []note) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i < len(got) && i < len(want) && got[i].agrees(want[i]) {
			continue
		}
		show := func(notes []note) string {
			var b strings.Builder
			for _, n := range notes[min(len(notes), max(0, i-30)):min(len(notes), i+5)] {
				fmt.Fprintf(&b, "%d %s %s\n", n.at, n.who, strings.ReplaceAll(n.text, "\t", " "))
			}
			return b.String()
		}
		t.Fatalf("seed %d: note %d is not as in the model; got\n%swant\n%s", seed, i, show(got), show(want))
	}
}

// agrees reports whether two notes are the same; what the model does not say may be anything.
func (n note) agrees(want note) bool {
	if n.at != want.at || n.who != want.who {
		return false
	}
	got, words := strings.Fields(n.text), strings.Fields(want.text)
	if len(got) != len(words) {
		return false
	}
	for i, w := range words {
		if w != "?" && got[i] != w {
			return false
		}
	}
	return true
}
