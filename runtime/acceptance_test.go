package runtime_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shown says by which tests a row is shown: `script/name` is testdata/script/name.txtar; `lua/name: text` is the
// chunk of testdata/lua/name.lua whose first comment begins with the text; `folder.TestName` is a Go test. What waits
// for something that does not exist yet says so in waits.
type shown struct {
	row   string
	tests []string
	waits string // "" when the tests show the whole row
}

// acceptance is the acceptance list of the behaviour that Moongate has taken over from 4D, row by row.
var acceptance = []shown{
	{"connect interpreted client: open called 3 times, process numbers 6, 7, 8, names empty", []string{"script/remote", "script/open_parameters"}, ""},
	{"connect compiled client with registration off: open called once", []string{"script/remote"}, ""},
	{"client $ process: never called; global process: called when it asks for the server's time", []string{
		"script/remote_twins", "runtime/host.TestLinksAreAsLongAsTheirProcesses"}, ""},
	{"third parameter 0 always; result nil or 0 accept; 22000 refuse; refused leaves no user, no close", []string{
		"script/open_parameters", "script/open_refusal"}, ""},
	{"example 2 at 01:59:59 accept, 02:00:00 refuse, 03:59:59 refuse, 04:00:00 accept", []string{"script/night_window"}, ""},
	{"example 1 leaves, after disconnection, every log row with an exit date", []string{"script/acceptance_server_log", "script/shipped"}, ""},
	{"kill the socket: within seconds locks are free, transaction cancelled, close called once per process", []string{
		"script/acceptance_lost_client", "script/acceptance_lost_transaction", "script/close_once", "script/close_running"}, ""},
	{"client connecting while On Server Startup sleeps waits until it ends", []string{"script/startup_blocks"}, ""},
	{"stored procedure: no open call; negative number on the client; $ name raises an error", []string{
		"script/procedures", "lua/acceptance: A stored procedure: its number is positive on the server",
		"lua/clients: Processes of the server have numbers below 0"}, ""},
	{"server QUIT 4D(5): caller continues; new clients refused; clients told; shutdown method; procedure killed at its return", []string{
		"script/acceptance_quit", "script/shutdown_quit", "script/shutdown_window"}, ""},
	{"no shutdown method: all aborted", []string{"script/shutdown_absent", "script/local"}, ""},
	{"On Exit with sample A ends in < 10 s although jobs sleep for a minute", []string{"script/examples_background_jobs", "script/remote_samples"}, ""},
	{"forced disconnect: On Exit runs; server call gives 10001/10002; New process fails", []string{
		"script/remote_quit", "runtime/host.TestTheServerIsGone"}, ""},
	{"semaphore: second process True; same process False; owner dies: third gets False", []string{
		"lua/acceptance: Semaphore: a second process gets true"}, ""},
	{"PAUSE then RESUME of a delayed process continues at once", []string{"lua/acceptance: PAUSE and then RESUME of a delayed process"}, ""},
	{"GET PROCESS VARIABLE on a dead process: nothing; SET: error", []string{"lua/acceptance: GET PROCESS VARIABLE of a dead process"}, ""},
	{"KILL WORKER + CALL WORKER: the second process starts after the first has ended", []string{"lua/acceptance: KILL WORKER and CALL WORKER"}, ""},
	{"sleeping session dropped between timeout and timeout+300 s", []string{"runtime/host.TestSleep"}, ""},
}

