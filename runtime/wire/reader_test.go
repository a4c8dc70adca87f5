package wire

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unsafe"
)

// readCommands reads until an error and returns it with everything before it.
func readCommands(src io.Reader, limits Limits) (commands [][]string, err error) {
	r := NewReader(src, limits)
	for {
		command, err := r.ReadCommand()
		if err != nil {
			return commands, err
		}
		commands = append(commands, texts(command))
	}
}

func texts(command Command) []string {
	var list []string
	for _, argument := range command {
		list = append(list, string(argument))
	}
	return list
}

// ways are the ways in which the same bytes can arrive.
var ways = map[string]func(io.Reader) io.Reader{
	"at once":          func(r io.Reader) io.Reader { return r },
	"byte by byte":     iotest.OneByteReader,
	"by halves":        iotest.HalfReader,
	"end with data":    iotest.DataErrReader,
	"with empty reads": func(r io.Reader) io.Reader { return &haltingReader{src: r} },
}

// haltingReader returns nothing every other time.
type haltingReader struct {
	src  io.Reader
	halt bool
}

func (r *haltingReader) Read(p []byte) (int, error) {
	if r.halt = !r.halt; r.halt {
		return 0, nil
	}
	return r.src.Read(p)
}

func TestReadCommand(t *testing.T) {
	ping := [][]string{{"PING"}}
	small := Limits{MaxInline: 10, MaxArguments: 3, MaxBulk: 5, MaxCommand: 40}
	for _, test := range []struct {
		name, input string
		limits      Limits
		want        [][]string
		err         error
	}{
		{name: "nothing", input: "", err: io.EOF},
		{name: "array", input: "*1\r\n$4\r\nPING\r\n", want: ping, err: io.EOF},
		{name: "arguments of any bytes", input: "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$6\r\n\r\n\x00\xff*1\r\n",
			want: [][]string{{"SET", "", "\r\n\x00\xff*1"}}, err: io.EOF},
		{name: "pipeline", input: "*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
			want: [][]string{{"PING"}, {"PING"}, {"PING"}}, err: io.EOF},
		{name: "empty arrays", input: "*0\r\n*-1\r\n*-10\r\nPING\r\n", want: ping, err: io.EOF},
		{name: "empty lines", input: "\r\n\n  \t\r\nPING\n\n", want: ping, err: io.EOF},
		{name: "inline", input: "SET  key\tvalue \r\n", want: [][]string{{"SET", "key", "value"}}, err: io.EOF},
		{name: "inline beginning with a dollar", input: "$4\r\nPING\r\n", want: [][]string{{"$4"}, {"PING"}}, err: io.EOF},
		{name: "inline beginning with a space", input: " *1\n", want: [][]string{{"*1"}}, err: io.EOF},

		{name: "end in a header", input: "PING\r\n*1", want: ping, err: io.ErrUnexpectedEOF},
		{name: "end before an argument", input: "*1\r\n", err: io.ErrUnexpectedEOF},
		{name: "end in an argument", input: "*1\r\n$4\r\nPIN", err: io.ErrUnexpectedEOF},
		{name: "end before the last byte", input: "*1\r\n$4\r\nPING\r", err: io.ErrUnexpectedEOF},
		{name: "end in an inline command", input: "PING", err: io.ErrUnexpectedEOF},

		{name: "no number of arguments", input: "*\r\n", err: errMultibulkLength},
		{name: "letters for a number of arguments", input: "*blabla", err: errMultibulkLength},
		{name: "letters after a number of arguments", input: "*1x\r\n", err: errMultibulkLength},
		{name: "plus sign", input: "*+1\r\n", err: errMultibulkLength},
		{name: "leading space", input: "* 1\r\n", err: errMultibulkLength},
		{name: "trailing space", input: "*1 \r\n", err: errMultibulkLength},
		{name: "leading zero", input: "*01\r\n", err: errMultibulkLength},
		{name: "negative zero", input: "*-0\r\n", err: errMultibulkLength},
		{name: "negative leading zero", input: "*-01\r\n", err: errMultibulkLength},
		{name: "only a minus sign", input: "*-\r\n", err: errMultibulkLength},
		{name: "header without CR", input: "*1\n$4\nPING\n", err: errMultibulkLength},
		{name: "header without LF", input: "*1\r$4\r\nPING\r\n", err: errMultibulkLength},
		{name: "out of range", input: "*3000000000\r\n", err: errMultibulkLength},
		{name: "far out of range", input: "*18446744073709551617\r\n", err: errMultibulkLength},
		{name: "ten million arguments", input: "*10000000\r\n", err: errMultibulkLength},

		{name: "array in an array", input: "*1\r\n*1\r\n$4\r\nPING\r\n", err: ProtocolError("expected '$', got '*'")},
		{name: "no header", input: "*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", err: ProtocolError("expected '$', got 'f'")},
		{name: "a line break for a header", input: "*1\r\n\r\n", err: ProtocolError(`expected '$', got '\x0d'`)},
		{name: "negative length", input: "*1\r\n$-1\r\n", err: errBulkLength},
		{name: "garbage length", input: "*1\r\n$blabla\r\n", err: errBulkLength},
		{name: "no length", input: "*1\r\n$\r\n", err: errBulkLength},
		{name: "length with a plus sign", input: "*1\r\n$+4\r\nPING\r\n", err: errBulkLength},
		{name: "length with a space", input: "*1\r\n$ 4\r\nPING\r\n", err: errBulkLength},
		{name: "a gigabyte", input: "*1\r\n$1073741824\r\n", err: errBulkLength},
		{name: "beyond 64 bits", input: "*1\r\n$18446744073709551620\r\nPING\r\n", err: errBulkLength},
		{name: "argument too long", input: "*1\r\n$3\r\nPING\r\n", err: errBulkEnd},
		{name: "argument too short", input: "*1\r\n$5\r\nPING\r\n\r\n", err: errBulkEnd},
		{name: "argument ended by LF", input: "*1\r\n$4\r\nPING\n*1", err: errBulkEnd},
		{name: "quotes", input: "PING\r\nECHO \"a\r\n", want: ping, err: errQuotes},

		{name: "longest line", limits: small, input: "123456789\r\n1234567890\n",
			want: [][]string{{"123456789"}, {"1234567890"}}, err: io.EOF},
		{name: "too long a line", limits: small, input: "1234567890\r\n", err: errTooBigInline},
		{name: "too long a line without end", limits: small, input: "12345678901", err: errTooBigInline},
		{name: "most inline arguments", limits: small, input: "1 2 3\n", want: [][]string{{"1", "2", "3"}}, err: io.EOF},
		{name: "too many inline arguments", limits: small, input: "1 2 3 4\n", err: errTooBigInline},
		{name: "too many arguments", limits: small, input: "*4\r\n", err: errMultibulkLength},
		{name: "longest argument", limits: small, input: "*1\r\n$5\r\nHELLO\r\n", want: [][]string{{"HELLO"}}, err: io.EOF},
		{name: "too long an argument", limits: small, input: "*1\r\n$6\r\n", err: errBulkLength},
		{name: "largest command", limits: small, input: "*3\r\n" + strings.Repeat("$5\r\n12345\r\n", 3),
			want: [][]string{{"12345", "12345", "12345"}}, err: io.EOF},
		{name: "too large a command", limits: Limits{MaxCommand: 36}, input: "*3\r\n" + strings.Repeat("$5\r\n12345\r\n", 2) + "$5\r\n",
			err: errTooBig},
	} {
		for way, arrive := range ways {
			t.Run(test.name+"/"+way, func(t *testing.T) {
				got, err := readCommands(arrive(strings.NewReader(test.input)), test.limits)
				if !reflect.DeepEqual(got, test.want) || err != test.err {
					t.Errorf("read %q: got %q, %v; want %q, %v", test.input, got, err, test.want, test.err)
				}
			})
		}
	}
}

