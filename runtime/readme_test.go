package runtime_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"moongate/luabind"
	"moongate/luabind/command"
	"moongate/runtime/cli"
	"moongate/runtime/method"
)

var update = flag.Bool("update", false, "write the generated parts of README.md anew")

// TestReadmeIsTrue compares the parts of README.md that are made from the code.
func TestReadmeIsTrue(t *testing.T) {
	name := filepath.Join(root, "README.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fresh := string(text)
	for part, content := range map[string]string{"methods": methodTable(), "commands": commandTable(), "flags": help(t, "--help"), "remote flags": help(t, "remote", "--help")} {
		pattern := regexp.MustCompile(`(?s)(<!-- ` + part + `: [^\n]*-->\n).*?(<!-- end -->)`)
		if !pattern.MatchString(fresh) {
			t.Fatalf("README.md has no part %s", part)
		}
		fresh = pattern.ReplaceAllString(fresh, "${1}"+strings.ReplaceAll(content, "$", "$$")+"${2}")
	}
	if fresh == string(text) {
		return
	}
	if *update {
		if err := os.WriteFile(name, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Error("README.md is stale: go test ./runtime -update")
}

// methodTable has a row for each method that this version calls, and names the others.
func methodTable() string {
	var b strings.Builder
	var waiting []string
	b.WriteString("| file | 4D's name | when | parameters | result | role |\n|---|---|---|---|---|---|\n")
	for _, m := range method.Table {
		if m.Roles == 0 {
			waiting = append(waiting, fmt.Sprintf("`%s` (%s)", m.Name, m.Waiting))
			continue
		}
		parameters, result := strings.Join(m.Parameters, ", "), m.Result
		if parameters == "" {
			parameters = "none"
		}
		if result == "" {
			result = "none"
		}
		fmt.Fprintf(&b, "| `%s.lua` | %s | %s | %s | %s | %s |\n", m.Name, m.Title, m.When, parameters, result, m.Roles)
	}
	fmt.Fprintf(&b, "\nKnown and not called yet: %s.\n", strings.Join(waiting, ", "))
	return b.String()
}

func commandTable() string {
	var b strings.Builder
	b.WriteString("| command | 4D's name | |\n|---|---|---|\n")
	for _, c := range command.Table() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.ReplaceAll(c.Signature, "|", `\|`), c.FourD, c.Meaning)
	}
	return b.String()
}

func help(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := cli.Main(args, nil, &out, os.Stderr, cli.Scripts{Open: luabind.Open, Structure: luabind.ReadStructure}); code != cli.ExitClean {
		t.Fatalf("%v: exit code %d", args, code)
	}
	return "```\n" + out.String() + "```\n"
}
