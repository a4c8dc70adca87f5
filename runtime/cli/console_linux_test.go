package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"moongate/luabind"
)

// consoleUser is somebody at the terminal of a moongate local --console.
type consoleUser struct {
	*pseudoTerminal
	folder string // of the scripts
	seenTo int    // how much of what appeared was expected
	code   chan int
}

// useConsole starts a console in a scripts folder of these files, and waits for its prompt.
func useConsole(t *testing.T, files map[string]string) *consoleUser {
	t.Helper()
	t.Setenv("TERM", "xterm")
	u := &consoleUser{pseudoTerminal: openTerminal(t), folder: t.TempDir(), code: make(chan int, 1)}
	for name, text := range files {
		u.write(name, text)
	}
	args := []string{"local", "--console", "--scripts", u.folder, "--data", filepath.Join(t.TempDir(), "data")}
	go func() { // ends with the program, for which every test waits
		u.code <- Main(args, u.program, u.program, u.program, Scripts{Open: luabind.Open, Structure: luabind.ReadStructure})
	}()
	u.expect("Ctrl-D ends the host.", "> ")
	return u
}

func (u *consoleUser) write(name, text string) {
	u.t.Helper()
	if err := os.WriteFile(filepath.Join(u.folder, name), []byte(text), 0o644); err != nil {
		u.t.Fatal(err)
	}
}

func (u *consoleUser) keys(text string) {
	u.t.Helper()
	if _, err := io.WriteString(u.typist, text); err != nil {
		u.t.Fatal(err)
	}
}

// expect waits until these texts have appeared, each behind the one before.
func (u *consoleUser) expect(texts ...string) {
	u.t.Helper()
	for _, text := range texts {
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			u.mu.Lock()
			seen := u.seen.String()
			u.mu.Unlock()
			if at := strings.Index(seen[u.seenTo:], text); at >= 0 {
				u.seenTo += at + len(text)
				break
			}
			if time.Now().After(end) {
				u.t.Fatalf("%q did not appear; since what was expected before there is %q", text, seen[u.seenTo:])
			}
		}
	}
}

// ask types a line and expects what it gives, and the prompt.
func (u *consoleUser) ask(line string, texts ...string) {
	u.t.Helper()
	u.keys(line + "\r")
	u.expect("\r\n")
	u.expect(append(texts, "> ")...)
}

// ends waits for the end of the program, which must leave the terminal as it was.
func (u *consoleUser) ends(code int) {
	u.t.Helper()
	if got := within(u.t, "the end", u.code); got != code {
		u.t.Errorf("got exit code %d, want %d", got, code)
	}
	if !u.echoes() {
		u.t.Error("the terminal was left so that it shows nothing")
	}
	u.keys("\n") // the program's end would end its reading
	u.end()
}

const (
	up       = "\x1b[A"
	down     = "\x1b[B"
	typedC   = "\x03"
	typedD   = "\x04"
	pasted   = "\x1b[200~"
	endPaste = "\x1b[201~"
)

var exits = map[string]string{"on_exit.lua": `print("exit in " .. current_process_name())`}

func TestConsoleRunsLines(t *testing.T) {
	u := useConsole(t, exits)
	u.ask("x = 1", "")
	u.ask("x + 1", "2\r\n")
	u.ask("current_process(), current_process_name(), process_info(2).type", "2\r\n", `"P_1"`, "\r\n3\r\n")
	u.ask(`{b = {1, "two"}, a = true}`, `{a = true, b = {1, "two"}}`)
	u.ask("= x", "1\r\n")
	u.ask("nosuch()", "console:1: attempt to call", "unknown name nosuch\r\n")
	u.ask("x)", "console:1:2: syntax error near ')'\r\n")
	u.ask("?semaphore", "semaphore(name [, ticks]) -> boolean  (4D: Semaphore)\r\n", "false: the semaphore is the caller's")
	u.ask("x", "1\r\n")
	u.keys(typedD)
	u.expect(`msg="exit in $xx"`, `msg="moongate stopped"`)
	u.ends(ExitClean)
}

func TestConsoleContinuesWhatIsNotFinished(t *testing.T) {
	u := useConsole(t, nil)
	u.ask("n = 0", "")
	u.ask("for i = 1, 3 do", ">")
	u.ask("  n = n + i", ">")
	u.ask("end", "")
	u.ask("n", "6\r\n")
	u.ask("if n then", ">")
	u.ask("", "") // gives up
	u.ask("if n then", ">")
	u.keys(typedC)
	u.expect("^C\r\n", "> ")
	u.ask("n + 1", "7\r\n")
	u.keys(typedD)
	u.ends(ExitClean)
}

func TestConsoleRemembersLines(t *testing.T) {
	u := useConsole(t, nil)
	u.ask("x = 20", "")
	u.ask("x + 1", "21\r\n")
	u.ask("x + 1", "21\r\n")
	u.ask(up+up+up+down, "21\r\n") // the same line counts once
	u.ask(up+up+"+1", "")          // x = 20+1
	u.ask("x", "21\r\n")
	u.keys(typedD)
	u.ends(ExitClean)
}

func TestConsoleTakesPastedLines(t *testing.T) {
	u := useConsole(t, nil)
	text := "function add(a, b)\r\n\r\n\tlocal c = a + b\r\n  return c\r\nend\r\nadd(1, 2)\r\n"
	u.keys(text)
	u.expect("\r\n3\r\n", "> ")
	u.keys(pasted + strings.ReplaceAll(text, "\n", "") + "add(2, 2)\r" + endPaste)
	u.expect("\r\n3\r\n", "\r\n4\r\n", "> ")
	u.keys(pasted + "add(2,")
	u.keys(endPaste + " 3)\r")
	u.expect("\r\n5\r\n", "> ")
	u.keys(typedD)
	u.ends(ExitClean)
}

