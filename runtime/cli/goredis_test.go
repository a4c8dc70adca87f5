package cli_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// house are the methods that the go-redis tests call.
var house = map[string]string{
	"on_server_open_connection.lua": `
if interprocess.closed then return 22000, "closed from 2 to 4" end
`,
	"count.lua": `n = (n or 0) + 1; return n`,
	"give.lua":  `return assert(loadstring("return " .. ...))()`,
	"fail.lua":  `error("on purpose")`,
	"wait.lua":  `delay_process(current_process(), 60 * 3600)`,
	"name.lua":  `return current_process_name()`,
	"shut.lua":  `interprocess.closed = true`,
}

// serveHouse starts the program for a Go test, which kills it at its end.
func serveHouse(t *testing.T, methods map[string]string, flags ...string) (address string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the program is not built there")
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "scripts"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range methods {
		if err := os.WriteFile(filepath.Join(folder, "scripts", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program, err := exec.LookPath("moongate")
	if err != nil {
		t.Fatal(err)
	}
	words := []string{program, "--listen", "127.0.0.1:0", "--admin", "none", "--data", filepath.Join(folder, "data"), "--address-file", filepath.Join(folder, "address")}
	words = append(words, flags...)
	s, err := start("moongate", folder, os.Environ(), words)
	if err != nil {
		t.Fatal(err)
	}
	s.addressFile = filepath.Join(folder, "address")
	t.Cleanup(func() {
		s.kill()
		if text := s.log.text(); strings.Contains(text, "DATA RACE") || strings.Contains(text, "fault of the host") || t.Failed() {
			t.Errorf("log:\n%s", lastLines(text, 60))
		}
	})
	addresses, err := s.addresses()
	if err != nil || len(addresses) != 1 {
		t.Fatalf("got addresses %q, %v, want one", addresses, err)
	}
	return addresses[0]
}

// eachProtocol runs a test with a stock client in RESP2 and in RESP3.
func eachProtocol(t *testing.T, test func(t *testing.T, ctx context.Context, client *redis.Client, protocol int)) {
	address := serveHouse(t, house)
	for protocol := 2; protocol <= 3; protocol++ {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			client := redis.NewClient(&redis.Options{
				Addr: address, Protocol: protocol, ClientName: "kim", PoolSize: 1, DialTimeout: patience, ReadTimeout: patience, MaxRetries: -1,
			})
			defer client.Close()
			test(t, ctx, client, protocol)
		})
	}
}

// TestGoRedisCommands: the commands that a stock Go client sends by itself, and those that it has methods for.
func TestGoRedisCommands(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, client *redis.Client, protocol int) {
		if got, err := client.Ping(ctx).Result(); got != "PONG" || err != nil {
			t.Errorf("Ping: got %q, %v, want PONG", got, err)
		}
		if got, err := client.Echo(ctx, "moon").Result(); got != "moon" || err != nil {
			t.Errorf("Echo: got %q, %v, want moon", got, err)
		}
		if got, err := client.ClientID(ctx).Result(); got < 1 || err != nil {
			t.Errorf("ClientID: got %d, %v, want 1 or more", got, err)
		}
		if got, err := client.ClientGetName(ctx).Result(); got != "kim" || err != nil {
			t.Errorf("ClientGetName: got %q, %v, want kim", got, err)
		}
		if got, err := client.Do(ctx, "CALL", "name").Text(); got != "kim" || err != nil {
			t.Errorf("the process's name: got %q, %v, want kim", got, err)
		}
		if got, err := client.Info(ctx).Result(); !strings.Contains(got, "moongate_version:") || err != nil {
			t.Errorf("Info: got %q, %v, want the version", got, err)
		}
		if got, err := client.Time(ctx).Result(); time.Since(got).Abs() > time.Hour || err != nil {
			t.Errorf("Time: got %v, %v, want now", got, err)
		}
		if got, err := client.Command(ctx).Result(); len(got) != 0 || err != nil {
			t.Errorf("Command: got %v, %v, want none", got, err)
		}
	})
}

