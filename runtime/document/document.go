package document

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Mode is what a document is opened for, with 4D's numbers.
type Mode int

const (
	ReadWrite Mode = 0
	Write     Mode = 1
	Read      Mode = 2
)

// writes reports whether the mode is one of those of which a document bears one at a time.
func (m Mode) writes() bool { return m != Read }

// flag is how the operating system opens a file for the mode.
func (m Mode) flag() int {
	switch m {
	case Write:
		return os.O_WRONLY
	case Read:
		return os.O_RDONLY
	default:
		return os.O_RDWR
	}
}

// Ref is what scripts have of an open document: its number. A number is never given twice, and none is 0.
type Ref int64

// Owner is the process that a document belongs to. Its number is not given to another before CloseAll.
type Owner struct {
	Process int  // its number
	Alone   bool // nobody else may use its documents, as it is with a preemptive process
}

// Document is an open document: one place at which the next packet is written or read. What is sent is kept until there
// is enough of it to be written, or the document is closed.
type Document struct {
	folder *Folder
	ref    Ref
	owner  Owner
	name   string
	mode   Mode
	held   chan struct{} // of capacity 1: full while somebody holds the document. It guards what follows
	file   *os.File      // nil when it is closed
	info   os.FileInfo   // of the file, to tell whether another name is the same document; it does not change
	reader reader        // its place is where pending begins
	// pending is what was sent and is not written: then nothing has been read ahead.
	pending []byte
}

// pendingSize is how much of what was sent is kept before it is written, in bytes.
const pendingSize = 16 << 10

// Ref is the document's reference. It may be called from any goroutine.
func (d *Document) Ref() Ref { return d.ref }

// Name is what the document was opened as. It may be called from any goroutine.
func (d *Document) Name() string { return d.name }

// Hold waits until the caller has the document for itself, until Release. It waits for nothing but the disk, as long as
// who holds a document does not.
func (d *Document) Hold() { d.held <- struct{}{} }

// TryHold is Hold if nobody holds the document.
func (d *Document) TryHold() bool {
	select {
	case d.held <- struct{}{}:
		return true
	default:
		return false
	}
}

// Release ends a Hold.
func (d *Document) Release() { <-d.held }

// may says why the document does not serve for something, nil when it does.
func (d *Document) may(write bool) error {
	switch {
	case d.file == nil:
		return notOpen(d.ref)
	case write && d.mode == Read:
		return &Error{Code: CodeNotPermitted, Name: d.name, Text: "it was opened for reading only"}
	case !write && d.mode == Write:
		return &Error{Code: CodeNotPermitted, Name: d.name, Text: "it was opened for writing only"}
	}
	return nil
}

// TrySend sends a packet if that needs no disk. Otherwise it does nothing and reports false.
func (d *Document) TrySend(packet string) bool {
	if d.may(true) != nil || len(d.pending)+len(packet) > pendingSize {
		return false
	}
	d.reader.drop()
	d.pending = append(d.pending, packet...)
	return true
}

// Send puts a packet of any size up to MaxPacket where the document stands, and goes on behind it: what stands there is
// overwritten. A packet that gives an error has not moved the document. It waits for the disk.
func (d *Document) Send(packet string) error {
	if err := d.may(true); err != nil {
		return err
	}
	if len(packet) > MaxPacket {
		return d.tooLong()
	}
	if err := d.flush(); err != nil {
		return err
	}
	if d.TrySend(packet) {
		return nil
	}
	d.reader.drop()
	n, err := d.file.WriteAt([]byte(packet), d.reader.at)
	if err != nil {
		return failed(d.name, err)
	}
	d.reader.at += int64(n)
	return nil
}

// flush writes what is pending. What could not be written stays pending.
func (d *Document) flush() error {
	if len(d.pending) == 0 {
		return nil
	}
	n, err := d.file.WriteAt(d.pending, d.reader.at)
	d.reader.at += int64(n)
	d.pending = append(d.pending[:0], d.pending[n:]...)
	return failed(d.name, err)
}

// Peek finds the next packet if that needs no disk; Take does not then either.
func (d *Document) Peek(u Until) (Packet, bool) {
	if d.may(false) != nil || len(d.pending) > 0 {
		return Packet{}, false
	}
	return d.reader.peek(u)
}

// Measure finds the next packet. One without an end goes to the end of the document; the error is io.EOF when nothing is
// left of it. It waits for the disk.
func (d *Document) Measure(u Until) (Packet, error) {
	if err := d.may(false); err != nil {
		return Packet{}, err
	}
	if len(u.Stop) > MaxStop {
		return Packet{}, &Error{Code: CodeIO, Name: d.name, Text: fmt.Sprintf("the end of a packet has at most %d bytes", MaxStop)}
	}
	if err := d.flush(); err != nil {
		return Packet{}, err
	}
	p, err := d.reader.measure(u)
	switch {
	case err == nil, err == io.EOF:
		return p, err
	case errors.Is(err, errTooLong):
		return Packet{}, d.tooLong()
	default:
		return Packet{}, failed(d.name, err)
	}
}

func (d *Document) tooLong() error {
	return &Error{Code: CodeIO, Name: d.name, Text: fmt.Sprintf("the packet is too long (the limit is %d bytes)", MaxPacket)}
}

// Ready reports whether Take can read a packet without the disk.
func (d *Document) Ready(p Packet) bool { return p.Size+p.Skip <= len(d.reader.ahead) }

// Take reads the packet that Peek or Measure has just found, and goes on behind it. It waits for the disk unless the
// packet is Ready.
func (d *Document) Take(p Packet) (string, error) {
	if err := d.may(false); err != nil {
		return "", err
	}
	text, err := d.reader.take(p)
	return text, failed(d.name, err)
}

// Close writes what is pending and closes the document, also if that fails: then what could not be written is lost,
// which the error says. What was written is the operating system's then: it outlives Moongate, and lasts through a power
// failure as far as the system sees to that, for waiting for the disk's own word would take milliseconds for each line
// of a log. Closing a closed document is an error. It waits for the disk.
func (d *Document) Close() error {
	if d.file == nil {
		return notOpen(d.ref)
	}
	err := d.flush()
	if closed := d.file.Close(); err == nil {
		err = failed(d.name, closed)
	}
	d.file, d.pending, d.reader = nil, nil, reader{}
	d.folder.forget(d)
	return err
}

func notOpen(r Ref) error {
	return &Error{Code: CodeNotOpen, Name: fmt.Sprint(r), Text: "no document is open under this reference"}
}
