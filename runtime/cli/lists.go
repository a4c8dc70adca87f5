package cli

import (
	"fmt"
	"strconv"
	"strings"

	"moongate/runtime/admin"
	"moongate/runtime/admin/client"
)

// ps is moongate ps.
func ps(m *invocation, args []string) int {
	o := newOperation(m, "ps")
	all := o.set.Bool("all", false, "show the host's own processes too")
	user := o.set.String("user", "", "only the processes of this user's `name`")
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	return show(o, listing[admin.Process]{client.ProcessesPath, processColumns, func(p *admin.Process) bool {
		return (*all || isUsers(p)) && (*user == "" || strings.EqualFold(p.Session, *user))
	}, "no processes"})
}

// onExit is the type of the process in which on_server_shutdown runs.
const onExit = "on exit process"

// isUsers tells the processes that run scripts from those of the host.
func isUsers(p *admin.Process) bool { return p.User || p.Type == onExit }

var processColumns = []column[admin.Process]{
	right("NUMBER", func(p *admin.Process) string { return strconv.FormatInt(p.Number, 10) }),
	left("NAME", func(p *admin.Process) string { return p.Name }),
	left("TYPE", processType),
	left("USER", func(p *admin.Process) string { return p.Session }),
	left("METHOD", func(p *admin.Process) string { return p.Method }),
	state("STATE", func(p *admin.Process) string { return p.State }),
	left("PLACE", func(p *admin.Process) string { return p.Place }),
	right("RUNNING", func(p *admin.Process) string { return lasted(p.Running) }),
	right("CPU", func(p *admin.Process) string { return lasted(p.CPU) }),
	right("ACTIVITY", func(p *admin.Process) string { return percent(p.Activity) }),
}

// processType is 4D's name of the type, without the word that is in all of them.
func processType(p *admin.Process) string {
	name := strings.TrimSuffix(p.Type, " process")
	if p.Preemptive {
		name += ", preemptive"
	}
	return name
}

// connections is moongate connections.
func connections(m *invocation, args []string) int {
	o := newOperation(m, "connections")
	user := o.set.String("user", "", "only the connections of this user's `name`")
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	return show(o, listing[admin.Connection]{client.ConnectionsPath, connectionColumns, func(c *admin.Connection) bool {
		return *user == "" || strings.EqualFold(c.UserName, *user)
	}, "no connections"})
}

var connectionColumns = []column[admin.Connection]{
	right("CONNECTION", func(c *admin.Connection) string { return number(c.ID) }),
	left("USER", func(c *admin.Connection) string { return c.UserName }),
	left("ADDRESS", func(c *admin.Connection) string { return c.Address }),
	{heading{title: "STATE"}, connectionState},
	right("PROCESS", func(c *admin.Connection) string { return number(c.Process) }),
	left("NAME", func(c *admin.Connection) string { return c.Name }),
	left("OPENED", func(c *admin.Connection) string { return clock(c.Opened) }),
	right("IDLE", func(c *admin.Connection) string { return lasted(c.Idle) }),
	right("CPU", func(c *admin.Connection) string { return lasted(c.CPU) }),
	right("IN", func(c *admin.Connection) string { return amount(c.BytesIn) }),
	right("OUT", func(c *admin.Connection) string { return amount(c.BytesOut) }),
	left("VERSION", func(c *admin.Connection) string { return c.Version }),
	left("GATE", func(c *admin.Connection) string { return c.Gate }),
	left("UPSTREAM", func(c *admin.Connection) string { return c.Upstream }),
}

func connectionState(c *admin.Connection) cell {
	switch {
	case c.Cause != "":
		return cell{"ending: " + c.Cause, yellow}
	case c.Status == "Sleeping":
		return cell{c.State + ", sleeping", faint}
	case c.Status == "Unreachable", c.Status == "Lost":
		return cell{c.State + ", " + strings.ToLower(c.Status), yellow}
	}
	return cell{c.State, stateStyles[c.State]}
}

// sessions is moongate sessions.
func sessions(m *invocation, args []string) int {
	o := newOperation(m, "sessions")
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	return show(o, listing[admin.Session]{path: client.SessionsPath, columns: sessionColumns, nothing: "no sessions"})
}

var sessionColumns = []column[admin.Session]{
	left("SESSION", func(s *admin.Session) string { return s.ID }),
	left("ORIGIN", func(s *admin.Session) string { return s.Origin }),
	left("USER", func(s *admin.Session) string { return s.UserName }),
	left("ADDRESS", func(s *admin.Session) string { return s.Address }),
	left("MACHINE", func(s *admin.Session) string { return s.Machine }),
	left("LOGIN", func(s *admin.Session) string { return clock(s.Login) }),
	right("CONNECTIONS", func(s *admin.Session) string { return strconv.Itoa(s.Connections) }),
	right("PROCESSES", func(s *admin.Session) string { return unlessNone(s.Processes) }),
	right("CPU", func(s *admin.Session) string { return lasted(s.CPU) }),
	right("ACTIVITY", func(s *admin.Session) string { return percent(s.Activity) }),
	state("STATUS", func(s *admin.Session) string { return s.Status }),
}

