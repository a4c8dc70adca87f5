package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// runUser runs moongate user.
func runUser(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	m := &invocation{stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs}
	code = user(m, args)
	return code, out.String(), errs.String()
}

func TestUserWalksThroughTheLifeOfAnAccount(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	for _, c := range []struct {
		args           []string
		stdin          string
		code           int
		stdout, stderr string // regular expressions of all that is written
	}{
		{[]string{"list"}, "", ExitFailed, ``, `moongate: users file: .*; make it with: moongate user add NAME --users .*\n`},
		{[]string{"add", "ada"}, "moon\r\nsecond line\n", ExitClean, `user ada is added\n`, ``},
		{[]string{"add", "Bob"}, "sun", ExitClean, `user Bob is added\n`, ``},
		{[]string{"add", "ADA"}, "", ExitFailed, ``, `moongate: user ada is in .* already; to change the password: moongate user passwd ada\n`},
		{[]string{"passwd", "eve"}, "", ExitFailed, ``, `moongate: no user "eve" is in .*; to add one: moongate user add NAME\n`},
		{[]string{"passwd", "ada"}, "", ExitFailed, ``, `moongate: standard input is empty; its first line is the password\n`},
		{[]string{"passwd", "ada"}, "\nmoon\n", ExitFailed, ``, `moongate: the password is empty; give one of 1 to 1024 bytes\n`},
		{[]string{"passwd", "ada"}, strings.Repeat("x", 1025), ExitFailed, ``, `moongate: the password is too long; give one of 1 to 1024 bytes\n`},
		{[]string{"passwd", "ada"}, strings.Repeat("x", 1<<20), ExitFailed, ``, `moongate: the password is too long; give one of 1 to 1024 bytes\n`},
		{[]string{"passwd", "ada"}, strings.Repeat("x", 1024) + "\r\n", ExitClean, `user ada has the new password\n`, ``},
		{[]string{"disable", "bob"}, "", ExitClean, `user bob is disabled\n`, ``},
		{[]string{"disable", "eve"}, "", ExitFailed, ``, `moongate: no user "eve" is in .*\n`},
		{[]string{"list"}, "", ExitClean, `NAME  STATE     COSTS\nada   enabled   m=19456,t=2,p=1\nBob   disabled  m=19456,t=2,p=1\n`, ``},
		{[]string{"list", "--json"}, "", ExitClean, `\[\n\{"name":"ada","disabled":false,"memory_kib":19456,"passes":2,"threads":1\},\n\{"name":"Bob","disabled":true,.*\}\n\]\n`, ``},
		{[]string{"enable", "bob"}, "", ExitClean, `user bob is enabled\n`, ``},
		{[]string{"add", "a:b"}, "moon\n", ExitFailed, ``, `moongate: the user name "a:b" has a colon in it; leave that out\n`},
	} {
		code, stdout, stderr := runUser(c.stdin, append(c.args, "--users", file)...)
		if code != c.code || !matches(c.stdout, stdout) || !matches(c.stderr, stderr) {
			t.Errorf("%q: got %d, %q, %q, want %d, %q, %q", c.args, code, stdout, stderr, c.code, c.stdout, c.stderr)
		}
	}
}

func matches(pattern, text string) bool {
	return regexp.MustCompile(`\A` + pattern + `\z`).MatchString(text)
}

func TestUserUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	const hint = `\nTry 'moongate user --help'\.\n`
	for _, c := range []struct {
		args   []string
		stderr string
	}{
		{nil, `moongate user: say what to do: add\|passwd\|disable\|enable NAME, or list` + hint},
		{[]string{"remove", "ada"}, `moongate user: "remove" is not what it can do; .*` + hint},
		{[]string{"add"}, `moongate user: say who: moongate user add NAME` + hint},
		{[]string{"add", "ada", "secret"}, `moongate user: there is an argument after the name; the password is never one: .*` + hint},
		{[]string{"passwd", "ada", "secret"}, `moongate user: there is an argument after the name; the password is never one: .*` + hint},
		{[]string{"passwd", "ada", "--password=secret"}, `moongate user: unknown flag: --password` + hint},
		{[]string{"passwd", "ada", "-psecret"}, `moongate user: unknown flag: -p` + hint},
		{[]string{"disable", "ada", "bob"}, `moongate user: there is an argument after the name; disable takes one name` + hint},
		{[]string{"list", "ada"}, `moongate user: list takes no name; it shows all` + hint},
		{[]string{"add", "ada", "--json"}, `moongate user: --json goes with list only` + hint},
	} {
		code, stdout, stderr := runUser("moon\n", append(c.args, "--users", file)...)
		if code != ExitUsage || stdout != "" || !matches(c.stderr, stderr) {
			t.Errorf("%q: got %d, %q, %q, want %d and %q", c.args, code, stdout, stderr, ExitUsage, c.stderr)
		}
		if strings.Contains(stderr, "secret") {
			t.Errorf("%q: the password is shown: %q", c.args, stderr)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a users file was made")
	}
	code, stdout, _ := runUser("", "--help")
	if code != ExitClean || !strings.Contains(stdout, "--users file") {
		t.Errorf("got %d, %q, want the help", code, stdout)
	}
}

func TestUserTakesTheFileFromTheEnvironment(t *testing.T) {
	t.Setenv("MOONGATE_USERS", "")
	code, _, stderr := runUser("moon\n", "add", "ada")
	if code != ExitUsage || !strings.Contains(stderr, "--users FILE, or MOONGATE_USERS") {
		t.Errorf("got %d, %q, want a usage error", code, stderr)
	}
	file := filepath.Join(t.TempDir(), "users")
	t.Setenv("MOONGATE_USERS", file)
	if code, _, stderr := runUser("moon\n", "add", "ada"); code != ExitClean {
		t.Errorf("got %d, %q", code, stderr)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), "ada::$argon2id$") {
		t.Errorf("got %q, %v, want ada", text, err)
	}
}

func TestUserPasswdMendsAHashOfAnotherKind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte("# old\nada::$2y$10$abcdefghijklmnopqrstuv\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runUser("", "list", "--users", file); code != ExitFailed || !strings.Contains(stderr, ":2: user ada: ") || !strings.Contains(stderr, "moongate user passwd ada") {
		t.Errorf("got %d, %q, want an error that says what to do", code, stderr)
	}
	if code, _, stderr := runUser("moon\n", "passwd", "ada", "--users", file); code != ExitClean {
		t.Errorf("got %d, %q", code, stderr)
	}
	if code, stdout, stderr := runUser("", "list", "--users", file); code != ExitClean || !strings.Contains(stdout, "ada ") {
		t.Errorf("got %d, %q, %q, want ada", code, stdout, stderr)
	}
}
