package command

import (
	"context"
	"log/slog"

	"moongate/luabind/lane"

	lua "github.com/yuin/gopher-lua"
)

var logCommands = []Command{
	{Name: "print", Signature: "print(value ...)", Since: "0.1", Roles: everywhere,
		Meaning: "writes a line to the log, with the process's number", run: printLine},
	{Name: "log_event", Signature: "log_event([output,] message [, importance])", FourD: "LOG EVENT", Since: "0.1", Roles: everywhere,
		Meaning: "writes a line to the log: importance 0 information, 1 warning, 2 error; every output is the log", run: logEvent},
}

// longestLine is how much of one line scripts can write to the log, in bytes.
const longestLine = 8 << 10

func printLine(e *environment, L *lua.LState) int {
	var line []byte
	for i := 1; i <= L.GetTop() && len(line) <= longestLine; i++ {
		if i > 1 {
			line = append(line, '\t')
		}
		text := L.ToStringMeta(L.Get(i)).String()
		line = append(line, text[:min(len(text), longestLine+1)]...)
	}
	e.write(L, slog.LevelInfo, string(line))
	return 0
}

func logEvent(e *environment, L *lua.LState) int {
	i := 1
	if L.Get(1).Type() == lua.LTNumber {
		i = 2
	}
	message := L.CheckString(i)
	level := slog.LevelInfo
	switch L.OptInt(i+1, 0) { // a bad importance is information, as in 4D
	case 1:
		level = slog.LevelWarn
	case 2:
		level = slog.LevelError
	}
	e.write(L, level, message)
	return 0
}

func (e *environment) write(L *lua.LState, level slog.Level, message string) {
	if len(message) > longestLine {
		message = message[:longestLine] + "..."
	}
	lane.Running(L).Step(L, 100+len(message)) // so that a loop of prints is as long as it looks
	if !e.log.Enabled(context.Background(), level) {
		return
	}
	attrs := []any{"process", lane.Running(L).Process().Number()}
	if c := connectionOf(L); c != nil {
		attrs = append(attrs, "connection", c.ID)
	}
	e.log.Log(context.Background(), level, message, attrs...)
}
