package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
)

// What can be wrong between a client and its server.
var (
	// ErrNoServer is wrapped when nobody answers at the address.
	ErrNoServer = errors.New("no moongate answers")
	// ErrToken is wrapped when the server asks for a token, or for another one.
	ErrToken = errors.New("the admin listener asks for a token")
	// ErrForeign is wrapped when somebody answers who is no admin listener.
	ErrForeign = errors.New("no moongate")
	// ErrSilent is wrapped when the server accepts a connection and does not answer in time.
	ErrSilent = errors.New("the server does not answer")
	// ErrBroken is wrapped when the server went away in the middle of an answer.
	ErrBroken = errors.New("the connection broke off")
)

// errSlow is the cause of a context that ended because the answer did not come.
var errSlow = errors.New("slow")

// Refusal is what a server answers that understands and does not do it: what the act was for is gone, or it is too late.
type Refusal struct {
	Status int    // of HTTP
	Text   string // what is wrong and what to do; it may have several lines
}

// Error is the server's text.
func (r *Refusal) Error() string { return r.Text }

// failure is a text for people that is also one of the errors above.
type failure struct {
	text string
	is   error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.is }

func (c *Client) foreign() error {
	text := c.address + " is no moongate: something else has that port; give the address of the admin listener with --admin"
	return &failure{text, ErrForeign}
}

func (c *Client) unauthorized() error {
	if c.token == "" {
		return &failure{fmt.Sprintf("%s asks for a token: give the file that has it with --admin-token-file (MOONGATE_ADMIN_TOKEN_FILE)",
			c.address), ErrToken}
	}
	return &failure{c.address + " does not take this token: --admin-token-file must name the same token as the server's", ErrToken}
}

// explain says for people why an exchange failed. The end of the caller's own context stays what it is.
func (c *Client) explain(ctx context.Context, err error) error {
	text := err.Error()
	switch {
	case errors.Is(context.Cause(ctx), errSlow):
		return &failure{fmt.Sprintf("%s does not answer within %v: look into its log", c.address, c.timeout), ErrSilent}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errRESP):
		return &failure{fmt.Sprintf("%s is no admin listener, it is where clients connect: give the address of --admin", c.address), ErrForeign}
	case errors.Is(err, errNoHTTP), strings.Contains(text, "malformed HTTP"), strings.Contains(text, "unsupported transfer encoding"),
		strings.Contains(text, "server gave HTTP response"), strings.Contains(text, "response headers exceeded"):
		return c.foreign()
	case isDial(err):
		return &failure{fmt.Sprintf("no moongate answers at %s%s: is the server running, and with --admin? "+
			"(give its address with --admin, MOONGATE_ADMIN)", c.address, why(err)), ErrNoServer}
	default:
		return &failure{fmt.Sprintf("%s broke the connection off%s", c.address, why(err)), ErrBroken}
	}
}

// isDial reports whether an exchange failed because nobody could be reached.
func isDial(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "dial"
}

// why is the innermost reason of an error, in brackets; "" when the text before says it all.
func why(err error) string {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	var lookup *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return ""
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return " (no such host)"
	}
	return fmt.Sprintf(" (%v)", err)
}