// TestGoRedisResults: what a method returns, as a stock Go client sees it.
func TestGoRedisResults(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, client *redis.Client, protocol int) {
		for _, c := range []struct {
			lua          string
			resp2, resp3 any
		}{
			{`true`, int64(1), true},
			{`false`, int64(0), false},
			{`42`, int64(42), int64(42)},
			{`1.5`, "1.5", 1.5},
			{`"moon"`, "moon", "moon"},
			{`{}`, []any{}, []any{}},
			{`{1, "two", {3}}`, []any{int64(1), "two", []any{int64(3)}}, []any{int64(1), "two", []any{int64(3)}}},
			{`{name = "moon"}`, []any{"name", "moon"}, map[any]any{"name": "moon"}},
			{`1, nil, "three"`, []any{int64(1), nil, "three"}, []any{int64(1), nil, "three"}},
		} {
			want := c.resp2
			if protocol == 3 {
				want = c.resp3
			}
			if got, err := client.Do(ctx, "CALL", "give", c.lua).Result(); !reflect.DeepEqual(got, want) || err != nil {
				t.Errorf("CALL give %s: got %#v, %v, want %#v", c.lua, got, err, want)
			}
		}
		if got, err := client.Do(ctx, "CALL", "give", "nil").Result(); err != redis.Nil {
			t.Errorf("CALL give nil: got %v, %v, want redis.Nil", got, err)
		}
		_, err := client.Do(ctx, "CALL", "fail").Result()
		if want := "ERR fail.lua:1: on purpose"; err == nil || err.Error() != want {
			t.Errorf("CALL fail: got %v, want %s", err, want)
		}
		if got, err := client.Ping(ctx).Result(); got != "PONG" || err != nil {
			t.Errorf("after an error: got %q, %v, want PONG", got, err)
		}
	})
}

// TestGoRedisPipeline: many commands in one packet, and the variables that last in one connection.
func TestGoRedisPipeline(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, client *redis.Client, protocol int) {
		pipe := client.Pipeline()
		var calls []*redis.Cmd
		for range 500 {
			calls = append(calls, pipe.Do(ctx, "CALL", "count"))
			pipe.Ping(ctx)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			t.Fatal(err)
		}
		for i, call := range calls {
			if got, err := call.Int(); got != i+1 || err != nil {
				t.Fatalf("call %d: got %d, %v, want %d", i, got, err, i+1)
			}
		}
	})
}

// TestGoRedisPool: a pool of connections under load, each with a process of its own; and a call that its caller gives up.
func TestGoRedisPool(t *testing.T) {
	address := serveHouse(t, house)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: address, PoolSize: 20, DialTimeout: patience, ReadTimeout: patience, MaxRetries: -1})
	defer client.Close()
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			for range 20 {
				if err := client.Do(ctx, "CALL", "count").Err(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if got, want := client.PoolStats().TotalConns, uint32(20); got > want {
		t.Errorf("got %d connections, want at most %d", got, want)
	}
	short := client.WithTimeout(100 * time.Millisecond)
	if err := short.Do(ctx, "CALL", "wait").Err(); err == nil {
		t.Error("got no error from a call without end, want a timeout")
	}
	if err := client.Ping(ctx).Err(); err != nil {
		t.Error(err)
	}
}

// TestGoRedisRefused: a stock Go client that is refused gets an error. It is not the refusal's text: go-redis takes that for the answer of a
// server without HELLO, goes on, and finds the end of file.
func TestGoRedisRefused(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, client *redis.Client, protocol int) {
		if protocol == 2 {
			if err := client.Do(ctx, "CALL", "shut").Err(); err != redis.Nil {
				t.Fatalf("got %v, want redis.Nil", err)
			}
		}
		next := redis.NewClient(&redis.Options{Addr: client.Options().Addr, Protocol: protocol, DialTimeout: patience, MaxRetries: -1})
		defer next.Close()
		if got, err := next.Ping(ctx).Result(); err == nil {
			t.Errorf("got %q, want an error", got)
		}
	})
}
