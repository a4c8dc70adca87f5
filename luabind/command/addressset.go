package command

import (
	"fmt"
	"net/netip"
	"sync/atomic"

	"moongate/luabind/lane"
	"moongate/runtime/addressset"

	lua "github.com/yuin/gopher-lua"
)

var addressSetCommands = []Command{
	{Name: "address_set", Signature: "address_set(table) -> set", Since: "0.6", Waits: true, Roles: everywhere,
		Meaning: "a set of networks, given as {\"10.0.0.0/8\", \"10.*\", ...}, or as {file = \"blocked.txt\"}, a file of the scripts folder with one a line, # before a remark, which is read again when it changes: set:contains(address) tells whether an address is in one of them, set.length how many there are",
		run:     addressSet},
}

// networks is what a set of addresses can do. Its methods do not block.
type networks interface {
	Contains(netip.Addr) bool
	Len() int
}

// What a set that a script lists may have, and what one of its networks takes, in bytes, about. Longer lists are files.
const (
	maxListed    = 100_000
	networkBytes = 64
)

// addressSets are what the sets of one host share.
type addressSets struct {
	folder atomic.Pointer[addressset.Folder] // nil: there are no files
	meta   *lua.LTable                       // of all sets, in all lanes; nobody changes it
}

// AddressFiles says where address_set finds files from now on; sets that were made stay what they are. Before it is called
// there are none.
func (c *Commands) AddressFiles(folder *addressset.Folder) {
	c.environment.addressSets.folder.Store(folder)
}

// openAddressSets makes the metatable of the sets.
func (e *environment) openAddressSets() {
	contains := &lua.LFunction{IsG: true, GFunction: setContains}
	meta := &lua.LTable{Metatable: lua.LNil}
	for name, f := range map[string]lua.LGFunction{
		"__index": func(L *lua.LState) int {
			s := checkSet(L, 1)
			switch L.Get(2) {
			case lua.LString("contains"):
				L.Push(contains)
			case lua.LString("length"):
				return number(L, s.Len())
			default:
				L.RaiseError("a set of addresses has contains and length, not %s", lua.LVAsString(L.ToStringMeta(L.Get(2))))
			}
			return 1
		},
		"__newindex": func(L *lua.LState) int {
			L.RaiseError("a set of addresses does not change: make another, or change its file")
			return 0
		},
		"__len": func(L *lua.LState) int { return number(L, checkSet(L, 1).Len()) },
		"__tostring": func(L *lua.LState) int {
			L.Push(lua.LString(fmt.Sprintf("address set of %d networks", checkSet(L, 1).Len())))
			return 1
		},
	} {
		meta.RawSetString(name, &lua.LFunction{IsG: true, GFunction: f})
	}
	meta.RawSetString("__metatable", lua.LString("address set"))
	e.addressSets.meta = meta
}

// checkSet reads a set.
func checkSet(L *lua.LState, i int) networks {
	if data, ok := L.Get(i).(*lua.LUserData); ok {
		if s, ok := data.Value.(networks); ok {
			return s
		}
	}
	L.ArgError(i, fmt.Sprintf("address set expected, got %s: write set:contains(address)", L.Get(i).Type()))
	return nil
}

func setContains(L *lua.LState) int {
	s := checkSet(L, 1)
	L.Push(lua.LBool(s.Contains(checkAddress(L, 2))))
	return 1
}

// addressSet makes a set. What is wrong with its file is an error and not a nil, so that no policy goes on without its list.
func addressSet(e *environment, L *lua.LState) int {
	t := L.CheckTable(1)
	var s networks
	if file := t.RawGetString("file"); file != lua.LNil {
		s = e.setOfFile(L, t, file)
	} else {
		s = listedSet(L, t)
	}
	L.Push(&lua.LUserData{Value: s, Metatable: e.addressSets.meta})
	return 1
}

// setOfFile is the set of a file, which all processes share. It waits while the file is read for the first time.
func (e *environment) setOfFile(L *lua.LState, t *lua.LTable, file lua.LValue) networks {
	name, ok := file.(lua.LString)
	if !ok || name == "" {
		L.ArgError(1, "name of a file expected, as in {file = \"blocked.txt\"}")
	}
	t.ForEach(func(key, _ lua.LValue) {
		if key != lua.LString("file") {
			L.ArgError(1, "a file, or networks, expected, got both")
		}
	})
	folder := e.addressSets.folder.Load()
	if folder == nil {
		L.RaiseError("address_set: %s: there is no scripts folder here", string(name))
	}
	if known := folder.Known(string(name)); known != nil {
		return known
	}
	var read *addressset.File
	var err error
	lane.Running(L).Outside(func() { read, err = folder.Open(string(name)) })
	if err != nil {
		L.RaiseError("address_set: %s", err.Error())
	}
	return read
}

// listedSet is a set of networks that the script lists.
func listedSet(L *lua.LState, t *lua.LTable) networks {
	n := t.Len()
	if n > maxListed {
		L.ArgError(1, fmt.Sprintf("at most %d networks expected, got %d: put them into a file", maxListed, n))
	}
	lane.Running(L).Grow(L, n*networkBytes)
	lane.Running(L).Step(L, n)
	list, others := make([]string, n), 0
	t.ForEach(func(key, value lua.LValue) {
		text, isText := value.(lua.LString)
		i, isNumber := key.(lua.LNumber)
		if !isText || !isNumber || i < 1 || i > lua.LNumber(n) || i != lua.LNumber(int(i)) {
			others++
			return
		}
		list[int(i)-1] = string(text)
	})
	if others > 0 {
		L.ArgError(1, "list of networks as texts expected, as in {\"10.0.0.0/8\", \"10.*\"}, or {file = \"blocked.txt\"}")
	}
	s, err := addressset.Of(list)
	if err != nil {
		L.ArgError(1, err.Error())
	}
	return s
}