func TestLargeCommandsArriveWhole(t *testing.T) {
	var input bytes.Buffer
	w := NewWriter(&input)
	var want [][]string
	for _, size := range []int{1, landingSize, frameSize - 13, frameSize, frameSize + 1, 100 << 10, 1 << 20, 3} {
		command := []string{"SET", strings.Repeat("k", size/2), strings.Repeat("v", size)}
		want = append(want, command)
		w.WriteValue([]any{command[0], command[1], command[2]})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for way, arrive := range ways {
		got, err := readCommands(arrive(bytes.NewReader(input.Bytes())), Limits{})
		if err != io.EOF || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %d commands, %v; want %d, %v", way, len(got), err, len(want), io.EOF)
		}
	}
}

func TestProtocolErrorRepeats(t *testing.T) {
	r := NewReader(strings.NewReader("*x\r\nPING\r\n"), Limits{})
	for range 3 {
		command, err := r.ReadCommand()
		var broken ProtocolError
		if !errors.As(err, &broken) || broken.Error() != "invalid multibulk length" || command != nil {
			t.Errorf("got %q, %v; want %v", command, err, errMultibulkLength)
		}
	}
	if r.frame != nil {
		t.Error("a broken reader holds a buffer; want none")
	}
}

// steps is a source of which each Read returns one step, an error or a text.
type steps []any

