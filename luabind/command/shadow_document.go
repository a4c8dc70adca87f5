package command

import (
	"sync"

	"moongate/luabind/lane"
	"moongate/runtime/document"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

// The documents of a shadow: those that are there can be read; what is written goes nowhere.

// papers are the documents that a shadow's processes write.
type papers struct {
	mu   sync.Mutex
	last int64
	open map[paperKey]string // name
}

type paperKey struct {
	process process.ID
	ref     int64
}

// firstPaper is the first reference of a paper: documents that are read have lower ones.
const firstPaper = 1 << 40

// begin opens a paper of a process, unless it has as many as it may.
func (p *papers) begin(by process.ID, name string) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := 0
	for key := range p.open {
		if key.process == by {
			own++
		}
	}
	if own >= document.MaxOpenOwner || len(p.open) >= document.MaxOpen {
		return 0, &document.Error{Code: document.CodeTooManyOpen, Name: name, Text: "too many documents are open; close some"}
	}
	p.last++
	ref := firstPaper + p.last
	p.open[paperKey{by, ref}] = name
	return ref, nil
}

func (p *papers) has(key paperKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.open[key]
	return ok
}

func (p *papers) close(key paperKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, key)
}

// closeAll closes the papers of a process.
func (p *papers) closeAll(by process.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key := range p.open {
		if key.process == by {
			delete(p.open, key)
		}
	}
}

// paper reports whether the first argument is a paper of the calling process.
func (e *environment) paper(L *lua.LState) (paperKey, bool) {
	key := paperKey{lane.Running(L).Process().ID(), checkInteger(L, 1)}
	return key, key.ref > firstPaper && e.shadow.papers.has(key)
}

// newPaper is create_document and append_document: the name is looked at, and nothing is made.
func newPaper(run) run {
	return func(e *environment, L *lua.LState) int {
		name := L.CheckString(1)
		L.OptString(2, "")
		err := e.inFolder(L, func(f *document.Folder, _ document.Owner) error {
			kind, err := f.Test(name)
			if failed, ok := err.(*document.Error); ok && failed.Code == document.CodeNotFound {
				return nil
			}
			if err == nil && kind != document.IsDocument {
				err = &document.Error{Code: document.CodeNotFound, Name: name, Text: "it is a folder"}
			}
			return err
		})
		var ref int64
		if err == nil {
			ref, err = e.shadow.papers.begin(lane.Running(L).Process().ID(), name)
		}
		if err != nil {
			return e.notDone(L, "create_document", err)
		}
		return number(L, ref)
	}
}

// openRead is open_document: whatever the mode, the document is read.
func openRead(open run) run {
	return func(e *environment, L *lua.LState) int {
		at := 2
		if kind := L.Get(2).Type(); kind == lua.LTString || kind == lua.LTNil && L.GetTop() > 2 {
			at = 3
		}
		switch document.Mode(L.OptInt(at, int(document.ReadWrite))) {
		case document.ReadWrite, document.Write:
			name := L.CheckString(1)
			L.SetTop(0)
			L.Push(lua.LString(name))
			L.Push(lua.LNumber(document.Read))
		}
		return open(e, L)
	}
}

// swallowed is send_packet: true for what is open.
func swallowed(run) run {
	return func(e *environment, L *lua.LState) int {
		L.CheckNumber(1)
		packet := L.CheckString(2)
		lane.Running(L).Step(L, len(packet)/bytesPerStep)
		if _, ok := e.paper(L); ok {
			L.Push(lua.LTrue)
			return 1
		}
		return e.done(L, "send_packet", e.withDocument(L, func(*lane.Program, *document.Document) error { return nil }))
	}
}

// emptyPaper is receive_packet: there is nothing on a paper.
func emptyPaper(receive run) run {
	return func(e *environment, L *lua.LState) int {
		if _, ok := e.paper(L); ok {
			L.Push(lua.LNil)
			return 1
		}
		return receive(e, L)
	}
}

func closePaper(closes run) run {
	return func(e *environment, L *lua.LState) int {
		if key, ok := e.paper(L); ok {
			e.shadow.papers.close(key)
			L.Push(lua.LTrue)
			return 1
		}
		return closes(e, L)
	}
}

// shadowDelete is delete_document: true for what is there.
func shadowDelete(run) run {
	return func(e *environment, L *lua.LState) int {
		name := L.CheckString(1)
		return e.done(L, "delete_document", e.inFolder(L, func(f *document.Folder, _ document.Owner) error {
			kind, err := f.Test(name)
			if err == nil && kind != document.IsDocument {
				err = &document.Error{Code: document.CodeNotFound, Name: name, Text: "it is a folder"}
			}
			return err
		}))
	}
}
