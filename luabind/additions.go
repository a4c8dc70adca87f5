package luabind

import (
	"runtime"

	"moongate/luabind/command"
	"moongate/luabind/lane"
	"moongate/runtime/host"
)

// Additions are what differs for who tries scripts out instead of serving them: package policytest. The zero value is
// nothing.
type Additions struct {
	// Host stands between the commands and the host that they act on; nil: nothing does.
	Host func(h command.Host) command.Host
	// Look and LookAlways are the lanes': see lane.Config.
	Look       func(p *lane.Program) error
	LookAlways bool

	rehearses bool               // nothing but open methods runs, in a rehearsal
	shadow    *host.ShadowConfig // nil: the scripts are no shadow's
}

// commands are the commands that act on a host.
func (a Additions) commands(acted command.Host, c host.ScriptsConfig) *command.Commands {
	if a.shadow != nil {
		return command.NewShadow(acted, services{c.Host}, c.Log)
	}
	return command.New(acted, c.Log)
}

// memory watches over the heap. A shadow shares its host's, so that of both the process is found that made it grow.
func (a Additions) memory(c host.ScriptsConfig) *lane.Memory {
	if a.shadow != nil {
		if e, ok := c.Host.Scripts().(*Engine); ok {
			return e.memory
		}
	}
	return lane.NewMemory(c.MemoryLimit)
}

// lanes is how many lanes there are. A shadow calls database methods only, which are cooperative.
func (a Additions) lanes() int {
	if a.shadow != nil || a.rehearses {
		return 1
	}
	return 1 + runtime.GOMAXPROCS(0)
}

// OpenWith is Open with additions.
func OpenWith(c host.ScriptsConfig, a Additions) (host.Scripts, error) { return open(c, a) }

// LaneProgram is the lane's part of a program that NewProgram has made.
func LaneProgram(p host.Program) *lane.Program { return p.(program).Program }