func (s *steps) Read(p []byte) (int, error) {
	if len(*s) == 0 {
		return 0, io.EOF
	}
	step := (*s)[0]
	*s = (*s)[1:]
	if err, ok := step.(error); ok {
		return 0, err
	}
	return copy(p, step.(string)), nil
}

func TestReadGoesOnAfterAnError(t *testing.T) {
	timeout := errors.New("timeout")
	r := NewReader(&steps{timeout, "*2\r\n$4", timeout, "\r\nECHO\r\n$2\r\nh", timeout, "i\r\n"}, Limits{})
	for range 3 {
		if _, err := r.ReadCommand(); err != timeout {
			t.Fatalf("got %v; want %v unchanged", err, timeout)
		}
	}
	command, err := r.ReadCommand()
	if got := texts(command); err != nil || !reflect.DeepEqual(got, []string{"ECHO", "hi"}) {
		t.Errorf("got %q, %v; want ECHO hi", got, err)
	}
	if _, err := r.ReadCommand(); err != io.EOF {
		t.Errorf("at the end: got %v; want %v", err, io.EOF)
	}
}

func TestErrorThatCameWithBytesWaitsForThem(t *testing.T) {
	reset := errors.New("reset")
	src := iotest.DataErrReader(io.MultiReader(strings.NewReader("PING\nPING\n"), iotest.ErrReader(reset)))
	got, err := readCommands(src, Limits{})
	if len(got) != 2 || err != reset {
		t.Errorf("got %q, %v; want two commands, %v", got, err, reset)
	}
}

