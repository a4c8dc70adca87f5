package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"moongate/runtime/host"
)

// probed is serve with probation.
func probed(t *testing.T, p host.Probation, f files, do func(t *testing.T, s *server)) {
	t.Helper()
	serve(t, f, func(t *testing.T, s *server) {
		s.SetProbation(p)
		do(t, s)
	})
}

// change writes the open method, and gives the version and the error of the reload.
func (s *server) change(code string) (string, error) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.scripts.Folder(), "on_server_open_connection.lua"), []byte(code), 0o600); err != nil {
		s.t.Fatal(err)
	}
	err := s.scripts.Reload()
	return s.scripts.Version(), err
}

// come has clients come one after the other, who leave at once, and says how many were let in.
func (s *server) come(n int) (accepted int) {
	for range n {
		c := s.connect()
		if c.accepted {
			accepted++
		}
		c.conn.Close()
		synctest.Wait()
	}
	return accepted
}

const good = `return 0`

func TestProbationTakesFaultsBack(t *testing.T) {
	probed(t, host.Probation{Faults: 2, First: 10}, files{"on_server_open_connection.lua": good}, func(t *testing.T, s *server) {
		first := s.scripts.Version()
		expect(t, "accepted", s.come(3), 3)
		bad, err := s.change(`return nothing.x`)
		expect(t, "reload", err, nil)
		expect(t, "accepted", s.come(3), 1) // the third finds the first version
		expect(t, "version", s.scripts.Version(), first)
		lines := s.log.with("scripts taken back")
		expect(t, "lines", len(lines), 1)
		expect(t, "bad version", lines[0].attrs["bad_version"], bad)
		expect(t, "reason", lines[0].attrs["reason"], "2 methods failed within its first 2 connections (--probation faults=2)")
		if problem := s.scripts.Problem(); !strings.HasPrefix(problem, "version "+bad+" was taken back") {
			t.Errorf("got the problem %q", problem)
		}

		if _, err := s.change(`return nothing.x`); err == nil || s.scripts.Version() != first {
			t.Errorf("the same content was tried again: %v", err)
		}
		s.change(`return nothing.`)
		if _, err := s.change(`return nothing.x`); err == nil || s.scripts.Problem() != err.Error() || !strings.Contains(err.Error(), "was taken back") {
			t.Errorf("got the error %v and the problem %q, want why the content is not tried again", err, s.scripts.Problem())
		}
		v, err := s.change(good)
		expect(t, "reload", err, nil)
		expect(t, "version", v, first)
		expect(t, "problem", s.scripts.Problem(), "")
		v, _ = s.change(`return nothing.x`) // now it is new again
		expect(t, "version", v, bad)
		s.come(2)
		p, _ := s.Probation()
		expect(t, "taken back", p.Taken, 2)
	})
}

func TestProbationTakesRefusalsBack(t *testing.T) {
	probed(t, host.Probation{Refusals: 3, First: 50}, files{"on_server_open_connection.lua": `local _, id = ... return id % 10 == 0 and 1 or 0`}, func(t *testing.T, s *server) {
		first := s.scripts.Version()
		expect(t, "accepted", s.come(30), 27)
		s.change(`local _, id = ... return id % 5 == 0 and 1 or 0`) // twice the share: it may
		s.come(49)
		p, _ := s.Probation()
		expect(t, "on", p.On, true)
		s.come(1)
		p, _ = s.Probation()
		expect(t, "on", p.On, false)
		expect(t, "passed", len(s.log.with("probation passed")), 1)
		second := s.scripts.Version()

		s.change(`return 1`)
		expect(t, "accepted", s.come(20), 0)
		expect(t, "version", s.scripts.Version(), second)
		if second == first {
			t.Error("nothing was loaded")
		}
		p, _ = s.Probation()
		expect(t, "why", p.Last.Why, "it has refused 20 of its first 20 connections, the set before 10 of 50 (--probation refusals=3x)")
		expect(t, "accepted", s.come(4), 4)
	})
}

func TestProbationOfCloseMethods(t *testing.T) {
	probed(t, host.Probation{Faults: 1, First: 10}, files{"on_server_open_connection.lua": good, "on_server_close_connection.lua": good}, func(t *testing.T, s *server) {
		first := s.scripts.Version()
		file := filepath.Join(s.scripts.Folder(), "on_server_close_connection.lua")
		if err := os.WriteFile(file, []byte("error('no')"), 0o600); err != nil {
			t.Fatal(err)
		}
		expect(t, "reload", s.scripts.Reload(), nil)
		s.come(1)
		expect(t, "version", s.scripts.Version(), first)
	})
}

func TestProbationGoesBackToTheLastGoodOne(t *testing.T) {
	probed(t, host.Probation{Faults: 1, First: 10}, files{"on_server_open_connection.lua": good}, func(t *testing.T, s *server) {
		first := s.scripts.Version()
		s.come(1)
		s.change(`return 0 -- on probation`)
		s.come(3)
		s.change(`error("no")`) // while the one before is on probation yet
		s.come(1)
		expect(t, "version", s.scripts.Version(), first)
	})
}

func TestNoProbation(t *testing.T) {
	serve(t, files{"on_server_open_connection.lua": good}, func(t *testing.T, s *server) {
		bad, _ := s.change(`error("no")`)
		s.come(30)
		expect(t, "version", s.scripts.Version(), bad)
		_, on := s.Probation()
		expect(t, "probation", on, false)
	})
}

func TestProbationTakesAPromotionBack(t *testing.T) {
	bad := files{"on_server_open_connection.lua": `error("no")`}.write(t)
	probed(t, host.Probation{Faults: 1, First: 10}, files{"on_server_open_connection.lua": good}, func(t *testing.T, s *server) {
		s.SetShadows(host.Shadows{Open: still})
		before, version := s.scripts.Folder(), s.scripts.Version()
		s.come(1)
		expect(t, "error", s.ShadowOn(bad), nil)
		_, err := s.Promote()
		expect(t, "error", err, nil)
		expect(t, "accepted", s.come(3), 2)
		expect(t, "folder", s.scripts.Folder(), before)
		expect(t, "version", s.scripts.Version(), version)
	})
}

// A set that is vouched for is on no probation again when it comes back by hand, and keeps what it had.
func TestProbationEndsWithTheGoodContent(t *testing.T) {
	probed(t, host.Probation{Faults: 5, Refusals: 3, First: 50}, files{"on_server_open_connection.lua": good}, func(t *testing.T, s *server) {
		s.come(30)
		s.change(`return 0, "other"`)
		s.come(3)
		s.change(good)
		p, _ := s.Probation()
		expect(t, "on", p.On, false)
		expect(t, "decided", p.Decided, 30)
		s.change(`return 1`) // is compared with those 30
		s.come(20)
		p, _ = s.Probation()
		expect(t, "taken back", p.Taken, 1)
	})
}

// A set that refuses everybody is taken back also where so many times the share before would be more than all.
func TestProbationAfterManyRefusals(t *testing.T) {
	probed(t, host.Probation{Refusals: 3, First: 50}, files{"on_server_open_connection.lua": `local _, id = ... return id % 2`}, func(t *testing.T, s *server) {
		expect(t, "accepted", s.come(30), 15)
		s.change(`local _, id = ... return id % 4 == 0 and 0 or 1`) // half of those that were let in: it may
		s.come(50)
		expect(t, "passed", len(s.log.with("probation passed")), 1)
		s.change(`return 1`)
		s.come(20)
		p, _ := s.Probation()
		expect(t, "taken back", p.Taken, 1)
	})
}
