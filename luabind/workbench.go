package luabind

import (
	"moongate/luabind/check"
	"moongate/luabind/command"
	"moongate/luabind/lane"
	"moongate/luabind/policytest/vocabulary"
	"moongate/luabind/sandbox"
	"moongate/luabind/script"
	"moongate/runtime/finding"
	"moongate/runtime/method"
	"moongate/runtime/signature"
)

// Check finds what is wrong in a scripts folder; see package check. No script of it runs but structure.lua.
func Check(folder string) (finding.Report, error) {
	return check.Folder(folder, check.Options{Known: known(), Structure: ReadStructure})
}

// Rules are all that Check looks for.
func Rules() []finding.Rule { return check.Rules() }

// Folder describes the methods and variables of a scripts folder. The error is about the folder itself: of files that
// cannot be parsed only the names are said.
func Folder(folder string) (signature.Folder, error) { return check.Describe(folder, known()) }

// known are the names that scripts of any role find without defining them.
func known() script.Known {
	all := script.Known{"_G": true}
	l := lane.New(lane.Config{}, func(vm *sandbox.VM) {
		command.New(nil, nil).Install(vm, method.Server|method.Local|method.Remote)
	})
	for _, name := range l.Names() {
		all[name] = true
	}
	return all
}

// Commands are what scripts can call, theme by theme, then the functions of data, and then what only tests can call.
func Commands() []signature.Command {
	var all []signature.Command
	for _, c := range command.Table() {
		all = append(all, signature.Command{Theme: command.Theme(c.Name), Name: c.Name, Signature: c.Signature,
			Meaning: c.Meaning, FourD: c.FourD, Since: c.Since, Waits: c.Waits, Roles: c.Roles.String()})
	}
	for _, f := range command.Functions() {
		all = append(all, signature.Command{Of: f.Of, Theme: "Of a " + f.Of, Name: f.Name, Signature: f.Signature,
			Meaning: f.Meaning, FourD: f.FourD, Since: f.Since, Waits: f.Waits,
			Roles: (method.Server | method.Local | method.Remote).String()})
	}
	for _, r := range vocabulary.Rows() {
		theme := vocabulary.Theme
		if r.Of != "" {
			theme = "Of a " + r.Of
		}
		all = append(all, signature.Command{Of: r.Of, Theme: theme, Name: r.Name, Signature: r.Signature, Meaning: r.Meaning,
			Since: vocabulary.Since, Waits: r.Waits, Roles: "test"})
	}
	return all
}
