package command

import (
	"slices"
	"testing"
)

// unchanged are the commands that do in a shadow what they do elsewhere: they read, or change what is the shadow's own, or
// the Host of a shadow carries out nothing of them, or package datastore's Reading.
var unchanged = []string{
	"current_process", "current_process_name", "process_aborted", "new_process", "execute_on_server", "quit_4d", "call_worker",
	"on_outside_call", "semaphore", "test_semaphore", "clear_semaphore", "new_shared_object", "new_shared_collection", "use",
	"storage", "ob_copy", "ob_keys", "ob_remove", "ob_is_shared", "new_signal", "test_path_name", "ds", "sequence_number",
	"start_transaction", "validate_transaction", "cancel_transaction", "in_transaction", "transaction_level", "on_err_call",
	"method_called_on_error", "last_errors", "throw", "try", "abort", "current_user", "set_user_alias", "user_name",
	"in_network", "rate_limit", "session", "session_info", "session_storage", "application_type", "register_client",
	"unregister_client", "get_registered_clients", "open_gate", "close_gate", "address_set", "current_time", "current_date", "time",
	"time_string", "between_times", "tickcount", "milliseconds", "print", "log_event", "require",
}

// A command that is new must be thought about: what it changes must come to nothing in a shadow.
func TestEveryCommandIsThoughtOfInAShadow(t *testing.T) {
	known := map[string]bool{}
	for _, c := range Table() {
		known[c.Name] = true
		same := slices.Contains(unchanged, c.Name) || slices.ContainsFunc(impossibleCommands(), func(i Command) bool { return i.Name == c.Name })
		if instead := shadowed[c.Name] != nil; instead == same {
			t.Errorf("%s: got instead %v, unchanged %v; want one of them", c.Name, instead, same)
		}
	}
	for name := range shadowed {
		if !known[name] {
			t.Errorf("there is no command %s", name)
		}
	}
}
