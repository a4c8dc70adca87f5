// Command moongate is a host for connections whose rules are written in Lua. README.md says how to use it; package
// cli is where it begins.
package main

import (
	"os"

	"moongate/luabind"
	"moongate/luabind/policytest"
	"moongate/runtime/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, cli.Scripts{
		Open: luabind.Open, Shadow: luabind.OpenShadow, Structure: luabind.ReadStructure, Check: luabind.Check, Rules: luabind.Rules,
		Commands: luabind.Commands, Folder: luabind.Folder, Test: policytest.Run, Behaviour: luabind.Behaviour, Rehearse: luabind.Rehearse,
	}))
}
