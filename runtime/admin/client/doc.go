// Package client talks to a server's admin listener: what moongate ps, kick, quit and the other commands of operators
// are made with.
//
// A [Client] asks by its methods, one for each route; a [Stream] is what happens, as it happens. What fails is for
// people: one line that says what is wrong and what to do about it. [ErrNoServer], [ErrToken], [ErrForeign], [ErrSilent],
// [ErrBroken] and [Refusal] tell the cases apart.
package client
