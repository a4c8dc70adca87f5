package luabind_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moongate/luabind"
	"moongate/luabind/command"
	"moongate/runtime/datastore"
	"moongate/runtime/document"
	"moongate/runtime/host"
	"moongate/runtime/method"
	"moongate/runtime/process"
	"moongate/runtime/remote"
	"moongate/runtime/structure"
	"moongate/runtime/wire"
)

// distantHost is what the commands of a client see: the data is a server's, which is in the same process here, but for the
// bytes in between.
type distantHost struct {
	command.Host
	store *datastore.Store

	refuse error // if not nil, processes have no link, and
	lost   error // if not nil, what links answer

	mu    sync.Mutex
	links map[*process.Process]*dataLink
}

func (h *distantHost) RemoteStructure() *structure.Structure { return h.store.Structure() }

func (h *distantHost) Link(p *process.Process) (command.Link, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return nil, h.refuse
	}
	if h.links[p] == nil {
		owner := datastore.Owner{Process: int64(p.Number()), Name: p.Name()}
		h.links[p] = &dataLink{host: h, context: h.store.NewContext(owner)}
	}
	return h.links[p], nil
}

// holds reports whether something is held on the server.
func (h *distantHost) holds() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.links {
		if l.context.Holds() {
			return true
		}
	}
	return false
}

// dataLink carries acts of data, by bytes.
type dataLink struct {
	command.Link // none: the server has no language
	host         *distantHost
	context      *datastore.Context
}