// badInput is what may go wrong between processes. Nothing of it hangs, and nothing is left: the tests end with that.
var badInput = []shown{
	{"wrong types and counts for every command", []string{"luabind.TestBadArguments"}, ""},
	{"unknown method for new_process, call_worker, on_err_call", []string{
		"lua/processes: A method that does not exist, and one that only Moongate calls", "lua/workers: The error has the line of the call",
		"luabind/command.TestErrorMethodOfAnotherVersion"}, ""},
	{"semaphore by a stranger", []string{"lua/semaphores: A second process gets true, and cannot clear"}, ""},
	{"write outside use", []string{"lua/shared: Outside of use: an error at the line of the assignment"}, ""},
	{"100,000 semaphores", []string{"lua/semaphores: A hundred thousand, and all are free"}, ""},
	{"10,000 processes", []string{"lua/processes_more: Ten thousand processes"}, ""},
	{"a worker that kills itself", []string{
		"lua/bad: A worker that kills itself, in all ways", "lua/workers: A worker that waits for a message is killed at once"}, ""},
	{"a message to a worker that has just died", []string{
		"lua/bad: A message to a worker that has just died", "lua/workers: An aborted worker's box stays"}, ""},
	{"a box that is full", []string{"lua/workers: The box is bounded"}, ""},
	{"abort while waiting: delay, pause, semaphore, use, signal, and inside what Moongate calls", []string{
		"lua/bad: A process that waits is ended at once, in each kind of wait", "lua/outside: Ending a process that answers ends it"}, ""},
	{"abort of a worker that waits for a message", []string{"lua/bad: A worker that waits for a message is ended at once"}, ""},
	{"abort of a process that has documents open", []string{"lua/documents: A process that ends closes its documents, whatever ends it"}, ""},
	{"nested use aborted in the middle", []string{
		"lua/bad: Uses inside each other, of objects and of the storage", "lua/shared: Aborted in the middle of nested uses"}, ""},
	{"a Lua error inside an outside call, on_err_call's method, use, try, a worker's message", []string{
		"lua/bad: A Lua error in a function that Moongate calls", "lua/outside: An error in it is logged, and the wait goes on",
		"lua/errors: An error in the method for errors is logged once", "lua/shared: An error goes on, and the use is over",
		"lua/workers: An error in a message is logged"}, ""},
	{"an abort is caught by nothing", []string{"lua/errors: An abort is not caught by try", "lua/waiting: Ending others: a process that waits"}, ""},
	{"two processes that wait for each other", []string{"lua/shared: Two processes that use two objects the other way round"}, ""},
}

// TestAcceptance holds the lists to the tests that they name.
func TestAcceptance(t *testing.T) {
	for _, s := range slices.Concat(acceptance, badInput, badGateInput, badDataInput) {
		if len(s.tests) == 0 && s.waits == "" {
			t.Errorf("%s: no test shows it", s.row)
		}
		for _, test := range s.tests {
			if problem := missing(test); problem != "" {
				t.Errorf("%s: %s", s.row, problem)
			}
		}
	}
}

// missing says what is wrong with a test's name, "" when the test is there.
func missing(test string) string {
	if name, ok := strings.CutPrefix(test, "script/"); ok {
		if _, err := os.Stat(filepath.Join(root, "testdata", "script", name+".txtar")); err != nil {
			return err.Error()
		}
		return ""
	}
	if name, ok := strings.CutPrefix(test, "lua/"); ok {
		file, text, _ := strings.Cut(name, ": ")
		return missingChunk(filepath.Join(root, "testdata", "lua", file+".lua"), text)
	}
	folder, name, _ := strings.Cut(test, ".")
	return missingTest(filepath.Join(root, filepath.FromSlash(folder)), name)
}

// missingChunk looks for the chunk of a file whose first comment, the marks of its lanes aside, begins with a text.
func missingChunk(path, text string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	for chunk := range strings.SplitSeq(string(content), "\n---\n") {
		for _, mark := range []string{"-- cooperative only\n", "-- connection\n", "-- client\n", "-- SQLite only\n", "-- PostgreSQL only\n"} {
			chunk = strings.TrimPrefix(chunk, mark)
		}
		if text != "" && strings.HasPrefix(chunk, "-- "+text) {
			return ""
		}
	}
	return path + " has no chunk that begins with the comment " + text
}

// missingTest looks for a Go test in the files of a folder.
func missingTest(folder, name string) string {
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		return err.Error()
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		if strings.Contains(string(content), "\nfunc "+name+"(t *testing.T)") {
			return ""
		}
	}
	return folder + " has no test " + name
}
