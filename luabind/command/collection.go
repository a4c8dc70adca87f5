package command

import (
	"moongate/luabind/lane"
	"moongate/runtime/interprocess"

	lua "github.com/yuin/gopher-lua"
)

func newSharedCollection(e *environment, L *lua.LState) int {
	elements, p := make([]any, L.GetTop()), planting{L: L}
	for i := range elements {
		v, err := p.value(L.Get(i+1), 1)
		if err != nil {
			L.ArgError(i+1, err.Error())
		}
		elements[i] = v
	}
	return e.create(L, func() (*interprocess.Shared, error) { return e.commons.NewCollection(caller(L), elements) })
}

// collectionFunctions are the functions that a collection has. They have 4D's names, count elements from 1 on, and use
// the collection by themselves.
var collectionFunctions = map[string]func(e *environment, L *lua.LState) int{
	"push":    func(e *environment, L *lua.LState) int { return e.add(L, interprocess.MaxElements, 2) },
	"unshift": func(e *environment, L *lua.LState) int { return e.add(L, 0, 2) },
	"insert":  func(e *environment, L *lua.LState) int { return e.add(L, checkElement(L, 2), 3) },
	"pop": func(e *environment, L *lua.LState) int {
		return e.takeOut(L, func(n int) (int, int) { return n - 1, 1 }, true)
	},
	"shift": func(e *environment, L *lua.LState) int {
		return e.takeOut(L, func(int) (int, int) { return 0, 1 }, true)
	},
	"remove": func(e *environment, L *lua.LState) int {
		i, count := checkElement(L, 2), L.OptInt(3, 1)
		return e.takeOut(L, func(int) (int, int) { return i, count }, false)
	},
	"clear": func(e *environment, L *lua.LState) int {
		return e.takeOut(L, func(n int) (int, int) { return 0, n }, false)
	},
	"copy": obCopy,
}

// checkElement reads the number of an element, from 1 on, and gives it from 0 on.
func checkElement(L *lua.LState, i int) int {
	n := elementNumber(L.CheckNumber(i))
	if n < 0 {
		L.ArgError(i, "number of an element expected, 1 or more")
	}
	return n
}

// add puts the arguments from first on before element i, and gives the collection.
func (e *environment) add(L *lua.LState, i, first int) int {
	s, by := checkKind(L, 1, interprocess.Collection), caller(L)
	values := make([]any, 0, max(0, L.GetTop()-first+1))
	for n := first; n <= L.GetTop(); n++ {
		values = append(values, e.checkValue(L, L.Get(n)))
	}
	if e.pretended(L, s) {
		return push(L, s)
	}
	e.using(L, s, func() {
		e.moves(L, s, i)
		e.change(L, func() error {
			_, err := s.Splice(by, i, 0, values...)
			return err
		})
	})
	return push(L, s)
}

// takeOut removes the elements that which names for the collection's length: the first one, from 0 on, and how many. It
// gives the first of them, or the collection.
func (e *environment) takeOut(L *lua.LState, which func(length int) (i, n int), gives bool) int {
	s, by := checkKind(L, 1, interprocess.Collection), caller(L)
	if e.pretended(L, s) {
		if !gives {
			return push(L, s)
		}
		return push(L, e.takenOut(L, s, nil))
	}
	var out []any
	e.using(L, s, func() {
		i, n := which(s.Len())
		e.moves(L, s, i)
		e.change(L, func() (err error) {
			out, err = s.Splice(by, i, n)
			return err
		})
	})
	switch {
	case !gives:
		return push(L, s)
	case len(out) == 0:
		return push(L, e.takenOut(L, s, nil))
	}
	return push(L, e.takenOut(L, s, out[0]))
}

// moves charges the moving of the elements from i on.
func (e *environment) moves(L *lua.LState, s *interprocess.Shared, i int) {
	lane.Running(L).Step(L, max(0, s.Len()-i)/16+1)
}