func (l *dataLink) Data(ctx context.Context, op string, args []any) (any, error) {
	if l.host.lost != nil {
		return nil, l.host.lost
	}
	args, err := over(args)
	if err != nil {
		return nil, err
	}
	answer, err := datastore.Carry(ctx, l.context, op, args)
	if e, ok := errors.AsType[*datastore.Error](err); ok {
		return nil, wire.Error{Code: "DATA", Message: e.Kind.Word() + " " + e.Error()}
	}
	if err != nil {
		return nil, err
	}
	list, err := over([]any{answer})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// Call is code of the process on the server: begin starts a transaction, change changes a row.
func (l *dataLink) Call(ctx context.Context, name string, _ []any) ([]any, error) {
	if name == "begin" {
		return nil, l.context.StartTransaction(ctx)
	}
	r, err := l.context.Get(ctx, "words", "a")
	if err != nil {
		return nil, err
	}
	if err := r.Set(1, 5); err != nil {
		return nil, err
	}
	return nil, l.context.Save(ctx, r)
}

// over is values as they are on the other side.
func over(values []any) ([]any, error) {
	packed, err := wire.Pack(values)
	if err != nil {
		return nil, err
	}
	return wire.Unpack(packed)
}

// openDistant makes a house whose scripts are a client's.
func openDistant(folder string, log *slog.Logger) (*house, *distantHost, error) {
	h := &house{over: make(chan error, 1), Host: host.New(host.Config{
		Log: log, Version: "test", MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond,
		QuitDelay: 5 * time.Second, QuitWindow: 13 * time.Second,
	})}
	far := &distantHost{links: map[*process.Process]*dataLink{}}
	scripts, err := luabind.OpenWith(host.ScriptsConfig{
		Folder: folder, Role: method.Remote, Log: log, Slice: 10 * time.Millisecond, Host: h.Host,
	}, luabind.Additions{Host: func(h command.Host) command.Host { far.Host = h; return far }})
	if err != nil {
		return nil, nil, err
	}
	far.store, err = datastore.Open(context.Background(), datastore.Config{
		Path: folder + "-data.sqlite", Durability: datastore.Normal, Structure: scripts.Structure(), Log: log})
	if err != nil {
		return nil, nil, err
	}
	h.SetData(host.Data{Documents: document.New(folder + "-documents"), Store: far.store})
	h.scripts = still{scripts}
	h.SetScripts(h.scripts)
	serving := make(chan struct{})
	go func() { // ends with close
		_, err := h.Run(func() { close(serving) }, func() {})
		h.over <- err
	}()
	<-serving
	return h, far, nil
}

// TestLuaFromAfar runs the chunks about the data on a client, unchanged.
func TestLuaFromAfar(t *testing.T) {
	for _, name := range dataChunks {
		t.Run(name, func(t *testing.T) {
			for _, c := range readChunks(t, filepath.Join(chunksFolder, name+".lua"), sqlite) {
				for _, lane := range c.lanes {
					if lane == connection || lane == client {
						continue // only a server has them, and these have one of their own
					}
					t.Run(fmt.Sprintf("%d_%s", c.line, lane), func(t *testing.T) {
						if reason := c.notForClients(); reason != "" {
							t.Skip(reason)
						}
						folder := c.write(t, lane)
						synctest.Test(t, func(t *testing.T) { testFromAfar(t, c, folder, lane) })
					})
				}
			}
		})
	}
}

func testFromAfar(t *testing.T, c chunk, folder string, lane laneName) {
	var far *distantHost
	c.test(t, lane, func(log *slog.Logger) (h *house, err error) {
		h, far, err = openDistant(folder, log)
		return h, err
	})
	if far != nil && far.holds() {
		t.Error("the server has a transaction or a lock that nobody needs any more")
	}
}

// notFromAfar are what chunks contain that are for other hosts than clients, with the reason.
var notFromAfar = map[string]string{
	"abort_process_by_id": "it does nothing on a client",
	"1500000":             "more than datastore.MaxAct",
}

// notForClients is why a chunk cannot be a client's, "" for one that can.
func (c chunk) notForClients() string {
	for text, reason := range notFromAfar {
		if slices.ContainsFunc(c.sections[0].lines, func(line string) bool { return strings.Contains(line, text) }) {
			return reason
		}
	}
	return ""
}

// afar runs a method of some scripts on a client, and gives the text that it returns.
func afar(t *testing.T, s scripts, run func(h *house, far *distantHost)) {
	t.Helper()
	folder := t.TempDir()
	s.write(t, folder)
	synctest.Test(t, func(t *testing.T) {
		h, far, err := openDistant(folder, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		run(h, far)
		h.close(t)
	})
}

const wordsStructure = `return { words = { { "word", "text", primary = true }, { "n", "integer" } } }`

// TestTooLargeFromAfar is an error that says so.
func TestTooLargeFromAfar(t *testing.T) {
	afar(t, scripts{"structure.lua": wordsStructure, "large.lua": `
local ok, message = pcall(function() ds.words:new{ word = ("x"):rep(9000000) }:save() end)
return message`}, func(h *house, _ *distantHost) {
		if got, err := h.says("large", 1); !strings.Contains(got, "over the wire they can have 8388608") || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// TestDataOfLocalProcess needs no server for what is local, and says that it has none for anything else.
func TestDataOfLocalProcess(t *testing.T) {
	afar(t, scripts{"structure.lua": wordsStructure, "look.lua": `
local t = ds.words
local ok, message = pcall(function() return t:count() end)
return tostring(t) .. "|" .. transaction_level() .. "|" .. message`}, func(h *house, far *distantHost) {
		far.refuse = errors.New("the process $P is local")
		got, err := h.says("look", 1)
		if want := "dataclass words|0|look.lua:3: the process $P is local"; got != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	})
}

// TestDataOfLostServer gives nil, why, and 4D's number, and waits for nothing.
func TestDataOfLostServer(t *testing.T) {
	script := `
local r = ds.words:new{ word = "a" }
local saved, why, number = r:save()
local level, _, again = start_transaction()
return tostring(saved) .. "|" .. why .. "|" .. number .. "|" .. tostring(level) .. "|" .. again .. "|" .. tostring(in_transaction())`
	want := "nil|the connection to the server was lost|10001|nil|10001|false"
	afar(t, scripts{"structure.lua": wordsStructure, "look.lua": script}, func(h *house, far *distantHost) {
		gone := &remote.Error{Number: remote.NumberLost, Message: remote.ErrLost.Error()}
		far.refuse = gone // as of the client's whole session
		if got, err := h.says("look", 1); got != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
		far.refuse, far.lost = nil, gone // as of the process's link
		if got, err := h.says("look", 1); got != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	})
}

// TestNewStructureFromAfar is there for the next use of a dataclass.
func TestNewStructureFromAfar(t *testing.T) {
	afar(t, scripts{"structure.lua": wordsStructure, "look.lua": `
local old = ds.words:new{ word = "old" }
old:save()
upgrade()
old.n = 5
old:save()
local new = ds.words:new{ word = "new", m = 7 }
assert(new:save())
return ds.words:get("new").m .. "|" .. ds.words:get("old").n .. "|" .. tostring(ds.words:query("n = 5"):first().m)`,
		"upgrade.lua": "delay_process(current_process(), 60)"}, func(h *house, far *distantHost) {
		said := make(chan string, 1)
		go func() { // ends with the method
			got, err := h.says("look", 1)
			said <- fmt.Sprint(got, err)
		}()
		time.Sleep(500 * time.Millisecond) // of the bubble: the method waits
		next := *far.store.Structure()
		next.Tables = slices.Clone(next.Tables)
		next.Tables[0].Columns = append(slices.Clone(next.Tables[0].Columns), structure.Column{Name: "m", Type: structure.Integer})
		if err := far.store.Upgrade(context.Background(), next); err != nil {
			t.Error(err)
		}
		if got, want := <-said, "7|5|nil<nil>"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestDataAfterCodeOnServer sees what that has done: its transactions are the process's, its saves are not hidden by what was read
// before.
func TestDataAfterCodeOnServer(t *testing.T) {
	afar(t, scripts{"structure.lua": wordsStructure, "begin.lua": onServerMark, "change.lua": onServerMark, "look.lua": `
begin()
local before = in_transaction()
ds.words:new{ word = "a", n = 1 }:save()
local found = ds.words:query("n = 1")
change()
local n = found:first().n
cancel_transaction()
return tostring(before) .. "|" .. n .. "|" .. transaction_level() .. "|" .. ds.words:count()`}, func(h *house, _ *distantHost) {
		if got, err := h.says("look", 1); got != "true|5|0|0" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
