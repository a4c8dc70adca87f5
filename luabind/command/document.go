package command

import (
	"errors"
	"fmt"
	"io"

	"moongate/luabind/lane"
	"moongate/runtime/document"
	"moongate/runtime/process"

	lua "github.com/yuin/gopher-lua"
)

var documentCommands = []Command{
	{Name: "create_document", Signature: "create_document(name [, type]) -> number or nil", FourD: "Create document", Since: "0.3", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "makes or empties a document below the folder documents of the data folder, opens it and gives its reference; otherwise nil, why not, and 4D's number for it, as do all commands about documents", run: createDocument, once: true, instead: madeUp},
	{Name: "append_document", Signature: "append_document(name [, type]) -> number or nil", FourD: "Append document", Since: "0.3", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "opens a document at its end", run: appendDocument, once: true, instead: madeUp},
	{Name: "open_document", Signature: "open_document(name [, type] [, mode]) -> number or nil", FourD: "Open document", Since: "0.3", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "opens a document at its beginning, to read and write (mode 0), write (1) or read (2); one process at a time can write it. Mode 3 gives its name and opens nothing", run: openDocument, once: true},
	{Name: "send_packet", Signature: "send_packet(reference, text) -> boolean or nil", FourD: "SEND PACKET", Since: "0.3", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "writes a text where the document stands, and gives true; what is sent is sure to be written when the document is closed", run: sendPacket, once: true, instead: trueInstead},
	{Name: "receive_packet", Signature: "receive_packet(reference, stop) -> text or nil", FourD: "RECEIVE PACKET", Since: "0.3", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "reads a text up to the next stop, which is a text and skipped, or of so many characters, a number; nil alone at the end of the document", run: receivePacket, once: true},
	{Name: "close_document", Signature: "close_document(reference) -> boolean or nil", FourD: "CLOSE DOCUMENT", Since: "0.3", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "writes what was sent and closes the document, and gives true; a process that ends closes its own", run: closeDocument, once: true, instead: trueInstead},
	{Name: "test_path_name", Signature: "test_path_name(name) -> number or nil", FourD: "Test path name", Since: "0.3", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "1 a document, 0 a folder, otherwise 4D's number of the error: -43 nothing, -37 no name", run: testPathName, once: true},
	{Name: "delete_document", Signature: "delete_document(name) -> boolean or nil", FourD: "DELETE DOCUMENT", Since: "0.3", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "deletes a document that nobody has open, and gives true", run: deleteDocument, once: true, instead: trueInstead},
}

// 4D's "Get Pathname", a mode that opens nothing.
const getPathname document.Mode = 3

// codeNoVolume is 4D's number when there is nowhere to look for a document.
const codeNoVolume = -35

// errNoFolder is what the commands give where the host has no data folder.
var errNoFolder = errors.New("this server has no data folder")

// notDone is what a command about documents gives when it could not do it.
func (e *environment) notDone(L *lua.LState, command string, err error) int {
	code := codeNoVolume
	var failed *document.Error
	if errors.As(err, &failed) {
		code = failed.Code
	}
	return e.failure(L, command, code, err.Error())
}

// done is what a command about documents gives that has nothing to give.
func (e *environment) done(L *lua.LState, command string, err error) int {
	if err != nil {
		return e.notDone(L, command, err)
	}
	L.Push(lua.LTrue)
	return 1
}

// documentOwner is a process as the owner of documents. A preemptive process uses its documents alone, as in 4D.
func documentOwner(p *process.Process) document.Owner {
	return document.Owner{Process: int(p.Number()), Alone: p.Preemptive()}
}

// closeDocuments closes what a process whose code is over has open. It may wait for the disk. Nobody is there any more to
// whom it could say that a document was not written: the log is told.
func (e *environment) closeDocuments(p *process.Process) {
	folder := e.host.Documents()
	if folder == nil {
		return
	}
	if err := folder.CloseAll(documentOwner(p)); err != nil {
		e.log.Error("documents not written", "process", p.Number(), "method", p.Method(), "error", err)
	}
}

// inFolder runs an act on the folder, outside: the disk must not hold up the lane.
func (e *environment) inFolder(L *lua.LState, act func(f *document.Folder, o document.Owner) error) error {
	folder, p := e.host.Documents(), lane.Running(L)
	if folder == nil {
		return errNoFolder
	}
	var err error
	p.Outside(func() { err = act(folder, documentOwner(p.Process())) })
	return err
}

// opened opens a document, and gives its reference.
func (e *environment) opened(L *lua.LState, command string, open func(f *document.Folder, o document.Owner) (*document.Document, error)) int {
	var d *document.Document
	err := e.inFolder(L, func(f *document.Folder, o document.Owner) (err error) {
		d, err = open(f, o)
		return err
	})
	if err != nil {
		return e.notDone(L, command, err)
	}
	return number(L, int64(d.Ref()))
}

// createDocument is "Create document". The type of a document says nothing here: all are text.
func createDocument(e *environment, L *lua.LState) int {
	name := L.CheckString(1)
	L.OptString(2, "")
	return e.opened(L, "create_document", func(f *document.Folder, o document.Owner) (*document.Document, error) { return f.Create(o, name) })
}

func appendDocument(e *environment, L *lua.LState) int {
	name := L.CheckString(1)
	L.OptString(2, "")
	return e.opened(L, "append_document", func(f *document.Folder, o document.Owner) (*document.Document, error) { return f.Append(o, name) })
}

