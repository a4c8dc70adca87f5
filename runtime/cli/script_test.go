// The whole-program tests: the scripts of testdata/script run the real program, as a process of its own, with real sockets and OS signals.
//
// A script waits for causes and never for a duration: for a line of the log, for bytes, for an end of file, for the end of the
// program. Every wait has the same generous limit, patience, which only a failing script ever reaches.
//
// The commands, beside those of package testscript. [SERVER] is the name of a server, "server" when it is left out. TEXT is as between
// Go's double quotes, so \r\n and \x00 may be written. REGEXP is Go's; in it ^ and $ stand for the ends of lines.
//
//	serve [-nowait] [-files N] [SERVER] [ARGUMENT ...]
//		starts the program and waits until clients can connect; -nowait does not wait for that. Unless given, --listen is 127.0.0.1:0, --data a
//		folder of its own and --address-file a file of its own; the scripts folder is "scripts", as it is by default. -files N lets it
//		have no more than N file descriptors. $SERVER_address and $SERVER_port are where it listens, $SERVER_address2 is its second
//		address, if it has one
//	remote [-nowait] NAME SERVER|HOST:PORT [ARGUMENT ...]
//		starts a client of a server and waits until its on_startup runs; -nowait does not wait for that. Unless given, --data is a folder of
//		its own and --machine its NAME, under which the commands for servers know it too
//	log [SERVER] [-count N] REGEXP
//		waits until the log matches, N times; when the server has ended it must be N times exactly. A "! log" says that it never
//		did, so the server must have ended
//	database [away|back]
//		makes an empty schema in the PostgreSQL that MOONGATE_TEST_POSTGRES names; $database is its URL. "away" breaks all connections to
//		it and lets nobody connect until "back"
//	signal [SERVER] INT|TERM|KILL
//		sends an OS signal
//	exit [SERVER] CODE
//		waits for the end of the server, which must have this exit code, and have closed every connection that it opened
//	exits CODE [ARGUMENT ...]
//		runs the program to its end, which must have this exit code; "stdout" and "stderr" look at what it wrote
//	client [-from ADDRESS] [-count N] NAME [SERVER|ADDRESS:PORT]
//		connects to a server. With -count it is N connections under one name, made at once, and the commands below do the same with each
//	send [-slowly] [-times N] NAME TEXT
//		sends bytes, N times over; -slowly sends them in the background, one a second
//	expect NAME REGEXP
//		reads until what came begins with a match, and takes that away
//	ask NAME TEXT REGEXP
//		sends a line and expects lines: send 'TEXT\r\n' and expect 'REGEXP\r\n'
//	eof [-reset] NAME
//		waits for the end of file, before which nothing more may come; with -reset the connection may be broken off as well
//	close [-reset] NAME
//		closes the connection; -reset breaks it off, as a client does that crashes
//	answered [SERVER] N
//		connects and asks N times, one after the other, and logs how long the answers took
//	cpu [SERVER] LIMIT
//		the server has used no more processor time than this since the last "cpu" (Linux)
//	memory [SERVER] LIMIT
//		the server has never had more memory than this: 300MB (Linux)
//
// At the end of a script whatever still runs is killed, and no log may have a fault of the host, a panic or a data race in it.
package cli_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/luabind/policytest"
	"moongate/runtime/cli"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long anything may take. It is long because the machine may be busy.
const patience = 60 * time.Second

// atOnce is how many scripts run at once, or more: they wait far longer than they work.
const atOnce = 12

// scripts are those of package main.
var scripts = cli.Scripts{
	Open: luabind.Open, Shadow: luabind.OpenShadow, Structure: luabind.ReadStructure, Check: luabind.Check, Rules: luabind.Rules,
	Commands: luabind.Commands, Folder: luabind.Folder, Test: policytest.Run, Behaviour: luabind.Behaviour, Rehearse: luabind.Rehearse,
}

func TestMain(m *testing.M) {
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") != "moongate" { // that is the program
		flag.Parse()
		if n, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String()); err == nil && n < atOnce {
			flag.Set("test.parallel", strconv.Itoa(atOnce))
		}
		testPostgres = os.Getenv(postgresVariable)
		os.Unsetenv(postgresVariable) // a program would take it for a flag's
	}
	testscript.Main(m, map[string]func(){
		"moongate": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, scripts)) },
	})
}

const scriptFolder = "../../testdata/script"

// alone are the scripts that measure how quick the server is: no other script runs beside them.
var alone = []string{"bad_open", "lanes"}

func TestScript(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scriptFolder, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, slices.DeleteFunc(files, func(file string) bool {
		return slices.Contains(alone, strings.TrimSuffix(filepath.Base(file), ".txtar"))
	}))
}

func TestScriptAlone(t *testing.T) {
	for _, name := range alone {
		t.Run(name, func(t *testing.T) { runScripts(t, []string{filepath.Join(scriptFolder, name+".txtar")}) })
	}
}

func runScripts(t *testing.T, files []string) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no OS signals to send here")
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		Setup:               setScene,
		Condition:           condition,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":    onScene((*scene).serve),
			"remote":   onScene((*scene).remote),
			"database": onScene((*scene).database),
			"log":      scriptLog,
			"signal":   onScene((*scene).signal),
			"exit":     onScene((*scene).exit),
			"exits":    exits,
			"client":   onScene((*scene).client),
			"send":     onScene((*scene).send),
			"expect":   onScene((*scene).expect),
			"ask":      onScene((*scene).ask),
			"eof":      onScene((*scene).eof),
			"close":    onScene((*scene).close),
			"answered": onScene((*scene).answered),
			"cpu":      onScene((*scene).cpu),
			"memory":   onScene((*scene).memory),
		},
	})
}

