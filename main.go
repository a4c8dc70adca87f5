// Command moongate is a host for connections whose rules are written in Lua. README.md says how to use it; package
// cli is where it begins.
package main

import (
	"os"

	"moongate/luabind"
	"moongate/runtime/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, luabind.Open)) }
