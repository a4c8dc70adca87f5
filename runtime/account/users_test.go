package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestVerify(t *testing.T) {
	u, _ := open(t, usersFile(t, cheapLine("ada", "", "moon")+cheapLine("Bob", disabled, "sun")+cheapLine("cyn", "", "")))
	long := strings.Repeat("x", maxPassword+1)
	for _, c := range []struct {
		name, password string
		want           error
	}{
		{"ada", "moon", nil}, {"ADA", "moon", nil}, {"ada", "Moon", ErrWrongPassword}, {"ada", "", ErrWrongPassword}, {"ada", long, ErrWrongPassword},
		{"Bob", "sun", ErrWrongPassword}, {"eve", "moon", ErrWrongPassword}, {"", "", ErrWrongPassword}, {"cyn", "", ErrWrongPassword},
		{"\xff\x00", "moon", ErrWrongPassword},
	} {
		got, err := u.Verify(t.Context(), c.name, []byte(c.password))
		if err != c.want {
			t.Errorf("%q %.20q: got %v, want %v", c.name, c.password, err, c.want)
		}
		if c.want == nil {
			expect(t, "name", got.Name, "ada")
		} else {
			expect(t, "user", got, User{})
		}
	}
}

func TestMarkChangesWithThePasswordAndTheState(t *testing.T) {
	mark := func(lines, name string) Mark {
		u, _ := open(t, usersFile(t, lines))
		return u.Mark(name)
	}
	was := mark(cheapLine("ada", "", "moon"), "ada")
	expect(t, "an account", was != Mark{}, true)
	expect(t, "in other letters", mark(cheapLine("ada", "", "moon"), "ADA") != Mark{}, true)
	expect(t, "another password", mark(cheapLine("ada", "", "sun"), "ada") != was, true)
	expect(t, "disabled", mark(cheapLine("ada", disabled, "moon"), "ada"), Mark{})
	expect(t, "nobody's", mark(cheapLine("ada", "", "moon"), "eve"), Mark{})
}

// TestEveryLoginCostsTheSame counts hashes and their costs: none may be for free.
func TestEveryLoginCostsTheSame(t *testing.T) {
	dear := Costs{Memory: 16, Passes: 2, Threads: 1}
	dearLine := line{"dora", "", newHash([]byte("moon"), dear).String()}.String() + "\n"
	u, _ := open(t, usersFile(t, cheapLine("ada", "", "moon")+cheapLine("bob", disabled, "moon")+dearLine))
	var costs []Costs
	u.matches = func(h hash, password []byte) bool {
		costs = append(costs, h.costs)
		return h.matches(password)
	}
	login := func(name, password string) Costs {
		costs = nil
		u.Verify(t.Context(), name, []byte(password))
		if len(costs) != 1 {
			t.Fatalf("%s: got %d hashes, want 1", name, len(costs))
		}
		return costs[0]
	}
	expect(t, "right", login("ada", "moon"), cheap)
	expect(t, "wrong", login("ada", "sun"), cheap)
	expect(t, "empty", login("ada", ""), cheap)
	expect(t, "long", login("ada", strings.Repeat("x", 2000)), cheap)
	expect(t, "disabled", login("bob", "moon"), cheap)
	expect(t, "dear", login("dora", "moon"), dear)
	seen := map[Costs]int{}
	for i := range 100 {
		name := fmt.Sprintf("nobody%d", i)
		first := login(name, "moon")
		expect(t, "an unknown name the second time", login(strings.ToUpper(name), "sun"), first)
		seen[first]++
	}
	if seen[cheap] == 0 || seen[dear] == 0 || seen[cheap]+seen[dear] != 100 {
		t.Errorf("unknown names: got costs %v, want those of the accounts", seen)
	}
}

func TestLoginWithoutAccountsCostsTheUsual(t *testing.T) {
	u, log := open(t, usersFile(t, "# nobody yet\n"))
	if got := log.take(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "no account") {
		t.Errorf("got log %q, want a warning", got)
	}
	var got Costs
	u.matches = func(h hash, _ []byte) bool { got = h.costs; return true }
	_, err := u.Verify(t.Context(), "ada", []byte("moon"))
	expect(t, "error", err, ErrWrongPassword)
	expect(t, "costs", got, usual)
}

// gated is a pool whose hashes wait until they are let go.
type gated struct {
	*Users
	release       chan struct{}
	running, most atomic.Int64
	done          sync.WaitGroup
	results       chan error
}

