// Package policytest runs users' tests of their scripts: functions test_... in files *_test.lua of a scripts folder.
//
// [Run] gives each test a host of its own, with the very lanes, commands and data of the server, in a bubble of
// testing/synctest. There the time is the runtime's fake clock, which stands still while anything runs and jumps to the
// next thing that is to happen when nothing does: an hour of waiting takes no time, and nothing in the host knows. A
// client is the real one's other end, a net.Pipe with the real protocol on it; only listening sockets are missing.
//
// What a test can call beside the commands is in package vocabulary. A test runs as a process of its host, in the
// cooperative lane; what goes wrong in it, a loop without end and a wait for nothing included, is that test's failure.
// Only a Go panic outside of all scripts, in a goroutine of the host, ends the program: it would end the server too.
//
// Run may be called from any goroutine. Everything else belongs to the goroutine of the test.
package policytest
