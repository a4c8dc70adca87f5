package behaviour

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"moongate/luabind/convert"
	"moongate/luabind/lane"
	"moongate/runtime/simulate"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// command is one row of what a behaviour can call.
type command struct {
	name, signature, meaning string
	run                      func(b *Behaviour, L *lua.LState, l *life) int
}

// table has all commands.
var table = []command{
	{"connect", "connect([options]) -> table or nil, message", "connects and waits for the verdict: accepted, and of a refusal code and reason; nil when there was none. " +
		"The options are user, password and address; without them they are those that the command line has for this client", connect},
	{"call", "call(method [, argument ...]) -> value or nil, message", "calls a project method of the server, and gives its result (a list, if there are several)", call},
	{"sleep", "sleep(seconds) -> boolean or nil, message", "waits so long, fractions too; nil when the connection was lost meanwhile", sleep},
	{"close", "close()", "leaves, and waits until the server's close method is over; nothing if there is no connection", closes},
	{"connected", "connected() -> boolean", "whether there is a connection, as far as is known", connected},
	{"client", "client() -> table", "which client this is: number (from 1 on), user and address, which are empty where the command line says nothing", client},
	{"random", "random([m [, n]]) -> number", "as math.random, but the same for this client in each run with the same --seed", random},
	{"print", "print(value ...)", "writes a line for people, with the client's number", printLine},
}

// Commands are the signatures and meanings of all commands, for people.
func Commands() (signatures, meanings []string) {
	for _, row := range table {
		signatures, meanings = append(signatures, row.signature), append(meanings, row.meaning)
	}
	return signatures, meanings
}

// wait runs f without the baton. When the time of the run is over, the process does not come back from it.
func (l *life) wait(L *lua.LState, f func()) {
	p := lane.Running(L)
	p.Outside(func() {
		l.rested = l.process.Info().CPU
		f()
		select {
		case <-l.Over():
			l.process.Kill(simulate.ErrOver)
		default:
		}
	})
	l.woke = time.Now()
	p.Release(L)
}

// failed pushes nil and a message.
func failed(L *lua.LState, err error) int {
	L.Push(lua.LNil)
	L.Push(lua.LString(err.Error()))
	return 2
}

func connect(_ *Behaviour, L *lua.LState, l *life) int {
	login := checkLogin(L, l)
	var verdict simulate.Verdict
	var err error
	l.wait(L, func() { verdict, err = l.Connect(login) })
	if err != nil {
		return failed(L, err)
	}
	t := L.CreateTable(0, 3)
	t.RawSetString("accepted", lua.LBool(verdict.Accepted))
	if !verdict.Accepted {
		t.RawSetString("code", lua.LNumber(verdict.Code))
		t.RawSetString("reason", lua.LString(verdict.Reason))
	}
	L.Push(t)
	return 1
}

// checkLogin reads the options of connect.
func checkLogin(L *lua.LState, l *life) (login simulate.Login) {
	options := L.OptTable(1, L.CreateTable(0, 0))
	texts := map[string]string{"user": "", "password": "", "address": ""}
	options.ForEach(func(k, v lua.LValue) {
		name, value := k.String(), v.Type()
		if _, known := texts[name]; !known {
			L.ArgError(1, fmt.Sprintf("unknown option %.50q; there are user, password and address", name))
		}
		if value != lua.LTString {
			L.ArgError(1, fmt.Sprintf("option %s is a %s; it must be a text", name, value))
		}
		texts[name] = v.String()
	})
	if name := texts["user"]; name != "" {
		user, known := l.UserNamed(name)
		if !known || texts["password"] != "" {
			user = simulate.User{Name: name, Password: texts["password"]}
		}
		login.User = &user
	}
	if text := texts["address"]; text != "" {
		address, err := netip.ParseAddr(text)
		if err != nil {
			L.ArgError(1, "option address is no IP address, as 127.0.0.5 is")
		}
		login.Address = address
	}
	return login
}

func call(_ *Behaviour, L *lua.LState, l *life) int {
	method := L.CheckString(1)
	arguments := make([]string, 0, max(0, L.GetTop()-1))
	for i := 2; i <= L.GetTop(); i++ {
		switch v := L.Get(i).(type) {
		case lua.LString, lua.LNumber, lua.LBool:
			arguments = append(arguments, v.String())
		default:
			L.ArgError(i, "text, number or boolean expected: that is what can be sent")
		}
	}
	var result any
	var err error
	l.wait(L, func() { result, err = l.Call(method, arguments...) })
	if err != nil {
		return failed(L, err)
	}
	L.Push(convert.ToLua(local(result)))
	return 1
}

// local is a reply as a value of package convert: an error inside of it becomes its text.
func local(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = local(e)
		}
		return list
	case wire.Map:
		m := make(wire.Map, len(v))
		for i, p := range v {
			key := local(p.Key)
			switch key.(type) {
			case string, int64, bool:
			default:
				key = fmt.Sprint(key)
			}
			m[i] = wire.Pair{Key: key, Value: local(p.Value)}
		}
		return m
	default:
		return fmt.Sprint(v)
	}
}

// longestSleep is how many seconds sleep takes; more is as good as for ever.
const longestSleep = 1e9

func sleep(_ *Behaviour, L *lua.LState, l *life) int {
	seconds := float64(L.CheckNumber(1))
	if !(seconds >= 0) {
		L.ArgError(1, "number of seconds expected, 0 or more")
	}
	d := time.Duration(math.Min(seconds, longestSleep) * float64(time.Second))
	var err error
	l.wait(L, func() { err = l.Rest(time.Now().Add(d)) })
	if err != nil && !errors.Is(err, simulate.ErrBrokenOff) {
		return failed(L, err)
	}
	L.Push(lua.LTrue)
	return 1
}

func closes(_ *Behaviour, L *lua.LState, l *life) int {
	l.wait(L, func() { l.Close() })
	return 0
}

func connected(_ *Behaviour, L *lua.LState, l *life) int {
	L.Push(lua.LBool(l.Connected()))
	return 1
}

func client(_ *Behaviour, L *lua.LState, l *life) int {
	t := L.CreateTable(0, 3)
	t.RawSetString("number", lua.LNumber(l.Number))
	t.RawSetString("user", lua.LString(l.User.Name))
	address := ""
	if l.Address.IsValid() {
		address = l.Address.String()
	}
	t.RawSetString("address", lua.LString(address))
	L.Push(t)
	return 1
}

func random(_ *Behaviour, L *lua.LState, l *life) int {
	from, to := int64(1), int64(0)
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(l.Random.Float64()))
		return 1
	case 1:
		to = L.CheckInt64(1)
	default:
		from, to = L.CheckInt64(1), L.CheckInt64(2)
	}
	if to < from || to-from < 0 || to-from == math.MaxInt64 {
		L.ArgError(L.GetTop(), "interval is empty")
	}
	L.Push(lua.LNumber(from + l.Random.Int64N(to-from+1)))
	return 1
}

// longestLine is how much of a line is printed, in bytes.
const longestLine = 2 << 10

func printLine(b *Behaviour, L *lua.LState, l *life) int {
	line := fmt.Sprintf("client %d:", l.Number)
	for i := 1; i <= L.GetTop() && len(line) <= longestLine; i++ {
		line += " " + L.ToStringMeta(L.Get(i)).String()
	}
	if len(line) > longestLine {
		line = line[:longestLine] + "..."
	}
	p := lane.Running(L)
	p.Step(L, 100+len(line)) // so that a loop of prints is as long as it looks
	p.Outside(func() { b.say(line) })
	p.Release(L)
	return 0
}