func TestSourceThatNeverReadsIsAnError(t *testing.T) {
	r := NewReader(readerFunc(func([]byte) (int, error) { return 0, nil }), Limits{})
	if _, err := r.ReadCommand(); err != io.ErrNoProgress {
		t.Errorf("got %v; want %v", err, io.ErrNoProgress)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestBuffered(t *testing.T) {
	r := NewReader(&steps{"PING\nECHO a\nEC", "HO b\n"}, Limits{})
	for _, want := range []int{len("ECHO a\nEC"), len("EC"), 0} {
		if _, err := r.ReadCommand(); err != nil {
			t.Fatal(err)
		}
		if got := r.Buffered(); got != want {
			t.Errorf("got %d; want %d", got, want)
		}
	}
	if _, err := r.ReadCommand(); err != io.EOF || r.Buffered() != 0 {
		t.Errorf("at the end: got %v, %d buffered; want %v, 0", err, r.Buffered(), io.EOF)
	}
}

func TestArgumentsCanBeAppendedTo(t *testing.T) {
	r := NewReader(strings.NewReader("*2\r\n$1\r\na\r\n$1\r\nb\r\n"), Limits{})
	command, err := r.ReadCommand()
	if err != nil {
		t.Fatal(err)
	}
	_ = append(command[0], "------------"...)
	if got := texts(command); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("got %q; want a and b", got)
	}
}

// counter counts how often it is flushed.
type counter struct{ flushes int }

func (c *counter) Flush() error { c.flushes++; return nil }

func TestFlushBeforeReadFlushesWheneverTheClientMayWait(t *testing.T) {
	burst := strings.Repeat("*1\r\n$4\r\nPING\r\n", 20)
	for _, test := range []struct {
		name  string
		steps steps
		want  int // reads that may wait; one more for the end
	}{
		{"one command", steps{"PING\n"}, 2},
		{"a pipeline", steps{"PING\nPING\nPING\n"}, 2},
		{"an empty line behind", steps{"PING\n\r\n"}, 2},
		{"half a command behind", steps{"PING\nPI", "NG\n"}, 3},
		{"a burst that needs two reads", steps{burst[:landingSize], burst[landingSize:]}, 2},
		{"a burst as long as a read", steps{strings.Repeat("PING\r\n\r\n", landingSize/8)}, 2},
	} {
		var c counter
		r := NewReader(&test.steps, Limits{})
		r.FlushBeforeRead(&c)
		for {
			if _, err := r.ReadCommand(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if c.flushes != test.want {
			t.Errorf("%s: got %d flushes; want %d", test.name, c.flushes, test.want)
		}
	}
}

func TestFailedFlushEndsReading(t *testing.T) {
	broken := errors.New("broken pipe")
	w := NewWriter(failingWriter{broken})
	w.WriteSimple("OK")
	r := NewReader(strings.NewReader("PING\n"), Limits{})
	r.FlushBeforeRead(w)
	if _, err := r.ReadCommand(); !errors.Is(err, broken) || err.Error() != "flush replies: broken pipe" {
		t.Errorf("got %v; want flush replies: %v", err, broken)
	}
}

func TestIdleReaderHoldsNoBuffer(t *testing.T) {
	if size := unsafe.Sizeof(Reader{}); size > 256 {
		t.Errorf("a reader takes %d bytes; want at most 256", size)
	}
	inputs := []string{"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n", "PING\nPING\n", strings.Repeat("PING\n", 20)}
	var r *Reader
	idle := 0
	r = NewReader(readerFunc(func(p []byte) (int, error) {
		if r.frame == nil {
			idle++
		}
		if len(inputs) == 0 {
			return 0, io.EOF
		}
		n := copy(p, inputs[0])
		inputs = inputs[1:]
		return n, nil
	}), Limits{})
	commands := 0
	for {
		if _, err := r.ReadCommand(); err != nil {
			break
		}
		commands++
	}
	if want := 4; idle != want || commands != 3+20 {
		t.Errorf("got %d reads without a buffer and %d commands; want %d and 23", idle, commands, want)
	}
}

func TestRelease(t *testing.T) {
	r := NewReader(&steps{"PING\nPI", "NG\n"}, Limits{})
	r.Release()
	for _, wantFrame := range []bool{true, false} {
		if _, err := r.ReadCommand(); err != nil {
			t.Fatal(err)
		}
		r.Release()
		if got := r.frame != nil; got != wantFrame {
			t.Errorf("after Release: got a buffer %v; want %v", got, wantFrame)
		}
	}
}

func TestMemoryOfALargeCommandIsNotHeldForTheBytesBehindIt(t *testing.T) {
	large := "*1\r\n$1000000\r\n" + strings.Repeat("x", 1000000) + "\r\n"
	r := NewReader(io.MultiReader(strings.NewReader(large+"PI"), &steps{"N", "G\n"}), Limits{})
	if _, err := r.ReadCommand(); err != nil {
		t.Fatal(err)
	}
	command, err := r.ReadCommand()
	if err != nil || string(command[0]) != "PING" {
		t.Fatalf("got %q, %v; want PING", command, err)
	}
	if got := len(r.frame.data); got > keepSize {
		t.Errorf("got a buffer of %d bytes; want at most %d", got, keepSize)
	}
}
