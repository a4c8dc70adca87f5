package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Pack writes a list of values as one string: the list as RESP3 sends it. So an argument of a command, which is only bytes,
// carries values with their types. The values are those of [Writer.WriteValue] but [Error] and [Push]; an int is an int64
// afterwards, and a []byte or [SimpleString] a string. It returns an error, and nothing, for a value of another type
// and for one inside more than [MaxDepth] lists and maps, the packed list included.
func Pack(values []any) ([]byte, error) { return AppendPack(make([]byte, 0, 64), values) }

// AppendPack adds what Pack writes to b.
func AppendPack(b []byte, values []any) ([]byte, error) { return appendPackedList(b, values, 0) }

func appendPackedList(b []byte, list []any, depth int) ([]byte, error) {
	if depth == MaxDepth {
		return nil, errPackedDepth
	}
	b = appendHeader(b, '*', len(list))
	for _, v := range list {
		var err error
		if b, err = appendPacked(b, v, depth+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// appendPacked writes a value that stands inside depth lists and maps.
func appendPacked(b []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return AppendNull(b), nil
	case bool:
		return AppendBool(b, v), nil
	case int:
		return appendHeader(b, ':', v), nil
	case int64:
		return AppendInteger(b, v), nil
	case float64:
		return AppendFloat(b, v), nil
	case string:
		return AppendText(b, v), nil
	case []byte:
		return append(append(appendHeader(b, '$', len(v)), v...), "\r\n"...), nil
	case SimpleString:
		return AppendText(b, string(v)), nil
	case []any:
		return appendPackedList(b, v, depth)
	case Map:
		return appendPackedMap(b, v, depth)
	}
	return nil, fmt.Errorf("a value of type %T cannot be packed", v)
}

func appendPackedMap(b []byte, m Map, depth int) ([]byte, error) {
	if depth == MaxDepth {
		return nil, errPackedDepth
	}
	b = appendHeader(b, '%', len(m))
	for _, pair := range m {
		var err error
		if b, err = appendPacked(b, pair.Key, depth+1); err != nil {
			return nil, err
		}
		if b, err = appendPacked(b, pair.Value, depth+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendHeader(b []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(b, kind), int64(n), 10), "\r\n"...)
}

// maxPackedElements is how many values a packed string may hold, those inside others included: 1 byte that arrives must
// not become many in memory.
const maxPackedElements = 1_000_000

// What is wrong with a packed string. Each is one line for its author.
var (
	errPackedDepth    = fmt.Errorf("packed: lists and maps are nested more than %d deep", MaxDepth)
	errPackedElements = fmt.Errorf("packed: more than %d values", maxPackedElements)
	errPackedEnd      = errors.New("packed: it ends in the middle of a value")
	errPackedRest     = errors.New("packed: something follows the list")
	errPackedList     = errors.New("packed: it is no list; pack one, as *1 CR LF and its element")
	errPackedLength   = errors.New("packed: a length is no number, or more than what follows")
	errPackedBulk     = errors.New("packed: no CR LF after a string")
	errPackedLine     = errors.New("packed: a line does not end with CR LF")
)

// Unpack is the inverse of Pack. It takes the types that Pack writes (null, boolean, integer, double, string, list and
// map) and simple strings, and trusts nothing: what is malformed, nested more than [MaxDepth] deep, has more than
// 1,000,000 values, or is followed by anything, is an error of one line. The values share no memory with b. It takes about
// 16 bytes of memory for each value, besides the strings' own.
func Unpack(b []byte) ([]any, error) {
	if len(b) == 0 || b[0] != '*' {
		return nil, errPackedList
	}
	u := unpacker{rest: b, room: maxPackedElements}
	v, err := u.value(0)
	if err != nil {
		return nil, err
	}
	if len(u.rest) > 0 {
		return nil, errPackedRest
	}
	return v.([]any), nil
}

// unpacker reads values from the beginning of rest.
type unpacker struct {
	rest []byte
	room int // how many values may still come
}

func (u *unpacker) value(depth int) (any, error) {
	if len(u.rest) == 0 {
		return nil, errPackedEnd
	}
	switch kind := u.rest[0]; kind {
	case '$':
		return u.bulk()
	case '*':
		return u.list(depth)
	case '%':
		return u.pairs(depth)
	case '_', '#', ':', ',', '+':
		return u.scalar(kind)
	default:
		return nil, fmt.Errorf("packed: unexpected '%s'", visible(kind))
	}
}

// scalar reads a value of one line.
func (u *unpacker) scalar(kind byte) (any, error) {
	end := bytes.IndexByte(u.rest, '\n')
	switch {
	case end < 0:
		return nil, errPackedEnd
	case u.rest[end-1] != '\r' || bytes.IndexByte(u.rest[:end-1], '\r') >= 0:
		return nil, errPackedLine
	}
	text := string(u.rest[1 : end-1])
	u.rest = u.rest[end+1:]
	if kind == '+' {
		return text, nil
	}
	v, err := parseScalar(kind, text)
	if err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	return v, nil
}

// length reads a header; what it announces takes at least size bytes each.
func (u *unpacker) length(size int) (int, error) {
	n, header, ok := parseLength(u.rest)
	switch {
	case ok && header == 0:
		return 0, errPackedEnd
	case !ok || n < 0 || n > math.MaxInt/8 || n*size > len(u.rest)-header:
		return 0, errPackedLength
	}
	u.rest = u.rest[header:]
	return n, nil
}

func (u *unpacker) bulk() (any, error) {
	n, err := u.length(1)
	switch {
	case err != nil:
		return nil, err
	case len(u.rest) < n+len("\r\n"):
		return nil, errPackedEnd
	case u.rest[n] != '\r' || u.rest[n+1] != '\n':
		return nil, errPackedBulk
	}
	text := string(u.rest[:n])
	u.rest = u.rest[n+len("\r\n"):]
	return text, nil
}

// leastSize is how many bytes the shortest value takes: a null.
const leastSize = len("_\r\n")

func (u *unpacker) list(depth int) (any, error) {
	n, err := u.container(depth, leastSize)
	if err != nil {
		return nil, err
	}
	list := make([]any, n)
	for i := range list {
		if list[i], err = u.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (u *unpacker) pairs(depth int) (any, error) {
	n, err := u.container(depth, 2*leastSize)
	if err != nil {
		return nil, err
	}
	m := make(Map, n)
	for i := range m {
		if m[i].Key, err = u.value(depth + 1); err != nil {
			return nil, err
		}
		if m[i].Value, err = u.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// container reads the header of a list or map.
func (u *unpacker) container(depth, size int) (int, error) {
	if depth == MaxDepth {
		return 0, errPackedDepth
	}
	n, err := u.length(size)
	if err != nil {
		return 0, err
	}
	if u.room -= n * size / leastSize; u.room < 0 {
		return 0, errPackedElements
	}
	return n, nil
}
