package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/user"
	"strconv"
	"strings"
	"time"

	"moongate/runtime/admin"
)

// How long a client waits.
const (
	dialTimeout   = 3 * time.Second
	answerTimeout = 10 * time.Second // for a whole answer; a stream of events may take as long as it likes
)

// longestAnswer is how many bytes of an answer are taken: far more than a server with all its connections has to say.
const longestAnswer = 1 << 30

// Client asks one server's admin listener. Its methods may be called from any goroutine. Each of them waits for the
// answer, at most 10 seconds, or until its context ends.
type Client struct {
	address string // host:port
	token   string // "": none
	user    string // of the operating system, who acts
	http    *http.Client
	timeout time.Duration
}

// New makes a client of the server at an address, host:port. The token is that of the server's --admin-token-file, "" for
// none. Nothing is connected yet. Proxies of the environment are not used: whoever asks for this address means it.
func New(address, token string) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &Client{
		address: address, token: token, user: whoAmI(), timeout: answerTimeout,
		http: &http.Client{
			Transport: &http.Transport{
				DialContext: dial(dialer), MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 2, DisableCompression: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// whoAmI is the operating system's name of the user who runs the program, for the server's log; "" when it has none.
func whoAmI() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	printable := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, u.Username)
	return printable[:min(len(printable), 64)]
}

// Address is where the client asks.
func (c *Client) Address() string { return c.address }

// Close closes the connections that are kept for the next question.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Lists that the server gives, for [Client.Raw].
const (
	ServerPath      = "/v1/server"
	ProcessesPath   = "/v1/processes"
	ConnectionsPath = "/v1/connections"
	SessionsPath    = "/v1/sessions"
	UsersPath       = "/v1/users"
	MethodsPath     = "/v1/methods"
	LanesPath       = "/v1/lanes"
	ShadowPath      = "/v1/shadow"
)

const (
	eventsPath = "/v1/events"
	quitPath   = "/v1/quit"
)

// Raw gives the answer of a path as the server sent it. It is well-formed JSON.
func (c *Client) Raw(ctx context.Context, path string) (json.RawMessage, error) {
	return c.ask(ctx, http.MethodGet, path, nil)
}

// Server describes the server.
func (c *Client) Server(ctx context.Context) (admin.Server, error) {
	return get[admin.Server](ctx, c, ServerPath)
}

// Processes are the server's processes, its own too.
func (c *Client) Processes(ctx context.Context) ([]admin.Process, error) {
	return get[[]admin.Process](ctx, c, ProcessesPath)
}

// Connections are those who are connected or about to be.
func (c *Client) Connections(ctx context.Context) ([]admin.Connection, error) {
	return get[[]admin.Connection](ctx, c, ConnectionsPath)
}

// Sessions are the sessions of the clients.
func (c *Client) Sessions(ctx context.Context) ([]admin.Session, error) {
	return get[[]admin.Session](ctx, c, SessionsPath)
}

// Users are the users who are connected.
func (c *Client) Users(ctx context.Context) ([]admin.User, error) {
	return get[[]admin.User](ctx, c, UsersPath)
}

// Methods are the Lua methods in use.
func (c *Client) Methods(ctx context.Context) ([]admin.Method, error) {
	return get[[]admin.Method](ctx, c, MethodsPath)
}

// Lanes are the lanes.
func (c *Client) Lanes(ctx context.Context) ([]admin.Lane, error) {
	return get[[]admin.Lane](ctx, c, LanesPath)
}

// Shadow is what the shadow has found.
func (c *Client) Shadow(ctx context.Context) (admin.Shadow, error) {
	return get[admin.Shadow](ctx, c, ShadowPath)
}

// Abort ends a user process. id is its unique number, in case the other was given to another process meanwhile; 0 is
// whoever has the number. The same holds for Pause and Activate.
func (c *Client) Abort(ctx context.Context, number, id int64) (admin.Done, error) {
	return c.onProcess(ctx, number, "abort", id)
}

// Pause makes a user process wait until Activate.
func (c *Client) Pause(ctx context.Context, number, id int64) (admin.Done, error) {
	return c.onProcess(ctx, number, "pause", id)
}

// Activate wakes a user process that is paused or delayed.
func (c *Client) Activate(ctx context.Context, number, id int64) (admin.Done, error) {
	return c.onProcess(ctx, number, "activate", id)
}

func (c *Client) onProcess(ctx context.Context, number int64, act string, id int64) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, ProcessesPath+"/"+strconv.FormatInt(number, 10)+"/"+act, admin.ProcessAct{ID: id})
}

