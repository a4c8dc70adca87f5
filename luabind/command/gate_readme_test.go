package command

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"moongate/runtime/front"
	"moongate/runtime/gate"
)

// TestReadmeHasEveryFieldOfGates holds the README's tables of open_gate's fields to the fields that there are.
func TestReadmeHasEveryFieldOfGates(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for title, fields := range map[string][]field{
		"open_gate":    gateFields(&gate.Definition{}),
		"tls":          tlsFields(&front.TLSOptions{}),
		"upstream_tls": upstreamTLSFields(&front.UpstreamTLS{}),
	} {
		table := regexp.MustCompile("(?m)^\\| field of `" + title + "` \\| \\|\n\\|---\\|---\\|\n((?:\\|.*\n)+)").FindSubmatch(text)
		if table == nil {
			t.Errorf("README.md has no table with the head: field of `%s`", title)
			continue
		}
		var got, want []string
		for _, cell := range regexp.MustCompile(`(?m)^\| ([^|]*) \|`).FindAllSubmatch(table[1], -1) {
			for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllSubmatch(cell[1], -1) {
				got = append(got, string(name[1]))
			}
		}
		for _, f := range fields {
			want = append(want, f.name)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("README.md, fields of %s: got %q, want %q", title, got, want)
		}
	}
}