func openGated(t *testing.T, places int) *gated {
	u, _ := open(t, usersFile(t, cheapLine("ada", "", "moon")+line{"wide", "", newHash([]byte("moon"), Costs{16, 1, 2}).String()}.String()+"\n"))
	u.pool = newPool(places)
	g := &gated{Users: u, release: make(chan struct{}), results: make(chan error, 10_000)}
	u.matches = func(h hash, _ []byte) bool {
		now := g.running.Add(int64(min(int(h.costs.Threads), places)))
		for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
		}
		<-g.release
		g.running.Add(-int64(min(int(h.costs.Threads), places)))
		return true
	}
	return g
}

// login starts a login; its error comes to results.
func (g *gated) login(ctx context.Context, name string) {
	g.done.Go(func() {
		_, err := g.Verify(ctx, name, []byte("moon"))
		g.results <- err
	})
}

func TestPoolBoundsTheHashes(t *testing.T) {
	for _, places := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			g := openGated(t, places)
			for i := range 40 {
				g.login(t.Context(), []string{"ada", "wide"}[i%2])
			}
			synctest.Wait()
			expect(t, "waiting", g.pool.waiting.Load() > 30, true)
			for range 40 {
				g.release <- struct{}{}
				synctest.Wait()
			}
			g.done.Wait()
			expect(t, "most threads at once", g.most.Load(), int64(places))
			for range 40 {
				expect(t, "error", <-g.results, nil)
			}
			expect(t, "waiting", g.pool.waiting.Load(), 0)
			expect(t, "places taken", len(g.pool.places), 0)
		})
	}
}

func TestContextEndsTheWaitForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := openGated(t, 2)
		g.login(t.Context(), "ada") // one place is left: not enough for two threads
		synctest.Wait()
		gone := errors.New("the client has gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		g.login(ctx, "wide") // waits for its second place
		synctest.Wait()
		g.login(ctx, "ada") // waits for its turn
		synctest.Wait()
		cancel(gone)
		expect(t, "first", <-g.results, gone)
		expect(t, "second", <-g.results, gone)
		_, err := g.Verify(ctx, "ada", []byte("moon"))
		expect(t, "after the end", err, gone)
		synctest.Wait()
		expect(t, "places taken", len(g.pool.places), 1)
		close(g.release)
		expect(t, "the one that hashed", <-g.results, nil)
		g.login(t.Context(), "wide")
		expect(t, "the next", <-g.results, nil)
		g.done.Wait()
	})
}

func TestTooManyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := openGated(t, 1)
		for range waitersPerPlace + 1 { // one of them hashes
			g.login(t.Context(), "ada")
		}
		synctest.Wait()
		_, err := g.Verify(t.Context(), "nobody", []byte("moon"))
		expect(t, "error", err, ErrBusy)
		close(g.release)
		g.done.Wait()
		_, err = g.Verify(t.Context(), "ada", []byte("moon"))
		expect(t, "afterwards", err, nil)
	})
}

func TestAbsurdCostsAreNeverHashed(t *testing.T) {
	path := usersFile(t, cheapLine("ada", "", "moon"))
	u, log := open(t, path)
	u.matches = func(h hash, _ []byte) bool {
		expect(t, "costs", h.costs, cheap)
		return true
	}
	write(t, path, cheapLine("ada", "", "moon")+"eve::$argon2id$v=19$m=1048577,t=64,p=1$"+salt16+"$"+digest32+"\n")
	u.look()
	u.look()
	if got := log.take(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, ":2: user eve: the hash asks for m=1048577") {
		t.Errorf("got log %q, want an error", got)
	}
	for range 20 {
		u.Verify(t.Context(), "eve", []byte("moon"))
	}
}

func TestLookupAndList(t *testing.T) {
	u, _ := open(t, usersFile(t, cheapLine("ada", "", "moon")+cheapLine("Bob", disabled, "sun")))
	got, ok := u.Lookup("BOB")
	expect(t, "found", ok, true)
	expect(t, "user", got, User{"Bob", true, cheap})
	_, ok = u.Lookup("eve")
	expect(t, "eve", ok, false)
	list := u.List()
	list[0].Name = "changed"
	expect(t, "the list is the caller's", u.List()[0].Name, "ada")
}

