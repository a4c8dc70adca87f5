package script

import "slices"

// Suggest is the name that a misspelled one most probably means, "" if none is near.
func Suggest(name string, names []string) string { return suggest(name, slices.Values(names)) }
