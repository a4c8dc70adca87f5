package wire

import (
	"bytes"
	"fmt"
	"sync"
)

const (
	frameSize     = 4 << 10  // bytes of a new frame
	keepSize      = 64 << 10 // a frame that grew beyond this is left to the garbage collector
	keepArguments = 1 << 10  // and so is one that held more arguments than this
)

// frame is what a Reader needs while it has bytes to parse: a buffer, and how far the command in it has been
// parsed. It keeps its place between reads, so a command that arrives one byte at a time is not parsed again
// and again from its beginning. Frames are pooled.
type frame struct {
	data     []byte
	start    int     // where the command begins that is being parsed, or that was parsed last
	pos      int     // the first byte that is not parsed yet
	end      int     // the first byte that has not arrived yet
	expected int     // how many arguments the array's header announced; 0 before the header is parsed
	complete bool    // data[start:pos] is a whole command
	full     bool    // the last read filled all the room it had, so more bytes are probably waiting
	spans    []span  // the arguments parsed so far, relative to start, since data may move
	args     Command // reused from one command to the next
}

// span is where an argument stands: from start to before end.
type span struct{ start, end int }

var frames = sync.Pool{New: func() any { return &frame{data: make([]byte, frameSize)} }}

// takeFrame returns a frame that holds a copy of b, which is shorter than frameSize.
func takeFrame(b []byte) *frame {
	f := frames.Get().(*frame)
	*f = frame{data: f.data, end: copy(f.data, b), spans: f.spans[:0], args: f.args}
	return f
}

// giveBack returns the frame to the pool, unless it has become too big to keep.
func (f *frame) giveBack() {
	if !f.oversized() {
		frames.Put(f)
	}
}

func (f *frame) oversized() bool {
	return len(f.data) > keepSize || cap(f.args) > keepArguments || cap(f.spans) > keepArguments
}

// forget drops the last command if it was whole, so that parsing begins after it.
func (f *frame) forget() {
	if f.complete {
		f.start, f.expected, f.complete = f.pos, 0, false
		f.spans = f.spans[:0]
	}
}

// unparsed is the number of bytes that belong to no whole command yet.
func (f *frame) unparsed() int {
	if f.complete {
		return f.end - f.pos
	}
	return f.end - f.start
}

// command is the whole command that was parsed last.
func (f *frame) command() Command {
	f.args = f.args[:0]
	line := f.data[f.start:f.pos]
	for _, s := range f.spans {
		f.args = append(f.args, line[s.start:s.end:s.end])
	}
	return f.args
}

// room makes sure that there is room behind the bytes that have arrived, and returns it. The bytes move to
// the front first. The buffer doubles when it is full of bytes that arrived; how many the client has
// announced does not count.
func (f *frame) room() []byte {
	if f.start > 0 {
		copy(f.data, f.data[f.start:f.end])
		f.pos, f.end, f.start = f.pos-f.start, f.end-f.start, 0
	}
	if f.end == len(f.data) {
		f.data = append(f.data, make([]byte, len(f.data))...)
	}
	return f.data[f.end:]
}

// parse goes on with the command at start and reports whether it is whole. A whole command may have no
// arguments: an empty line, an empty array.
func (f *frame) parse(limits *Limits) (bool, error) {
	var err error
	if f.data[f.start] == '*' {
		f.complete, err = f.parseArray(limits)
	} else {
		f.complete, err = f.parseInline(limits)
	}
	return f.complete, err
}

func (f *frame) parseInline(limits *Limits) (bool, error) {
	eol := bytes.IndexByte(f.data[f.pos:f.end], '\n')
	if eol >= 0 {
		f.pos += eol
	} else {
		f.pos = f.end
	}
	line := f.data[f.start:f.pos]
	switch {
	case len(line) > limits.MaxInline:
		return false, errTooBigInline
	case eol < 0:
		return false, nil
	}
	f.pos++
	var ok bool
	if f.spans, ok = splitInline(line, f.spans); !ok {
		return false, errQuotes
	}
	if len(f.spans) > limits.MaxArguments {
		return false, errTooBigInline
	}
	return true, nil
}

func (f *frame) parseArray(limits *Limits) (bool, error) {
	if f.expected == 0 {
		n, size, ok := parseLength(f.data[f.start:f.end])
		switch {
		case !ok || n > limits.MaxArguments:
			return false, errMultibulkLength
		case size == 0:
			return false, nil
		}
		f.pos += size
		f.expected = max(n, 0)
	}
	for len(f.spans) < f.expected {
		if more, err := f.parseBulk(limits); !more {
			return false, err
		}
	}
	return true, nil
}

// parseBulk parses one argument and reports whether it is whole.
func (f *frame) parseBulk(limits *Limits) (bool, error) {
	rest := f.data[f.pos:f.end]
	if len(rest) == 0 {
		return false, nil
	}
	if rest[0] != '$' {
		return false, ProtocolError("expected '$', got '" + visible(rest[0]) + "'")
	}
	n, size, ok := parseLength(rest)
	switch {
	case !ok || n < 0 || n > limits.MaxBulk:
		return false, errBulkLength
	case size == 0:
		return false, nil
	case f.pos-f.start+size+n+len("\r\n") > limits.MaxCommand:
		return false, errTooBig
	case len(rest) < size+n+len("\r\n"):
		return false, nil
	case rest[size+n] != '\r' || rest[size+n+1] != '\n':
		return false, errBulkEnd
	}
	from := f.pos - f.start + size
	f.spans = append(f.spans, span{from, from + n})
	f.pos += size + n + len("\r\n")
	return true, nil
}

// visible is a byte as an error message can show it.
func visible(c byte) string {
	if c < ' ' || c > '~' {
		return fmt.Sprintf(`\x%02x`, c)
	}
	return string(rune(c))
}
