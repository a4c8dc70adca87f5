-- A bad visitor for "moongate simulate": refused, it knocks again at once, for ever, and once it is in it stays. What a rate limit is
-- for shows best with these:
--
--   moongate simulate --clients 30 --duration 5s --behaviour scripts/examples/simulate/visitors/impatient.lua
--
-- A loop without an end is all right as long as it waits for something: when the time is over, the commands do not return.
local simulate = require("simulate") -- check: ignore unknown-method

while true do
  local verdict = simulate.connect()
  if verdict and verdict.accepted then
    interprocess.inside = (interprocess.inside or 0) + 1 -- of all clients of this run: they share one lane
    simulate.print("number " .. interprocess.inside .. " to be let in")
    while simulate.connected() do
      simulate.sleep(60) -- ends early when the connection is lost
    end
  else
    simulate.sleep(0.05)
  end
end
