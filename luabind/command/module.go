package command

import (
	"moongate/luabind/lane"

	lua "github.com/yuin/gopher-lua"
)

var moduleCommands = []Command{
	{Name: "require", Signature: "require(module) -> value", Since: "0.1", Roles: everywhere,
		Meaning: `what a file in a subfolder of the scripts folder returns ("lib.util" is lib/util.lua), run once in each process that asks`, run: require},
}

func require(_ *environment, L *lua.LState) int {
	L.Push(lane.Running(L).Require(L, L.CheckString(1)))
	return 1
}
