package luabind

import (
	"encoding/json"
	"slices"
	"strings"

	"moongate/runtime/session"
)

// factsOf are the facts of a peer that the journal has, nil for none.
func factsOf(text string) []session.Fact {
	var fields map[string]any
	if text == "" || json.Unmarshal([]byte(text), &fields) != nil {
		return nil
	}
	facts := []session.Fact{}
	for name, v := range fields {
		switch v := v.(type) {
		case string, bool:
			facts = append(facts, session.Fact{Name: name, Value: v})
		case float64:
			facts = append(facts, session.Fact{Name: name, Value: int64(v)})
		}
	}
	slices.SortFunc(facts, func(a, b session.Fact) int { return strings.Compare(a.Name, b.Name) })
	return facts
}
