package command

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"moongate/luabind/lane"
	"moongate/runtime/datastore"
	"moongate/runtime/interprocess"
	"moongate/runtime/process"
	"moongate/runtime/recording"
	"moongate/runtime/session"

	lua "github.com/yuin/gopher-lua"
)

// A shadow is a second set of scripts that decides about every connection too and changes nothing. Its commands are the
// others', on a Host that carries nothing out and whose process table has the shadow's own processes only; shadows are
// semaphores, shared objects, interprocess variables and limits of rates of their own, because these belong to Commands and
// lanes. What is left to do differently is in this file and in shadow_document.go.

// shadow is what the commands of a shadow have besides. nil in an environment is none.
type shadow struct {
	host    environment  // what reads of processes ask: the real host
	numbers atomic.Int64 // sequence numbers that were given

	mu       sync.Mutex
	storages map[string]*interprocess.Shared // of sessions, by their ids
	papers   papers
}

// mostStorages is how many sessions' storages a shadow keeps. They are forgotten all together then.
const mostStorages = 10_000

// NewShadow is New for a shadow: what its scripts change is changed for them alone, and otherwise comes to nothing. host
// carries nothing out; of real the processes are read.
func NewShadow(host, real Host, log *slog.Logger) *Commands {
	c := New(host, log)
	s := &shadow{storages: map[string]*interprocess.Shared{}, papers: papers{open: map[paperKey]string{}}}
	s.host.host = real
	c.environment.shadow = s
	return c
}

// run is what a command does.
type run = func(e *environment, L *lua.LState) int

// shadowed says what commands do in a shadow instead. The others do what they do elsewhere: they read, or change what is the
// shadow's own, or the Host of a shadow carries out nothing of them, or package datastore's Reading. A test knows them, so
// that none is forgotten.
var shadowed = map[string]func(run) run{
	// processes: the caller's own, and of the others what the real host says
	"process_info":         ownOrReal,
	"process_properties":   ownOrReal,
	"process_state":        ownOrReal,
	"process_activity":     ofReal,
	"process_number":       ofReal,
	"count_tasks":          ofReal,
	"count_user_processes": ofReal,
	"delay_process":        ownOnly,
	"pause_process":        ownOnly,
	"resume_process":       ownOnly,
	"hide_process":         ownOnly,
	"show_process":         ownOnly,
	"bring_to_front":       ownOnly,
	"get_process_variable": ownOnly,
	"set_process_variable": ownOnly,
	"variable_to_variable": ownOnly,
	"post_outside_call":    ownOnly,
	"call_process":         ownOnly,
	"abort_process_by_id":  nothing,
	"kill_worker":          nothing,

	// connections: the one that is decided about is there, whatever has become of it
	"connection_info":   shadowConnectionInfo,
	"count_connections": shadowCountConnections,
	"count_users":       shadowCountUsers,

	"reject_new_remote_connections": nothing,
	"drop_remote_user":              nothing,
	"send_message_to_remote_user":   nothing,
	"execute_on_client":             shadowExecuteOnClient,

	"create_document": newPaper,
	"append_document": newPaper,
	"open_document":   openRead,
	"send_packet":     swallowed,
	"receive_packet":  emptyPaper,
	"close_document":  closePaper,
	"delete_document": shadowDelete,
}

// asTheVerdict are the commands whose answers a shadow has from the verdict, if that has asked the same: what they tell of the
// host has changed since, and a difference is to come of the scripts, not of the moment.
var asTheVerdict = map[string]bool{
	"count_connections": true, "count_users": true, "count_tasks": true, "count_user_processes": true, "process_number": true,
	"process_activity": true, "process_info": true, "process_properties": true, "process_state": true, "session_info": true,
	"user_name": true, "get_registered_clients": true,
}

// inShadow is what a command does in this environment: run, if that is no shadow's.
func (e *environment) inShadow(name string, run run) run {
	if e.shadow == nil {
		return run
	}
	if instead := shadowed[name]; instead != nil {
		run = instead(run)
	}
	if !asTheVerdict[name] {
		return run
	}
	live := run
	return func(e *environment, L *lua.LState) int {
		if answer, ok := toldTheVerdict(L, name); ok {
			return pushAll(L, answer)
		}
		return live(e, L)
	}
}

type verdictKey struct{}

// Know tells the process of a shadow what the verdict has read, before its open method runs; nil: it is to forget that.
func Know(p *lane.Program, reads []recording.Read) {
	if reads == nil {
		p.Keep(verdictKey{}, nil)
		return
	}
	player := &recording.Player{}
	player.Play(reads)
	p.Keep(verdictKey{}, player)
}

