package cli_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAClientInAnotherLanguage: a few lines of Python, without a library, begin a session, join it, lose a connection and
// come back; to a server for everybody, and by TLS to one with accounts.
func TestAClientInAnotherLanguage(t *testing.T) {
	methods := map[string]string{"on_server_open_connection.lua": "return 0"}
	t.Run("plain", func(t *testing.T) {
		python(t, "Designer", serveHouse(t, methods, "--admin", "none"))
	})
	t.Run("TLS and accounts", func(t *testing.T) {
		folder := t.TempDir()
		server, users := filepath.Join(folder, "server"), filepath.Join(folder, "users")
		newAuthority(t, folder).sign(t, server, "server")
		add := exec.Command("moongate", "user", "add", "kim", "--users", users)
		add.Stdin = strings.NewReader("moon and stars\n")
		if output, err := add.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", add, err, output)
		}
		address := serveHouse(t, methods, "--admin", "none", "--tls-cert", server+".crt", "--tls-key", server+".key", "--users", users)
		python(t, "kim", address, "--ca", filepath.Join(folder, "ca.crt"), "--user", "kim", "--password", "moon and stars")
	})
}

// python runs the client, which must find everything as it should be.
func python(t *testing.T, user string, args ...string) {
	t.Helper()
	program, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	args = append([]string{filepath.Join("..", "..", "testdata", "python", "join.py")}, args...)
	got, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	want := "session: user " + user + ` process 3 connection 1
join: same session True
current_time: a number True
process_number: True
quit_4d: ERR
resume: PONG
sleep: OK
awake: PONG
stolen token: TOKEN
quit: OK OK
expired token: TOKEN
`
	if string(got) != want || err != nil {
		t.Errorf("got %s%v, want %s", got, err, want)
	}
}
