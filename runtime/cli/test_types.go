package cli

import (
	"fmt"

	"moongate/runtime/signature"
)

// clientType is what connect gives to tests.
const clientType = `---@class moongate.client what connect gives to a test
---@field accepted boolean
---@field code integer 0 if it was accepted
---@field reason string?
---@field by string? the line that returned, as file:line, or what refused it before
---@field connection integer?
---@field user integer?
---@field process integer?
---@field upstream string? that the policy has chosen, at a gate
local client = {}
`

// clients writes the class of what connect gives to tests.
func (a *annotator) clients(commands []signature.Command) error {
	fmt.Fprint(a, clientType)
	for _, c := range commands {
		if c.Of != "client" {
			continue
		}
		if err := a.function("client:", c, ""); err != nil {
			return err
		}
	}
	return nil
}
