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

// A command is a name in every role: where it does not exist it says so.
func TestInstall(t *testing.T) {
	for _, role := range []method.Role{method.Server, method.Local, method.Remote} {
		vm := sandbox.New(sandbox.Options{Compile: script.Compile, ConcatOperator: script.ConcatOperator})
		before := vm.Names()
		New(nil, slog.New(slog.DiscardHandler)).Install(vm, role)
		after := vm.Names()
		for _, c := range Table() {
			if !slices.Contains(after, c.Name) {
				t.Errorf("%s is no name in the role %s", c.Name, role)
			}
			if slices.Contains(before, c.Name) {
				t.Errorf("%s is a name of the standard library", c.Name)
			}
		}
	}
}

// What clients can ask the server for is written down here too, because it is a door: a row that is opened by mistake is found.
func TestAsked(t *testing.T) {
	want := []string{"clear_semaphore", "count_users", "current_date", "current_time", "current_user", "execute_on_client", "execute_on_server",
		"get_process_variable", "get_registered_clients", "process_info", "process_number", "process_properties", "process_state", "semaphore",
		"session_info", "set_process_variable", "set_user_alias", "test_semaphore"}
	var got []string
	for _, c := range Table() {
		if c.Asked != Asked(c.Name) {
			t.Errorf("%s: the row says %v", c.Name, c.Asked)
		}
		if c.Asked {
			got = append(got, c.Name)
		}
		if c.Asked && c.Roles&method.Server == 0 {
			t.Errorf("%s: clients may ask for it, and a server does not have it", c.Name)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if Asked("print") || Asked("") {
		t.Error("clients may ask for what is no command")
	}
}
