package application_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/session"
)

// long is a command of a link with an argument of so many bytes, which comes back.
func long(size int) string {
	list := fmt.Sprintf("*1\r\n$%d\r\n%s\r\n", size, strings.Repeat("x", size))
	return fmt.Sprintf("*3\r\n$4\r\nDATA\r\n$4\r\necho\r\n$%d\r\n%s\r\n", len(list), list)
}

// crowd is links that have sent all of a long command but its end.
func crowd(h *house, n, size int) (all []*visit) {
	command := long(size)
	for i := range n {
		v := h.arrive(terms{})
		v.ask(fmt.Sprintf("JOIN T %d P\r\n", 20+i))
		v.send <- command[:len(command)-2]
		synctest.Wait()
		all = append(all, v)
	}
	return all
}

// Many long commands at once wait for each other, where their memory would be multiplied by the number of links.
func TestLongCommandsWaitForRoom(t *testing.T) {
	open(t, func(h *house) {
		all := crowd(h, 9, 3<<20)
		last := all[8]
		last.send <- "\r\n"
		synctest.Wait()
		expect(t, "while there is no room", last.take(), "")
		short := h.arrive(terms{})
		short.ask("JOIN T 3 P\r\n")
		if got := short.ask(long(200_000)); len(got) < 200_000 {
			t.Errorf("a short command waits too: got %.40q", got)
		}
		if got := all[0].ask("\r\n"); len(got) < 3<<20 {
			t.Errorf("the reply of the first: got %.40q", got)
		}
		if got := last.take(); len(got) < 3<<20 {
			t.Errorf("the reply of who has waited: got %.40q", got)
		}
	})
}

// Who waits for room is one whose command takes too long, and its end can be asked for.
func TestWhoWaitsForRoomTooLong(t *testing.T) {
	open(t, func(h *house) {
		all := crowd(h, 9, 3<<20)
		time.Sleep(31 * time.Second)
		for i, v := range all {
			expect(t, fmt.Sprint("link ", i, " is over"), v.isOver(), true)
			expect(t, fmt.Sprint("cause of link ", i), v.cause, session.TooSlow)
		}
		after := h.arrive(terms{})
		after.ask("JOIN T 3 P\r\n")
		if got := after.ask(long(3 << 20)); len(got) < 3<<20 {
			t.Errorf("when they have gone: got %.40q", got)
		}
	})
}

// Of long replies only so many are kept as there is room for.
func TestLongRepliesAreKeptWhileThereIsRoom(t *testing.T) {
	open(t, func(h *house) {
		h.server.KeepNoMoreThan(5 << 20)
		for i := range 3 {
			v := h.arrive(terms{})
			v.ask(fmt.Sprintf("JOIN T %d P\r\n", 20+i))
			v.ask(long(2 << 20))
			v.conn.Close()
			synctest.Wait()
		}
		for i, want := range []string{`(?s)%2.*:1\r\n\*1\r\n.*`, `(?s)%2.*:1\r\n\*1\r\n.*`, `-ERR the reply was too big to be kept\r\n`} {
			h.arrive(terms{}).expectMatch(fmt.Sprintf("RESUME T %d 0\r\n", 20+i), want)
		}
	})
}

// What a long command asks for may take as long as it likes: its room is free by then.
func TestACommandThatRunsTakesNoRoom(t *testing.T) {
	open(t, func(h *house) {
		methods := map[string]func(g *guest, args []any) ([]any, error){
			"runs": func(*guest, []any) ([]any, error) { time.Sleep(time.Hour); return nil, nil },
		}
		text := strings.Repeat("x", 3<<20)
		for i := range 9 {
			v := h.arrive(terms{methods: methods})
			v.ask(fmt.Sprintf("JOIN T %d P\r\n", 20+i))
			v.ask(fmt.Sprintf("*3\r\n$4\r\nCALL\r\n$4\r\nruns\r\n$%d\r\n%s\r\n", len(text), text))
		}
		v := h.arrive(terms{})
		v.ask("JOIN T 3 P\r\n")
		if got := v.ask(long(3 << 20)); len(got) < 3<<20 {
			t.Errorf("while they run: got %.40q", got)
		}
		time.Sleep(time.Hour)
	})
}
