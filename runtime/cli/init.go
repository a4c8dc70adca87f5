package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"moongate/runtime/structure"
)

var initManual = manual{
	name: "init", arguments: "FOLDER", meaning: "write a scripts folder to begin with",
	examples: []string{"init scripts", "init desk --role local"},
	more: "FOLDER gets every method of the role, a structure.lua, a test of each method and the files for editors, all with\n" +
		"comments. It is made if it is missing; one that has Lua files is left alone. Exit codes: 0 done, 1 not done, 2 wrong\nusage.",
}

// starters are the folders that init writes, one for each role.
//
//go:embed starter
var starters embed.FS

// initialize writes a starter folder.
func initialize(m *invocation, args []string) int {
	o := newTool(m, initManual)
	role := o.set.String("role", "server", "whose methods: `server|local`")
	if ok, code := o.parseTool(args, 1); !ok {
		return code
	}
	roles := starterRoles()
	switch {
	case !slices.Contains(roles, *role):
		return o.misused(fmt.Errorf("--role is %q; it must be %s%s", *role, strings.Join(roles, " or "), structure.DidYouMean(*role, roles)))
	case o.set.Arg(0) == "":
		return o.misused(fmt.Errorf("it needs a folder: moongate %s", initManual.synopsis()))
	}
	if err := o.writeStarter(o.set.Arg(0), *role); err != nil {
		return o.failed(err)
	}
	return ExitClean
}

func starterRoles() []string {
	var roles []string
	entries, err := fs.ReadDir(starters, "starter")
	if err != nil {
		panic(err) // it is in the program
	}
	for _, e := range entries {
		roles = append(roles, e.Name())
	}
	slices.Sort(roles)
	slices.Reverse(roles) // server first
	return roles
}

// writeStarter writes the files of a role into a folder, and says what to do with them.
func (o *operation) writeStarter(folder, role string) error {
	if err := refuseLua(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	from := path.Join("starter", role)
	entries, err := fs.ReadDir(starters, from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		content, err := fs.ReadFile(starters, path.Join(from, e.Name()))
		if err == nil {
			err = writeNew(filepath.Join(folder, e.Name()), content)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(o.stdout, "%s written\n", filepath.Join(folder, e.Name()))
	}
	if err := o.writeTypes(folder); err != nil {
		return err
	}
	command := ""
	if role == "local" {
		command = "local "
	}
	fmt.Fprintf(o.stdout, "\nTry it with: moongate %s--scripts %s\nCheck it with: moongate check %s\nTest it with: moongate test %s\n", command, folder, folder, folder)
	return nil
}

// refuseLua is an error when a folder has scripts already, hidden ones aside, or is none.
func refuseLua(folder string) error {
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != folder && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && strings.HasSuffix(entry.Name(), ".lua"):
			return fmt.Errorf("%s is there already: init writes into a folder without scripts", name)
		case name == folder && !entry.IsDir():
			return fmt.Errorf("%s is no folder", folder)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// writeNew writes a file that must not be there.
func writeNew(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
