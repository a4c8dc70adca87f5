package host_test

import (
	"net/netip"
	"testing"

	"moongate/runtime/session"
)

// policy is a stateful policy: a time window, a count for each user, refuse over a limit.
const policy = `
local user, id = ...
local open, per_user = interprocess.open, interprocess.per_user
if not open then
  open, per_user = {}, {}
  interprocess.open, interprocess.per_user = open, per_user
end
local now = current_time()
user, id = id % 1000, id % 5000
open[id] = (open[id] or 0) + 1
local n = (per_user[user] or 0) + 1
per_user[user] = n
if now < 0 or n > 1e9 then return 429 end
return 22000`

func benchmarkDoor(b *testing.B, script string) {
	h := newHost(b, files{"on_server_open_connection.lua": script})
	h.Sessions().SetStage(session.Serving)
	peer := session.Peer{Address: netip.MustParseAddrPort("127.0.0.1:40000"), Local: netip.MustParseAddrPort("127.0.0.1:19813"), Listener: "test"}
	b.ReportAllocs()
	for b.Loop() {
		h.Open(peer, func() {})
	}
}

// BenchmarkRefuse is a connection from the checks to the refusal: process, connection, environment, method, answer.
func BenchmarkRefuse(b *testing.B) { benchmarkDoor(b, policy) }

// BenchmarkRefuseByReturn is the same with a policy that does nothing.
func BenchmarkRefuseByReturn(b *testing.B) { benchmarkDoor(b, "return 22000") }

// BenchmarkRefuseWithReason is the same with a reason.
func BenchmarkRefuseWithReason(b *testing.B) { benchmarkDoor(b, `return 22000, "closed from 2 to 4"`) }
