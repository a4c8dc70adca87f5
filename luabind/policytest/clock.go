package policytest

import (
	"fmt"
	"regexp"
	"testing/synctest"
	"time"

	"moongate/luabind/lane"

	lua "github.com/yuin/gopher-lua"
)

// placed is how a message begins that names a place.
var placed = regexp.MustCompile(`^[^\s:]+\.lua:\d+:`)

const (
	longestWait = 24 * time.Hour      // of the clock, beyond what the test has asked for
	longestStep = 31 * 24 * time.Hour // that at and advance let pass: the host ticks once a second
	lookEvery   = time.Minute         // of the clock, between two looks at the test
)

// mayTake lets the clock go so far, and longestWait beyond.
func (p *play) mayTake(d time.Duration) { p.until.Store(time.Now().Add(d + longestWait).UnixNano()) }

// supervise ends a test that waits for ever, and one whose real time is over while it waits, until done is closed.
func (p *play) supervise(done <-chan struct{}) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-ticker.C:
			switch {
			case p.late.is.Load():
				p.halt(p.tooLate())
			case now.UnixNano() > p.until.Load():
				p.halt(fmt.Errorf("the test waits for what does not come: %v of its clock have passed", longestWait))
			}
		}
	}
}

// halt ends the test for a cause. It may be called from any goroutine of the bubble, and does not wait.
func (p *play) halt(cause error) {
	p.halting.Do(func() {
		p.cause = cause
		close(p.halted)
		if p.process == nil { // the host has not even started
			p.fail("%s:%d: %v", p.file.name, p.test.line, cause)
			p.host.Interrupt()
			p.host.Interrupt()
			return
		}
		p.process.Kill(cause)
	})
}

func (p *play) isHalted() bool {
	select {
	case <-p.halted:
		return true
	default:
		return false
	}
}

func (p *play) tooLate() error {
	return fmt.Errorf("the test has run for %v of real time: is there a loop without end?", p.runner.options.Limit)
}

// look is asked by all code that runs, of whatever process.
func (p *play) look(program *lane.Program) error {
	if p.late.is.Load() {
		return p.tooLate()
	}
	if c := p.runner.cover; c != nil {
		c.count(program, program.State().Place())
	}
	return nil
}

// outside lets f wait while others have the lane, and everything come as far as it can without time. f must return when
// the test is halted; the error is raised in L then.
func (p *play) outside(L *lua.LState, f func()) {
	p.acted = true
	running := lane.Running(L)
	running.Outside(func() {
		f()
		if !p.isHalted() {
			synctest.Wait()
		}
	})
	running.Release(L)
}

// moments are the forms in which at takes a time. Those of a time of day alone are the next one.
var moments = []string{time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateOnly}

// at is at(time).
func (p *play) at(L *lua.LState) int {
	text := L.CheckString(1)
	moment, ok := p.moment(text)
	now := time.Now()
	switch {
	case !ok:
		L.ArgError(1, `moment expected, as "2026-03-01 01:59:59", or time of day, as "01:59"`)
	case !p.acted && moment.Equal(p.begins):
		p.acted = true // the host was started for it
		if now.After(moment) {
			return 0
		}
	case !p.acted && p.begins.IsZero() && moment.After(now):
		p.acted, p.restart = true, moment
		p.process.Kill(errRestart)
		lane.Running(L).Release(L)
	case moment.Before(now):
		L.RaiseError("at: it is %s already, and the clock only goes forward: begin the test with at(), or take a later time than %s", now.Format(time.DateTime), text)
	case moment.Sub(now) > longestStep:
		L.RaiseError("at: it is %s, and only %d days can pass at once: begin the test with at(), so that its host is started then", now.Format(time.DateTime), longestStep/(24*time.Hour))
	}
	p.pass(L, moment)
	return 0
}

var errRestart = fmt.Errorf("the test begins at another time")

// moment reads a time: a local one.
func (p *play) moment(text string) (time.Time, bool) {
	for _, form := range moments {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return t, true
		}
	}
	for _, form := range []string{time.TimeOnly, "15:04"} {
		t, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		now := time.Now()
		next := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.Local)
		if next.Before(now) && !next.Equal(p.begins) {
			next = time.Date(now.Year(), now.Month(), now.Day()+1, t.Hour(), t.Minute(), t.Second(), 0, time.Local)
		}
		return next, true
	}
	return time.Time{}, false
}

// advance is advance(seconds).
func (p *play) advance(L *lua.LState) int {
	n := float64(L.CheckNumber(1))
	if !(n >= 0 && n <= longestStep.Seconds()) {
		L.ArgError(1, fmt.Sprintf("number of seconds expected, from 0 to those of %d days", longestStep/(24*time.Hour)))
	}
	p.pass(L, time.Now().Add(time.Duration(n*float64(time.Second))))
	return 0
}

// pass lets the clock go to a moment.
func (p *play) pass(L *lua.LState, moment time.Time) {
	p.mayTake(time.Until(moment))
	p.outside(L, func() {
		timer := time.NewTimer(time.Until(moment))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-p.halted:
		}
	})
}