// unlessNone is a number that is nothing when it is 0.
func unlessNone(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// users is moongate users.
func users(m *invocation, args []string) int {
	o := newOperation(m, "users")
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	return show(o, listing[admin.User]{path: client.UsersPath, columns: userColumns, nothing: "no users"})
}

var userColumns = []column[admin.User]{
	right("NUMBER", func(u *admin.User) string { return strconv.FormatInt(u.Number, 10) }),
	left("NAME", func(u *admin.User) string { return u.Name }),
	left("ALIAS", func(u *admin.User) string { return u.Alias }),
	right("CONNECTIONS", func(u *admin.User) string { return strconv.Itoa(u.Connections) }),
	left("ADDRESSES", func(u *admin.User) string { return some(u.Addresses, 5) }),
	left("LOGIN", func(u *admin.User) string { return clock(u.Login) }),
	right("CPU", func(u *admin.User) string { return lasted(u.CPU) }),
	right("ACTIVITY", func(u *admin.User) string { return percent(u.Activity) }),
	state("STATUS", func(u *admin.User) string { return u.Status }),
}

// some names the first of a list, and says how many more there are.
func some[T any](all []T, most int) string {
	var b strings.Builder
	for i, one := range all {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(all)-most)
			break
		}
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprint(&b, one)
	}
	return b.String()
}

// methods is moongate methods.
func methods(m *invocation, args []string) int {
	o := newOperation(m, "methods")
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	return show(o, listing[admin.Method]{path: client.MethodsPath, columns: methodColumns, nothing: "no methods"})
}

var methodColumns = []column[admin.Method]{
	left("METHOD", func(m *admin.Method) string { return m.Name }),
	left("KIND", func(m *admin.Method) string { return m.Kind }),
	left("VERSION", func(m *admin.Method) string { return m.Hash }),
	right("CALLS", func(m *admin.Method) string { return strconv.FormatInt(m.Calls, 10) }),
	right("MEAN", func(m *admin.Method) string { return ifAny(m.Calls, lasted(m.Mean)) }),
	{heading{title: "ERRORS", right: true}, func(m *admin.Method) cell {
		if m.Errors > 0 {
			return cell{strconv.FormatInt(m.Errors, 10), red}
		}
		return cell{text: "0"}
	}},
	left("LAST ERROR", lastError),
}

// ifAny is a text that means something only when there is anything.
func ifAny(n int64, text string) string {
	if n == 0 {
		return ""
	}
	return text
}

func lastError(m *admin.Method) string {
	switch {
	case m.NotRun != "":
		return "not run: " + m.NotRun
	case m.LastError == "":
		return ""
	}
	return clock(m.LastAt) + "  " + m.LastError
}

// lanes is moongate lanes.
func lanes(m *invocation, args []string) int {
	o := newOperation(m, "lanes")
	if ok, code := o.parse(args, 0, 0); !ok {
		return code
	}
	return show(o, listing[admin.Lane]{path: client.LanesPath, columns: laneColumns, nothing: "no lanes"})
}

var laneColumns = []column[admin.Lane]{
	right("LANE", func(l *admin.Lane) string { return strconv.Itoa(l.Number) }),
	left("KIND", func(l *admin.Lane) string { return l.Kind }),
	left("HOLDER", laneHolder),
	left("METHOD", func(l *admin.Lane) string { return l.Method }),
	left("PLACE", func(l *admin.Lane) string { return l.Place }),
	right("HELD", func(l *admin.Lane) string { return ifAny(l.Holder, lasted(l.Held)) }),
	left("WAITING", func(l *admin.Lane) string { return some(l.Waiting, 5) }),
	right("WAITS", func(l *admin.Lane) string { return strconv.FormatInt(l.Waits, 10) }),
	right("WAITED", func(l *admin.Lane) string { return lasted(l.Waited) }),
	right("SLICES", func(l *admin.Lane) string { return strconv.FormatInt(l.Slices, 10) }),
	right("ABORTS", func(l *admin.Lane) string { return strconv.FormatInt(l.Aborts, 10) }),
	right("PROCESSES", func(l *admin.Lane) string { return strconv.FormatInt(l.Programs, 10) }),
}

// laneHolder is the process that has the baton of a lane.
func laneHolder(l *admin.Lane) string {
	if l.Holder == 0 {
		return "nobody"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", l.Holder, l.Name))
}
