package luabind

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"moongate/luabind/command"
	"moongate/luabind/script"
	"moongate/runtime/host"

	lua "github.com/yuin/gopher-lua"
)

// consoleChunk is the file that messages name for what is typed.
const consoleChunk = "console"

// longestTyped is how much of a text is run, in bytes: the compiler cannot be stopped.
const longestTyped = 256 << 10

// Evaluate runs a text and returns its results for people to read: see host.Interpreter.
func (p program) Evaluate(text string, line int) (string, error) {
	if len(text) > longestTyped {
		return "", fmt.Errorf("%s:%d: the text is too long (the limit is %d bytes): put it into a method", consoleChunk, line, longestTyped)
	}
	proto, err := script.CompileTyped(text, consoleChunk, line)
	var open *script.Unfinished
	switch {
	case errors.As(err, &open):
		return "", unfinished{open}
	case err != nil:
		return "", err
	}
	printed := ""
	err = p.Program.Evaluate(consoleChunk, proto, func(L *lua.LState) { printed = p.printed(L) })
	if err != nil {
		return "", p.explained(text, translated(err))
	}
	return printed, nil
}

// unfinished is an error that is host.ErrUnfinished.
type unfinished struct{ *script.Unfinished }

func (unfinished) Is(target error) bool { return target == host.ErrUnfinished }

// typedError is a script's error with what else may help who typed the text.
type typedError struct {
	host.ScriptError
	hints []string
}

// Error is the message, and the hints in lines of their own.
func (e *typedError) Error() string {
	return strings.Join(append([]string{e.ScriptError.Error()}, e.hints...), "\n")
}

func (e *typedError) Unwrap() error { return e.ScriptError }

// Traceback is without the text itself, which is there to see; "" when the message says the rest too.
func (e *typedError) Traceback() string {
	calls := strings.Split(e.ScriptError.Traceback(), "\n")
	typed := func(call string) bool {
		return strings.HasPrefix(call, consoleChunk+":") && strings.HasSuffix(call, ": in the method")
	}
	if calls = slices.DeleteFunc(calls, typed); len(calls) < 2 {
		return ""
	}
	return strings.Join(calls, "\n")
}

// explained adds to an error in what was typed which of its names nobody knows, or this role does not: most such errors
// come of that.
func (p program) explained(text string, err error) error {
	failed, ok := err.(host.ScriptError)
	if !ok {
		return err
	}
	e := &typedError{ScriptError: failed}
	if strings.HasPrefix(failed.Error(), consoleChunk+":") {
		e.hints = script.UnknownNames(text, p.names())
	}
	return e
}

// names are the global names that code of the process can use.
func (p program) names() map[string]bool {
	names := maps.Clone(p.engine.known)
	delete(names, "interprocess")
	for _, m := range p.Set().Methods {
		if !m.Database {
			names[m.Name] = true
		}
	}
	p.Look(func(variables *lua.LTable) {
		if !p.Process().Preemptive() {
			names["interprocess"] = true
		}
		variables.ForEach(func(k, _ lua.LValue) {
			if name, ok := k.(lua.LString); ok {
				names[string(name)] = true
			}
		})
	})
	return names
}

// Explain says what a name means: a command, a project method, a word of the language; for a part of a name, which names
// have it; for "", how the console is used.
func (p program) Explain(name string) string {
	if name == "" {
		return aboutConsole
	}
	name = strings.TrimSuffix(strings.TrimSpace(strings.TrimSuffix(name, "()")), "(")
	if row := commandNamed(name); row != nil {
		return p.aboutCommand(row)
	}
	if m, ok := p.Set().Method(name); ok {
		return aboutMethod(m)
	}
	var rows []string
	for _, row := range command.Table() {
		if strings.Contains(row.Name, strings.ToLower(name)) || strings.Contains(strings.ToLower(row.FourD), strings.ToLower(name)) {
			rows = append(rows, row.Signature)
		}
	}
	if len(rows) > 0 {
		return strings.Join(rows, "\n")
	}
	return "nothing is known of " + quoted(name, longestInner) + script.DidYouMean(name, maps.Keys(p.names()))
}

const aboutConsole = `A line is an expression, whose values are shown, or statements; one that is not finished goes on in the next.
Global variables last from line to line, local ones as long as their line. Methods that change are used by the next line.
?name     what a command or method means; with a part of a name, all that have it
Tab       completes names, and fields as in storage.flags
Ctrl-C    interrupts what runs, or gives up on what is being typed
Ctrl-D    ends the host, as quit_4d() does: on_exit runs`

// commandNamed is the row of a command, by its name here or 4D's; nil when there is none.
func commandNamed(name string) *command.Command {
	for _, row := range command.Table() {
		if row.Name == name || row.FourD != "" && strings.EqualFold(row.FourD, name) {
			return &row
		}
	}
	return nil
}

func (p program) aboutCommand(row *command.Command) string {
	text := row.Signature
	if row.FourD != "" {
		text += "  (4D: " + row.FourD + ")"
	}
	text += "\n" + row.Meaning
	if row.Roles&p.engine.config.Role == 0 {
		text += "\nnot here; it is for: " + row.Roles.String()
	}
	return text
}

func aboutMethod(m *script.Method) string {
	kind := "project method"
	if m.Database {
		kind = "database method, which Moongate calls"
	} else if m.Preemptive {
		kind += ", preemptive"
	}
	return fmt.Sprintf("%s: %s (%s, %s)", m.Name, kind, m.File, m.Hash)
}
