-- A process that belongs to no connection.
eq(connection_info(), nil)
eq(select("#", connection_info()), 1)
eq(connection_info(nil), nil)
eq(connection_info(1), nil)
eq(connection_info(0), nil)
eq(connection_info(-1), nil)
eq(connection_info(2^60), nil)
eq(count_connections(), 0)
eq(count_connections({}), 0)
eq(count_connections(nil), 0)
eq(count_users(), 0)
eq(current_user(), "Designer")
---
-- connection
local info = connection_info()
eq(info.opened:match("^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d") ~= nil, true)
eq(info.session_id:match("^%x+%-%x+%-%x+%-%x+%-%x+$") ~= nil, true)
info.opened, info.session_id = nil, nil
eq(info, {
  connection = 1, user = 1, user_name = "Designer", address = "192.0.2.7", port = 40000, local_address = "192.0.2.1",
  local_port = 19813, listener = "192.0.2.1:19813", process = current_process(), cause = "none",
})
eq(connection_info(1), connection_info())
eq(connection_info(nil), connection_info())
eq(connection_info(2), nil)
eq(connection_info().session_id, connection_info().session_id)
---
-- connection
-- A stored procedure has no connection, though a connection's process started it; it sees the connections of others.
new_process("looks", 0, "Looker", connection_info())
delay_process(current_process(), 1) --- log: msg="not mine" process=4$
print("mine") --- log: msg=mine process=3 connection=1$
-- method looks
eq(connection_info(), nil)
eq(connection_info(1), (...))
eq(current_user(), "Designer")
print("not mine")
---
-- connection
eq(count_connections(), 1)
eq(count_connections(nil), 1)
eq(count_connections {}, 1)
eq(count_connections {user = 1}, 1)
eq(count_connections {user = 2}, 0)
eq(count_connections {address = "192.0.2.7"}, 1)
eq(count_connections {address = "::ffff:192.0.2.7"}, 1)
eq(count_connections {address = "192.0.2.8"}, 0)
eq(count_connections {address = connection_info().address}, 1)
eq(count_connections {network = "192.0.2.0/24"}, 1)
eq(count_connections {network = "192.0.2.99/24"}, 1)
eq(count_connections {network = "192.0.2.*"}, 1)
eq(count_connections {network = "192.0.2.7"}, 1)
eq(count_connections {network = "192.0.3.0/24"}, 0)
eq(count_connections {network = "0.0.0.0/0"}, 1)
eq(count_connections {network = "::/0"}, 0)
eq(count_connections {user = 1, address = "192.0.2.7", network = "192.0.2.0/24"}, 1)
eq(count_connections {user = 1, address = "192.0.2.8"}, 0)
eq(count_connections {user = 2, network = "192.0.2.0/24"}, 0)
eq(count_users(), 1)
eq(current_user(), "Designer")
---
fails(function() count_connections("192.0.2.7") end, "bad argument #1 to count_connections (table expected, got string)")
fails(function() count_connections {adress = "192.0.2.7"} end, "bad argument #1 to count_connections (no field adress: use user, address, network or gate)")
fails(function() count_connections {"192.0.2.7"} end, "bad argument #1 to count_connections (no field 1: use user, address, network or gate)")
fails(function() count_connections {user = "1"} end, "bad argument #1 to count_connections (user: number expected, got string)")
fails(function() count_connections {address = 7} end, "bad argument #1 to count_connections (address: ")
fails(function() count_connections {address = "here"} end, "bad argument #1 to count_connections (address: ")
fails(function() count_connections {network = "10.0.0.0/33"} end, "bad argument #1 to count_connections (network: ")
fails(function() count_connections {network = true} end, "bad argument #1 to count_connections (network: ")
fails(function() connection_info("mine") end, "bad argument #1 to connection_info (number expected, got string)")
fails(function() connection_info({}) end, "bad argument #1 to connection_info (number expected, got table)")
fails(function() user_name() end, "bad argument #1 to user_name (number expected, got nil)")
fails(function() user_name({}) end, "bad argument #1 to user_name (number expected, got table)")
fails(function() drop_remote_user() end, "bad argument #1 to drop_remote_user (string expected, got nil)")
fails(function() drop_remote_user({}) end, "bad argument #1 to drop_remote_user (string expected, got table)")
fails(function() reject_new_remote_connections() end, "bad argument #1 to reject_new_remote_connections (boolean expected, got nil)")
fails(function() reject_new_remote_connections(1) end, "bad argument #1 to reject_new_remote_connections (boolean expected, got number)")
---
-- connection
-- A network where one address is meant is no address: nothing could ever match.
fails(function() count_connections {address = "192.0.2.0/24"} end, "bad argument #1 to count_connections (address: ")
---
-- connection
-- A user that is no whole number is nobody.
eq(count_connections {user = 1.5}, 0)
---
eq(user_name(1), "Designer")
eq(user_name(2), "Administrator")
eq(user_name(3), "")
eq(user_name(0), "")
eq(user_name(-1), "")
---
-- Nobody connects any more, then everybody again.
eq(select("#", reject_new_remote_connections(true)), 0)
reject_new_remote_connections(false)
---
-- connection
-- To be dropped ends the calling process, which is that of the connection.
drop_remote_user("nobody's")
drop_remote_user("")
drop_remote_user(connection_info().session_id) --- error: the connection was dropped: dropped$
---
-- connection
-- Another process drops the connection.
new_process("drops", 0, "Dropper", connection_info().session_id)
delay_process(current_process(), 600) --- error: the connection was dropped: dropped$
-- method drops
delay_process(current_process(), 60)
drop_remote_user((...))
delay_process(current_process(), 1)
eq(count_connections(), 0)
print("dropped") --- log: msg=dropped
---
eq(in_network("10.1.2.3", "10.0.0.0/8"), true)
eq(in_network("11.1.2.3", "10.0.0.0/8"), false)
eq(in_network("10.1.2.3", "10.*"), true)
eq(in_network("10.1.2.3", "10.1.*"), true)
eq(in_network("10.1.2.3", "10.1.2.*"), true)
eq(in_network("10.1.2.3", "10.2.*"), false)
eq(in_network("10.1.2.3", "10.1.2.3"), true)
eq(in_network("10.1.2.3", "10.1.2.4"), false)
eq(in_network("10.1.2.3", "0.0.0.0/0"), true)
eq(in_network("10.1.2.3", "10.1.2.99/24"), true)
eq(in_network("::ffff:10.1.2.3", "10.0.0.0/8"), true)
eq(in_network("10.1.2.3", "::ffff:10.0.0.0/104"), true)
eq(in_network("fd00::1", "fd00::/8"), true)
eq(in_network("fe80::1%eth0", "fe80::/10"), true)
eq(in_network("fd00::1", "10.0.0.0/8"), false)
eq(in_network("10.1.2.3", "::/0"), false)
---
fails(function() in_network() end, "bad argument #1 to in_network (string expected, got nil)")
fails(function() in_network(print, "10.*") end, "bad argument #1 to in_network (string expected, got function)")
fails(function() in_network("10.1.2", "10.*") end, "bad argument #1 to in_network (IP address expected, as in 10.1.2.3 or fd00::1)")
fails(function() in_network("10.0.0.0/8", "10.*") end, "bad argument #1 to in_network (IP address expected")
fails(function() in_network(10, "10.*") end, "bad argument #1 to in_network (IP address expected")
fails(function() in_network("10.1.2.3") end, "bad argument #2 to in_network (string expected, got nil)")
fails(function() in_network("10.1.2.3", "10.0.0.0/33") end, 'bad argument #2 to in_network ("10.0.0.0/33" is no network: write it as 10.0.0.0/8 or fd00::/8)')
fails(function() in_network("10.1.2.3", "10.256.*") end, 'bad argument #2 to in_network ("10.256.*" is no network: "256" is no number from 0 to 255)')
fails(function() in_network("10.1.2.3", "10.1.2.3.*") end, 'bad argument #2 to in_network ("10.1.2.3.*" is no network')
fails(function() in_network("10.1.2.3", "ten") end, 'bad argument #2 to in_network ("ten" is no address or network')
---
-- The first uses in any span of so many seconds pass; what is refused is no use.
eq(rate_limit("door", 2, 10), true)
delay_process(current_process(), 5 * 60)
eq(rate_limit("door", 2, 10), true)
eq(rate_limit("door", 2, 10), false)
delay_process(current_process(), 5 * 60 - 1)
eq(rate_limit("door", 2, 10), false)
delay_process(current_process(), 2)
eq(rate_limit("door", 2, 10), true)
eq(rate_limit("door", 2, 10), false)
delay_process(current_process(), 10 * 60)
eq(rate_limit("door", 2, 10), true)
eq(rate_limit("door", 2, 10), true)
eq(rate_limit("door", 2, 10), false)
---
-- Keys are apart from each other; a number is a key by its text; fractions of seconds count; a greater n lets more in.
eq(rate_limit("a", 1, 1), true)
eq(rate_limit("b", 1, 1), true)
eq(rate_limit("a", 1, 1), false)
eq(rate_limit(7, 1, 1), true)
eq(rate_limit("7", 1, 1), false)
eq(rate_limit("", 1, 1e12), true)
eq(rate_limit("", 1, 1e12), false)
eq(rate_limit("half", 1, 0.5), true)
delay_process(current_process(), 29)
eq(rate_limit("half", 1, 0.5), false)
delay_process(current_process(), 2)
eq(rate_limit("half", 1, 0.5), true)
eq(rate_limit("a", 1, 1), false)
eq(rate_limit("a", 2, 1), true)
eq(rate_limit("many", 10000, 1), true)
---
-- All processes, in whichever lane, share a key.
eq(rate_limit("shared", 3, 60), true)
new_process("uses", 0)
new_process("uses_too", 0)
delay_process(current_process(), 60)
eq(rate_limit("shared", 3, 60), false)
-- method uses
eq(rate_limit("shared", 3, 60), true)
-- method uses_too preemptive
eq(rate_limit("shared", 3, 60), true)
---
fails(function() rate_limit() end, "bad argument #1 to rate_limit (string expected, got nil)")
fails(function() rate_limit({}, 1, 1) end, "bad argument #1 to rate_limit (string expected, got table)")
fails(function() rate_limit("k") end, "bad argument #2 to rate_limit (number expected, got nil)")
fails(function() rate_limit("k", "many", 1) end, "bad argument #2 to rate_limit (number expected, got string)")
fails(function() rate_limit("k", 0, 1) end, "bad argument #2 to rate_limit (number of uses expected, 1 to 10000)")
fails(function() rate_limit("k", 10001, 1) end, "bad argument #2 to rate_limit (number of uses expected, 1 to 10000)")
fails(function() rate_limit("k", 1) end, "bad argument #3 to rate_limit (number expected, got nil)")
fails(function() rate_limit("k", 1, 0) end, "bad argument #3 to rate_limit (number of seconds expected, more than 0)")
fails(function() rate_limit("k", 1, 0/0) end, "bad argument #3 to rate_limit (number of seconds expected, more than 0)")
---
-- connection
-- An alias is what the user is called in this session; the account stays.
eq(select("#", set_user_alias("The boss")), 0)
eq(current_user(), "The boss")
eq(current_user(0), "The boss")
eq(current_user(1), "Designer")
eq(current_user(2), "The boss")
eq(connection_info().user_name, "The boss")
eq(user_name(1), "Designer")
set_user_alias("")
eq(current_user(), "Designer")
eq(current_user(2), "")
---
-- connection
fails(function() set_user_alias() end, "bad argument #1 to set_user_alias (string expected, got nil)")
fails(function() set_user_alias("a\27[2J") end, "bad argument #1 to set_user_alias (alias of at most 255 bytes without control characters expected)")
fails(function() set_user_alias(("a"):rep(256)) end, "bad argument #1 to set_user_alias (alias of at most 255 bytes")
fails(function() current_user(3) end, "bad argument #1 to current_user (0 (alias or account), 1 (account) or 2 (alias) expected)")
fails(function() current_user(-1) end, "bad argument #1 to current_user (0 (alias")
---
-- The server itself has no alias.
fails(function() set_user_alias("x") end, "set_user_alias: the server has no alias, only the users of clients have (67)")
eq(current_user(1), "Designer")
eq(current_user(2), "")
