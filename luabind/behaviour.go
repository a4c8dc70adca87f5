package luabind

import (
	"moongate/luabind/behaviour"
	"moongate/runtime/simulate"
)

// Behaviour reads what each client of moongate simulate does; see package behaviour. What clients print goes to say.
func Behaviour(file string, say func(line string)) (simulate.Behaviour, error) {
	b, err := behaviour.Open(file, say)
	if err != nil {
		return nil, err
	}
	return b, nil
}
