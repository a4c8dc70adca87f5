package host_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"moongate/runtime/process"
	"moongate/runtime/session"
)

// A client that has lost its transport while a request runs is believed at once: the server looks for itself, and does not
// wait until the sweep has seen it.
func TestATransportThatIsGoneCanBeReplacedAtOnce(t *testing.T) {
	address := listen(t, files{"sleep.lua": "delay_process(current_process(), 30) return 'slept'", "forever.lua": "while true do end"})
	application := speak(t, address)
	defer application.Close()
	token := application.announce(t)

	c := speak(t, address)
	c.ask(t, 12, words("JOIN", token, 2, "P_2"))
	c.ask(t, 7, words("LANGUAGE"))
	c.ask(t, 0, words("CALLV", "sleep", packed())) // and does not wait for the reply
	application.ask(t, 1, words("PING"))
	c.Close()
	var reply string
	for range 1000 { // until the end has crossed loopback
		c = speak(t, address)
		if reply = c.ask(t, 1, words("RESUME", token, 2, 1)); !strings.HasPrefix(reply, "-INUSE") {
			break
		}
		c.Close()
	}
	if reply += c.ask(t, 7, ""); field(reply, "done") != "2" && field(reply, "done") != "1" {
		t.Fatalf("RESUME: got %q, want that it is done", reply)
	}
	if field(reply, "done") == "1" { // the request has not been read yet: it is sent again
		c.ask(t, 0, words("CALLV", "sleep", packed()))
	}
	if reply = c.ask(t, 3, ""); reply != "*1\r\n$5\r\nslept\r\n" {
		t.Errorf("reply of the request that ran on: got %q", reply)
	}

	c.ask(t, 0, words("CALLV", "forever", packed()))
	application.ask(t, 1, words("PING"))
	c.Close()
	for range 1000 {
		c = speak(t, address)
		if reply = c.ask(t, 1, words("JOIN", token, 2, "P_2")); !strings.HasPrefix(reply, "-INUSE") {
			break
		}
		c.Close()
	}
	defer c.Close()
	if reply += c.ask(t, 11, ""); !strings.HasPrefix(reply, "%3\r\n") {
		t.Fatalf("JOIN in place of a link that is given up: got %q", reply)
	}
	if got := field(c.ask(t, 7, words("LANGUAGE")), "connection"); got != fmt.Sprint(3) {
		t.Errorf("connection of the new language twin: got %s, want 3", got)
	}
}

// A client that has come back while its request runs, and has gone again before the link had time for it, is missed all the same:
// what it has must not be kept until the request is over.
func TestATransportThatIsGoneBeforeTheLinkTakesIt(t *testing.T) {
	h, address := listening(t, files{"forever.lua": "while true do end"})
	application := speak(t, address)
	defer application.Close()
	token := application.announce(t)
	c := speak(t, address)
	c.ask(t, 12, words("JOIN", token, 2, "P_2"))
	c.ask(t, 7, words("LANGUAGE"))
	c.ask(t, 0, words("CALLV", "forever", packed()))
	link := h.Sessions().Remotes()[0].Links()[1]
	await(t, "the method runs", func() bool { return link.Connection().Process.State() == process.Executing })
	c.Close()
	for range 1000 {
		c = speak(t, address)
		reply := c.ask(t, 1, words("RESUME", token, 2, 1))
		if !strings.HasPrefix(reply, "-INUSE") {
			break
		}
		c.Close()
	}
	is := func(want session.LinkState) bool { state, _ := link.State(); return state == want }
	await(t, "it has come back", func() bool { return is(session.LinkClaimed) })
	c.Close()
	await(t, "it is missed", func() bool { return !is(session.LinkClaimed) })
}

// await waits until something is so, which nobody tells.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("in vain: ", what)
		}
	}
}
