-- Sets of networks, listed and from a file
local set = address_set{ "10.0.0.0/8", "192.168.1.*", "2001:db8::/32", "203.0.113.7" }
assert(set.length == 4 and #set == 4)
assert(set:contains("10.1.2.3") and set:contains("::ffff:10.1.2.3") and set:contains("2001:db8::1"))
assert(set:contains("203.0.113.7") and not set:contains("203.0.113.8") and not set:contains("11.0.0.1"))
assert(tostring(set) == "address set of 4 networks")
assert(address_set({}).length == 0 and not address_set({}):contains("10.1.2.3"))
assert(type(set) == "userdata")
---
-- A file is that of the scripts folder, and the same set for everybody
local set = address_set{ file = "blocked.txt" }
assert(set.length == 4)
assert(set:contains("10.1.2.3") and set:contains("192.168.1.77") and not set:contains("192.168.2.77"))
assert(address_set{ file = "blocked.txt" }.length == 4)
---
-- A wrong line is an error that tells file and line
address_set{ file = "wrong.txt" } --- error: address_set: wrong\.txt:2: "nonsense" is no address or network
---
-- A file that is not there is an error, not a set without networks
address_set{ file = "missing.txt" } --- error: address_set: missing\.txt: .*name a file in the scripts folder
---
-- Nothing outside the scripts folder
address_set{ file = "../secret.txt" } --- error: address_set: \.\./secret\.txt: 
---
-- No text that is no network
address_set{ "10.0.0.0/8", "10.0.0.0/33" } --- error: "10.0.0.0/33" is no network
---
-- No list of something else
address_set{ "10.0.0.0/8", 7 } --- error: list of networks as texts expected
---
-- No other fields
address_set{ fiel = "blocked.txt" } --- error: list of networks as texts expected
---
-- Not both
address_set{ file = "blocked.txt", "10.*" } --- error: a file, or networks, expected, got both
---
-- No file without a name
address_set{ file = 7 } --- error: name of a file expected
---
-- A table is needed
address_set("blocked.txt") --- error: table expected, got string
---
-- What is no address is an error
address_set{ "10.*" }:contains("somewhere") --- error: IP address expected
---
-- A dot in place of the colon
address_set{ "10.*" }.contains("10.1.2.3") --- error: address set expected, got string: write set:contains\(address\)
---
-- A set does not change
address_set{ "10.*" }.length = 7 --- error: a set of addresses does not change
---
-- A name that it does not have
local n = address_set{ "10.*" }.size --- error: a set of addresses has contains and length, not size
---
-- cooperative only
-- A set can be kept for all processes
interprocess.blocked = address_set{ "10.*" }
assert(interprocess.blocked:contains("10.1.2.3"))
