package luabind_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
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
	"moongate/runtime/session"
)

// The Lua surface is tested in Lua. A file of testdata/lua has chunks, separated by lines that are exactly ---. Each
// chunk is a project method of a scripts folder of its own, which also has the methods and modules of
// testdata/lua/scripts; a real host runs it, once in a process of the cooperative lane and once in a preemptive one.
// What a chunk says in comments:
//
//	-- cooperative only      in its first line: not in a preemptive lane
//	-- connection            in its first line: in the process of an accepted connection
//	-- client                in its first line: in a process of a client that is connected with such a host
//	-- SQLite only           in its first line: not on PostgreSQL; `-- PostgreSQL only` is the other way round
//	-- method name           what follows is another project method; `-- method name preemptive` marks it so, `-- method
//	                         name on server` as {"executedOnServer":true}
//	-- module folder/name    what follows is a module
//	-- structure             what follows is structure.lua, instead of that of testdata/lua/scripts
//	--- error: regexp        the chunk must fail, with an error of this line that matches
//	--- log: regexp          the log must have a line that matches; several are in this order
//
// A chunk without an error comment must return, and what it logs as a warning or error must be expected. No chunk
// takes any real time: it runs in a bubble of testing/synctest.
const (
	chunksFolder  = "../testdata/lua"
	scriptsFolder = "../testdata/lua/scripts"

	preemptiveMark = `--%attributes = {"preemptive":"capable"}`
	onServerMark   = `--%attributes = {"executedOnServer":true}`
)

// laneName is where a chunk runs.
type laneName string

const (
	cooperative laneName = "cooperative"
	preemptive  laneName = "preemptive"
	connection  laneName = "connection"
	client      laneName = "client"
)

// engineName is where the data of a chunk is.
type engineName string

const (
	sqlite     engineName = "SQLite"
	postgreSQL engineName = "PostgreSQL"
)

// chunk is one piece of a file.
type chunk struct {
	method   string // the file's name without its extension
	line     int    // where it begins
	lanes    []laneName
	engine   engineName // "": any
	sections []section
	err      *expectation
	log      []expectation
}

// section is a file that a chunk brings: the chunk's own method is the first.
type section struct {
	path  string
	line  int      // of the first line
	lines []string // the whole file of testdata, with only this section's lines
	mark  string   // its first line, "" for none
}

// marks are the first lines of methods, by what their sections say.
var marks = map[string]string{" preemptive": preemptiveMark, " on server": onServerMark}

// expectation is a comment that says what must happen.
type expectation struct {
	file string
	line int
	want *regexp.Regexp
}

var (
	sectionLine     = regexp.MustCompile(`^-- (?:method|module|(structure)) ?(\S*)( preemptive| on server)?$`)
	expectationLine = regexp.MustCompile(`--- (error|log): (.+)$`)
)

// readChunks gives the chunks of a file that run on an engine.
func readChunks(t *testing.T, path string, engine engineName) []chunk {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(content), "\n")
	if !strings.HasPrefix(lines[0], "--") {
		t.Fatalf("%s:1: the first line must be a comment", path)
	}
	var chunks []chunk
	for begin := 0; begin < len(lines); {
		length := slices.Index(lines[begin:], "---")
		if length < 0 {
			length = len(lines) - begin
		}
		c := newChunk(strings.TrimSuffix(filepath.Base(path), ".lua"), lines, begin, begin+length)
		if c.engine == "" || c.engine == engine {
			chunks = append(chunks, c)
		}
		begin += length + 1
	}
	return chunks
}

// newChunk reads lines[begin:end]. In the files that come of it every line has the number that it has in testdata.
func newChunk(method string, lines []string, begin, end int) chunk {
	c := chunk{method: method, line: begin + 1, lanes: []laneName{cooperative, preemptive}}
	switch lines[begin] {
	case "-- cooperative only":
		c.lanes = []laneName{cooperative}
	case "-- connection":
		c.lanes = []laneName{connection}
	case "-- client":
		c.lanes = []laneName{client}
	case "-- SQLite only", "-- PostgreSQL only":
		c.engine = engineName(strings.Fields(lines[begin])[1])
	}
	at := &section{path: method + ".lua", line: begin + 1, lines: make([]string, end)}
	for i := begin; i < end; i++ {
		if m := sectionLine.FindStringSubmatch(lines[i]); m != nil {
			c.sections = append(c.sections, *at)
			at = &section{path: m[1] + m[2] + ".lua", line: i + 1, lines: make([]string, end), mark: marks[m[3]]}
		}
		at.lines[i] = lines[i]
		if m := expectationLine.FindStringSubmatch(lines[i]); m != nil {
			e := expectation{at.path, i + 1, regexp.MustCompile(m[2])}
			if m[1] == "error" {
				c.err = &e
			} else {
				c.log = append(c.log, e)
			}
		}
	}
	c.sections = append(c.sections, *at)
	return c
}

