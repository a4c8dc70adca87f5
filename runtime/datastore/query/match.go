package query

import "strings"

// wildcard stands for any characters in a value, as in 4D.
const wildcard = "@"

// HasWildcard reports whether a value of [Equal], [NotEqual] or [In] stands for more than one text.
func HasWildcard(value string) bool { return strings.Contains(value, wildcard) }

// Pieces are the texts between the wildcards of a value: a text matches when it begins with the first piece, ends with the
// last, and has the others between them in this order. "Mc@" has the pieces "Mc" and "". Without a wildcard the value is
// the only piece.
func Pieces(value string) []string { return strings.Split(value, wildcard) }
