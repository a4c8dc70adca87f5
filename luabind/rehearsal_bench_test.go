package luabind_test

import (
	"strings"
	"testing"
	"time"

	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/recording"
	"moongate/runtime/session"
)

// readsLittle is a policy as many have.
const readsLittle = `local user, connection = ...
local info = connection_info()
if in_network(info.address, "192.168.0.0/16") then return 10, "not from there" end
if between_times("02:00", "02:01") then return 11, "closed" end
if count_connections{user = user} > 5 then return 12, "too many" end
if not rate_limit(info.address, 10000, 1) then return 13, "too fast" end
interprocess.n = (interprocess.n or 0) + 1
`

// readsNothing decides by its parameters alone.
const readsNothing = `local user = ... if user == 5 then return 10, "not you" end`

func benchmarkDoor(b *testing.B, policy string, record bool) {
	e := mustLoad(b, scripts{"on_server_open_connection.lua": policy, "structure.lua": visits})
	if strings.Contains(policy, "ds.") {
		e.openData()
	}
	user := session.User{Number: 12, Name: "ann"}
	peer := session.Peer{Address: mustAddress("10.0.0.7:5000"), Local: mustAddress("127.0.0.1:19813"), Listener: "127.0.0.1:19813"}
	now := time.Now()
	for b.Loop() {
		p := e.Processes().Start(process.Spec{Type: process.InternalServer, Method: method.OnServerOpenConnection, Started: now})
		c := e.Sessions().New(peer, user, p, now)
		program := e.NewProgram(p, c)
		_, err := program.Call(host.CallOptions{Door: true, Record: record, Limit: 5 * time.Second}, method.OnServerOpenConnection, int64(c.User), int64(c.ID), int64(0))
		if err != nil {
			b.Fatal(err)
		}
		program.Close()
		e.Sessions().Refuse(c)
		p.End()
	}
	b.ReportAllocs()
}

// readsRows keeps a log as the shipped scripts do.
const readsRows = `local user, id = ... ds.visits:new{user = user, at = current_time()}:save() if ds.visits:get(id) == nil then return 4 end`

// readsInfo asks for facts of its own connection, and nothing else.
const readsInfo = `local info = connection_info() if info.address == "10.1.1.1" then return 10, "not from there" end`

// readsClock counts and looks at the clock.
const readsClock = `local user = ... if count_connections{user = user} > 5 then return 12 end if between_times("02:00", "02:01") then return 11 end`

func BenchmarkRecordInfoOff(b *testing.B)  { benchmarkDoor(b, readsInfo, false) }
func BenchmarkRecordInfoOn(b *testing.B)   { benchmarkDoor(b, readsInfo, true) }
func BenchmarkRecordClockOff(b *testing.B) { benchmarkDoor(b, readsClock, false) }
func BenchmarkRecordClockOn(b *testing.B)  { benchmarkDoor(b, readsClock, true) }

func BenchmarkRecordRowsOff(b *testing.B) { benchmarkDoor(b, readsRows, false) }
func BenchmarkRecordRowsOn(b *testing.B)  { benchmarkDoor(b, readsRows, true) }

// What recording costs a connection: the difference of on and off.
func BenchmarkRecordLittleOff(b *testing.B)  { benchmarkDoor(b, readsLittle, false) }
func BenchmarkRecordLittleOn(b *testing.B)   { benchmarkDoor(b, readsLittle, true) }
func BenchmarkRecordNothingOff(b *testing.B) { benchmarkDoor(b, readsNothing, false) }
func BenchmarkRecordNothingOn(b *testing.B)  { benchmarkDoor(b, readsNothing, true) }

func benchmarkRehearse(b *testing.B, policy string) {
	e := mustLoad(b, scripts{"on_server_open_connection.lua": policy})
	one := e.record(session.User{Number: 12, Name: "ann"}, "10.0.0.7:5000")
	r := mustRehearse(b, e.folder)
	for b.Loop() {
		if o, _ := r.Rehearse(one, recording.RehearseOptions{}); !o.Same(one.Outcome) {
			b.Fatalf("got %s, want %s", show(o), show(one.Outcome))
		}
	}
	b.ReportAllocs()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rehearsals/s")
}

func BenchmarkRehearseLittle(b *testing.B)  { benchmarkRehearse(b, readsLittle) }
func BenchmarkRehearseNothing(b *testing.B) { benchmarkRehearse(b, readsNothing) }
