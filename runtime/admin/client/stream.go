package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"time"

	"moongate/runtime/admin"
)

// Stream is what happens in a server from the moment on when it was opened. It is one goroutine's at a time, but for
// Close.
type Stream struct {
	client *Client
	ctx    context.Context
	cancel context.CancelCauseFunc
	body   io.ReadCloser
	lines  *bufio.Reader
	quiet  *time.Timer
}

// longestSilence is how long a stream may say nothing before its server counts as gone: it is alive every 15 seconds.
const longestSilence = time.Minute

// longestEvent is how many bytes one event may have.
const longestEvent = 16 << 20

// errDeaf is the cause of a stream on which nothing came any more.
var errDeaf = errors.New("deaf")

// Listen opens the stream of events. When it returns, whatever happens next is in the stream. It waits as long as for
// any answer; the stream itself lasts until ctx ends, or the server does, or Close, which must be called.
func (c *Client) Listen(ctx context.Context) (*Stream, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	slow := time.AfterFunc(c.timeout, func() { cancel(errSlow) })
	response, err := c.do(ctx, http.MethodGet, eventsPath, nil)
	if !slow.Stop() && err == nil {
		response.Body.Close()
		err = c.explain(ctx, errSlow)
	}
	if err != nil {
		cancel(nil)
		return nil, err
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != "text/event-stream" {
		response.Body.Close()
		cancel(nil)
		return nil, c.foreign()
	}
	return &Stream{
		client: c, ctx: ctx, cancel: cancel, body: response.Body, lines: bufio.NewReader(response.Body),
		quiet: time.AfterFunc(longestSilence, func() { cancel(errDeaf) }),
	}, nil
}

// Close ends the stream. A Next that waits returns. It may be called from any goroutine, and more than once.
func (s *Stream) Close() {
	s.quiet.Stop()
	s.cancel(context.Canceled)
	s.body.Close()
}

// Next waits for the next event and gives it, with its JSON as the server sent it. The error is io.EOF when the server
// has no more to say, and wraps ErrBroken when it went away without a word.
func (s *Stream) Next() (admin.Event, json.RawMessage, error) {
	var data []byte
	for {
		line, err := s.line(len(data))
		switch {
		case err != nil:
			return admin.Event{}, nil, err
		case len(line) == 0 && data != nil: // an empty line ends an event
			var event admin.Event
			if err := json.Unmarshal(data, &event); err != nil {
				return admin.Event{}, nil, s.client.foreign()
			}
			return event, data, nil
		}
		if value, ok := bytes.CutPrefix(line, []byte("data:")); ok { // the kind is in the data too; comments say "I live"
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
		}
	}
}

// line reads a line without its end. have is how much the event has already.
func (s *Stream) line(have int) ([]byte, error) {
	var line []byte
	for {
		part, err := s.lines.ReadSlice('\n')
		line = append(line, part...)
		s.quiet.Reset(longestSilence)
		switch {
		case have+len(line) > longestEvent:
			return nil, &failure{fmt.Sprintf("%s sends an event of more than %d bytes", s.client.address, longestEvent), ErrForeign}
		case err == nil:
			return bytes.TrimRight(line, "\r\n"), nil
		case err != bufio.ErrBufferFull:
			return nil, s.end(err)
		}
	}
}

// end says why nothing more comes.
func (s *Stream) end(err error) error {
	s.quiet.Stop()
	switch {
	case errors.Is(context.Cause(s.ctx), errDeaf):
		text := fmt.Sprintf("nothing came from %s for %v: the server, or the way to it, hangs", s.client.address, longestSilence)
		return &failure{text, ErrBroken}
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return s.client.explain(s.ctx, err)
}

// Events gives what happens in the server from the moment on when the loop begins, until ctx ends or the server does. An
// error is the last thing that it gives; the end of the server is none.
func (c *Client) Events(ctx context.Context) iter.Seq2[admin.Event, error] {
	return func(yield func(admin.Event, error) bool) {
		s, err := c.Listen(ctx)
		if err != nil {
			yield(admin.Event{}, err)
			return
		}
		defer s.Close()
		for {
			event, _, err := s.Next()
			if err == io.EOF || err == nil && !yield(event, nil) {
				return
			}
			if err != nil {
				yield(admin.Event{}, err)
				return
			}
		}
	}
}
