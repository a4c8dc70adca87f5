package luabind_test

import (
	"fmt"
	"log/slog"
	"testing"

	"moongate/luabind"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
)

// What session gives depends on the role: a client's machine has none, and a local host one for all.
func TestSessionsOfRoles(t *testing.T) {
	for role, want := range map[method.Role]string{
		method.Server: "storedProcedure Designer", method.Local: "standalone Designer", method.Remote: "none",
	} {
		folder := t.TempDir()
		scripts{"looks.lua": `local s = session() return s and s.info.type .. " " .. s.user_name or "none"`}.write(t, folder)
		h := host.New(host.Config{Log: slog.New(slog.DiscardHandler), Role: role})
		opened, err := luabind.Open(host.ScriptsConfig{Folder: folder, Role: role, Log: slog.New(slog.DiscardHandler), Host: h})
		if err != nil {
			t.Fatal(err)
		}
		program := opened.NewProgram(h.Processes().Start(process.Spec{Type: process.OtherUser, Method: "looks"}), nil)
		results, err := program.Call(host.CallOptions{}, "looks")
		if got := fmt.Sprint(results, err); got != fmt.Sprint([]any{want}, nil) {
			t.Errorf("role %v: got %s, want %s", role, got, want)
		}
		program.Close()
	}
}
