package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/luabind/sandbox"
	"moongate/luabind/witness"
	"moongate/runtime/structure"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// A command that reads the outside (Command.Reads) is noted with its results while its call is witnessed, and answered from
// the recording in a rehearsal. One that acts does nothing there (Command.instead). Everything that is in no table of
// commands and reads the outside, as shared objects and data do, asks for the witness itself.

// unspy puts interprocess tables themselves into the place of what a witnessed call sees of them, among the arguments of the
// function that runs: commands go through tables as they are.
func unspy(L *lua.LState) {
	for i := L.GetTop(); i > 0; i-- {
		if t, ok := L.Get(i).(*lua.LTable); ok && t.Metatable != lua.LNil {
			if real := sandbox.Whole(t); real != t {
				L.Replace(i, real)
			}
		}
	}
}

// witnessed is what runs a command when its call may be witnessed.
func witnessed(row Command, run func(*environment, *lua.LState) int) func(*environment, *lua.LState) int {
	return func(e *environment, L *lua.LState) int {
		w := lane.Running(L).Witness()
		switch {
		case w == nil:
			return run(e, L)
		case w.Recording() != nil:
			return e.rehearsed(L, w, row, run)
		case row.Reads:
			return noted(e, L, w, row, run)
		}
		return run(e, L)
	}
}

// noted runs a command and notes what it gives.
func noted(e *environment, L *lua.LState, w *witness.Witness, row Command, run func(*environment, *lua.LState) int) int {
	key, returned := argumentsOf(L), false
	defer func() {
		if !returned {
			w.Note(L, witness.Raised+row.Name, key)
		}
	}()
	n := run(e, L)
	returned = true
	noteResults(L, w, row.Name, key, n)
	return n
}

// noteResults notes the last n values on L, which a command has given.
func noteResults(L *lua.LState, w *witness.Witness, what, key string, n int) {
	b, scalar := wire.AppendListHeader(w.Room(), n), true
	for i := L.GetTop() - n + 1; i <= L.GetTop() && scalar; i++ {
		b, scalar = appendScalar(b, L.Get(i))
	}
	if scalar { // as most are
		w.NotePacked(L, what, key, b)
		return
	}
	values, err := resultsOf(L, n)
	if err != nil {
		w.NoteUnkept(L, what, key)
		return
	}
	w.Note(L, what, key, values...)
}

// appendScalar packs a value as wire.Pack packs what convert.Copied makes of it; false, and b, for one that holds others.
func appendScalar(b []byte, v lua.LValue) ([]byte, bool) {
	switch v := v.(type) {
	case *lua.LNilType:
		return wire.AppendNull(b), true
	case lua.LBool:
		return wire.AppendBool(b, bool(v)), true
	case lua.LString:
		return wire.AppendText(b, string(v)), true
	case lua.LNumber:
		if whole, ok := convert.Whole(v); ok {
			return wire.AppendInteger(b, whole), true
		}
		return wire.AppendFloat(b, float64(v)), true
	}
	return b, false
}

// mostNotedValues is how many values the results of one command may have to be kept, tables and what is in them
// together. More would
// not fit into a recording, and cost more than it is worth.
const mostNotedValues = 2000

