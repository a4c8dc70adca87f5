package policytest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"moongate/luabind/policytest/vocabulary"
	"moongate/runtime/signature"
)

// TestRowsAreCarriedOut compares what is documented with what there is.
func TestRowsAreCarriedOut(t *testing.T) {
	there := map[string][]string{"": slices.Sorted(maps.Keys((&play{}).functions())), vocabulary.Client: slices.Sorted(maps.Keys(clientFunctions))}
	documented := map[string][]string{}
	for _, r := range vocabulary.Rows() {
		documented[r.Of] = append(documented[r.Of], r.Name)
		if s, err := signature.Parse(r.Signature); err != nil || s.Name != r.Name {
			t.Errorf("%s: got the signature %+v (%v)", r.Name, s, err)
		}
	}
	for of, names := range there {
		slices.Sort(documented[of])
		if !slices.Equal(names, documented[of]) {
			t.Errorf("of %q: got the functions %q, want those of the rows, %q", of, names, documented[of])
		}
	}
	for name := range connectFields {
		s, _ := signature.Parse(vocabulary.Rows()[slices.IndexFunc(vocabulary.Rows(), func(r vocabulary.Row) bool { return r.Name == "connect" })].Signature)
		if field := name + "="; len(s.Parameters) != 1 || !strings.Contains(s.Parameters[0].Name, field) {
			t.Errorf("connect: got %+v, want the field %s in it", s.Parameters, field)
		}
	}
}
