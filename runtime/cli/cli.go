// Package cli is Moongate at the command line: its commands, flags, exit codes, OS signals and log.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"moongate/runtime/finding"
	"moongate/runtime/host"
	"moongate/runtime/recording"
	"moongate/runtime/signature"
	"moongate/runtime/simulate"
	"moongate/runtime/structure"
	"moongate/runtime/trial"

	"github.com/spf13/pflag"
)

// Exit codes.
const (
	ExitClean   = 0 // everything ended by itself
	ExitFailed  = 1 // it did not start, or failed
	ExitUsage   = 2 // a flag or an argument is wrong
	ExitStopped = 3 // it stopped, but something did not end by itself
)

// command is one row of what moongate can be told to do.
type command struct {
	name    string
	meaning string
	run     func(m *invocation, args []string) int
}

// commands is the table of commands; the first is the one that runs when none is named.
var commands []command

func init() { // because --help looks at it
	commands = []command{
		{"serve", "let clients in, as the scripts decide (the default command)", serve},
		{"local", "run on_startup, the processes that it starts, and at the end on_exit, without clients", local},
		{"remote", "be a client of a server, with scripts of its own (see moongate remote --help)", remoting},
		{"user", userManual.meaning, user},
		{"simulate", simulateManual.meaning, simulateLoad},
	}
	commands = append(commands, scriptCommands...)
	commands = append(commands, recordingCommands...)
	commands = append(commands, operatorCommands...)
}

// invocation is one start of the program.
type invocation struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	scripts        Scripts
}

// Scripts is what the program does with scripts. Nothing in runtime/ knows Lua, so package main hands it on, from package
// luabind.
type Scripts struct {
	Open host.OpenScripts
	// Shadow opens a second set of scripts, which changes nothing.
	Shadow host.OpenShadow
	// Structure reads the structure.lua of a scripts folder; without the file there are no tables. The error has a line for
	// each mistake.
	Structure func(folder string) (structure.Structure, error)
	// Check finds what is wrong in a scripts folder; the error is about the folder itself.
	Check func(folder string) (finding.Report, error)
	// Rules are all that Check looks for.
	Rules func() []finding.Rule
	// Commands are what scripts can call, theme by theme, and then the functions of data.
	Commands func() []signature.Command
	// Folder describes the methods and variables of a scripts folder. The error is Check's.
	Folder func(folder string) (signature.Folder, error)
	// Test runs the tests of a scripts folder; see package trial. It tells done of each file that is over, and blocks until
	// all are or ctx ends. The error is about the folder itself.
	Test func(ctx context.Context, folder string, o trial.Options, done func(trial.File)) (trial.Summary, error)
	// Behaviour reads the Lua file that says what each client of moongate simulate does. What clients print goes to say, which
	// is called from many goroutines. The error has a line for each mistake.
	Behaviour func(file string, say func(line string)) (simulate.Behaviour, error)
	// Rehearse loads a scripts folder to decide about recordings again. The error has a line for each mistake.
	Rehearse func(c recording.RehearsalConfig) (recording.Rehearsal, error)
}

// Main runs the program with the arguments that follow its name, and returns its exit code. It blocks until the
// program is over.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, scripts Scripts) int {
	m := &invocation{stdin: stdin, stdout: stdout, stderr: stderr, scripts: scripts}
	chosen := commands[0]
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		found := false
		for _, c := range commands {
			if c.name == args[0] {
				chosen, found = c, true
			}
		}
		switch {
		case found:
			args = args[1:]
		case args[0] == "help":
			args = []string{"--help"}
		default:
			return m.usage(fmt.Errorf("unknown command %q; the commands are: %s", args[0], names()))
		}
	}
	return chosen.run(m, args)
}

func names() string {
	var list []string
	for _, c := range commands {
		list = append(list, c.name)
	}
	return strings.Join(list, ", ")
}

// usage says what is wrong with the command line.
func (m *invocation) usage(err error) int {
	fmt.Fprintf(m.stderr, "moongate: %v\nTry 'moongate --help'.\n", err)
	return ExitUsage
}

// failed says why the program did not start. What a server or a file says is made printable, line by line.
func (m *invocation) failed(err error) int {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(m.stderr, "moongate: %s\n", printable(strings.TrimSuffix(line, "\n")))
	}
	return ExitFailed
}

// parsed reads flags and environment into the set. It reports false, with an exit code, when there is nothing more to
// do.
func (m *invocation) parsed(f *flags, args []string) (bool, int) {
	err := f.parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp) || err == nil && f.help:
		fmt.Fprint(m.stdout, f.usage())
		return false, ExitClean
	case err != nil:
		return false, m.usage(err)
	case f.version:
		fmt.Fprintln(m.stdout, "moongate", Version())
		return false, ExitClean
	}
	return true, ExitClean
}

// release is the version of the sources.
const release = "0.1.0"

// Version is the program's version, with the commit it was built from if the build knows it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return release + " (" + s.Value[:12] + ")"
		}
	}
	return release
}