func openDocument(e *environment, L *lua.LState) int {
	name, at := L.CheckString(1), 2
	if kind := L.Get(2).Type(); kind == lua.LTString || kind == lua.LTNil && L.GetTop() > 2 { // the type
		at = 3
	}
	mode := document.Mode(L.OptInt(at, int(document.ReadWrite)))
	switch mode {
	case document.ReadWrite, document.Write, document.Read:
		return e.opened(L, "open_document", func(f *document.Folder, o document.Owner) (*document.Document, error) { return f.Open(o, name, mode) })
	case getPathname:
		return e.pathname(L, name)
	}
	L.ArgError(at, "mode 0 (read and write), 1 (write), 2 (read) or 3 (name) expected")
	return 0
}

// pathname gives the name of a document that is there.
func (e *environment) pathname(L *lua.LState, name string) int {
	err := e.inFolder(L, func(f *document.Folder, _ document.Owner) error {
		kind, err := f.Test(name)
		if err == nil && kind != document.IsDocument {
			err = &document.Error{Code: document.CodeNotFound, Name: name, Text: "it is a folder"}
		}
		return err
	})
	if err != nil {
		return e.notDone(L, "open_document", err)
	}
	L.Push(lua.LString(name))
	return 1
}

func testPathName(e *environment, L *lua.LState) int {
	name := L.CheckString(1)
	var kind document.Kind
	err := e.inFolder(L, func(f *document.Folder, _ document.Owner) (err error) {
		kind, err = f.Test(name)
		return err
	})
	var failed *document.Error
	switch {
	case errors.As(err, &failed): // which is an answer and no error
		return number(L, int64(failed.Code))
	case err != nil:
		return e.notDone(L, "test_path_name", err)
	}
	return number(L, int64(kind))
}

func deleteDocument(e *environment, L *lua.LState) int {
	name := L.CheckString(1)
	return e.done(L, "delete_document", e.inFolder(L, func(f *document.Folder, _ document.Owner) error { return f.Delete(name) }))
}

// withDocument runs f on the document whose reference is the first argument, and which nobody else uses meanwhile. f must
// not run code of the process, and wait for nothing but the disk.
func (e *environment) withDocument(L *lua.LState, f func(p *lane.Program, d *document.Document) error) error {
	n := float64(L.CheckNumber(1))
	ref := document.Ref(n)
	if float64(ref) != n {
		ref = 0 // which no document has
	}
	folder, p := e.host.Documents(), lane.Running(L)
	if folder == nil {
		return errNoFolder
	}
	d, err := folder.Lookup(documentOwner(p.Process()), ref)
	if err != nil {
		return err
	}
	if !d.TryHold() {
		p.Outside(d.Hold)
	}
	defer d.Release()
	return f(p, d)
}

const (
	bytesPerStep = 16  // bytes that are copied in the time of an instruction
	smallPacket  = 256 // bytes up to which a packet's memory is not announced
)

func sendPacket(e *environment, L *lua.LState) int {
	L.CheckNumber(1)
	packet := L.CheckString(2)
	lane.Running(L).Step(L, len(packet)/bytesPerStep)
	return e.done(L, "send_packet", e.withDocument(L, func(p *lane.Program, d *document.Document) (err error) {
		if !d.TrySend(packet) {
			p.Outside(func() { err = d.Send(packet) })
		}
		return err
	}))
}

// checkUntil reads where a packet ends.
func checkUntil(L *lua.LState, i int) document.Until {
	switch v := L.Get(i).(type) {
	case lua.LString:
		if v == "" || len(v) > document.MaxStop {
			L.ArgError(i, fmt.Sprintf("stop of 1 to %d bytes expected", document.MaxStop))
		}
		return document.Until{Stop: string(v)}
	case lua.LNumber:
		if !(v >= 1 && v <= document.MaxPacket) {
			L.ArgError(i, fmt.Sprintf("number of characters expected, 1 to %d", document.MaxPacket))
		}
		return document.Until{Length: int(v)}
	}
	L.ArgError(i, "text or number of characters expected, got "+L.Get(i).Type().String())
	return document.Until{}
}

func receivePacket(e *environment, L *lua.LState) int {
	L.CheckNumber(1)
	until := checkUntil(L, 2)
	text := ""
	err := e.withDocument(L, func(p *lane.Program, d *document.Document) (err error) {
		packet, found := d.Peek(until)
		if !found {
			p.Outside(func() { packet, err = d.Measure(until) })
		}
		if err != nil {
			return err
		}
		if packet.Size > smallPacket {
			p.Grow(L, packet.Size)
		}
		if d.Ready(packet) {
			text, err = d.Take(packet)
		} else {
			p.Outside(func() { text, err = d.Take(packet) })
		}
		return err
	})
	switch {
	case err == io.EOF:
		L.Push(lua.LNil)
		return 1
	case err != nil:
		return e.notDone(L, "receive_packet", err)
	}
	lane.Running(L).Step(L, len(text)/bytesPerStep)
	L.Push(lua.LString(text))
	return 1
}

func closeDocument(e *environment, L *lua.LState) int {
	L.CheckNumber(1)
	return e.done(L, "close_document", e.withDocument(L, func(p *lane.Program, d *document.Document) (err error) {
		p.Outside(func() { err = d.Close() })
		return err
	}))
}
