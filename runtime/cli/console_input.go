package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// longestInput is how long a line may be, in bytes.
const longestInput = 256 << 10

// byteOrderMark is what some programs write before a text in UTF-8.
const byteOrderMark = "\ufeff"

// input is a typist that is no terminal: a pipe or a file.
type input struct {
	from    io.Reader // nil: empty
	lines   chan typedLine
	stopped chan struct{}
	once    sync.Once
	number  int
}

func newInput(from io.Reader) *input {
	return &input{from: from, lines: make(chan typedLine), stopped: make(chan struct{})}
}

// open begins to read. The goroutine that does ends with the input, or with the next line after stop, or with the program.
func (in *input) open(completer) error {
	go in.pump()
	return nil
}

func (in *input) pump() {
	defer close(in.lines)
	from := in.from
	if from == nil {
		from = bytes.NewReader(nil)
	}
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, longestInput)
	for scanner.Scan() {
		in.number++
		text := scanner.Text()
		if in.number == 1 {
			text = strings.TrimPrefix(text, byteOrderMark)
		}
		select {
		case in.lines <- typedLine{text: text, number: in.number, pasted: true}:
		case <-in.stopped:
			return
		}
	}
	if err := scanner.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("the line is too long (the limit is %d bytes); nothing after it was run: put it into a method", longestInput)
		}
		select {
		case in.lines <- typedLine{end: true, err: fmt.Errorf("standard input, line %d: %w", in.number+1, err)}:
		case <-in.stopped:
		}
	}
}

// next is the next line. Nothing interrupts it but the end of the host.
func (in *input) next(bool) (typedLine, context.Context) {
	stopped := typedLine{end: true, gaveUp: true}
	select {
	case <-in.stopped:
		return stopped, context.Background()
	default:
	}
	select {
	case line, ok := <-in.lines:
		line.end = line.end || !ok
		return line, context.Background()
	case <-in.stopped:
		return stopped, context.Background()
	}
}

func (in *input) stop() { in.once.Do(func() { close(in.stopped) }) }
