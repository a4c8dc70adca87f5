package wire

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
)

// ReplyReader reads what a server sends, in either version of the protocol. Make it with NewReplyReader. It
// is for one goroutine at a time. It holds a buffer of 4 KiB all its life: a program has few of them.
type ReplyReader struct {
	src    *bufio.Reader
	limits Limits
	used   int    // bytes of the reply being read
	long   []byte // a line that is longer than the buffer
	err    error
}

// NewReplyReader returns a ReplyReader of the replies that arrive at src.
func NewReplyReader(src io.Reader, limits Limits) *ReplyReader {
	return &ReplyReader{src: bufio.NewReader(src), limits: limits.withDefaults()}
}

// ReadReply reads the next reply or push, and waits for it. It is one of the values of [Writer.WriteValue],
// or a [Push]: nil, bool, int64, float64, string, SimpleString, Error, []any or Map. An Error is a value
// here; the error says that the reading failed, and then every later call fails with the same one: a
// [ProtocolError], io.EOF between two replies, io.ErrUnexpectedEOF in the middle of one, or an error of the
// source, unchanged.
func (r *ReplyReader) ReadReply() (any, error) {
	if r.err != nil {
		return nil, r.err
	}
	r.used = 0
	v, err := r.readValue(0)
	if err == io.EOF && r.used > 0 {
		err = io.ErrUnexpectedEOF
	}
	if r.err = err; err != nil {
		return nil, err
	}
	return v, nil
}

// readValue reads a value that stands inside depth lists and maps, and skips the attributes before it.
func (r *ReplyReader) readValue(depth int) (any, error) {
	for {
		line, err := r.readLine()
		if err != nil {
			return nil, err
		}
		switch kind := line[0]; kind {
		case '$', '=', '!':
			return r.readBulk(line)
		case '*', '~', '%', '>':
			return r.readContainer(line, depth)
		case '|':
			if _, err := r.readContainer(line, depth); err != nil {
				return nil, err
			}
		default:
			return parseScalar(kind, string(line[1:len(line)-len("\r\n")]))
		}
	}
}

// parseScalar is the value of a type that takes one line.
func parseScalar(kind byte, text string) (any, error) {
	switch kind {
	case '+':
		return SimpleString(text), nil
	case '-':
		return parseError(text), nil
	case ':':
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		return nil, ProtocolError("invalid integer")
	case ',':
		if f, ok := parseDouble(text); ok {
			return f, nil
		}
		return nil, ProtocolError("invalid double")
	case '(':
		if isBigNumber(text) {
			return text, nil
		}
		return nil, ProtocolError("invalid big number")
	case '_':
		if text == "" {
			return nil, nil
		}
		return nil, ProtocolError("invalid null")
	case '#':
		if text == "t" || text == "f" {
			return text == "t", nil
		}
		return nil, ProtocolError("invalid boolean")
	}
	return nil, ProtocolError("unexpected '" + visible(kind) + "'")
}

func isBigNumber(text string) bool {
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	return digits != "" && len(text)-len(digits) <= 1 && strings.Trim(digits, "0123456789") == ""
}

// readLine reads up to CR LF, which it includes. The line holds at least a type byte and no other CR or LF;
// it is valid until the next read.
func (r *ReplyReader) readLine() ([]byte, error) {
	r.long = r.long[:0]
	for {
		line, err := r.src.ReadSlice('\n')
		r.used += len(line)
		if len(r.long)+len(line) > r.limits.MaxInline+len("\n") || r.used > r.limits.MaxCommand {
			return nil, errTooBigReply
		}
		if err == bufio.ErrBufferFull || len(r.long) > 0 {
			r.long = append(r.long, line...)
			line = r.long
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err != nil:
			return nil, err
		case len(line) < len("x\r\n") || bytes.IndexByte(line, '\r') != len(line)-len("\r\n"):
			return nil, ProtocolError("invalid line")
		}
		return line, nil
	}
}

// readBulk reads what follows the header of a string, a verbatim string or a bulk error.
func (r *ReplyReader) readBulk(header []byte) (any, error) {
	kind := header[0]
	n, _, ok := parseLength(header)
	switch {
	case ok && n == -1 && kind == '$':
		return nil, nil
	case !ok || n < 0 || n > r.limits.MaxBulk:
		return nil, errBulkLength
	case r.used+n+len("\r\n") > r.limits.MaxCommand:
		return nil, errTooBigReply
	}
	text, err := r.readText(n)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == '!':
		return parseError(text), nil
	case kind == '=' && (len(text) < len("txt:") || text[3] != ':'):
		return nil, ProtocolError("invalid verbatim string")
	case kind == '=':
		return text[len("txt:"):], nil
	}
	return text, nil
}

// readText reads n bytes and the CR LF after them. Memory grows with the bytes that arrive.
func (r *ReplyReader) readText(n int) (string, error) {
	var text strings.Builder
	for text.Len() < n {
		part, err := r.src.Peek(min(n-text.Len(), r.src.Size()))
		text.Write(part)
		r.skip(part)
		if err != nil {
			return "", err
		}
	}
	end, err := r.src.Peek(len("\r\n"))
	if err == nil && string(end) != "\r\n" {
		err = errBulkEnd
	}
	r.skip(end)
	return text.String(), err
}

// skip takes bytes that were peeked at.
func (r *ReplyReader) skip(peeked []byte) {
	n, _ := r.src.Discard(len(peeked)) // they are buffered: it cannot fail
	r.used += n
}

// readContainer reads what follows the header of a list, a set, a push, a map or an attribute.
func (r *ReplyReader) readContainer(header []byte, depth int) (any, error) {
	kind := header[0]
	n, _, ok := parseLength(header)
	switch {
	case ok && n == -1 && kind == '*':
		return nil, nil
	case !ok || n < 0 || n > r.limits.MaxArguments:
		return nil, errMultibulkLength
	case kind == '>' && depth > 0:
		return nil, ProtocolError("unexpected '>'")
	case depth == MaxDepth:
		return nil, ProtocolError("too deeply nested reply")
	case kind == '%' || kind == '|':
		return r.readMap(n, depth+1)
	}
	list, err := r.readList(n, depth+1)
	if kind == '>' {
		return Push(list), err
	}
	return list, err
}

func (r *ReplyReader) readList(n, depth int) ([]any, error) {
	list := []any{}
	for range n {
		element, err := r.readValue(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, element)
	}
	return list, nil
}

func (r *ReplyReader) readMap(n, depth int) (Map, error) {
	m := Map{}
	for range n {
		key, err := r.readValue(depth)
		if err != nil {
			return nil, err
		}
		value, err := r.readValue(depth)
		if err != nil {
			return nil, err
		}
		m = append(m, Pair{key, value})
	}
	return m, nil
}
