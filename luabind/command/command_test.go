package command

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/method"
	"moongate/runtime/signature"
)

// What prints the commands for users walks the rows, so every row must say all there is to say.
func TestEveryCommandIsDocumented(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	result := regexp.MustCompile(`^([a-z]+( or nil)?)?$`)
	since := regexp.MustCompile(`^\d+\.\d+$`)
	seen := map[string]bool{}
	for _, c := range Table() {
		if !name.MatchString(c.Name) {
			t.Errorf("%s: the name is not in snake case", c.Name)
		}
		if seen[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name] = true
		if s, err := signature.Parse(c.Signature); err != nil || s.Name != c.Name || !result.MatchString(s.Result) {
			t.Errorf("%s: the signature %q does not begin with the name, or is no signature: %v", c.Name, c.Signature, err)
		}
		if c.Meaning == "" || strings.HasSuffix(c.Meaning, ".") || strings.ContainsAny(c.Meaning, "\n\r\t") || strings.TrimSpace(c.Meaning) != c.Meaning {
			t.Errorf("%s: the meaning %q is not one line without a full stop", c.Name, c.Meaning)
		}
		if !since.MatchString(c.Since) {
			t.Errorf("%s: since %q is no version", c.Name, c.Since)
		}
		if got := strings.ReplaceAll(strings.ToLower(c.FourD), " ", "_"); c.FourD != "" && got != c.Name {
			t.Errorf("%s: 4D's name %q in snake case is %s", c.Name, c.FourD, got)
		}
		if c.Roles == 0 || c.Roles&^everywhere != 0 {
			t.Errorf("%s: it exists in the roles %q", c.Name, c.Roles)
		}
		if c.run == nil {
			t.Errorf("%s does nothing", c.Name)
		}
	}
}

func TestInstallByRole(t *testing.T) {
	for _, role := range []method.Role{method.Server, method.Local, method.Remote} {
		vm := sandbox.New(sandbox.Options{Compile: script.Compile, ConcatOperator: script.ConcatOperator})
		before := vm.Names()
		New(nil, slog.New(slog.DiscardHandler)).Install(vm, role)
		after := vm.Names()
		for _, c := range Table() {
			if got, want := slices.Contains(after, c.Name), c.Roles&role != 0; got != want {
				t.Errorf("%s in the role %s: installed %v, want %v", c.Name, role, got, want)
			}
			if slices.Contains(before, c.Name) {
				t.Errorf("%s is a name of the standard library", c.Name)
			}
		}
	}
	for _, serverOnly := range []string{"abort_process_by_id", "count_users", "drop_remote_user", "reject_new_remote_connections", "connection_info", "count_connections", "user_name"} {
		i := slices.IndexFunc(Table(), func(c Command) bool { return c.Name == serverOnly })
		if i < 0 || Table()[i].Roles != method.Server {
			t.Errorf("%s is not there, or not for servers only", serverOnly)
		}
	}
}
