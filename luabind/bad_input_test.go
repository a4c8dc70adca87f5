package luabind_test

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"moongate/luabind/command"
	"moongate/runtime/host"
	"moongate/runtime/process"
)

// badArguments are what nobody should give to a command: nothing, one value of each type, and far too many of them. A
// number or a text may be right for some; then what is tested is the rest.
var badArguments = []string{
	"", "nil", "true", "{}", "function() end", "coroutine.create(function() end)", "storage", "new_signal()",
	"1", "-1", "0/0", "1e308", "2^53", `""`, `"x"`, `"\0"`, `"1"`, `("x"):rep(100000)`,
	"nil, nil, nil, nil, nil, nil", "1, {}", `"x", {}`, `"x", "y", {}`, `{}, {}`, "1, 1, 1, function() end",
	"many(1)", `many("x")`, "many({})", "many(nil)", "storage, storage", "function() end, {}",
}

// badCalls is what is called, with the name by which errors call it: the commands, and the functions of collections
// and signals.
func badCalls() map[string]string {
	calls := map[string]string{}
	for _, row := range command.Table() {
		calls[row.Name] = row.Name
	}
	for _, name := range []string{"push", "pop", "shift", "unshift", "insert", "remove", "clear", "copy"} {
		calls["new_shared_collection(1, 2):"+name] = name
		calls["new_shared_collection(1, 2)."+name] = name
	}
	for _, name := range []string{"wait", "trigger"} {
		calls["triggered():"+name] = name
	}
	return calls
}

// badMethod makes a call with one of the bad arguments, each on a line of its own. It gives the error, "" when there
// was none.
func badMethod(call string, mark string) string {
	var b strings.Builder
	b.WriteString(mark + "\n" +
		"local function many(v) local t = {} for i = 1, 1000 do t[i] = v end return unpack(t, 1, 1000) end\n" +
		"local function triggered() local s = new_signal() s:trigger() return s end local calls = {\n")
	for _, arguments := range badArguments {
		fmt.Fprintf(&b, "function() local _ = %s(%s) end,\n", call, arguments)
	}
	b.WriteString("}\nlocal ok, message = pcall(calls[...])\nreturn ok and '' or tostring(message)\n")
	return b.String()
}

// linesBefore is how many lines the method has before its first call.
const linesBefore = 3

// says calls a method of the house.
func (h *house) says(name string, argument any) (string, error) {
	return says(h.Host, h.scripts, name, argument)
}

// says calls a method of a host with one argument and gives the text that it returned.
func says(h *host.Host, scripts host.Scripts, name string, argument any) (string, error) {
	p := h.Processes().Start(process.Spec{Name: "Chunk", Type: process.OtherUser, Method: name, Preemptive: scripts.Preemptive(name)})
	defer p.End()
	program := scripts.NewProgram(p, nil)
	defer program.Close()
	results, err := program.Call(host.CallOptions{Limit: longest}, name, argument)
	if err != nil {
		return "", err
	}
	return results[0].(string), nil
}

// TestBadArguments calls every command with every kind of bad argument, in both kinds of lane: it must work, or raise
// an error at the caller's line that says what is wrong. The host must not panic, hang, or keep anything.
func TestBadArguments(t *testing.T) {
	for lane, mark := range map[laneName]string{cooperative: "", preemptive: preemptiveMark} {
		t.Run(string(lane), func(t *testing.T) {
			all := badCalls()
			folder := writeBad(t, all, mark)
			delete(all, "quit_4d")
			synctest.Test(t, func(t *testing.T) { testBadArguments(t, folder, all, 0, len(badArguments)) })
			synctest.Test(t, func(t *testing.T) { testBadArgumentsInClient(t, folder, all) })

			quit := map[string]string{"quit_4d": "quit_4d"} // in hosts of its own, because it ends them
			folder = writeBad(t, quit, mark)
			for i := range badArguments {
				synctest.Test(t, func(t *testing.T) { testBadArguments(t, folder, quit, i, i+1) })
			}
		})
	}
}

// writeBad makes a scripts folder with a method for each call.
func writeBad(t *testing.T, calls map[string]string, mark string) string {
	t.Helper()
	folder, methods := t.TempDir(), scripts{}
	for call := range calls {
		methods[badName(call)+".lua"] = badMethod(call, mark)
	}
	methods.write(t, folder)
	return folder
}

// badName is the method that makes a call.
func badName(call string) string {
	return "bad_" + regexp.MustCompile(`\W+`).ReplaceAllString(strings.ReplaceAll(call, ".", " dot "), "_")
}

// testBadArguments makes calls with the bad arguments from first to before end in one host, each in a process of its own.
func testBadArguments(t *testing.T, folder string, calls map[string]string, first, end int) {
	log := &lines{}
	h, err := open(folder, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	makeBadCalls(t, calls, first, end, h.says)
	h.close(t)
	log.expectNoErrors(t)
}

// testBadArgumentsInClient makes calls with all bad arguments in a client of a host.
func testBadArgumentsInClient(t *testing.T, folder string, calls map[string]string) {
	log := &lines{}
	h, err := open(folder, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(h, folder, h.log)
	if err != nil {
		t.Fatal(err)
	}
	makeBadCalls(t, calls, 0, len(badArguments), func(name string, argument any) (string, error) {
		return says(c.Host, c.scripts, name, argument)
	})
	c.end(t, "")
	h.close(t)
	log.expectNoErrors(t)
}

// makeBadCalls makes calls with the bad arguments from first to before end. says makes one of them.
func makeBadCalls(t *testing.T, calls map[string]string, first, end int, says func(name string, argument any) (string, error)) {
	for call, name := range calls {
		for i := first; i < end; i++ {
			message, err := says(badName(call), i+1)
			if err != nil && !endsCaller(name, err) {
				t.Errorf("%s(%s): %v", call, badArguments[i], err)
			}
			place := fmt.Sprintf("%s.lua:%d: ", badName(call), linesBefore+i+1)
			if message != "" && !wellWorded(name, message, place) {
				t.Errorf("%s(%s): got the error %.300q, want one at %s that says what is wrong", call, badArguments[i], message, place)
			}
		}
	}
}

// expectNoErrors checks that the host has found nothing wrong with itself.
func (l *lines) expectNoErrors(t *testing.T) {
	for _, line := range l.all() {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("the log has %.300s", line)
		}
	}
}

// endsCaller reports whether an error is the end that a command is for.
func endsCaller(name string, err error) bool {
	return name == "quit_4d" && strings.Contains(err.Error(), "the server stops") ||
		name == "abort" && strings.Contains(err.Error(), "abort was called")
}

// ownWords are how errors begin that are neither about an argument by its number nor name the command first.
var ownWords = regexp.MustCompile(`^(a \w+ is not a supported value type in a shared object|storage: it belongs to another group of shared objects|` +
	`module .*not found: require reads|there is no table .*: structure\.lua in the scripts folder declares none$)`)

// wellWorded reports whether an error is of a place and says what is wrong in the interpreter's wording, or in the
// command's own. throw raises what it is asked to raise.
func wellWorded(name, message, place string) bool {
	rest, ok := strings.CutPrefix(message, place)
	return ok && (name == "throw" || ownWords.MatchString(rest) ||
		regexp.MustCompile(`^(bad argument #\d+ to `+name+` \(.+\)$|`+name+`: .)`).MatchString(rest))
}