// TestTries walks through what 4D does, in the time of the test's own clock.
func TestTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries Tries
		begin := func(address string) time.Duration { return fail(t, &tries, address, "ada", time.Now()) }
		for i, want := range []time.Duration{0, 0, 0, tryDelay, tryDelay, tryDelay} {
			expect(t, fmt.Sprint("try ", i+1), begin("192.0.2.1"), want)
		}
		expect(t, "the same in IPv6", begin("::ffff:192.0.2.1"), tryDelay)
		expect(t, "another", begin("192.0.2.2"), 0)
		try, _ := tries.Begin(netip.MustParseAddr("::ffff:192.0.2.1"), "ADA", time.Now())
		try.End(true)
		expect(t, "after a success", begin("192.0.2.1"), 0)
		for range 3 {
			begin("2001:db8::1")
		}
		expect(t, "the same /64", begin("2001:db8::ffff"), tryDelay)
		expect(t, "another /64", begin("2001:db8:0:1::1"), 0)
		time.Sleep(forgetting - time.Second)
		expect(t, "before it is forgotten", begin("2001:db8::1"), tryDelay)
		time.Sleep(forgetting)
		expect(t, "forgotten", begin("2001:db8::1"), 0)
		expect(t, "addresses", len(tries.peers), 1)
		expect(t, "no address", begin("0.0.0.0"), 0)
	})
}

// fail is a try that fails, and gives its delay.
func fail(t *testing.T, tries *Tries, address, name string, now time.Time) time.Duration {
	t.Helper()
	try, err := tries.Begin(netip.MustParseAddr(address), name, now)
	if err != nil {
		t.Errorf("%s at %s: %v", name, address, err)
		return 0
	}
	try.End(false)
	return try.Delay
}

// A login of one's own between guesses of somebody else's password does not make them cheaper.
func TestASuccessForgivesOnlyItself(t *testing.T) {
	var tries Tries
	now := time.Now()
	for range 10 {
		fail(t, &tries, "192.0.2.1", "ada", now)
		fail(t, &tries, "192.0.2.1", "ada", now)
		own, err := tries.Begin(netip.MustParseAddr("192.0.2.1"), "eve", now)
		if err != nil {
			t.Fatal(err)
		}
		own.End(true)
	}
	expect(t, "the next guess", fail(t, &tries, "192.0.2.1", "ada", now), tryDelay)
}

// More connections make no more guesses: of one name at one address one waits at a time.
func TestDelayedTriesAreOneAtATime(t *testing.T) {
	var tries Tries
	now, address := time.Now(), netip.MustParseAddr("192.0.2.1")
	for range 3 {
		fail(t, &tries, "192.0.2.1", "ada", now)
	}
	first, err := tries.Begin(address, "ada", now)
	expect(t, "the first", err, nil)
	_, err = tries.Begin(address, "Ada", now)
	expect(t, "another meanwhile", err, ErrBusy)
	expect(t, "another name", fail(t, &tries, "192.0.2.1", "eve", now), tryDelay)
	first.End(false)
	expect(t, "when it is over", fail(t, &tries, "192.0.2.1", "ada", now), tryDelay)
}

func TestOfAHundredTriesAtOnceThreeAreTheFirst(t *testing.T) {
	var tries Tries
	var free atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if try, err := tries.Begin(netip.MustParseAddr("192.0.2.1"), "ada", time.Now()); err == nil && try.Delay == 0 {
				free.Add(1)
			}
		})
	}
	all.Wait()
	expect(t, "not delayed", free.Load(), 3)
}

func TestTriesAreBounded(t *testing.T) {
	var tries Tries
	address := netip.MustParseAddr("10.0.0.0")
	now := time.Now()
	for range 2 * maxPeers {
		tries.Begin(address, "ada", now)
		address = address.Next()
	}
	expect(t, "addresses", len(tries.peers), maxPeers)
	expect(t, "in order", tries.order.Len(), maxPeers)
}

// TestTriesAndAClockThatJumps gives times of the wall's clock.
func TestTriesAndAClockThatJumps(t *testing.T) {
	var tries Tries
	begin := func(now time.Time) time.Duration { return fail(t, &tries, "192.0.2.1", "ada", now) }
	now := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	for range 4 {
		begin(now)
	}
	back := now.Add(-24 * time.Hour)
	expect(t, "back", begin(back), tryDelay)
	expect(t, "back, later", begin(back.Add(forgetting-1)), tryDelay)
	expect(t, "back, and quiet for long enough", begin(back.Add(2*forgetting)), 0)
}

// BenchmarkVerify is a login with the usual costs.
func BenchmarkVerify(b *testing.B) {
	path := usersFile(b, line{"ada", "", newHash([]byte("moon"), usual).String()}.String())
	u, _ := open(b, path)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.Verify(b.Context(), "ada", []byte("moon")); err != nil {
			b.Fatal(err)
		}
	}
}
