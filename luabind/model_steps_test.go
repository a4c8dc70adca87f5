package luabind_test

import (
	"fmt"
	"slices"
	"strings"

	"moongate/runtime/process"
)

// modelActor is an actor, and what it was started with again when it had died.
type modelActor struct {
	*model
	*modelProcess
	index   int
	who     string
	lists   [][]actorCommand
	started int // lists
	next    int // command of the last list
	acted   int
	value   int
	answers actorCommand // what it does when it is called from outside
}

// modelBox is the box of a worker.
type modelBox struct {
	name    string
	process *modelProcess // nil: nobody
	queue   []modelMessage
	leaving bool
	idle    bool
	done    int // messages, by this process
}

type modelMessage struct {
	token string
	takes int // milliseconds
}

// newModel is the host with the process that has just started the actors.
func newModel(programs actorPrograms) *model {
	m := &model{semaphores: map[string]*modelLock{}, boxes: map[string]*modelBox{}, steps: modelSteps}
	m.start("Main process")
	m.start("Client Manager").waits = []*modelWait{{until: -1}} // for nothing that comes
	m.start("").hold = process.Paused
	for range objectCount - 1 {
		m.objects = append(m.objects, &modelLock{})
	}
	m.objects = append(m.objects, m.objects[objectCount-2])
	for range signalCount {
		m.signals = append(m.signals, &modelSignal{})
	}
	for i, lists := range programs {
		m.actors = append(m.actors, &modelActor{model: m, index: i, who: fmt.Sprint("A", i), lists: lists})
	}
	for _, a := range m.actors {
		a.begin()
	}
	return m
}

// begin starts a process for the actor's next list.
func (a *modelActor) begin() {
	p := a.start(a.who)
	a.modelProcess = p
	a.started++
	a.next, a.acted, a.value, a.answers = 0, -1, 0, actorCommand{name: "nothing"}
	p.answer = a.answerCall
	a.sleep()
}

// sleep waits for the actor's next turn.
func (a *modelActor) sleep() {
	next := a.now/second + 1
	next = (next + ((a.index-next)%actorCount+actorCount)%actorCount) * second
	a.delay(a.modelProcess, next-a.now)
	a.release(a.modelProcess, func() {
		if a.now != next {
			a.say(a.who, "woke")
			a.sleep()
			return
		}
		a.acted = a.now
		a.turn()
	})
}

// answerCall is what the actor does when it is called from outside.
func (a *modelActor) answerCall(done func()) {
	c, p := a.answers, a.modelProcess
	end := func(results ...any) {
		a.say(a.who, "%s", told("outside\t"+c.name, results))
		done()
	}
	lasts := func() int {
		if k := c.args[1].(int); k != forever {
			return (a.now/second+k)*second + 900 + a.index - a.now
		}
		return forever
	}
	switch c.name {
	case "nothing":
		end()
	case "clear":
		a.clear(a.semaphore(c.args[0]))
		end()
	case "delay":
		duration := lasts()
		if duration == forever {
			duration = 1 << 50
		}
		a.delay(p, duration)
		a.release(p, func() { end() })
	case "await":
		a.awaitSemaphore(a.semaphore(c.args[0]), lasts, end)
	}
}

// turn carries out the next command.
func (a *modelActor) turn() {
	list := a.lists[a.started-1]
	over := a.next >= len(list)
	var c actorCommand
	if !over {
		c = list[a.next]
	}
	a.next++
	switch {
	case len(a.uses) > 0 && (over || c.name == "end_use"):
		a.endUse(a.modelProcess)
		a.did("use", "used")
	case over:
		a.say(a.who, "over")
		a.end(a.modelProcess)
	default:
		a.steps[c.name](a, func(results ...any) { a.did(c.name, results...) }, c.args)
	}
}

// did says what the command gave, and waits for the next turn.
func (a *modelActor) did(name string, results ...any) {
	a.say(a.who, "%s", told(name, results))
	a.sleep()
}

// told is a line with what a command gave.
func told(text string, results []any) string {
	for _, r := range results {
		text += "\t" + fmt.Sprint(r)
	}
	return text
}

