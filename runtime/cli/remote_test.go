package cli_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"moongate/runtime/cli"
)

// remote starts a client of a server: remote [-nowait] NAME SERVER|HOST:PORT [ARGUMENT ...].
func (s *scene) remote(args []string) error {
	wait := true
	if len(args) > 0 && args[0] == "-nowait" {
		wait, args = false, args[1:]
	}
	if len(args) < 2 {
		return fmt.Errorf("remote [-nowait] NAME SERVER|HOST:PORT [ARGUMENT ...]")
	}
	name, address, args := args[0], args[1], args[2:]
	if s.servers[address] != nil {
		address = s.ts.Getenv(address + "_address")
	}
	words := []string{"moongate", "remote", address}
	if path, err := exec.LookPath("moongate"); err == nil {
		words[0] = path
	}
	s.given(&args, "data", filepath.Join(s.ts.Getenv("WORK"), "data-"+name))
	s.given(&args, "machine", name)
	if old := s.servers[name]; old != nil && !old.ended() {
		return fmt.Errorf("%s runs already", name)
	}
	client, err := start(name, s.ts.MkAbs("."), s.environment(), append(words, args...))
	if err != nil {
		return err
	}
	s.servers[name] = client
	if wait {
		return client.awaitLog("the processes run")
	}
	return nil
}

// TestRemoteArguments is what is wrong with a command line.
func TestRemoteArguments(t *testing.T) {
	for args, want := range map[string]string{
		"":                                  "where is the server? moongate remote HOST:PORT",
		"a b":                               `unexpected argument "b"`,
		":1":                                `":1" is no address of a server; write it as HOST:PORT`,
		"a:0":                               `"a:0" is no address of a server; write it as HOST:PORT`,
		"a:65536":                           `"a:65536" is no address of a server; write it as HOST:PORT`,
		"a:b":                               `"a:b" is no address of a server; write it as HOST:PORT`,
		"a:1:2":                             `no address of a server`,
		"a:1 --machine $a":                  `--machine: "$a" is no name for a client: $ begins the names of local processes`,
		"a:1 --machine x@":                  `--machine: "x@" is no name for a client: @ stands for any characters`,
		"a:1 --machine=":                    `--machine: the name of a client is empty`,
		"a:1 --tls-ca ca":                   "--tls-ca needs --tls",
		"a:1 --tls --tls-cert c":            "--tls-cert and --tls-key belong together",
		"a:1 --password-file f":             "--password-file needs --user",
		"a:1 --data postgres://h/d":         "--data is a folder here: a client has the tables of its server",
		"a:1 --listen x":                    "unknown flag: --listen",
		"a:1 --quit-window -1s":             "--quit-window is -1s; it must be 0 or more",
		"a:1 --user u --session-timeout 1s": "unknown flag: --session-timeout",
	} {
		var out, errs strings.Builder
		code := cli.Main(append([]string{"remote"}, strings.Fields(args)...), strings.NewReader(""), &out, &errs, scripts)
		if code != cli.ExitUsage || !strings.Contains(errs.String(), want) {
			t.Errorf("moongate remote %s: got %d, %q, want %d, %q", args, code, errs.String(), cli.ExitUsage, want)
		}
	}
}

// What is wrong with a password file is said before anybody is asked for anything.
func TestRemotePasswordFile(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "password")
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"empty":  {"\n", 0o600, "its first line is empty; it must be the password"},
		"others": {"secret\n", 0o644, "chmod 600 it"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, c.mode); err != nil {
				t.Fatal(err)
			}
			var out, errs strings.Builder
			args := []string{"remote", "127.0.0.1:1", "--user", "ann", "--password-file", file, "--scripts", folder, "--data", filepath.Join(folder, "data")}
			code := cli.Main(args, strings.NewReader(""), &out, &errs, scripts)
			if code != cli.ExitFailed || !strings.Contains(errs.String(), c.want) {
				t.Errorf("got %d, %q, want %d, %q", code, errs.String(), cli.ExitFailed, c.want)
			}
		})
	}
}

// remotely runs a client to its end.
func remotely(t *testing.T, address string, args ...string) (code int, log string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "on_startup.lua"), []byte(`print("I am " .. current_user() .. ", " .. tostring(current_time("*") ~= nil)) quit_4d()`), 0o644); err != nil {
		t.Fatal(err)
	}
	lines := newTranscript()
	args = append([]string{"remote", address, "--scripts", folder, "--data", filepath.Join(folder, "data"), "--memory-limit", "0"}, args...)
	code = cli.Main(args, strings.NewReader(""), io.Discard, lines, scripts)
	return code, lines.text()
}

