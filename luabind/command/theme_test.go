package command

import "testing"

func TestEveryCommandHasATheme(t *testing.T) {
	for _, c := range Table() {
		if Theme(c.Name) == "" {
			t.Errorf("%s: no theme has it", c.Name)
		}
	}
	if got := Theme("no_such_command"); got != "" {
		t.Errorf("got %q, want no theme", got)
	}
}
