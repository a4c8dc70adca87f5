package method_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"moongate/runtime/method"
)

func TestEveryRowIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range method.Table {
		if seen[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		seen[m.Name] = true
		if !method.IsEvent(m.Name) {
			t.Errorf("%s: a database method's name begins with on_", m.Name)
		}
		if got, want := strings.ReplaceAll(strings.ToLower(m.Title), " ", "_"), m.Name; got != want {
			t.Errorf("%s: the title %q in snake case is %q", m.Name, m.Title, got)
		}
		if (m.Roles == 0) == (m.Waiting == "") {
			t.Errorf("%s: roles %q and waiting %q: a row has one of the two", m.Name, m.Roles, m.Waiting)
		}
		if (m.Roles != 0) != (m.When != "") {
			t.Errorf("%s: when it is called is %q, with roles %q", m.Name, m.When, m.Roles)
		}
		for _, text := range []string{m.Result, m.When, m.Waiting} {
			if strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text {
				t.Errorf("%s: %q ends in a full stop or a space", m.Name, text)
			}
		}
	}
}

func TestLookup(t *testing.T) {
	for _, m := range method.Table {
		got, ok := method.Lookup(m.Name)
		if !ok || got.Title != m.Title {
			t.Errorf("Lookup(%q): got %q, %v", m.Name, got.Title, ok)
		}
	}
	for _, name := range []string{"", "on_", "on_servr_startup", "On_Server_Startup", "on_server_startup.lua", "write_journal"} {
		if m, ok := method.Lookup(name); ok {
			t.Errorf("Lookup(%q): got %q, want none", name, m.Name)
		}
	}
}

func TestIsEvent(t *testing.T) {
	for name, want := range map[string]bool{
		"on_server_startup": true, "on_": true, "on_x": true, "on": false, "": false, "no_on_x": false, "ON_x": false, "online": false,
	} {
		if got := method.IsEvent(name); got != want {
			t.Errorf("IsEvent(%q): got %v, want %v", name, got, want)
		}
	}
}

// The names in the table and the constants by which the host calls them are the same.
func TestTheMethodsThatThisVersionCalls(t *testing.T) {
	for _, c := range []struct {
		name       string
		roles      method.Role
		parameters int
	}{
		{method.OnServerStartup, method.Server, 0},
		{method.OnServerOpenConnection, method.Server, 3},
		{method.OnServerCloseConnection, method.Server, 3},
		{method.OnServerShutdown, method.Server, 0},
		{method.OnStartup, method.Local | method.Remote, 0},
		{method.OnExit, method.Local | method.Remote, 0},
	} {
		m, ok := method.Lookup(c.name)
		if !ok || m.Roles != c.roles || len(m.Parameters) != c.parameters {
			t.Errorf("%s: got %v with roles %q and parameters %q, want roles %q and %d parameters", c.name, ok, m.Roles, m.Parameters, c.roles, c.parameters)
		}
	}
	order := func(name string) int {
		return slices.IndexFunc(method.Table, func(m method.Method) bool { return m.Name == name })
	}
	if order(method.OnServerStartup) > order(method.OnServerOpenConnection) || order(method.OnServerCloseConnection) > order(method.OnServerShutdown) {
		t.Error("the table is not in the order of a server's life")
	}
}

func TestNotRun(t *testing.T) {
	for _, c := range []struct {
		name string
		role method.Role
		want string // a regular expression
	}{
		{method.OnServerStartup, method.Server, `^$`},
		{method.OnServerStartup, method.Local, `^it belongs to: moongate serve$`},
		{method.OnServerStartup, method.Remote, `^it belongs to: moongate serve$`},
		{method.OnExit, method.Server, `^it belongs to: moongate local, remote$`},
		{method.OnStartup, method.Remote, `^$`},
		{method.OnStartup, method.Local, `^$`},
		{"on_web_connection", method.Server, `no web server`},
		{"on_sql_authentication", method.Local, `no SQL server`},
		{"on_backup_startup", method.Remote, `no backups`},
	} {
		m, _ := method.Lookup(c.name)
		if got := m.NotRun(c.role); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s in %s: got %q, want %s", c.name, c.role, got, c.want)
		}
	}
}

func TestRoleString(t *testing.T) {
	for role, want := range map[method.Role]string{
		0: "", method.Server: "serve", method.Local: "local", method.Remote: "remote",
		method.Local | method.Remote: "local, remote", method.Server | method.Local | method.Remote: "serve, local, remote",
	} {
		if got := role.String(); got != want {
			t.Errorf("Role(%d): got %q, want %q", role, got, want)
		}
	}
}