// lasts is how long something takes that is to take so many seconds.
func (a *modelActor) lasts(k any) int {
	if k == 0 || k == forever {
		return k.(int)
	}
	return k.(int)*second + 500 + a.acted/second%400
}

func (m *model) semaphore(name any) *modelLock {
	l := m.semaphores[name.(string)]
	if l == nil {
		l = &modelLock{}
		m.semaphores[name.(string)] = l
	}
	return l
}

type modelStep func(a *modelActor, done func(results ...any), args []any)

// modelSteps are what the commands do. done is called when the command has returned, with its results; an actor that
// has been killed is not asked any more.
var modelSteps = map[string]modelStep{
	"look": func(a *modelActor, done func(...any), _ []any) {
		var states []string
		for n := 1; n <= len(a.slots)+1; n++ {
			states = append(states, a.state(n))
			if states[n-1] == "-100" {
				break
			}
		}
		done(strings.Join(states, " "))
	},
	"delay": func(a *modelActor, done func(...any), args []any) {
		a.held(args[0], done, func(p *modelProcess) { a.delay(p, a.lasts(args[1])) })
	},
	"pause": func(a *modelActor, done func(...any), args []any) {
		a.held(args[0], done, a.pause)
	},
	"resume": func(a *modelActor, done func(...any), args []any) {
		if p := a.target(args[0]); p != a.modelProcess && p != nil {
			a.resume(p)
		}
		done()
	},
	"abort": func(a *modelActor, done func(...any), args []any) {
		p := a.target(args[0])
		if p != nil {
			a.end(p)
		}
		if p != a.modelProcess {
			done()
		}
	},
	"start": func(a *modelActor, done func(...any), args []any) {
		other := a.actors[args[0].(int)]
		if !other.ended || other.started == len(other.lists) {
			done("no")
			return
		}
		other.begin()
		done(other.number)
	},
	"semaphore": func(a *modelActor, done func(...any), args []any) {
		done(!a.semaphore(args[0]).hold(a.modelProcess))
	},
	"await": func(a *modelActor, done func(...any), args []any) {
		a.awaitSemaphore(a.semaphore(args[0]), func() int { return a.lasts(args[1]) }, done)
	},
	"test": func(a *modelActor, done func(...any), args []any) { done(a.semaphore(args[0]).by != nil) },
	"clear": func(a *modelActor, done func(...any), args []any) {
		a.clear(a.semaphore(args[0]))
		done()
	},
	"use": func(a *modelActor, done func(...any), args []any) {
		l := a.objects[args[0].(int)-1]
		begin := func(bool) {
			a.say(a.who, "uses\t%d", args[0])
			a.uses = append(a.uses, l)
			a.sleep()
		}
		switch {
		case len(a.uses) == deepestUse:
			done("deep")
		case l.take(a.modelProcess):
			begin(true)
		case l.closes(a.modelProcess):
			done("would never end")
		default:
			a.awaitLock(l, a.modelProcess, forever, begin)
		}
	},
	"end_use": func(_ *modelActor, done func(...any), _ []any) { done("none") },
	"wait": func(a *modelActor, done func(...any), args []any) {
		s := a.signals[args[0].(int)-1]
		if s.triggered {
			done(true)
			return
		}
		s.waits = append(s.waits, a.await(a.modelProcess, a.lasts(args[1]), func(bool) { done(s.triggered) }))
		a.look(a.modelProcess)
	},
	"trigger": func(a *modelActor, done func(...any), args []any) {
		s := a.signals[args[0].(int)-1]
		s.triggered = true
		for _, w := range s.waits {
			w.came = true
			a.look(w.by)
		}
		done()
	},
	"set": func(a *modelActor, done func(...any), args []any) {
		if a.target(args[0]) != nil {
			a.actors[args[0].(int)].value = args[1].(int)
		}
		done(a.target(args[0]) != nil)
	},
	"get": func(a *modelActor, done func(...any), args []any) {
		if a.target(args[0]) == nil {
			done("nil")
			return
		}
		done(a.actors[args[0].(int)].value)
	},
	"post": func(a *modelActor, done func(...any), args []any) {
		if p := a.target(args[0]); p != nil {
			a.post(p)
		}
		done()
	},
	"answers": func(a *modelActor, done func(...any), args []any) {
		a.answers = actorCommand{args[0].(string), args[1:]}
		done()
	},
	"call": func(a *modelActor, done func(...any), args []any) {
		name := fmt.Sprint("W", args[0])
		b := a.boxes[name]
		if b == nil {
			b = &modelBox{name: name}
			a.boxes[name] = b
		}
		a.put(b, modelMessage{fmt.Sprint(args[1]), a.lasts(args[2])})
		done()
	},
	"again": func(a *modelActor, done func(...any), args []any) {
		b := a.boxes[fmt.Sprint("W", args[0])]
		if b != nil {
			a.put(b, modelMessage{"nil", 0})
		}
		done(b != nil)
	},
	"kill": func(a *modelActor, done func(...any), args []any) {
		if b := a.boxes[fmt.Sprint("W", args[0])]; b != nil {
			b.queue = nil
			if b.process == nil {
				delete(a.boxes, b.name)
			} else if b.leaving = true; b.idle {
				a.end(b.process)
			}
		}
		done()
	},
	"abort_worker": func(a *modelActor, done func(...any), args []any) {
		if b := a.boxes[fmt.Sprint("W", args[0])]; b != nil && b.process != nil {
			a.end(b.process)
		}
		done()
	},
	"child": func(a *modelActor, done func(...any), args []any) { done(a.child(args[0].(string), a.lasts(args[1]))) },
}

