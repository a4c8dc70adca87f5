// Package admin is the admin listener: the way in for the person who runs the server, which works when a policy locks
// everybody out, because it never runs a script.
//
// It is HTTP/1.1 with JSON. A [Listener] is one bound address: [Open] binds it, [Listener.Serve] answers, each connection
// on a goroutine of its own, until [Listener.Close]. What it shows and does is a [House], the server as an administrator
// sees it; [NewHouse] makes one of a host. All routes are rows of one table (routes.go), from which requests are answered
// and the OpenAPI document is made that the listener serves at /openapi.json. The rows and bodies are in api.go.
//
// # Who may come in
//
// A request from loopback, which nobody has forwarded, needs no token; every other needs that of the server. So that no
// page in the administrator's browser can read or act, even by DNS rebinding: a request without the token must name
// localhost or an address in Host, one with an Origin must come from this listener itself, one that the browser says
// comes from another site is refused, and a body must be application/json, which a form cannot send.
//
// # What a peer can cost
//
// Nothing that a peer does or leaves undone holds anything up but its own connection: headers have 16 KiB and 5 seconds,
// requests 64 KiB and 10 seconds, an answer or an event must be taken within 10 seconds. There are at most 256
// connections, 32 of them kept for loopback, at most 64 requests and beside them 16 streams of events.
package admin
