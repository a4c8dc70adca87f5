package host_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/journal"
	"moongate/runtime/listener"
	"moongate/runtime/method"
)

// Shadows come and go, and one is promoted, while clients come and go: no row of the journal is lost or there twice, the counts
// are complete, and nothing is left.
func TestShadowsComeAndGoUnderLoad(t *testing.T) {
	const clients, visits = 8, 60
	policy := files{
		"on_server_open_connection.lua":  `local _, id = ... if id % 3 == 0 then return 429, "every third" end if id % 5 == 0 then delay_process(current_process(), 1) end return 0`,
		"on_server_close_connection.lua": `interprocess.n = (interprocess.n or 0) + 1`,
	}
	shadow := files{
		"on_server_open_connection.lua":  `local _, id = ... if id % 7 == 0 then delay_process(current_process(), 3) end if id % 11 == 0 then error("no") end return id % 3 == 0 and 429 or 0`,
		"on_server_close_connection.lua": `if math.random() < 0.2 then delay_process(current_process(), 1) end`,
	}.write(t)
	folder, log := t.TempDir(), slog.New(slog.DiscardHandler)
	h := host.New(host.Config{Log: log, MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond, QuitWindow: 13 * time.Second, Session: "S-1"})
	scripts, err := luabind.Open(host.ScriptsConfig{Folder: policy.write(t), Role: method.Server, Log: log, Host: h})
	if err != nil {
		t.Fatal(err)
	}
	h.SetScripts(scripts)
	h.SetData(host.Data{Journal: journal.Open(journal.Options{Folder: folder, Session: "S-1", Log: log})})
	h.SetShadows(host.Shadows{Open: luabind.OpenShadow})
	l, err := listener.Open("127.0.0.1:0", log)
	if err != nil {
		t.Fatal(err)
	}
	over, ready := make(chan host.Report, 1), make(chan struct{})
	go func() {
		report, err := h.Run(func() {
			go l.Serve(h)
			close(ready)
		}, l.Close)
		if err != nil {
			t.Error(err)
		}
		over <- report
	}()
	<-ready
	stop := make(chan struct{})
	var changing, coming sync.WaitGroup
	changing.Go(func() { changeShadows(t, h, shadow, stop) })
	for range clients {
		coming.Go(func() {
			for range visits {
				come(t, l.Address().String())
			}
		})
	}
	coming.Wait()
	close(stop)
	changing.Wait()
	h.Quit(0)
	report := <-over
	expect(t, "left", len(report.Left), 0)
	differ := oneRowEach(t, folder, clients*visits)
	c := h.ShadowTotals()
	if sum := c.Asked() + c.NotAsked; sum > clients*visits || c.Asked() == 0 || differ == 0 {
		t.Errorf("got %+v and %d rows with a difference, want no more than %d in all", c, differ, clients*visits)
	}
}

// oneRowEach looks whether each of so many connections has one row, and an end if it was let in, and says of how many a shadow
// has differed.
func oneRowEach(t *testing.T, folder string, connections int) (differ int) {
	t.Helper()
	seen := map[int64]int{}
	for row, err := range journal.Read(t.Context(), folder, journal.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[row.Connection]++
		if row.Shadow != "" {
			differ++
		}
		if row.Verdict == journal.Accepted && row.Closed.IsZero() {
			t.Errorf("connection %d has no end", row.Connection)
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("connection %d has %d rows, want 1", id, n)
		}
	}
	expect(t, "rows", len(seen), connections)
	return differ
}

// changeShadows begins and ends shadows until stop is closed, and promotes one in the middle of it.
func changeShadows(t *testing.T, h *host.Host, folder string, stop <-chan struct{}) {
	for i := 1; ; i++ {
		if err := h.ShadowOn(folder); err != nil {
			t.Error(err)
		}
		select {
		case <-stop:
			return // the end of the host ends it
		case <-time.After(time.Duration(i%7) * 10 * time.Millisecond):
		}
		var err error
		switch {
		case i == 5:
			_, err = h.Promote()
		case i%2 == 0:
			_, err = h.ShadowOff()
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// come is a client that asks one thing, if it is let in, and leaves.
func come(t *testing.T, address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	fmt.Fprint(c, "QUIT\r\n")
	answer, _ := io.ReadAll(c)
	if !strings.HasPrefix(string(answer), "+OK") && !strings.HasPrefix(string(answer), "-REFUSED ") && len(answer) > 0 {
		t.Errorf("got %q", answer)
	}
}
