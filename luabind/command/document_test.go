package command

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/document"
	"moongate/runtime/method"
	"moongate/runtime/process"
)

// desk is a host that has processes, and documents or none.
type desk struct {
	Host
	table  process.Table
	folder *document.Folder
	failed []string // what ScriptFailed was told
}

func (d *desk) ScriptFailed(_ *process.Process, name, _ string, err error) {
	d.failed = append(d.failed, name+": "+err.Error())
}

func (d *desk) Processes() *process.Table   { return &d.table }
func (d *desk) Documents() *document.Folder { return d.folder }

// lane makes a lane with the commands.
func (d *desk) lane(limit uint64) *lane.Lane {
	commands := New(d, slog.New(slog.DiscardHandler))
	return lane.New(lane.Config{Closed: commands.Closed, Uncaught: commands.Uncaught, Memory: lane.NewMemory(limit)}, func(vm *sandbox.VM) { commands.Install(vm, method.Server) })
}

// start makes programs, each of a process of its own, with these methods.
func (d *desk) start(t testing.TB, l *lane.Lane, n int, methods map[string]string) []*lane.Program {
	t.Helper()
	known := script.Known{"_G": true}
	for _, name := range l.Names() {
		known[name] = true
	}
	folder := t.TempDir()
	for name, text := range methods {
		if err := os.WriteFile(filepath.Join(folder, name+".lua"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set, err := script.Load(folder, known)
	if err != nil {
		t.Fatal(err)
	}
	var programs []*lane.Program
	for range n {
		p := d.table.Start(process.Spec{Type: process.OtherUser})
		program := l.NewProgram(p, set, nil)
		t.Cleanup(func() {
			program.Close()
			p.End()
		})
		programs = append(programs, program)
	}
	return programs
}

func expectResults(t testing.TB, program *lane.Program, name, want string) {
	t.Helper()
	results, err := program.Call(lane.Options{Priority: lane.Ordinary}, name)
	if got := fmt.Sprintf("%v %v", results, err); got != want {
		t.Errorf("%s: got %s, want %s", name, got, want)
	}
}

func TestDocumentsWithoutAFolder(t *testing.T) {
	methods := map[string]string{}
	for _, c := range documentCommands {
		arguments := `"name"`
		if strings.Contains(c.Signature, "(reference") {
			arguments = `1, "text"`
		}
		methods["x_"+c.Name] = fmt.Sprintf("return %s(%s)", c.Name, arguments)
	}
	d := &desk{}
	program := d.start(t, d.lane(0), 1, methods)[0]
	for name := range methods {
		expectResults(t, program, name, "[<nil> this server has no data folder -35] <nil>")
	}
}

// While one process waits for a document, others have the lane.
func TestWaitingForADocumentGivesTheBatonAway(t *testing.T) {
	d := &desk{folder: document.New(t.TempDir())}
	programs := d.start(t, d.lane(0), 2, map[string]string{
		"opens": `ref = create_document("log") return ref`, "sends": `return send_packet(ref, "text")`, "answers": `return "here"`, "closes": `return close_document(ref)`,
	})
	expectResults(t, programs[0], "opens", "[1] <nil>")
	held, err := d.folder.Lookup(documentOwner(programs[0].Process()), 1)
	if err != nil {
		t.Fatal(err)
	}
	held.Hold()
	waits, over := make(chan struct{}), make(chan error)
	go func() { // ends when the document is released
		_, err := programs[0].Call(lane.Options{Priority: lane.Ordinary, Handover: func() { close(waits) }}, "sends")
		over <- err
	}()
	<-waits
	expectResults(t, programs[1], "answers", "[here] <nil>")
	held.Release()
	if err := <-over; err != nil {
		t.Error(err)
	}
	expectResults(t, programs[0], "closes", "[true] <nil>")
}

// A packet that does not fit into the memory limit stops its process, and the document is nobody's afterwards.
func TestPacketsAreCharged(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "large"), make([]byte, document.MaxPacket), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &desk{folder: document.New(path)}
	t.Cleanup(func() {
		if n := d.folder.Count(); n != 0 {
			t.Errorf("%d documents are open at the end of the process", n)
		}
	})
	program := d.start(t, d.lane(1<<20), 1, map[string]string{
		"reads": `local ref = open_document("large", 2) while true do pcall(receive_packet, ref, 16777216) end`,
	})[0]
	if _, err := program.Call(lane.Options{Priority: lane.Ordinary}, "reads"); !errors.Is(err, lane.ErrMemory) {
		t.Errorf("got %v, want an error that is lane.ErrMemory", err)
	}
}

func benchmarkMethod(b *testing.B, text string) {
	d := &desk{folder: document.New(b.TempDir())}
	program := d.start(b, d.lane(0), 1, map[string]string{"setup": `ref = create_document("log")`, "run": text})[0]
	if _, err := program.Call(lane.Options{}, "setup"); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := program.Call(lane.Options{}, "run"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSendPacket(b *testing.B) {
	benchmarkMethod(b, `for i = 1, 1000 do send_packet(ref, "a line of a log as they mostly are: a hundred bytes or rather less than that\n") end`)
}

func BenchmarkAppendOneLine(b *testing.B) {
	benchmarkMethod(b, `close_document(ref) ref = append_document("log") send_packet(ref, "a line\n")`)
}

func BenchmarkTry(b *testing.B) {
	benchmarkMethod(b, `try(error, 1)`)
}
