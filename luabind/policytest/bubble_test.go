package policytest

import (
	"strings"
	"testing"
)

// TestFaultsStayInTheirBubble has what goes wrong below a test be its failure, not the end of the program.
func TestFaultsStayInTheirBubble(t *testing.T) {
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"a_test.lua:7: fault of the host: oh no\n", func() { panic("oh no") }},
		{"a_test.lua:7: deadlock: all goroutines in bubble are blocked", func() { select {} }},
		{"a_test.lua:7: deadlock: main bubble goroutine has exited but blocked goroutines remain", func() { go func() { select {} }() }},
	} {
		p := &play{file: &file{name: "a_test.lua"}, test: test{"test_a", 7}}
		p.inBubble(c.f)
		if got := strings.Join(p.outcome().failures, "|"); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestRecordEnds takes nothing more from a test that was left behind.
func TestRecordEnds(t *testing.T) {
	var r record
	for range mostLines + 5 {
		r.print("line")
		r.fail("failure")
	}
	o := r.close()
	r.print("late")
	r.fail("late")
	if len(o.failures) != mostFailures || len(o.log) != mostLines+1 || o.log[mostLines] != "... and 5 more lines" {
		t.Errorf("got %d failures and %d lines, the last %q", len(o.failures), len(o.log), o.log[len(o.log)-1])
	}
	if len(r.log) != len(o.log) || len(r.failures) != len(o.failures) {
		t.Errorf("got %d lines after the end, want %d", len(r.log), len(o.log))
	}
}
