package runtime_test

// badGateInput is what may go wrong at a gate, between its clients and its upstreams. Each ends with a cause in the journal.
var badGateInput = []shown{
	{"upstream unreachable: nobody listens, no such host, all that there are are down", []string{
		"runtime/host.TestEndsOfAPassage", "runtime/host.TestUpstreamsThatFailAreRetried", "runtime/front.TestMySQLUpstreamFails"}, ""},
	{"upstream half-open: it has gone without a word, or has ended one direction only", []string{
		"runtime/forward.TestKeepAliveOfUpstreams", "runtime/forward.TestHalfCloseOfTheUpstream", "runtime/forward.TestHalfCloseOfTheClient"}, ""},
	{"upstream slow: to take the connection, to agree on TLS, to greet, to read", []string{
		"runtime/host.TestUpstreamThatDoesNotAnswer", "runtime/forward.TestConnectTimeout", "runtime/host.TestUpstreamsThatFailAtTLSAreRetried",
		"runtime/front.TestMySQLUpstreamThatSaysNothing", "runtime/forward.TestBackPressure"}, ""},
	{"upstream resetting", []string{"runtime/host.TestEndsOfAPassage", "runtime/forward.TestResetOfTheUpstream",
		"runtime/forward.TestResetAfterHalfClose", "runtime/forward.TestTLSUpstreamReset"}, ""},
	{"upstream closing first", []string{"runtime/host.TestEndsOfAPassage", "runtime/forward.TestAnswerBeforeReset"}, ""},
	{"upstream sending before the client", []string{"runtime/host.TestUpstreamSpeaksFirst"}, ""},
	{"upstream without TLS where it should have it", []string{"runtime/host.TestUpstreamWithoutTLS", "runtime/front.TestUpstreamTLS"}, ""},
	{"TLS garbage", []string{"runtime/host.TestVisitorsWhoBreakTheRules", "runtime/front.TestTLSGarbage"}, ""},
	{"expired and wrong certificates, none, one of another authority", []string{"runtime/front.TestTLSClientCertificates",
		"runtime/front.TestTLSRejectedByClient", "runtime/front.TestOpenSSLClient"}, ""},
	{"files of certificates that cannot be used, and that become so", []string{"runtime/front.TestTLSFilesThatCannotBeUsed", "runtime/front.TestTLSReload"}, ""},
	{"a client that stops in the handshake, or leaves", []string{"runtime/host.TestVisitorsWhoBreakTheRules",
		"runtime/front.TestTLSClientThatStopsInTheHandshake", "runtime/front.TestTLSClientThatLeaves", "runtime/host.TestVisitorsAtTheShutdown"}, ""},
	{"a server name that is not served", []string{"runtime/front.TestTLSServerNames", "runtime/front.TestTLSTicketForAnotherName"}, ""},
	{"forged PROXY headers", []string{"runtime/host.TestVisitorsWhoBreakTheRules", "runtime/front.TestProxyHeaderForged"}, ""},
	{"oversized PROXY headers", []string{"runtime/host.TestVisitorsWhoBreakTheRules", "runtime/front.TestProxyHeaderOversized"}, ""},
	{"truncated PROXY headers, malformed, missing, of the other version", []string{"runtime/host.TestVisitorsWhoBreakTheRules",
		"runtime/front.TestProxyHeaderTruncated", "runtime/front.TestProxyHeaderMalformed", "runtime/front.TestProxyHeaderMissing",
		"runtime/front.TestProxyHeaderOfOtherVersion"}, ""},
	{"truncated login packets, oversized, malformed", []string{"runtime/host.TestVisitorsWhoBreakTheRules",
		"runtime/front.TestPostgresLoginTruncated", "runtime/front.TestPostgresBadLogins",
		"runtime/front.TestMySQLLoginTruncated", "runtime/front.TestMySQLBadLogins"}, ""},
	{"6,000 held connections", []string{"runtime/host.TestRestingPassagesHaveNoGoroutine", "runtime/host.TestHeldPassages"}, ""},
	{"clients that never read", []string{"runtime/host.TestClientsThatNeverRead", "runtime/forward.TestEndWhileBlocked"}, ""},
	{"file descriptors used up", []string{"runtime/host.TestNoDescriptorForTheUpstream", "script/bad_descriptors"}, ""},
	{"a policy that returns limits which are none", []string{"runtime/host.TestTermsThatAreWrongRefuse"}, ""},
	{"fields of open_gate that are misspelt, of the wrong kind, or contradict", []string{
		"lua/gates: Gates: a field that is wrong", "lua/gates: Fields of the wrong kind", "runtime/front.TestOptionsThatContradict", "script/gate_script"}, ""},
}
