package finding

import (
	"fmt"
	"strings"
)

// Page explains a rule: what it is about, why, and an example that has a finding beside one that has none.
func (r Rule) Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n\n%s.\n\n%s\n", r.Name, r.Severity, capital(r.Meaning), r.Why)
	if r.Bad != "" {
		fmt.Fprintf(&b, "\nBad, in %s:\n\n%s\nGood:\n\n%s", r.File, indent(r.Bad), indent(r.Good))
	}
	fmt.Fprintf(&b, "\nTo keep one place as it is, write behind it: -- check: ignore %s\n", r.Name)
	return b.String()
}

func (r Rule) markdown() string {
	text := capital(r.Meaning) + ".\n\n" + r.Why + "\n"
	if r.Bad != "" {
		text += fmt.Sprintf("\nBad, in `%s`:\n\n```lua\n%s```\n\nGood:\n\n```lua\n%s```\n", r.File, r.Bad, r.Good)
	}
	return text
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + line)
	}
	return b.String()
}
