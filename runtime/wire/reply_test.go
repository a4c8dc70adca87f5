package wire

import (
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadReply(t *testing.T) {
	long := strings.Repeat("x", 3*4096+1)
	small := Limits{MaxInline: 10, MaxArguments: 2, MaxBulk: 5, MaxCommand: 26}
	for _, test := range []struct {
		name, input string
		limits      Limits
		want        any
		err         error
	}{
		{name: "nothing", err: io.EOF},
		{name: "simple string", input: "+OK\r\n", want: SimpleString("OK")},
		{name: "empty simple string", input: "+\r\n", want: SimpleString("")},
		{name: "long line", input: "+" + long + "\r\n", want: SimpleString(long)},
		{name: "error", input: "-WRONGTYPE not a list\r\n", want: Error{"WRONGTYPE", "not a list"}},
		{name: "error of one word", input: "-BUSY\r\n", want: Error{"BUSY", ""}},
		{name: "empty error", input: "-\r\n", want: Error{"ERR", ""}},
		{name: "bulk error", input: "!11\r\nSYNTAX a\r\nb\r\n", want: Error{"SYNTAX", "a  b"}},
		{name: "integer", input: ":-9223372036854775808\r\n", want: int64(math.MinInt64)},
		{name: "integer with a plus sign", input: ":+5\r\n", want: int64(5)},
		{name: "null", input: "_\r\n", want: nil},
		{name: "null string", input: "$-1\r\n", want: nil},
		{name: "null list", input: "*-1\r\n", want: nil},
		{name: "true", input: "#t\r\n", want: true},
		{name: "false", input: "#f\r\n", want: false},
		{name: "double", input: ",-1.5e3\r\n", want: -1500.0},
		{name: "infinity", input: ",inf\r\n", want: math.Inf(1)},
		{name: "negative infinity", input: ",-inf\r\n", want: math.Inf(-1)},
		{name: "big number", input: "(-3492890328409238509324850943850943825024385\r\n", want: "-3492890328409238509324850943850943825024385"},
		{name: "string", input: "$7\r\na\r\nb\x00\xff\xfe\r\n", want: "a\r\nb\x00\xff\xfe"},
		{name: "empty string", input: "$0\r\n\r\n", want: ""},
		{name: "long string", input: "$12289\r\n" + long + "\r\n", want: long},
		{name: "verbatim string", input: "=8\r\ntxt:text\r\n", want: "text"},
		{name: "list", input: "*3\r\n:1\r\n*0\r\n$1\r\na\r\n", want: []any{int64(1), []any{}, "a"}},
		{name: "set", input: "~1\r\n:1\r\n", want: []any{int64(1)}},
		{name: "map", input: "%2\r\n+a\r\n:1\r\n*0\r\n_\r\n", want: Map{{SimpleString("a"), int64(1)}, {[]any{}, nil}}},
		{name: "push", input: ">2\r\n+message\r\n#t\r\n", want: Push{SimpleString("message"), true}},
		{name: "attribute", input: "|1\r\n+ttl\r\n:1\r\n*1\r\n|0\r\n:2\r\n", want: []any{int64(2)}},
		{name: "deepest", input: strings.Repeat("*1\r\n", MaxDepth) + ":1\r\n", want: nest(int64(1), MaxDepth)},

		{name: "end in a line", input: "+OK\r", err: io.ErrUnexpectedEOF},
		{name: "end in a string", input: "$5\r\nhell", err: io.ErrUnexpectedEOF},
		{name: "end after a string", input: "$5\r\nhello\r", err: io.ErrUnexpectedEOF},
		{name: "end in a list", input: "*2\r\n:1\r\n", err: io.ErrUnexpectedEOF},
		{name: "end in a map", input: "%1\r\n:1\r\n", err: io.ErrUnexpectedEOF},
		{name: "end after an attribute", input: "|0\r\n", err: io.ErrUnexpectedEOF},
		{name: "empty line", input: "\r\n", err: ProtocolError("invalid line")},
		{name: "line without CR", input: "+OK\n", err: ProtocolError("invalid line")},
		{name: "CR in a line", input: "+O\rK\r\n", err: ProtocolError("invalid line")},
		{name: "unknown type", input: "?1\r\n", err: ProtocolError("unexpected '?'")},
		{name: "streamed string", input: "$?\r\n", err: errBulkLength},
		{name: "integer of letters", input: ":x\r\n", err: ProtocolError("invalid integer")},
		{name: "integer too large", input: ":9223372036854775808\r\n", err: ProtocolError("invalid integer")},
		{name: "hexadecimal double", input: ",0x1p4\r\n", err: ProtocolError("invalid double")},
		{name: "double too large", input: ",1e999\r\n", err: ProtocolError("invalid double")},
		{name: "no double", input: ",\r\n", err: ProtocolError("invalid double")},
		{name: "no big number", input: "(-\r\n", err: ProtocolError("invalid big number")},
		{name: "big number with two signs", input: "(-+1\r\n", err: ProtocolError("invalid big number")},
		{name: "null with text", input: "_x\r\n", err: ProtocolError("invalid null")},
		{name: "boolean of letters", input: "#true\r\n", err: ProtocolError("invalid boolean")},
		{name: "negative length", input: "$-2\r\n", err: errBulkLength},
		{name: "null bulk error", input: "!-1\r\n", err: errBulkLength},
		{name: "null map", input: "%-1\r\n", err: errMultibulkLength},
		{name: "string too long", input: "$1\r\nabc\r\n", err: errBulkEnd},
		{name: "verbatim string without format", input: "=3\r\ntxt\r\n", err: ProtocolError("invalid verbatim string")},
		{name: "push in a list", input: "*1\r\n>0\r\n", err: ProtocolError("unexpected '>'")},
		{name: "too deep", input: strings.Repeat("*1\r\n", MaxDepth+1), err: ProtocolError("too deeply nested reply")},
		{name: "attributes too deep", input: strings.Repeat("|1\r\n", 1000), err: ProtocolError("too deeply nested reply")},

		{name: "longest line", limits: small, input: "+12345678\r\n", want: SimpleString("12345678")},
		{name: "too long a line", limits: small, input: "+123456789\r\n", err: errTooBigReply},
		{name: "too long a line without end", limits: small, input: "+12345678901", err: errTooBigReply},
		{name: "too long a string", limits: small, input: "$6\r\n", err: errBulkLength},
		{name: "too many elements", limits: small, input: "*3\r\n", err: errMultibulkLength},
		{name: "largest reply", limits: small, input: "*2\r\n$5\r\n12345\r\n$5\r\n12345\r\n", want: []any{"12345", "12345"}},
		{name: "too many lines", limits: small, input: strings.Repeat("*2\r\n+12\r\n", 4), err: errTooBigReply},
		{name: "too large a string", limits: small, input: "*2\r\n*1\r\n$5\r\n12345\r\n$5\r\n", err: errTooBigReply},
	} {
		for way, arrive := range ways {
			t.Run(test.name+"/"+way, func(t *testing.T) {
				got, err := NewReplyReader(arrive(strings.NewReader(test.input)), test.limits).ReadReply()
				if !reflect.DeepEqual(got, test.want) || err != test.err {
					t.Errorf("read %.100q: got %.100v, %v; want %.100v, %v", test.input, got, err, test.want, test.err)
				}
			})
		}
	}
}

func TestReadReplyStaysBroken(t *testing.T) {
	reset := errors.New("reset")
	r := NewReplyReader(io.MultiReader(strings.NewReader(":1\r\n"), iotest.ErrReader(reset), strings.NewReader(":2\r\n")), Limits{})
	if got, err := r.ReadReply(); got != int64(1) || err != nil {
		t.Errorf("got %v, %v; want 1", got, err)
	}
	for range 2 {
		if got, err := r.ReadReply(); got != nil || err != reset {
			t.Errorf("got %v, %v; want %v", got, err, reset)
		}
	}
}

func TestNaNIsRead(t *testing.T) {
	got, err := NewReplyReader(strings.NewReader(",nan\r\n"), Limits{}).ReadReply()
	if f, ok := got.(float64); !ok || !math.IsNaN(f) || err != nil {
		t.Errorf("got %v, %v; want NaN", got, err)
	}
}
