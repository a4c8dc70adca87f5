package command

import (
	"time"

	"moongate/luabind/convert"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/session"

	lua "github.com/yuin/gopher-lua"
)

// setEnd adds what is known of a connection whose end has come.
func setEnd(c *session.Connection, set func(name string, v any)) {
	cause := c.Cause()
	if cause == session.NoCause {
		return
	}
	in, out := c.Bytes()
	set("bytes_in", in)
	set("bytes_out", out)
	set("duration", time.Since(c.Opened).Seconds())
	set("ended_by", cause.By())
}

// passageView is what scripts see of a table of what is known of a gate's connection: all is read-only but upstream, which is
// asked for each time, and can be set while the policy decides.
func passageView(t *lua.LTable, p *session.Passage) *lua.LTable {
	return sandbox.View(t, "connection_info", func(L *lua.LState) int {
		if L.Get(2) != lua.LString("upstream") || p.Upstream() == "" {
			return 0
		}
		L.Push(lua.LString(p.Upstream()))
		return 1
	}, func(L *lua.LState) int {
		setUpstream(L, p)
		t.RawSetString("upstream", L.Get(3))
		return 0
	})
}

// setUpstream is an assignment of upstream, or of what cannot be set.
func setUpstream(L *lua.LState, p *session.Passage) {
	name := L.Get(2).String()
	if name != "upstream" {
		if near := script.Suggest(name, []string{"upstream"}); near != "" {
			L.RaiseError("connection_info has no field %s that can be set; did you mean upstream?", name)
		}
		L.RaiseError("connection_info has no field %s that can be set; only upstream can, in on_server_open_connection", name)
	}
	upstream, ok := L.Get(3).(lua.LString)
	if !ok {
		L.RaiseError("upstream: host:port expected, got %s", L.Get(3).Type())
	}
	if err := p.SetUpstream(string(upstream)); err != nil {
		L.RaiseError("%s", err.Error())
	}
}

// factValue is the Lua value of a fact.
func factValue(v any) lua.LValue {
	switch v := v.(type) {
	case []string:
		t := &lua.LTable{Metatable: lua.LNil}
		for i, s := range v {
			t.RawSetInt(i+1, lua.LString(s))
		}
		return t
	case []session.Fact:
		t := &lua.LTable{Metatable: lua.LNil}
		for _, f := range v {
			t.RawSetString(f.Name, factValue(f.Value))
		}
		return t
	default:
		return convert.ToLua(v)
	}
}
