package luabind_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// An actor is a process that carries out a list of commands, one whenever it is its turn: actor i of n has the
// seconds whose rest by n is i, and waits from one to the next by DELAY PROCESS. So no two do anything at one time,
// and what happens is the same each time. Waits end in the middle of a second, each in a millisecond of its own.
//
// What there is for the actors:
const (
	actorCount     = 12
	actorTurns     = 60  // commands in one list
	actorLists     = 6   // for each actor, one after the other: a dead one is started again with the next
	guardTurns     = 400 // commands of the last actor, which nobody disturbs: it keeps the others alive
	workerCount    = 3
	childCount     = 3
	semaphoreCount = 3
	objectCount    = 4 // the last two are one group
	signalCount    = 12
	deepestUse     = 3
	second         = 1000 // in milliseconds
)

// actorScripts are the methods of the actors and of those whom they start.
var actorScripts = scripts{
	"actor.lua": `
local me, count, list, things, ids = ...
local program = _G["list_" .. me .. "_" .. list]()
local self, acted, pc, depth, ops = current_process(), 0, 0, 0, {}
value = 0
local function say(...) print(">", milliseconds(), "A" .. me, ...) end

-- sleeps until the actor's next turn, however often somebody wakes it.
local function sleep()
  while true do
    local t = milliseconds()
    if t % 1000 == 0 and (t / 1000) % count == me and acted ~= t then
      acted = t
      return
    end
    local s = math.floor(t / 1000) + 1
    s = (s + (me - s) % count) * 1000
    delay_process(self, (s - t) * 0.06)
    if milliseconds() ~= s then say("woke") end
  end
end

local function ms(k)
  if k == 0 or k == math.huge then return k end
  return k * 1000 + 500 + (acted / 1000) % 400
end
local function ticks(k) return ms(k) * 0.06 end

-- What the actor does when it is called from outside. Its waits end in a millisecond that is only its own.
local answer = {"nothing"}
local function later(k)
  if k == math.huge then return k end
  local t = milliseconds()
  return ((math.floor(t / 1000) + k) * 1000 + 900 + me - t) * 0.06
end
local function await(name, k)
  local ok, got = pcall(semaphore, name, k)
  if ok then return got end
  return got:match("would never end") or got
end
local answers = {
  nothing = function() end,
  delay = function(_, k) delay_process(self, later(k)) end,
  await = function(name, k) return await(name, later(k)) end,
  clear = function(name) clear_semaphore(name) end,
}
on_outside_call(function()
  local a = answer
  say("outside", a[1], answers[a[1]](a[2], a[3]))
end)

local function number(j)
  local n, id = ids["n" .. j], ids["id" .. j]
  local info = n and process_info(n)
  return info and info.id == id and n or 30000
end
local function start(j)
  local list = (ids["list" .. j] or 0) + 1
  if number(j) ~= 30000 or list > things.lists[j + 1] then return "no" end
  local n = new_process(things.methods[j % 2 + 1], 0, "A" .. j, j, count, list, things, ids)
  use(ids, function() ids["n" .. j], ids["id" .. j], ids["list" .. j] = n, process_info(n).id, list end)
  return n
end
local function worker(w)
  local n = process_number("W" .. w)
  return n > 0 and process_info(n).id or 0
end
local function perform()
  while true do
    sleep()
    pc = pc + 1
    local op = program[pc]
    if not op or op[1] == "end_use" and depth > 0 then return end
    say(op[1], ops[op[1]](op[2], op[3], op[4]))
  end
end

function ops.look()
  local states = {}
  for n = 1, count_tasks() + 1 do states[n] = process_state(n) end
  return table.concat(states, " ")
end
function ops.delay(j, k) delay_process(number(j), ticks(k)) end
function ops.pause(j) pause_process(number(j)) end
function ops.resume(j) resume_process(number(j)) end
function ops.abort(j)
  local n = number(j)
  abort_process_by_id(n ~= 30000 and process_info(n).id or 0)
end
ops.start = start
function ops.semaphore(name) return semaphore(name) end
function ops.await(name, k) return await(name, ticks(k)) end
function ops.answers(...) answer = {...} end
function ops.test(name) return test_semaphore(name) end
function ops.clear(name) clear_semaphore(name) end
function ops.use(o)
  if depth == things.deepest then return "deep" end
  local ok, message = pcall(use, things.objects[o], function()
    say("uses", o)
    depth = depth + 1
    perform()
    depth = depth - 1
  end)
  return ok and "used" or message:match("would never end") or message
end
function ops.end_use() return "none" end
function ops.wait(s, k)
  if k == math.huge then return things.signals[s]:wait() end
  return things.signals[s]:wait(ms(k) / 1000)
end
function ops.trigger(s) things.signals[s]:trigger() end
function ops.set(j, x) return (pcall(set_process_variable, number(j), "value", x)) end
function ops.get(j) return get_process_variable(number(j), "value") end
function ops.post(j) post_outside_call(number(j)) end
function ops.call(w, token, k) call_worker("W" .. w, "works", token, ms(k)) end
function ops.again(w) return (pcall(call_worker, "W" .. w, "")) end
function ops.kill(w) kill_worker("W" .. w) end
function ops.abort_worker(w) abort_process_by_id(worker(w)) end
function ops.child(name, k) return new_process("child", 0, name, ms(k), "*") end

perform()
say("over")`,
	"child.lua": `
print(">", milliseconds(), current_process_name(), "begins")
delay_process(current_process(), ... * 0.06)
print(">", milliseconds(), current_process_name(), "ends")`,
	"works.lua": `
local token, ms = ...
n = (n or 0) + 1
print(">", milliseconds(), current_process_name(), n, tostring(token))
if ms and ms > 0 then delay_process(current_process(), ms * 0.06) end`,
	"begin.lua": `
local count, deepest, objects, signals, even, odd = ...
delay_process(current_process(), 0.03) -- 0.5 ms: whoever reads the milliseconds is far from the next one
local group = new_shared_object({a = {}, b = {}})
local things = {objects = {}, signals = {}, lists = lists(), deepest = deepest, methods = {even, odd}}
for o = 1, objects - 2 do things.objects[o] = new_shared_object() end
things.objects[objects - 1], things.objects[objects] = group.a, group.b
for s = 1, signals do things.signals[s] = new_signal() end
local ids = new_shared_object()
use(ids, function()
  for j = 0, count - 1 do
    local n = new_process(things.methods[j % 2 + 1], 0, "A" .. j, j, count, 1, things, ids)
    ids["n" .. j], ids["id" .. j], ids["list" .. j] = n, process_info(n).id, 1
  end
end)
pause_process(current_process())`,
}

