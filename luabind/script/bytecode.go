package script

import (
	"fmt"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

const (
	// maxUpvalues is what a byte holds. gopher-lua counts on and runs wrong instructions.
	maxUpvalues = 255
	// maxInstructions is the longest jump. gopher-lua checks the ones forward, not the ones of loops, and
	// dies on a jump out of a function while it writes the traceback, where no protected call helps.
	maxInstructions = 1<<17 - 1
)

// checkBytecode refuses what gopher-lua compiles but cannot run.
func checkBytecode(proto *lua.FunctionProto, chunk string) *Problem {
	if len(proto.DbgUpvalues) > maxUpvalues {
		return &Problem{File: chunk, Line: proto.LineDefined,
			Message: fmt.Sprintf("a function uses more than %d local variables of the functions around it", maxUpvalues)}
	}
	if len(proto.Code) > maxInstructions && slices.ContainsFunc(proto.Code, isJump) {
		return &Problem{File: chunk, Line: proto.LineDefined,
			Message: "a function is too long: divide it, or move its data to tables in files of their own"}
	}
	for _, inner := range proto.FunctionPrototypes {
		if problem := checkBytecode(inner, chunk); problem != nil {
			return problem
		}
	}
	return nil
}

// setsGlobals reports whether a function or one inside it assigns a global variable.
func setsGlobals(proto *lua.FunctionProto) bool {
	return slices.ContainsFunc(proto.Code, func(i uint32) bool { return opcode(i) == lua.OP_SETGLOBAL }) ||
		slices.ContainsFunc(proto.FunctionPrototypes, setsGlobals)
}

func isJump(instruction uint32) bool {
	switch opcode(instruction) {
	case lua.OP_JMP, lua.OP_FORLOOP, lua.OP_FORPREP:
		return true
	}
	return false
}

// opcode is the upper six bits of an instruction, as gopher-lua lays it out.
func opcode(instruction uint32) int { return int(instruction >> 26) }