// resultsOf are the last n values on L. The error says why they cannot be kept.
func resultsOf(L *lua.LState, n int) (values []any, err error) {
	defer func() {
		if r := recover(); r == errTooMany {
			err = errTooMany
		} else if r != nil {
			panic(r)
		}
	}()
	count := 0
	values = make([]any, n)
	for i := range values {
		values[i], err = convert.Copied(L.Get(L.GetTop()-n+i+1), func(n int) {
			if count += n; count > mostNotedValues {
				panic(errTooMany)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}

// rehearsed is what a command gives in a rehearsal.
func (e *environment) rehearsed(L *lua.LState, w *witness.Witness, row Command, run func(*environment, *lua.LState) int) int {
	if !row.Reads {
		w.Act()
		return row.instead(e, L)
	}
	key := argumentsOf(L)
	if values, ok := w.Answer(L, row.Name, key, !row.once && !w.Acted()); ok {
		return pushAll(L, values)
	}
	if _, raised := w.Answer(L, witness.Raised+row.Name, key, true); raised {
		run(e, L) // which raises the same error, unless it was about something else than the arguments
		lane.Running(L).Lacks(L, "why %s(%s) failed", row.Name, key)
	}
	if row.instead != nil {
		if n := row.instead(e, L); n >= 0 {
			return n
		}
	}
	if !w.Live() {
		lane.Running(L).Lacks(L, "%s(%s)", row.Name, key)
	}
	return noted(e, L, w, row, run)
}

// pushAll pushes the values of an answer.
func pushAll(L *lua.LState, values []any) int {
	for _, v := range values {
		L.Push(convert.ToLua(v))
	}
	return len(values)
}

// What a rehearsal does instead of acts.

// noEffect is for acts that give nothing. The letters say which parameters there must be: n a number, s a text, b a boolean, a
// anything.
func noEffect(parameters string) func(e *environment, L *lua.LState) int {
	return func(_ *environment, L *lua.LState) int {
		for i, kind := range parameters {
			switch kind {
			case 'n':
				L.CheckNumber(i + 1)
			case 's':
				L.CheckString(i + 1)
			case 'b':
				L.CheckBool(i + 1)
			default:
				L.CheckAny(i + 1)
			}
		}
		return 0
	}
}

// trueInstead is for acts that give true.
func trueInstead(_ *environment, L *lua.LState) int {
	L.Push(lua.LTrue)
	return 1
}

// falseInstead is for what is false where nobody has said otherwise.
func falseInstead(_ *environment, L *lua.LState) int {
	L.Push(lua.LFalse)
	return 1
}

// madeUp is for acts that give the number of what they make.
func madeUp(_ *environment, L *lua.LState) int {
	L.CheckString(1)
	w := lane.Running(L).Witness()
	w.Act()
	return number(L, w.Made())
}

// startedInstead is new_process in a rehearsal.
func startedInstead(e *environment, L *lua.LState) int {
	name := L.CheckString(1)
	L.CheckNumber(2)
	if m, known := lane.Running(L).Set().Method(name); !known || m.Database {
		L.RaiseError("new_process: %s: no such method", name)
	}
	return madeUp(e, L)
}

// unanswered says that there is nothing to give instead.
const unanswered = -1

// longestKeyText is how many bytes the arguments of a read may take in a recording.
const longestKeyText = 500

// argumentsOf are the arguments of the function that runs, as a text.
func argumentsOf(L *lua.LState) string {
	n := L.GetTop()
	if n == 0 {
		return ""
	}
	var room [128]byte
	b := room[:0]
	for i := 1; i <= n; i++ {
		if i > 1 {
			b = append(b, ", "...)
		}
		b = appendValue(b, L.Get(i), 0)
	}
	if len(b) > longestKeyText {
		return string(b[:longestKeyText])
	}
	return string(b)
}

// appendValue adds a value as Lua writes it. The fields of a table are sorted.
func appendValue(b []byte, v lua.LValue, depth int) []byte {
	switch v := v.(type) {
	case lua.LString:
		return strconv.AppendQuote(b, string(v))
	case lua.LNumber:
		return append(b, v.String()...)
	case *lua.LTable:
		if depth > 3 {
			return append(b, "{...}"...)
		}
		return append(appendFields(append(b, '{'), v, depth+1), '}')
	case *lua.LNilType, lua.LBool:
		return append(b, v.String()...)
	}
	return fmt.Appendf(b, "a %s", v.Type())
}

// appendFields adds the fields of a table.
func appendFields(b []byte, t *lua.LTable, depth int) []byte {
	k, v := t.Next(lua.LNil)
	if k == lua.LNil {
		return b
	}
	if next, _ := t.Next(k); next == lua.LNil { // most filters have one
		return appendValue(append(append(b, fieldText(k)...), " = "...), v, depth)
	}
	var fields []string
	for ; k != lua.LNil; k, v = t.Next(k) {
		fields = append(fields, string(appendValue(append([]byte(fieldText(k)), " = "...), v, depth)))
	}
	slices.Sort(fields)
	return append(b, strings.Join(fields, ", ")...)
}

// fieldText is the name of a field as Lua writes it in a table.
func fieldText(k lua.LValue) string {
	if s, ok := k.(lua.LString); ok {
		return string(s)
	}
	return "[" + string(appendValue(nil, k, 3)) + "]"
}

// Rehearses says that rehearsals run on a structure. It is called before any lane runs.
func (c *Commands) Rehearses(tables *structure.Structure) {
	c.environment.tables = tables
	c.environment.openInfoFace()
}

// Forget makes what the commands remember as it is at the beginning, for the next rehearsal. Nothing runs meanwhile.
func (c *Commands) Forget() {
	e := &c.environment
	e.errorMethod.Store(nil)
	e.lazy = nil
	if len(e.limiter.uses) > 0 {
		e.limiter = newLimiter()
	}
}