// A client by TLS, which knows whom it talks to, and shows who it is.
func TestRemoteTLS(t *testing.T) {
	folder := t.TempDir()
	a := newAuthority(t, folder)
	server, ann, ca := filepath.Join(folder, "server"), filepath.Join(folder, "ann"), filepath.Join(folder, "ca.crt")
	a.sign(t, server, "server")
	a.sign(t, ann, "ann")
	other := filepath.Join(t.TempDir(), "other")
	newAuthority(t, filepath.Dir(other))
	address := serveHouse(t, map[string]string{"on_server_open_connection.lua": `if connection_info().subject ~= "CN=ann" then return 403, "not you" end`},
		"--tls-cert", server+".crt", "--tls-key", server+".key", "--tls-client-ca", ca, "--admin", "none")
	certificate := []string{"--tls-cert", ann + ".crt", "--tls-key", ann + ".key"}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"all is well":         {append([]string{"--tls", "--tls-ca", ca}, certificate...), cli.ExitClean, `msg="I am Designer, true"`},
		"no certificate":      {[]string{"--tls", "--tls-ca", ca}, cli.ExitFailed, "certificate required"},
		"another authority":   {append([]string{"--tls", "--tls-ca", filepath.Join(filepath.Dir(other), "ca.crt")}, certificate...), cli.ExitFailed, "say who signs the server's certificate with --tls-ca"},
		"another name":        {append([]string{"--tls", "--tls-ca", ca, "--tls-name", "elsewhere.example"}, certificate...), cli.ExitFailed, "elsewhere.example"},
		"without TLS":         {nil, cli.ExitFailed, "TLS"},
		"a file that is none": {[]string{"--tls", "--tls-ca", server + ".key"}, cli.ExitFailed, "no certificate in it; it must be PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			code, log := remotely(t, address, c.args...)
			if code != c.code || !strings.Contains(log, c.want) {
				t.Errorf("got %d, %s, want %d and %q", code, log, c.code, c.want)
			}
			if c.code != cli.ExitClean && strings.Count(log, "\n") != 1 {
				t.Errorf("got %q, want one line", log)
			}
		})
	}
}

// Somebody else answers where a server is expected, or nobody does. The client says so in one line, soon.
func TestRemoteWithoutAServer(t *testing.T) {
	for name, c := range map[string]struct {
		says string // what answers, at once
		want string
	}{
		"a web server":  {"HTTP/1.1 400 Bad Request\r\n\r\n", "it does not look like the application listener of a Moongate server"},
		"a redis":       {"-NOAUTH HELLO must be called with the client already authenticated\r\n", "give --user, and --password-file"},
		"an old redis":  {"-ERR unknown command 'HELLO'\r\n", "unknown command"},
		"another redis": {"%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n", "redis"},
		"ssh":           {"SSH-2.0-OpenSSH_9.6\r\n", "it does not look like the application listener of a Moongate server"},
		"an end":        {"", "without an answer"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() { // ends with the listener
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					io.WriteString(conn, c.says)
					conn.(*net.TCPConn).CloseWrite()
					io.Copy(io.Discard, conn)
					conn.Close()
				}
			}()
			code, log := remotely(t, l.Addr().String())
			if code != cli.ExitFailed || !strings.Contains(log, c.want) || strings.Count(log, "\n") != 1 || !strings.Contains(log, l.Addr().String()) {
				t.Errorf("got %d, %s, want %d and one line with %q", code, log, cli.ExitFailed, c.want)
			}
		})
	}
}

// A server without accounts has nobody to log in as.
func TestRemoteUserWithoutAccounts(t *testing.T) {
	address := serveHouse(t, map[string]string{"hello.lua": "return 1"}, "--admin", "none")
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, log := remotely(t, address, "--user", "ann", "--password-file", password)
	if want := "leave --user away"; code != cli.ExitFailed || strings.Count(log, "\n") != 1 || !strings.Contains(log, want) {
		t.Errorf("got %d, %s, want %d and one line with %q", code, log, cli.ExitFailed, want)
	}
}