// write makes the chunk's scripts folder.
func (c chunk) write(t *testing.T, lane laneName) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(scriptsFolder)); err != nil {
		t.Fatal(err)
	}
	for i, s := range c.sections {
		text := slices.Clone(s.lines)
		text[0] = s.mark // instead of a comment
		if i == 0 && lane == preemptive {
			text[0] = preemptiveMark
		}
		path := filepath.Join(folder, s.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Join(text, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// lines is a log in memory. The host writes to it from many goroutines.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSuffix(l.text.String(), "\n"), "\n")
}

// still is scripts whose folder nobody watches: the operating system's notices do not fit into a bubble.
type still struct{ host.Scripts }

func (still) Watch(stop <-chan struct{}) { <-stop }

// house is a host that serves, without a listener.
type house struct {
	*host.Host
	scripts host.Scripts
	over    chan error // what Run returned
	folder  string     // of its scripts
	log     *slog.Logger
	record  bool // what its processes read is noted
}

// open makes a host with the scripts of a folder, and its data beside that, in a file. The error is that of the scripts.
func open(folder string, log *slog.Logger) (*house, error) {
	return openOn(datastore.Config{Path: folder + "-data.sqlite", Durability: datastore.Normal}, folder, log)
}

// openOn is open with another database.
func openOn(data datastore.Config, folder string, log *slog.Logger) (*house, error) {
	h := &house{over: make(chan error, 1), folder: folder, log: log, Host: host.New(host.Config{
		Log: log, Version: "test", MethodTimeout: 5 * time.Second, Slice: 10 * time.Millisecond,
		QuitDelay: 5 * time.Second, QuitWindow: 13 * time.Second,
	})}
	scripts, err := luabind.Open(host.ScriptsConfig{
		Folder: folder, Role: method.Server, Log: log, Slice: 10 * time.Millisecond, Host: h.Host,
	})
	if err != nil {
		return nil, err
	}
	data.Structure, data.Log = scripts.Structure(), log
	store, err := datastore.Open(context.Background(), data)
	if err != nil {
		return nil, err
	}
	h.SetData(host.Data{Documents: document.New(folder + "-documents"), Store: store}) // beside it, so that it goes with it
	h.scripts = still{scripts}
	h.SetScripts(h.scripts)
	serving := make(chan struct{})
	go func() { // ends with close
		_, err := h.Run(func() { close(serving) }, func() {})
		h.over <- err
	}()
	<-serving
	return h, nil
}

// close ends the host, and checks that nothing is left of what ran in it.
func (h *house) close(t *testing.T) {
	t.Helper()
	h.Quit(0)
	if err := <-h.over; err != nil {
		t.Errorf("the host ended with %v", err)
	}
	if err := h.Store().Close(); err != nil {
		t.Errorf("the data store ended with %v", err)
	}
	for _, p := range h.Processes().All() {
		if p.RunsScripts() {
			t.Errorf("process %d %q (%s) is left", p.Number(), p.Name(), p.Method())
		}
	}
	if n := h.Documents().Count(); n != 0 {
		t.Errorf("%d documents are open", n)
	}
	for _, held := range h.scripts.(still).Scripts.(*luabind.Engine).Held() {
		if p := h.Processes().ByID(process.ID(held.Owner)); p == nil || p.RunsScripts() {
			t.Errorf("%s is left, of the process with id %d", held.What, held.Owner)
		}
	}
	if totals := h.Sessions().Totals(); totals.Live != 0 || totals.Accepted != totals.Closed {
		t.Errorf("connections are left: %+v", totals)
	}
}

// settle gives the processes that a chunk has started a second to end, and who looks after them while they wait a moment.
func (h *house) settle() {
	defer time.Sleep(50 * time.Millisecond)
	second := time.NewTimer(time.Second)
	defer second.Stop()
	for {
		changed := h.Processes().Changed()
		if h.Processes().Count((*process.Process).RunsScripts) == 0 {
			return
		}
		select {
		case <-changed:
		case <-second.C:
			return
		}
	}
}

// longest is how long a chunk may wait, in the bubble's time.
const longest = 100 * time.Hour

// call runs a method in a new process.
func (h *house) call(name string) error {
	p := h.Processes().Start(process.Spec{
		Name: "Chunk", Type: process.OtherUser, Method: name, Preemptive: h.scripts.Preemptive(name),
	})
	defer p.End()
	program := h.scripts.NewProgram(p, nil)
	defer program.Close()
	_, err := program.Call(host.CallOptions{Limit: longest, Record: h.record}, name)
	return err
}

// callByClient runs a method in the process of a connection.
func (h *house) callByClient(t *testing.T, name string) error {
	t.Helper()
	guest, refusal := h.Open(session.Peer{
		Address: netip.MustParseAddrPort("192.0.2.7:40000"), Local: netip.MustParseAddrPort("192.0.2.1:19813"), Listener: "192.0.2.1:19813",
	}, func() {})
	if guest == nil {
		return fmt.Errorf("refused: %s", refusal)
	}
	client, server := net.Pipe()
	served := make(chan struct{})
	go func() { // ends when the client closes its end
		guest.Serve(server)
		close(served)
	}()
	defer func() {
		client.Close()
		<-served
	}()
	if _, err := fmt.Fprintf(client, "CALL %s\r\n", name); err != nil {
		return err
	}
	reply, err := bufio.NewReader(client).ReadString('\n')
	if err != nil {
		return err
	}
	if message, failed := strings.CutPrefix(strings.TrimRight(reply, "\r\n"), "-"); failed {
		return fmt.Errorf("%s", strings.TrimPrefix(message, "ERR "))
	}
	return nil
}

// test runs the chunk in a host that open makes.
func (c chunk) test(t *testing.T, lane laneName, open func(log *slog.Logger) (*house, error)) {
	log := &lines{}
	h, err := open(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil { // the scripts are at fault, and a chunk may expect that
		c.checkError(t, err)
		return
	}
	switch lane {
	case connection:
		err = h.callByClient(t, c.method)
	case client:
		err = h.callInClient(t, c.method)
	default:
		err = h.call(c.method)
	}
	h.settle()
	h.close(t)
	c.checkError(t, err)
	c.checkLog(t, log.all())
}

// checkError compares what the chunk's method returned with what was expected of it.
func (c chunk) checkError(t *testing.T, err error) {
	t.Helper()
	switch {
	case c.err == nil && err != nil:
		t.Error(c.inTestdata(err.Error()))
	case c.err != nil && err == nil:
		t.Errorf("%s:%d: no error, want %s", c.testdata(), c.err.line, c.err.want)
	case c.err != nil:
		if place := fmt.Sprintf("%s:%d:", c.err.file, c.err.line); !strings.HasPrefix(err.Error(), place) || !c.err.want.MatchString(err.Error()) {
			t.Errorf("%s:%d: got the error %q, want %q and a match of %s", c.testdata(), c.err.line, err, place, c.err.want)
		}
	}
}

func (c chunk) testdata() string { return fmt.Sprintf("testdata/lua/%s.lua", c.method) }

// inTestdata makes the place in a message one in testdata: a line has the same number in all files of a chunk.
func (c chunk) inTestdata(message string) string {
	for _, s := range c.sections {
		if rest, ok := strings.CutPrefix(message, s.path+":"); ok {
			return c.testdata() + ":" + rest
		}
	}
	return fmt.Sprintf("%s:%d: %s", c.testdata(), c.line, message)
}

// checkLog compares the log with what was expected to be there.
func (c chunk) checkLog(t *testing.T, log []string) {
	t.Helper()
	expected := c.log
	for _, line := range log {
		switch {
		case len(expected) > 0 && expected[0].want.MatchString(line):
			expected = expected[1:]
		case strings.Contains(line, "msg=script "): // a name that the loader does not know, which chunks use on purpose
		case strings.Contains(line, `msg="script failed" method=`+c.method+" ") && c.err != nil: // the error itself
		case strings.Contains(line, `msg="did not end by itself"`): // what the chunk left waiting
		case strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR"):
			t.Errorf("%s:%d: %s", c.testdata(), c.line, line)
		}
	}
	for _, e := range expected {
		t.Errorf("%s:%d: no line of the log matches %s:\n%s", c.testdata(), e.line, e.want, strings.Join(log, "\n"))
	}
}

func chunkFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(chunksFolder + "/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s (%v)", chunksFolder, err)
	}
	return files
}

func TestLua(t *testing.T) {
	for _, file := range chunkFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, c := range readChunks(t, file, sqlite) {
				for _, lane := range c.lanes {
					t.Run(fmt.Sprintf("%d_%s", c.line, lane), func(t *testing.T) {
						folder := c.write(t, lane)
						synctest.Test(t, func(t *testing.T) {
							c.test(t, lane, func(log *slog.Logger) (*house, error) { return open(folder, log) })
						})
					})
				}
			}
		})
	}
}

func TestEveryCommandIsInTestdata(t *testing.T) {
	var all strings.Builder
	for _, file := range chunkFiles(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	for _, row := range command.Table() {
		if !regexp.MustCompile(`(^|[^.\w])` + row.Name + `[({]`).MatchString(all.String()) {
			t.Errorf("%s is called in no file of %s", row.Name, chunksFolder)
		}
	}
}