// DropConnection ends a connection.
func (c *Client) DropConnection(ctx context.Context, id int64) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, ConnectionsPath+"/"+strconv.FormatInt(id, 10)+"/drop", nil)
}

// DropUser ends all connections of a user, given by name, alias or number.
func (c *Client) DropUser(ctx context.Context, name string) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, UsersPath+"/"+segment(name)+"/drop", nil)
}

// DropSession ends the connections of a session.
func (c *Client) DropSession(ctx context.Context, id string) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, SessionsPath+"/"+segment(id)+"/drop", nil)
}

// segment is a text as one segment of a path. The names "." and ".." are no segments to HTTP; escaped they are.
func segment(text string) string {
	if strings.Trim(text, ".") == "" {
		return strings.ReplaceAll(text, ".", "%2E")
	}
	return url.PathEscape(text)
}

// Send gives clients a message.
func (c *Client) Send(ctx context.Context, m admin.MessageAct) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, "/v1/messages", m)
}

// RefuseNew makes the server refuse every new connection, or not any more.
func (c *Client) RefuseNew(ctx context.Context, refuse bool) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, "/v1/new-connections", admin.NewConnectionsAct{Refuse: refuse})
}

// Reload makes the server load its scripts again. The error may have several lines, one for each mistake in them.
func (c *Client) Reload(ctx context.Context) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, "/v1/reload", nil)
}

// ShadowOn has the scripts of a folder on the server's machine be the shadow. The error may have several lines, one for each
// mistake in them.
func (c *Client) ShadowOn(ctx context.Context, a admin.ShadowAct) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, ShadowPath, a)
}

// ShadowOff ends the shadow.
func (c *Client) ShadowOff(ctx context.Context) (admin.Done, error) {
	return c.act(ctx, http.MethodDelete, ShadowPath, nil)
}

// Promote has the shadow's folder serve. The error may have several lines, as that of Reload.
func (c *Client) Promote(ctx context.Context) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, ShadowPath+"/promote", nil)
}

// Quit asks the server to stop. It does not wait until it has.
func (c *Client) Quit(ctx context.Context, q admin.QuitAct) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, quitPath, q)
}

// Restart has a new process serve in place of the one that does. It does not wait until it has.
func (c *Client) Restart(ctx context.Context, r admin.RestartAct) (admin.Done, error) {
	return c.act(ctx, http.MethodPost, "/v1/restart", r)
}

// CancelQuit takes all requests to stop back.
func (c *Client) CancelQuit(ctx context.Context) (admin.Done, error) {
	return c.act(ctx, http.MethodDelete, quitPath, nil)
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	var row T
	err := c.decode(ctx, http.MethodGet, path, nil, &row)
	return row, err
}

func (c *Client) act(ctx context.Context, method, path string, body any) (admin.Done, error) {
	var done admin.Done
	err := c.decode(ctx, method, path, body, &done)
	return done, err
}

// decode asks, and reads the answer into a row. Fields that this version does not know are those of a newer server.
func (c *Client) decode(ctx context.Context, method, path string, body, row any) error {
	answer, err := c.ask(ctx, method, path, body)
	if err != nil {
		return err
	}
	if json.Unmarshal(answer, row) != nil {
		return c.foreign()
	}
	return nil
}

// ask asks once and gives the answer, which is well-formed JSON.
func (c *Client) ask(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errSlow)
	defer cancel()
	response, err := c.do(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if !json.Valid(answer) {
		return nil, c.foreign()
	}
	return answer, nil
}

// do asks, and gives the answer when it is a success of a moongate.
func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.address+path, content)
	if err != nil {
		return nil, fmt.Errorf("%q is no address of an admin listener; it must be host:port", c.address)
	}
	request.Header.Set("Accept", "application/json, text/event-stream")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.user != "" {
		request.Header.Set("X-Moongate-User", c.user)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return nil, c.problem(response)
	}
	return response, nil
}

// problem is what a server that does not do it says about it.
func (c *Client) problem(response *http.Response) error {
	content, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return c.explain(response.Request.Context(), err)
	}
	var problem admin.Problem
	if json.Unmarshal(content, &problem) != nil || problem.Error == "" {
		return c.foreign()
	}
	if response.StatusCode == http.StatusUnauthorized {
		return c.unauthorized()
	}
	return &Refusal{Status: response.StatusCode, Text: problem.Error}
}