// condition knows what [race], [root], [postgres] and [files:N] mean: built with the race detector, run by root, there is a PostgreSQL to
// test with, N file descriptors for each process.
func condition(name string) (bool, error) {
	if n, ok := strings.CutPrefix(name, "files:"); ok {
		return mayOpen(n)
	}
	switch name {
	case "race":
		return raceDetector, nil
	case "postgres":
		return testPostgres != "", nil
	case "root":
		return os.Geteuid() == 0, nil
	default:
		return false, fmt.Errorf("unknown condition %s", name)
	}
}

// mayOpen reports whether a process may have so many file descriptors.
func mayOpen(files string) (bool, error) {
	want, err := strconv.Atoi(files)
	if err != nil {
		return false, err
	}
	out, err := exec.Command("sh", "-c", "ulimit -Hn").Output()
	if err != nil {
		return false, err
	}
	limit := strings.TrimSpace(string(out))
	got, err := strconv.Atoi(limit)
	return limit == "unlimited" || err == nil && got >= want, nil
}

// scene is what one script has started.
type scene struct {
	t       testing.TB
	ts      *testscript.TestScript // of the command that runs
	servers map[string]*server
	clients map[string][]*client
	wire    *wire // to the PostgreSQL; nil: none
}

type sceneKey struct{}

// setScene prepares a script: its environment and its scene.
func setScene(env *testscript.Env) error {
	shipped, err := filepath.Abs("../../scripts")
	if err != nil {
		return err
	}
	env.Setenv("SHIPPED", shipped)
	env.Setenv("ZONE_NIGHT", zoneWhereItIs(2))
	env.Setenv("ZONE_NOON", zoneWhereItIs(12))
	if os.Getenv("GORACE") == "" {
		env.Setenv("GORACE", "atexit_sleep_ms=0") // otherwise every end of the program takes a second
	}
	s := &scene{t: env.T().(testing.TB), servers: map[string]*server{}, clients: map[string][]*client{}}
	env.Values[sceneKey{}] = s
	env.Defer(s.end)
	return nil
}

// zoneWhereItIs is a time zone where it is between half an hour after that hour and half an hour after the next, so that neither is near while
// a script runs.
func zoneWhereItIs(hour int) string {
	now := time.Now().UTC()
	if now.Minute() < 30 {
		hour++
	}
	west := (now.Hour() - hour + 24) % 24 // hours behind Greenwich
	if west > 12 {
		west -= 24
	}
	return fmt.Sprintf("Etc/GMT%+d", west)
}

// end ends whatever the script has left, and shows the logs when it has failed.
func (s *scene) end() {
	for _, members := range s.clients {
		for _, c := range members {
			c.conn.Close()
		}
	}
	for name, server := range s.servers {
		server.kill()
		text := server.log.text()
		for _, bad := range []string{"fault of the host", "DATA RACE", "panic: ", "goroutine 1 ["} {
			if strings.Contains(text, bad) {
				s.t.Errorf("the log of %s has: %s", name, bad)
			}
		}
		if out := server.out.text(); out != "" {
			s.t.Errorf("%s wrote to its standard output: %.200s", name, out)
		}
		if s.t.Failed() {
			s.t.Logf("log of %s:\n%s", name, lastLines(text, 60))
		}
	}
}

func lastLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// onScene makes a testscript command of a method of the scene. What the method returns as an error ends the script.
func onScene(command func(s *scene, args []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this command cannot be negated")
		}
		s := ts.Value(sceneKey{}).(*scene)
		s.ts = ts
		ts.Check(command(s, args))
	}
}

// scriptLog is the one command that has a meaning with an exclamation mark.
func scriptLog(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(sceneKey{}).(*scene)
	s.ts = ts
	ts.Check(s.log(neg, args))
}

// serverAnd splits what a command was given into a server and the rest, of which there are n. The server may be left out.
func (s *scene) serverAnd(args []string, n int) (*server, []string, error) {
	name := defaultServer
	if len(args) == n+1 {
		name, args = args[0], args[1:]
	}
	if len(args) != n {
		return nil, nil, fmt.Errorf("wrong number of arguments")
	}
	server, ok := s.servers[name]
	if !ok {
		return nil, nil, fmt.Errorf("no server is called %s", name)
	}
	return server, args, nil
}

// TestEnvironmentScenarioIsComplete holds the scenario of the variables to the list of flags that --help prints.
func TestEnvironmentScenarioIsComplete(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(scriptFolder, "start_environment.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var help strings.Builder
	if got := cli.Main([]string{"--help"}, strings.NewReader(""), &help, os.Stderr, scripts); got != cli.ExitClean {
		t.Fatalf("got exit code %d, want %d", got, cli.ExitClean)
	}
	found := 0
	for _, word := range strings.Fields(help.String()) {
		flag, ok := strings.CutPrefix(word, "--")
		if !ok || strings.Trim(flag, "abcdefghijklmnopqrstuvwxyz-") != "" || flag == "help" || flag == "version" {
			continue
		}
		found++
		variable := "MOONGATE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
		if !strings.Contains(string(script), "env "+variable+"=") {
			t.Errorf("start_environment.txtar does not set %s", variable)
		}
	}
	if found < 16 {
		t.Errorf("got %d flags in --help, want 16 or more", found)
	}
}