func TestConsoleIsInterrupted(t *testing.T) {
	u := useConsole(t, exits)
	for _, endless := range []string{"while true do end", "delay_process(current_process(), 60000)", "while true do pcall(error) end"} {
		u.keys(`print("it goes on") ` + endless + "\r")
		u.expect(`msg="it goes on"`)
		u.keys(typedC)
		u.expect("console:1: interrupted\r\n", "> ")
	}
	u.keys("1 +")
	u.keys(typedC)
	u.expect("1 +^C\r\n", "> ")
	u.keys(typedC)
	u.expect(howToLeave, "> ")
	u.keys(`print("it goes on") while true do end` + "\rx = 1\ry = 2\r") // all of it is forgotten
	u.expect(`msg="it goes on"`)
	u.keys(typedC)
	u.expect("console:1: interrupted\r\n", "> ")
	u.ask("x, y", "nil\r\n", "nil\r\n")
	u.ask("current_process()", "2\r\n")
	u.keys(typedD)
	u.expect(`msg="exit in $xx"`)
	u.ends(ExitClean)
}

func TestConsoleCompletes(t *testing.T) {
	u := useConsole(t, map[string]string{"write_journal.lua": ""})
	u.ask(`use(storage, function() storage.flags = new_shared_object{leave = true} end)`, "")
	u.ask("flags_of_mine = {red = 1, reddish = 2, green = 3}", "")
	u.ask("flags_of\t.gr\t", "3\r\n")
	u.ask("storage.f\t.l\t", "true\r\n")
	u.ask("write_j\t", "project method write_journal (write_journal.lua)\r\n")
	u.ask("('abc'):len() + #string.re\t(", ">") // rep and reverse: nothing is added but what they have in common
	u.keys(typedC)
	u.expect("> ")
	u.keys("flags_of_mine.r\t")
	u.expect("flags_of_mine.red")
	u.keys("\t")
	u.expect("flags_of_mine.red\r\n", "red      reddish\r\n", "> flags_of_mine.red")
	u.keys("\r")
	u.expect("1\r\n", "> ")
	u.ask("\t7", "7\r\n")
	u.keys(typedD)
	u.ends(ExitClean)
}

func TestConsoleStaysReadableBelowTheLog(t *testing.T) {
	u := useConsole(t, map[string]string{"speaks.lua": `delay_process(current_process(), 3) print("spoken") storage.now:trigger()`})
	u.ask(`use(storage, function() storage.now = new_signal() end)`, "")
	u.keys("new_process('speaks', 0, 'M')\r1 +")
	u.expect("msg=spoken", "> 1 +")
	u.keys(" 1\r")
	u.expect("\r\n2\r\n", "> ")
	u.keys(typedD)
	u.ends(ExitClean)
}

func TestConsoleUsesChangedScripts(t *testing.T) {
	u := useConsole(t, map[string]string{"version.lua": "return 'old'"})
	u.ask("version(), x", `"old"`, "nil\r\n")
	u.ask("x = 1", "")
	u.write("version.lua", "return 'new'")
	u.expect(`msg="scripts loaded"`)
	u.ask("version(), x", `"new"`, "1\r\n")
	u.keys(typedD)
	u.ends(ExitClean)
}

func TestConsoleEndsInEveryWay(t *testing.T) {
	for name, end := range map[string]func(u *consoleUser){
		"Ctrl-D":           func(u *consoleUser) { u.keys(typedD) },
		"quit_4d":          func(u *consoleUser) { u.keys("quit_4d() print('not here')\r") },
		"another's quit":   func(u *consoleUser) { u.keys("new_process('quits', 0)\r") },
		"SIGTERM":          func(*consoleUser) { syscall.Kill(os.Getpid(), syscall.SIGTERM) },
		"SIGHUP":           func(*consoleUser) { syscall.Kill(os.Getpid(), syscall.SIGHUP) },
		"SIGTERM, a text":  func(u *consoleUser) { u.keys("if x"); u.expect("if x"); syscall.Kill(os.Getpid(), syscall.SIGTERM) },
		"a flag of aborts": func(u *consoleUser) { u.keys("new_process('quits', 0) while not process_aborted() do end\r") },
	} {
		t.Run(name, func(t *testing.T) {
			u := useConsole(t, map[string]string{"on_exit.lua": `print("exit in " .. current_process_name())`, "quits.lua": "quit_4d()"})
			end(u)
			u.expect(`msg="exit in $xx"`, `msg="moongate stopped"`)
			u.ends(ExitClean)
		})
		if name == "a flag of aborts" {
			continue // there are no flags without on_exit
		}
		t.Run(name+" without on_exit", func(t *testing.T) {
			u := useConsole(t, map[string]string{"quits.lua": "quit_4d()"})
			end(u)
			u.ends(ExitClean)
		})
	}
}

func TestConsoleWhoseProcessIsAborted(t *testing.T) {
	u := useConsole(t, nil)
	u.ask("x = 1", "")
	u.ask("abort()", "console:1: ", "process 2, P_1, has ended, and with it its variables; what comes next runs in another one\r\n")
	u.ask("x, current_process_name()", "nil\r\n", `"P_2"`)
	u.keys(typedD)
	u.ends(ExitClean)
}

func TestConsoleAndALongStartup(t *testing.T) {
	u := useConsole(t, map[string]string{"on_startup.lua": `interprocess.begun = true while not process_aborted() do delay_process(current_process(), 600) end`})
	u.ask("interprocess.begun, process_info(1).name", "true\r\n", `"Main process"`)
	u.keys(typedD)
	u.ends(ExitStopped) // there is no on_exit: on_startup is aborted
}
