// Package vocabulary is what tests of scripts can call beside the commands, as people read it: the rows that moongate
// api prints, that moongate check and moongate types know, and that package policytest carries out. A test there says
// that it has a function for each row.
//
// The package is pure data: every function may be called from any goroutine.
package vocabulary

import "slices"

// Row is something that a test can call.
type Row struct {
	Of        string // client: it is called of such a value, with a colon; "" of a function
	Name      string
	Signature string // as package signature reads it
	Meaning   string // one line, without a full stop
	Waits     bool   // the clock of the test may move meanwhile
}

// Client is what connect gives.
const Client = "client"

// Theme is the heading of the rows.
const Theme = "Tests"

// Since is the version that brought them.
const Since = "0.3"

var rows = []Row{
	{Name: "at", Signature: "at(time)", Waits: true,
		Meaning: "moves the test's clock on to a moment such as 2026-03-01 01:59:59; the first thing that a test does, it says when its host was started"},
	{Name: "advance", Signature: "advance(seconds)", Waits: true,
		Meaning: "moves the test's clock on, and returns when everything has happened that was to happen until then"},
	{Name: "connect", Waits: true,
		Signature: "connect([{user=, address=, port=, gate=, alias=, server_name=, subject=, names=, issuer=, serial=, fingerprint=, tls_version=, cipher=, alpn=, ja4=, login=, database=, application=, plugin=, parameters=, cancel=}]) -> client",
		Meaning:   "has a client connect, as whom and from where the fields say, and gives it with its verdict: accepted, code, reason, by (the line that returned), connection, process, user"},
	{Name: "quit", Signature: "quit([{within=, delay=}]) -> table", Waits: true,
		Meaning: "stops the host as quit_4d does, clients having delay seconds to leave (0), and gives seconds, stages and left; more than within seconds, or something that did not end by itself, fail the test"},
	{Name: "call_method", Signature: "call_method(name [, parameter ...]) -> values", Waits: true,
		Meaning: "runs a method of the scripts, a database method too, in a process of its own, and gives what it returns"},
	{Name: "assert_equal", Signature: "assert_equal(got, want [, text]) -> boolean",
		Meaning: "fails the test, which goes on, unless both are equal; tables are when what is in them is"},
	{Name: "assert_true", Signature: "assert_true(value [, text]) -> boolean",
		Meaning: "fails the test, which goes on, if the value is false or nil"},
	{Name: "assert_match", Signature: "assert_match(text, pattern [, text]) -> boolean",
		Meaning: "fails the test, which goes on, unless the pattern of string.find is somewhere in the text"},
	{Name: "assert_accepted", Signature: "assert_accepted(client) -> boolean",
		Meaning: "fails the test, which goes on, if the client was refused"},
	{Name: "assert_refused", Signature: "assert_refused(client [, code]) -> boolean",
		Meaning: "fails the test, which goes on, if the client was accepted, or refused with another code"},
	{Name: "assert_error", Signature: "assert_error(function [, pattern]) -> boolean", Waits: true,
		Meaning: "calls the function, and fails the test, which goes on, unless it raises an error in which the pattern is found"},
	{Name: "fail", Signature: "fail(text)",
		Meaning: "fails the test, which goes on"},
	{Of: Client, Name: "call", Signature: "call(method [, parameter ...]) -> value or nil", Waits: true,
		Meaning: "has the client call a project method, its parameters as texts, and gives what that returns, several values as a list; nil and the message if it fails"},
	{Of: Client, Name: "close", Signature: "close([cause]) -> text", Waits: true,
		Meaning: "ends the connection, by default because the client left, else by one of the causes connection lost, protocol error, dropped, process aborted; gives the cause that counts when the close method is over"},
	{Of: Client, Name: "closed", Signature: "closed() -> text or nil",
		Meaning: "why the connection has ended; nil while it has not"},
	{Of: Client, Name: "messages", Signature: "messages() -> table",
		Meaning: "what the server has told the client so far, as texts"},
}

// Rows are all, functions first.
func Rows() []Row { return slices.Clone(rows) }

// Names are the names of the functions, not of what is called of a client.
func Names() []string {
	var names []string
	for _, r := range rows {
		if r.Of == "" {
			names = append(names, r.Name)
		}
	}
	return names
}
