-- What a client of "moongate simulate" does, from its first line to its last; each client runs this file by itself, in a process
-- of its own. A good visitor: it comes again a little later if it was told so, greets a few times, and leaves.
--
-- The commands are connect, call, sleep, close, connected, client, random and print. They are global names too; by require the
-- file has no names that a server, which may look at this folder as well, does not know (it only does not know the module).
local simulate = require("simulate") -- check: ignore unknown-method

-- come connects, and reports whether the visitor was let in.
local function come()
  for try = 1, 3 do
    local verdict, problem = simulate.connect() -- waits; --users and --addresses say as whom and from where
    if not verdict then
      simulate.print("no verdict: " .. problem)
      return false
    end
    if verdict.accepted then
      return true
    end
    if verdict.code ~= 503 then -- it was not told to try again
      return false
    end
    simulate.sleep(try * 0.5 + simulate.random()) -- not all at the same moment
  end
  return false
end

if not come() then
  return
end
for _ = 1, simulate.random(1, 5) do -- the same numbers in each run with the same --seed
  local answer, problem = simulate.call("greet", simulate.client().number)
  if not answer then
    simulate.print("no answer: " .. problem)
    break
  end
  simulate.sleep(0.1 + simulate.random() * 0.4)
end
simulate.close() -- waits until on_server_close_connection is over; the end of the file would do the same
