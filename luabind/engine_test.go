package luabind_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
)

// scripts are the files of a scripts folder.
type scripts map[string]string

func (s scripts) write(t testing.TB, folder string) {
	t.Helper()
	for name, text := range s {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// engine is an Engine with a process table, but without a server.
type engine struct {
	*luabind.Engine
	*host.Host
	t      testing.TB
	folder string
	log    *lines
}

func load(t testing.TB, s scripts) (*engine, error) {
	t.Helper()
	e := &engine{t: t, folder: t.TempDir(), log: &lines{}}
	s.write(t, e.folder)
	log := slog.New(slog.NewTextHandler(e.log, nil))
	e.Host = host.New(host.Config{Log: log})
	opened, err := luabind.Open(host.ScriptsConfig{Folder: e.folder, Role: method.Server, Log: log, Slice: time.Millisecond, Host: e.Host})
	if err != nil {
		return nil, err
	}
	e.Engine = opened.(*luabind.Engine)
	e.SetScripts(opened)
	return e, nil
}

func mustLoad(t testing.TB, s scripts) *engine {
	t.Helper()
	e, err := load(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// start makes a process and its program.
func (e *engine) start(name string) (*process.Process, host.Program) {
	p := e.Processes().Start(process.Spec{Type: process.OtherUser, Method: name, Preemptive: e.Preemptive(name)})
	return p, e.NewProgram(p, nil)
}

// expectCall calls a method and checks what it returns.
func (e *engine) expectCall(program host.Program, name, want string) {
	e.t.Helper()
	results, err := program.Call(host.CallOptions{}, name)
	if got := fmt.Sprint(results, err); got != want {
		e.t.Errorf("%s: got %s, want %s", name, got, want)
	}
}

// expectLog checks that the lines of the log since the last time match, one by one.
func (e *engine) expectLog(want ...string) {
	e.t.Helper()
	e.log.mu.Lock()
	text := strings.TrimSuffix(e.log.text.String(), "\n")
	e.log.text.Reset()
	e.log.mu.Unlock()
	var got []string
	if text != "" {
		got = strings.Split(text, "\n")
	}
	for i, w := range want {
		if i >= len(got) || !regexp.MustCompile(w).MatchString(got[i]) {
			e.t.Fatalf("got the log %q, want lines that match %q", got, want)
		}
	}
	if len(got) > len(want) {
		e.t.Errorf("got the log %q, want %d lines", got, len(want))
	}
}

func TestLoaded(t *testing.T) {
	e := mustLoad(t, scripts{
		"zebra.lua": "", "ant.lua": "", "on_server_shutdown.lua": "", "on_server_startup.lua": "", "on_exit.lua": "", "on_web_connection.lua": "", "lib/util.lua": "return {}",
	})
	for i, want := range []struct {
		name, notRun string
		event        bool
	}{
		{"on_server_startup", "", true}, {"on_server_shutdown", "", true}, {"on_exit", "it belongs to: moongate local, remote", true},
		{"on_web_connection", "this version has no web server", true}, {"ant", "", false}, {"zebra", "", false},
	} {
		l := e.Loaded()[i]
		if l.Name != want.name || l.File != want.name+".lua" || l.NotRun != want.notRun || l.Event != want.event || !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(l.Hash) {
			t.Errorf("row %d: got %+v, want %+v", i+1, l, want)
		}
	}
	if n := len(e.Loaded()); n != 6 {
		t.Errorf("got %d rows, want 6: a module is no method", n)
	}
	for name, want := range map[string]bool{"ant": true, "on_exit": true, "lib/util": false, "util": false, "": false, "ant.lua": false} {
		if got := e.Has(name); got != want {
			t.Errorf("Has(%q): got %v, want %v", name, got, want)
		}
	}
}

func TestScriptsThatDoNotLoad(t *testing.T) {
	for name, c := range map[string]struct {
		s    scripts
		want string
	}{
		"a syntax error":   {scripts{"a.lua": "local x = = 1", "b.lua": ""}, `^a\.lua:1:\d+: .*near`},
		"a near miss":      {scripts{"on_servr_startup.lua": ""}, `^on_servr_startup\.lua: .*on_server_startup`},
		"two at once":      {scripts{"a.lua": "x = = 1", "b.lua": "\ny = = 1"}, `(?s)^a\.lua:1:.*\nb\.lua:2:`},
		"a command's name": {scripts{"print.lua": ""}, `^print\.lua: print is a command`},
	} {
		if _, err := load(t, c.s); err == nil || !regexp.MustCompile(c.want).MatchString(err.Error()) {
			t.Errorf("%s: got %v, want a match of %s", name, err, c.want)
		}
	}
	if _, err := luabind.Open(host.ScriptsConfig{Folder: filepath.Join(t.TempDir(), "nowhere"), Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: got %v", err)
	}
}

// A reload swaps all files at once. Who runs goes on with what it began with; an error keeps the last good set and is
// said once.
func TestReload(t *testing.T) {
	e := mustLoad(t, scripts{"answer.lua": "return helper()", "helper.lua": "return 1", "gone.lua": ""})
	_, old := e.start("answer")
	first := e.Version()
	e.expectCall(old, "answer", "[1] <nil>")
	e.Reload()
	e.expectLog()

	scripts{"helper.lua": "return 2", "new.lua": ""}.write(t, e.folder)
	if err := os.Remove(filepath.Join(e.folder, "gone.lua")); err != nil {
		t.Fatal(err)
	}
	e.Reload()
	second := e.Version()
	e.expectLog(`level=INFO msg="scripts loaded" version=` + second + ` before=` + first + ` changed="\+new\.lua -gone\.lua helper\.lua" mended=false`)
	_, young := e.start("answer")
	e.expectCall(young, "answer", "[2] <nil>")
	e.expectCall(old, "answer", "[1] <nil>")
	if old.Version() != first || young.Version() != second || !old.Has("gone") || young.Has("gone") || old.Has("new") || !young.Has("new") {
		t.Errorf("got the versions %s and %s of two programs, want %s and %s with their own methods", old.Version(), young.Version(), first, second)
	}

	scripts{"helper.lua": "return = 3", "new.lua": "x = = 1"}.write(t, e.folder)
	for range 3 {
		e.Reload()
	}
	e.expectLog(`msg="scripts not loaded" problem="helper\.lua:1:8: .*" kept_version=`+second, `msg="scripts not loaded" problem="new\.lua:1:5: .*" kept_version=`+second)
	_, during := e.start("answer")
	e.expectCall(during, "answer", "[2] <nil>")

	scripts{"helper.lua": "return 2", "new.lua": ""}.write(t, e.folder)
	e.Reload()
	e.expectLog(`level=INFO msg="scripts are as they were" version=` + second)
	scripts{"helper.lua": "return = 4"}.write(t, e.folder)
	e.Reload()
	scripts{"helper.lua": "return 4"}.write(t, e.folder)
	e.Reload()
	e.expectLog(`msg="scripts not loaded"`, `level=INFO msg="scripts loaded" .* changed=helper\.lua mended=true`)
	_, last := e.start("answer")
	e.expectCall(last, "answer", "[4] <nil>")
}

// A name that nothing defines is a warning at each load, and no error.
func TestWarnings(t *testing.T) {
	e := mustLoad(t, scripts{"a.lua": "\nreturn curent_time()"})
	e.expectLog(`level=WARN msg=script problem="a\.lua:2:8: .*curent_time.*current_time`)
	scripts{"a.lua": "\n\nreturn curent_time()"}.write(t, e.folder)
	e.Reload()
	e.expectLog(`level=WARN msg=script problem="a\.lua:3:8: `, `level=INFO msg="scripts loaded"`)
}

func TestCallsOfAProgram(t *testing.T) {
	e := mustLoad(t, scripts{
		"waits.lua": "\ndelay_process(current_process(), 3600 * 60)", "fails.lua": "\n\nerror('no')", "gives.lua": "return {1, a = 'b'}, nil",
		"on_server_open_connection.lua": "if false then return 1 end\nreturn 22000",
	})
	p, program := e.start("waits")
	if _, err := program.Call(host.CallOptions{}, "nobody"); !errors.Is(err, host.ErrNoMethod) {
		t.Errorf("a method that is not there: got %v", err)
	}
	_, err := program.Call(host.CallOptions{Limit: time.Millisecond, Door: true}, "waits")
	if !errors.Is(err, host.ErrTooLong) || !strings.HasPrefix(err.Error(), "waits.lua:2: ") {
		t.Errorf("a method that ran too long: got %v", err)
	}
	var script host.ScriptError
	if p.Delay(0); !errors.As(err, &script) || script.Traceback() != "waits.lua:2: in the method" {
		t.Errorf("a method that ran too long: got no traceback: %v", err)
	}
	if _, err := program.Call(host.CallOptions{}, "fails"); err == nil || err.Error() != "fails.lua:3: no" || errors.Is(err, host.ErrTooLong) {
		t.Errorf("a method that fails: got %v", err)
	}
	e.expectCall(program, "gives", "[[{1 1} {a b}] <nil>] <nil>")
	if got := program.Returned(); got != "" {
		t.Errorf("where a project method returned: got %q, want nothing", got)
	}
	e.expectCall(program, "on_server_open_connection", "[22000] <nil>")
	if got, want := program.Returned(), "on_server_open_connection.lua:2"; got != want {
		t.Errorf("where it returned: got %q, want %q", got, want)
	}
	cause := errors.New("somebody wants it to end")
	p.Kill(cause)
	if _, err := program.Call(host.CallOptions{}, "waits"); !errors.Is(err, cause) {
		t.Errorf("a method of a killed process: got %v", err)
	}
}

// As many preemptive processes as there are processors run at the same time as the cooperative ones, each in a lane of
// its own.
func TestPreemptiveProcessesHaveTheirLanes(t *testing.T) {
	e := mustLoad(t, scripts{
		"endless.lua": `--%attributes = {"preemptive":"capable"}` + "\nwhile true do end", "quick.lua": "interprocess.n = (interprocess.n or 0) + 1 return interprocess.n",
	})
	var processes []*process.Process
	over := make(chan error)
	for range runtime.GOMAXPROCS(0) {
		p, program := e.start("endless")
		processes = append(processes, p)
		go func() {
			_, err := program.Call(host.CallOptions{}, "endless")
			over <- err
		}()
	}
	for i := range 50 {
		_, program := e.start("quick")
		e.expectCall(program, "quick", fmt.Sprintf("[%d] <nil>", i+1))
	}
	for _, p := range processes {
		p.Kill(nil)
	}
	for range processes {
		if err := <-over; !errors.Is(err, process.ErrEnded) {
			t.Errorf("an endless process: got %v", err)
		}
	}
}
