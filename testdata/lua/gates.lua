-- Gates: a field that is wrong is an error at the line of the call, before anything is bound. Gates that open are in
-- runtime/host and testdata/script: here no time passes, and so nobody comes.
local function wrong(fields, message)
  fails(function() open_gate(fields) end, "open_gate: " .. message)
end
wrong({ listen = "127.0.0.1:0", upstreem = "127.0.0.1:1" }, "there is no field upstreem; did you mean upstream?")
wrong({ upstream = "127.0.0.1:1" }, 'listen: "" is no address; write it as host:port')
wrong({ listen = "here", upstream = "127.0.0.1:1" }, 'listen: "here" is no address; write it as host:port')
wrong({ listen = "127.0.0.1:0" }, "upstream: there is none; give host:port")
wrong({ listen = "127.0.0.1:0", upstream = {} }, "upstream: an empty list")
wrong({ listen = "127.0.0.1:0", upstream = "127.0.0.1" }, 'upstream: "127.0.0.1" is no address; write it as host:port')
wrong({ listen = "127.0.0.1:0", upstream = "127.0.0.1:0" }, 'upstream: "127.0.0.1:0" has no port from 1 to 65535; write it as host:port')
wrong({ listen = "127.0.0.1:0", upstream = { "127.0.0.1:1", "127.0.0.1:1" } }, "upstream: 127.0.0.1:1 is there twice; name it once")
wrong({ listen = "127.0.0.1:0", upstream = "127.0.0.1:1", reset = true, refusal_message = "no" },
  "reset: a reset makes the client lose the refusal_message; leave one of them away")
---
-- Fields of the wrong kind.
local function wrong(name, value, message)
  fails(function() open_gate{ listen = "127.0.0.1:0", upstream = "127.0.0.1:1", [name] = value } end, "open_gate: " .. name .. ": " .. message)
end
wrong("connect_timeout", 0, "0 is no number of seconds above 0")
wrong("idle_timeout", 0/0, "")
wrong("max_bytes", 0.5, "0.5 is no number from 1 on")
wrong("retries", 64, "64 is no number from 0 to 63")
wrong("reset", 1, "1 is none of true and false")
wrong("protocol", "smtp", '"smtp" is none of raw, postgres, mysql')
wrong("balance", "random", '"random" is none of round_robin, least_connections')
wrong("proxy_protocol", "v3", '"v3" is none of "v1", "v2" and true')
wrong("upstream_proxy_protocol", true, 'true is none of "v1" and "v2"')
wrong("trusted", "10.0.0.0/40", "")
wrong("tls", true, "true is no table")
wrong("tls", { min_version = "1.1" }, 'min_version: "1.1" is none of "1.2" and "1.3"')
wrong("tls", { client_certificate = "none" }, 'client_certificate: "none" is none of required and optional')
wrong("tls", { certificat = "a" }, "there is no field certificat; did you mean certificate?")
wrong("tls", { more = { 1 } }, "more: number 1: 1 is no table")
wrong("upstream_tls", { verify = 1 }, "verify: 1 is none of true and false")
---
-- A gate that nobody has opened.
eq(close_gate("nobody's"), false)
fails(function() close_gate() end, "bad argument #1 to close_gate (string expected, got nil)")
fails(function() open_gate("127.0.0.1:0") end, "bad argument #1 to open_gate (table expected, got string)")