// toldTheVerdict is what the verdict was given by a command with these arguments; of several answers the next one, and then the last.
func toldTheVerdict(L *lua.LState, name string) ([]any, bool) {
	player, _ := lane.Running(L).Value(verdictKey{}).(*recording.Player)
	if player == nil {
		return nil, false
	}
	key := argumentsOf(L)
	read, ok := player.Next(name, key)
	if !ok {
		if read, ok = player.Last(name, key); !ok {
			return nil, false
		}
	}
	answer := read.Unpacked()
	return answer, answer != nil
}

// nothing is a command that comes to nothing.
func nothing(run) run { return func(*environment, *lua.LState) int { return 0 } }

// isOwn reports whether the first argument is the number of the calling process.
func isOwn(L *lua.LState) bool { return checkProcess(L, 1) == lane.Running(L).Process().Number() }

// ownOnly is a command that reaches the calling process only: the others are the host's.
func ownOnly(own run) run {
	return func(e *environment, L *lua.LState) int {
		if !isOwn(L) {
			return 0
		}
		return own(e, L)
	}
}

// ownOrReal is a command that tells of a process: of the calling one, or one of the host.
func ownOrReal(tells run) run {
	return func(e *environment, L *lua.LState) int {
		if isOwn(L) {
			return tells(e, L)
		}
		return tells(e.ofReal(), L)
	}
}

// ofReal is a command that tells of the processes of the host.
func ofReal(tells run) run {
	return func(e *environment, L *lua.LState) int { return tells(e.ofReal(), L) }
}

// ofReal is the environment of commands that ask the real host.
func (e *environment) ofReal() *environment { return &e.shadow.host }

// gone reports whether the connection that the calling process decides about is none of the host's any more: it was refused,
// or has ended. While it was decided about it was there.
func (e *environment) gone(c *session.Connection) bool {
	return c != nil && e.host.Sessions().Get(c.ID) == nil
}

func shadowConnectionInfo(info run) run {
	return func(e *environment, L *lua.LState) int {
		if c := connectionOf(L); c != nil && L.GetTop() >= 1 && L.Get(1) != lua.LNil && checkInteger(L, 1) == int64(c.ID) {
			L.SetTop(0) // the one that may be changed
		}
		return info(e, L)
	}
}

func shadowCountConnections(run) run {
	return func(e *environment, L *lua.LState) int {
		var f session.Filter
		if L.GetTop() >= 1 && L.Get(1) != lua.LNil {
			f = checkFilter(L, L.CheckTable(1))
		}
		n := e.host.Sessions().Count(f)
		if c := connectionOf(L); e.gone(c) && passes(f, c) {
			n++
		}
		return number(L, n)
	}
}

// passes reports whether a filter counts a connection.
func passes(f session.Filter, c *session.Connection) bool {
	address := c.Peer.Address.Addr()
	return (f.User == nil || c.User == *f.User) && (f.Address == nil || address.Unmap() == f.Address.Unmap()) &&
		(f.Network == nil || f.Network.Contains(address.Unmap())) && (f.Gate == nil || c.Peer.Gate == *f.Gate)
}

func shadowCountUsers(run) run {
	return func(e *environment, L *lua.LState) int {
		sessions := e.host.Sessions()
		n := sessions.Users()
		if c := connectionOf(L); e.gone(c) && sessions.Count(session.Filter{User: &c.User}) == 0 {
			n++
		}
		return number(L, n)
	}
}

// shadowExecuteOnClient gives how many clients would get the order.
func shadowExecuteOnClient(run) run {
	return func(e *environment, L *lua.LState) int {
		pattern := L.CheckString(1)
		L.CheckString(2)
		n := 0
		for _, c := range e.host.Sessions().Clients().List() {
			if session.Matches(pattern, c.Name) {
				n++
			}
		}
		return number(L, n)
	}
}

// storage is the storage that a shadow has for a session.
func (s *shadow) storage(id string, make func() any) *interprocess.Shared {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.storages[id]
	if kept == nil {
		if len(s.storages) >= mostStorages {
			clear(s.storages)
		}
		kept = make().(*interprocess.Shared)
		s.storages[id] = kept
	}
	return kept
}

// reading is the data of a shadow's process.
func (e *environment) reading(L *lua.LState, p *lane.Program) *dataOf {
	return &dataOf{context: e.store(L).NewReading(datastore.Owner{Process: int64(p.Process().Number()), Name: "a shadow"}, &e.shadow.numbers)}
}

// forget drops what a shadow keeps of a process whose code is over.
func (s *shadow) forget(p *process.Process) { s.papers.closeAll(p.ID()) }