// command is one that an actor carries out: its name and its parameters, nil, int or string. The number forever
// stands for math.huge.
type actorCommand struct {
	name string
	args []any
}

const forever = -1

// source is the command as Lua.
func (c actorCommand) source() string {
	parts := []string{fmt.Sprintf("%q", c.name)}
	for _, a := range c.args {
		if a == forever {
			a = "math.huge"
		} else if s, ok := a.(string); ok {
			a = fmt.Sprintf("%q", s)
		}
		parts = append(parts, fmt.Sprint(a))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// actorPrograms are the lists of each actor.
type actorPrograms [][][]actorCommand

// files are the methods that give the lists, and one that says how many there are.
func (all actorPrograms) files() scripts {
	files, counts := scripts{}, ""
	for i, lists := range all {
		counts += fmt.Sprint(len(lists), ",")
		for n, list := range lists {
			var b strings.Builder
			for _, c := range list {
				b.WriteString(c.source() + ",\n")
			}
			files[fmt.Sprintf("list_%d_%d.lua", i, n+1)] = "return {\n" + b.String() + "}\n"
		}
	}
	files["lists.lua"] = "return {" + counts + "}\n"
	return files
}

func randomPrograms(r *rand.Rand) actorPrograms {
	all := make(actorPrograms, actorCount)
	for i := range actorCount - 1 {
		for range actorLists {
			all[i] = append(all[i], randomList(r, actorTurns, commandKinds))
		}
	}
	all[actorCount-1] = append(all[actorCount-1], randomList(r, guardTurns, guardKinds))
	return all
}

func randomList(r *rand.Rand, n int, kinds []commandKind) []actorCommand {
	var list []actorCommand
	for range n {
		list = append(list, randomCommand(r, kinds))
	}
	return list
}

// commandKind is how often a kind of command comes, and its parameters.
type commandKind struct {
	weight int
	name   string
	args   func(r *rand.Rand) []any
}

// guardKinds are the commands of the last actor.
var guardKinds = []commandKind{
	{10, "look", nothing}, {40, "resume", someActor}, {25, "start", someActor}, {8, "abort", someActor}, {5, "trigger", someSignal}, {20, "post", someActor},
}

// commandKinds are the commands of all others.
var commandKinds = []commandKind{
	{8, "look", nothing},
	{8, "delay", func(r *rand.Rand) []any { return []any{r.IntN(actorCount - 1), turns(r)} }},
	{4, "pause", someActor},
	{9, "resume", someActor},
	{2, "abort", someActor},
	{6, "start", someActor},
	{4, "semaphore", someSemaphore},
	{12, "await", func(r *rand.Rand) []any { return []any{someSemaphore(r)[0], orForever(r)} }},
	{3, "test", someSemaphore},
	{6, "clear", someSemaphore},
	{12, "use", func(r *rand.Rand) []any { return []any{1 + r.IntN(objectCount)} }},
	{14, "end_use", nothing},
	{5, "wait", func(r *rand.Rand) []any { return []any{1 + r.IntN(signalCount), orForever(r)} }},
	{2, "trigger", someSignal},
	{3, "set", func(r *rand.Rand) []any { return []any{r.IntN(actorCount - 1), r.IntN(100)} }},
	{3, "get", someActor},
	{10, "post", someActor},
	{6, "answers", func(r *rand.Rand) []any {
		return []any{[]string{"nothing", "delay", "await", "await", "clear"}[r.IntN(5)], someSemaphore(r)[0], orForever(r)}
	}},
	{6, "call", func(r *rand.Rand) []any { return []any{1 + r.IntN(workerCount), r.IntN(1000), turns(r)} }},
	{2, "again", someWorker},
	{3, "kill", someWorker},
	{2, "abort_worker", someWorker},
	{5, "child", func(r *rand.Rand) []any {
		return []any{string("Cc"[r.IntN(2)]) + fmt.Sprint(1+r.IntN(childCount)), turns(r)}
	}},
}

func nothing(*rand.Rand) []any         { return nil }
func someActor(r *rand.Rand) []any     { return []any{r.IntN(actorCount - 1)} }
func someSignal(r *rand.Rand) []any    { return []any{1 + r.IntN(signalCount)} }
func someSemaphore(r *rand.Rand) []any { return []any{string(rune('a' + r.IntN(semaphoreCount)))} }
func someWorker(r *rand.Rand) []any    { return []any{1 + r.IntN(workerCount)} }

// turns is how many seconds something takes: 0 is not at all, and everything else half a second more.
func turns(r *rand.Rand) int { return r.IntN(2 * actorCount) }

func orForever(r *rand.Rand) int {
	if r.IntN(3) == 0 {
		return forever
	}
	return 1 + turns(r)
}

func randomCommand(r *rand.Rand, kinds []commandKind) actorCommand {
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	n := r.IntN(total)
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			return actorCommand{k.name, k.args(r)}
		}
	}
	panic("not reached")
}