// target is the living process of an actor.
func (m *model) target(index any) *modelProcess {
	if p := m.actors[index.(int)].modelProcess; !p.ended {
		return p
	}
	return nil
}

// held delays or pauses another actor, or the calling one, whose command returns when that is over.
func (a *modelActor) held(index any, done func(...any), hold func(p *modelProcess)) {
	p := a.target(index)
	if p != nil {
		hold(p)
	}
	if p == a.modelProcess {
		a.release(p, func() { done() })
		return
	}
	done()
}

// awaitSemaphore waits for a semaphore if another has it.
func (a *modelActor) awaitSemaphore(l *modelLock, lasts func() int, done func(results ...any)) {
	p := a.modelProcess
	switch duration := lasts(); {
	case l.hold(p):
		done(false)
	case duration == forever && l.closes(p):
		done("would never end")
	default:
		a.awaitLock(l, p, duration, func(got bool) { done(!got) })
	}
}

// clear is CLEAR SEMAPHORE.
func (a *modelActor) clear(l *modelLock) {
	if l.by == a.modelProcess {
		a.give(l)
	}
}

// put puts a message into a box, and starts a process for it if there is none.
func (m *model) put(b *modelBox, message modelMessage) {
	b.queue = append(b.queue, message)
	switch {
	case b.process == nil:
		m.work(b)
	case b.idle:
		m.next(b)
	}
}

// work starts a worker.
func (m *model) work(b *modelBox) {
	p := m.start(b.name)
	b.process, b.done = p, 0
	p.dying = func() {
		gone := b.leaving
		b.process, b.leaving, b.idle = nil, false, false
		if len(b.queue) > 0 {
			m.work(b)
		} else if gone {
			delete(m.boxes, b.name)
		}
	}
	m.next(b)
}

// next has a worker take the next message.
func (m *model) next(b *modelBox) {
	p := b.process
	b.idle, p.waits = false, nil
	switch {
	case b.leaving:
		m.end(p)
	case len(b.queue) == 0:
		b.idle = true
		m.await(p, forever, nil)
	default:
		message := b.queue[0]
		b.queue = b.queue[1:]
		b.done++
		m.say(b.name, "%d\t%s", b.done, message.token)
		m.delay(p, message.takes)
		m.release(p, func() { m.next(b) })
	}
}

// child starts a process that waits and ends, unless one of the name is alive, and gives its number.
func (m *model) child(name string, takes int) int {
	i := slices.IndexFunc(m.slots, func(p *modelProcess) bool { return p != nil && strings.EqualFold(p.name, name) })
	if i >= 0 {
		return i + 1
	}
	p := m.start(name)
	m.say(name, "begins")
	m.delay(p, takes)
	m.release(p, func() {
		m.say(name, "ends")
		m.end(p)
	})
	return p.number
}
