// Package gate says what a gate is: an address where clients come in, and the upstreams that those whom the policy accepts are
// led to.
//
// A [Definition] is what the flag --gate or the command open_gate says of one. [New] makes a [Gate] of it: a [front.Front] for what
// happens before the policy is asked, and the [Upstream]s, of which [Gate.Pick] finds the next one to try, in turn or the one
// with the fewest connections. An upstream that could not be reached is avoided for a time, which grows from 1 s to 30 s while
// it fails again and again; when all are avoided, the one that failed longest ago is tried. Nothing here listens or moves bytes: the
// host does.
//
// A Gate's methods may be called from any goroutine and do not block, except New, which looks host names up.
package gate
