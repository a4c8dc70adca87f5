package wire

import (
	"fmt"
	"io"
)

// landingSize is the room for the first bytes of a command that arrive at an idle Reader: a PING, or nine
// of them in one packet. A longer burst costs one more read. It is the larger part of an idle Reader.
const landingSize = 128

// maxEmptyReads is how many reads in a row may bring neither bytes nor an error, as in bufio.
const maxEmptyReads = 100

// Command is what a client asks: its name and its arguments, at least one element. The bytes belong to the
// Reader: they are valid until its next ReadCommand or Release, and must be copied to be kept. They may be
// changed, and each argument may be appended to without harm to the next.
type Command [][]byte

// Flusher is what a Reader flushes before it waits for more bytes: a [Writer], or something that locks one.
type Flusher interface {
	Flush() error
}

// Reader reads the commands of one client. Make it with NewReader. It is for one goroutine at a time.
//
// An idle Reader holds no buffer: it waits for the beginning of a command with an array of 128 bytes inside
// itself, and takes a buffer from a pool when bytes have arrived. Waiting without any buffer was rejected,
// since an io.Reader cannot say that it has become readable; so was keeping the buffer, which would make an
// idle connection ten times as large.
type Reader struct {
	src     io.Reader
	flusher Flusher
	limits  Limits
	frame   *frame // nil while nothing is buffered and no command is out
	late    error  // came with bytes; returned when they are parsed
	broken  error  // the ProtocolError that ended the reading
	landing [landingSize]byte
}

// NewReader returns a Reader of the commands that arrive at src.
func NewReader(src io.Reader, limits Limits) *Reader {
	return &Reader{src: src, limits: limits.withDefaults()}
}

// SetLimits changes the limits, from the next command on that has not been parsed in part. It belongs to the goroutine of
// ReadCommand.
func (r *Reader) SetLimits(limits Limits) { r.limits = limits.withDefaults() }

// FlushBeforeRead makes the Reader flush f before it reads from its source, so that replies are sent
// together while commands are waiting, and none is held back while the client waits for it. Looking at
// Buffered after each command is not enough for that: what is buffered may be an empty line, or the
// beginning of a command whose end is sent later.
//
// The one read that does not flush is that for the rest of a command of which as much has arrived as there
// was room for: there the client is sending, not waiting. Flush is called on the goroutine of ReadCommand.
func (r *Reader) FlushBeforeRead(f Flusher) { r.flusher = f }

// ReadCommand reads the next command, and waits for it. Empty lines and empty arrays are skipped; so are the
// bytes of the command before, which become invalid.
//
// The error is a [ProtocolError] when the client broke the protocol, and every later call returns the same
// one. It is io.EOF at the end between two commands and io.ErrUnexpectedEOF in the middle of one. Other
// errors of the source are returned unchanged, after the commands that arrived before them; the next call
// reads again and goes on where this one stopped, so a read deadline may interrupt the wait. A failed flush
// (see FlushBeforeRead) is returned wrapped.
func (r *Reader) ReadCommand() (Command, error) {
	for {
		command, err := r.parse()
		if command != nil || err != nil {
			return command, err
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// Buffered is the number of bytes that were read and belong to no command that was returned. Reading will
// not wait for the client if they hold a whole command.
func (r *Reader) Buffered() int {
	if r.frame == nil {
		return 0
	}
	return r.frame.unparsed()
}

// Release gives the buffer back if nothing is waiting in it, and makes the last Command invalid in any case.
// ReadCommand does so by itself before it waits: Release is for a caller that has copied the arguments and
// will be busy for long.
func (r *Reader) Release() {
	if r.frame == nil {
		return
	}
	r.frame.forget()
	if r.frame.unparsed() == 0 {
		r.frame.giveBack()
		r.frame = nil
	}
}

// parse returns the next command that has arrived, nil when more bytes are needed.
func (r *Reader) parse() (Command, error) {
	f := r.frame
	if r.broken != nil || f == nil {
		return nil, r.broken
	}
	for f.forget(); f.unparsed() > 0; f.forget() {
		whole, err := f.parse(&r.limits)
		switch {
		case err != nil:
			r.broken, r.frame = err, nil
			f.giveBack()
			return nil, err
		case !whole:
			return nil, nil
		case len(f.spans) > 0:
			return f.command(), nil
		}
	}
	return nil, nil
}

// fill reads once. It returns no error when bytes came, even if an error came with them.
func (r *Reader) fill() error {
	r.Release()
	if err := r.late; err != nil {
		r.late = nil
		return r.inCommand(err)
	}
	if err := r.flush(); err != nil {
		return err
	}
	room := r.room()
	n, err := r.read(room)
	if n == 0 {
		return r.inCommand(err)
	}
	if r.frame == nil {
		r.frame = takeFrame(room[:n])
	} else {
		r.frame.end += n
	}
	r.frame.full = n == len(room)
	r.late = err
	return nil
}

// room is where the next bytes go: the landing array when nothing is buffered.
func (r *Reader) room() []byte {
	f := r.frame
	if f == nil {
		return r.landing[:]
	}
	if rest := f.data[f.start:f.end]; f.oversized() && len(rest) < frameSize {
		// A large command has gone by: do not hold its memory for the few bytes behind it.
		r.frame = takeFrame(rest)
	}
	return r.frame.room()
}

func (r *Reader) flush() error {
	if r.flusher == nil || r.frame != nil && r.frame.full {
		return nil
	}
	if err := r.flusher.Flush(); err != nil {
		return fmt.Errorf("flush replies: %w", err)
	}
	return nil
}

// read reads at least one byte or returns an error.
func (r *Reader) read(room []byte) (int, error) {
	for range maxEmptyReads {
		if n, err := r.src.Read(room); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// inCommand makes an end of file in the middle of a command an unexpected one.
func (r *Reader) inCommand(err error) error {
	if err == io.EOF && r.frame != nil {
		return io.ErrUnexpectedEOF
	}
	return err
}
