package command

import (
	"fmt"
	"slices"
	"time"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/process"
	"moongate/runtime/session"

	lua "github.com/yuin/gopher-lua"
)

// described is what "Process info" and "Process activity" say of a process.
func described(L *lua.LState, info process.Info, session string) *lua.LTable {
	t := L.CreateTable(0, 14)
	set := func(name string, v any) { t.RawSetString(name, convert.ToLua(v)) }
	set("number", int64(info.Number))
	set("id", int64(info.ID))
	set("name", info.Name)
	set("type", int64(info.Type))
	set("state", int64(info.State))
	set("visible", info.Visible)
	set("preemptive", info.Preemptive)
	set("method", info.Method)
	set("session_id", session)
	set("system_id", fmt.Sprint(info.ID))
	if !info.Started.IsZero() {
		age := time.Since(info.Started)
		set("creation_date_time", timestamp(info.Started))
		set("cpu_time", info.CPU.Seconds())
		set("cpu_usage", min(1, info.CPU.Seconds()/max(age.Seconds(), 1e-9)))
	}
	return t
}

// timestamp is a time as 4D's objects have it.
func timestamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }

// processProperties is "PROCESS PROPERTIES". What 4D leaves unchanged for a wrong number does not come at all.
func processProperties(e *environment, L *lua.LState) int {
	if n, ok := e.ofServer(L, 1); ok {
		return e.askFor(L, "process_properties", n)
	}
	info, ok := e.host.Processes().Info(checkProcess(L, 1))
	if !ok {
		return 0
	}
	mode := 0
	if info.Visible {
		mode |= 1
	}
	if info.Preemptive {
		mode |= 2
	}
	L.Push(lua.LString(info.Name))
	number(L, info.State)
	number(L, int64(info.CPU/process.Tick))
	number(L, int64(mode))
	number(L, info.ID)
	number(L, int64(info.Type))
	return 6
}

// The options of processActivity.
const (
	processesOnly = 1
	sessionsOnly  = 2
)

// processActivity is "Process activity". Where there are no sessions (anywhere but on a server) both parameters are
// ignored.
func processActivity(e *environment, L *lua.LState) int {
	i, wanted := 1, ""
	if s, ok := L.Get(1).(lua.LString); ok {
		wanted, i = string(s), 2
	} else if L.GetTop() >= 2 && L.Get(1) == lua.LNil {
		i = 2
	}
	options := int64(0)
	if L.GetTop() >= i && L.Get(i) != lua.LNil {
		if options = checkInteger(L, i); options < 0 || options > sessionsOnly {
			L.ArgError(i, "0 (both), 1 (processes) or 2 (sessions) expected")
		}
	}
	sessions := sessionsOf(e.host.Sessions())
	if wanted != "" {
		if sessions = sessions.only(wanted); len(sessions.all) == 0 {
			L.Push(lua.LNil)
			return 1
		}
	}
	result := L.CreateTable(0, 2)
	tables := map[string]*lua.LTable{}
	if options != processesOnly {
		list := L.CreateTable(len(sessions.all), 0)
		for _, s := range sessions.all {
			t := s.table(L)
			tables[s.id] = t
			list.Append(t)
			lane.Running(L).Step(L, stepsPerRow)
		}
		result.RawSetString("sessions", list)
	}
	if options != sessionsOnly {
		result.RawSetString("processes", processList(L, e.host.Processes().All(), sessions, tables, wanted))
	}
	L.Push(result)
	return 1
}

// stepsPerRow is how many instructions take as long as one row of processActivity.
const stepsPerRow = 200

// processList has a row for each process, or each of the wanted session. Rows have the tables of their sessions, if
// there are any.
func processList(L *lua.LState, all []*process.Process, sessions sessionList, tables map[string]*lua.LTable, wanted string) *lua.LTable {
	list := L.CreateTable(len(all), 0)
	for _, p := range all {
		id := p.Session()
		if s, ok := sessions.byProcess[p]; ok {
			id = s
		}
		if wanted != "" && id != wanted {
			continue
		}
		row := described(L, p.Info(), id)
		if t := tables[id]; t != nil {
			row.RawSetString("session", t)
		}
		list.Append(row)
		lane.Running(L).Step(L, stepsPerRow)
	}
	return list
}

// sessionList are the sessions of clients at one moment, the oldest first.
type sessionList struct {
	all       []clientSession
	byProcess map[*process.Process]string
}

// clientSession is the session of one client.
type clientSession struct {
	id    string
	first *session.Connection // the one that began it
	awake bool
}

func sessionsOf(r *session.Registry) sessionList {
	list := sessionList{byProcess: map[*process.Process]string{}}
	at := map[string]int{}
	live := r.Live()
	slices.SortFunc(live, func(a, b *session.Connection) int { return int(a.ID - b.ID) })
	for _, c := range live {
		id := c.Session()
		list.byProcess[c.Process] = id
		i, known := at[id]
		if !known {
			i = len(list.all)
			at[id] = i
			list.all = append(list.all, clientSession{id: id, first: c})
		}
		list.all[i].awake = list.all[i].awake || !c.Sleeping()
	}
	return list
}

func (l sessionList) only(id string) sessionList {
	l.all = slices.DeleteFunc(slices.Clone(l.all), func(s clientSession) bool { return s.id != id })
	return l
}

// table has the fields of 4D's session objects that the host knows something of.
func (s clientSession) table(L *lua.LState) *lua.LTable {
	state := "sleeping"
	if s.awake {
		state = "active"
	}
	t := L.CreateTable(0, 6)
	set := func(name, v string) { t.RawSetString(name, lua.LString(v)) }
	set("type", "remote")
	set("id", s.id)
	set("user_name", s.first.UserName())
	set("ip_address", s.first.Peer.Address.Addr().String())
	set("creation_date_time", timestamp(s.first.Opened))
	set("state", state)
	if own := s.first.OfSession(); own.Remote() {
		s.describeClient(own, t)
	}
	return t
}

// describeClient adds what is known of a client's machine, and how that is.
func (s clientSession) describeClient(own *session.Session, t *lua.LTable) {
	state, since := own.State()
	t.RawSetString("state", lua.LString(state.String()))
	if state == session.OutOfReach {
		t.RawSetString("unreachable_since", lua.LNumber(int(time.Since(since).Seconds())))
	}
	if home := own.Home(); home.IsValid() { // it may have come back from elsewhere
		t.RawSetString("ip_address", lua.LString(home.String()))
	}
	machine := own.Machine()
	t.RawSetString("machine_name", lua.LString(machine.Name))
	t.RawSetString("system_user_name", lua.LString(machine.SystemUser))
}
