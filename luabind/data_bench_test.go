package luabind_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"moongate/luabind"
	"moongate/runtime/datastore"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
)

// BenchmarkServerLog is the open and the close method of the shipped server log: one insert, one query by index and one
// update, each of the two on disk when its method goes on.
func BenchmarkServerLog(b *testing.B) {
	folder := b.TempDir()
	shipped, err := os.ReadFile("../scripts/structure.lua")
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"structure.lua": string(shipped),
		"opened.lua": `local user, id = ...
ds.server_log:new{ log_date = current_date(), log_time = current_time(), user_id = user, connection_id = id, process_id = 0 }:save()`,
		"closed.lua": `local user, id = ...
local entry = ds.server_log:query("user_id = :1 and connection_id = :2 and process_id = 0", user, id):first()
entry.exit_date, entry.exit_time = current_date(), current_time()
entry.process_id, entry.process_name = current_process(), current_process_name()
entry:save()`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	h := host.New(host.Config{Log: log})
	scripts, err := luabind.Open(host.ScriptsConfig{Folder: folder, Role: method.Server, Log: log, Slice: 10 * time.Millisecond, Host: h})
	if err != nil {
		b.Fatal(err)
	}
	store, err := datastore.Open(context.Background(), datastore.Config{
		Path: filepath.Join(b.TempDir(), "data.sqlite"), Structure: scripts.Structure(), Durability: datastore.Normal,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	h.SetScripts(scripts)
	h.SetData(host.Data{Store: store})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p := h.Processes().Start(process.Spec{Type: process.OtherUser, Method: "opened"})
			program := scripts.NewProgram(p, nil)
			for _, name := range []string{"opened", "closed"} {
				if _, err := program.Call(host.CallOptions{Limit: 5 * time.Second}, name, int64(1), int64(p.ID())); err != nil {
					b.Error(err)
				}
			}
			program.Close()
			p.End()
		}
	})
}
