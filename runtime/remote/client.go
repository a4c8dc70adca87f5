package remote

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Protocol is the version of the remote commands that this package speaks. A server that does not refuses with
// NumberVersion.
const Protocol = 1

// Machine is the client's machine, as the server's lists show it.
type Machine struct {
	Name       string // of the machine
	SystemUser string // who is logged in there
	Version    string // of the client
	Compiled   bool   // there is no Design process
}

// Config says which server, who comes, and how.
type Config struct {
	Address  string      // host:port of the server's application listener
	User     string      // "": without AUTH, as Designer, unless there is a Password
	Password string      // of the User; "" may be one
	TLS      *tls.Config // nil: without; a ServerName that is missing is the host of Address
	Machine  Machine
	Process  int64        // the Application process's number on the client; 0: 1
	Name     string       // and its name; "": Application process
	Log      *slog.Logger // of lost and resumed transports; nil: none
	Notices  Notices      // nil: what the server says by itself is not heard
	// Dial makes a transport; nil: TCP with keep-alive. It must return when ctx ends.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// Notices are told what the server says without having been asked. The methods must not block, and must not wait for
// an answer of the server: until they return the link they came by is not read. They may be called before Connect has
// returned. See the package's documentation for the goroutines.
type Notices interface {
	// Message is a message for the user.
	Message(text string)
	// Quitting says that the server is going to quit: in so long, when all clients have left (negative), or now (0).
	// It is repeated.
	Quitting(in time.Duration, text string)
	// Staying says that it is not.
	Staying(text string)
	// Order is a method that this client shall run, in the process that has registered, which then calls Done. The next
	// one comes after that.
	Order(id int64, method string, args []any)
	// Structure says that the tables of the server have changed.
	Structure(json []byte)
	// Lost says that the session is lost for good, and why: an *Error. It is called once, and nothing after it; not
	// after Close or Sever.
	Lost(err error)
}

// Client is one session with a server. Connect makes it.
type Client struct {
	config      Config
	log         *slog.Logger
	welcome     Welcome
	peer        string // the server's address as it was found: links must go to the same machine
	application *Process
	links       sync.WaitGroup // their goroutines
	done        chan struct{}  // closed when the session is over

	mu   sync.Mutex
	live map[*link]struct{}
	over *Error // what requests get when the session is over; nil before
	loss *Error // why it was lost for good; nil if it was not
}

// Connect connects to a server, logs in, and opens a session whose Application process the open method has accepted.
// It blocks until then, or until ctx ends. The error may be a *Refused, an *Error with NumberVersion or NumberDenied,
// or says in one line what answers there instead of a server. A ctx that ends later has no effect.
func Connect(ctx context.Context, config Config) (*Client, error) {
	if config.Process == 0 {
		config.Process = 1
	}
	if config.Name == "" {
		config.Name = "Application process"
	}
	c := &Client{config: config, log: config.Log, done: make(chan struct{}), live: map[*link]struct{}{}}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if config.Notices == nil {
		c.config.Notices = silence{}
	}
	t, err := c.dial(ctx, config.Address)
	if err != nil {
		return nil, cannotConnect(ctx, config.Address, err)
	}
	c.peer = t.peer(config.Address)
	pushes, err := c.introduce(ctx, t)
	c.config.Password = "" // the token is the proof from now on
	if err != nil {
		t.close()
		return nil, cannotConnect(ctx, config.Address, err)
	}
	c.application = c.Process(config.Process, config.Name)
	l := newLink(c.application)
	l.joined = true
	c.application.link = l
	c.start(l, t, pushes)
	return c, nil
}

// Welcome is what the server said at the beginning. Its Structure is not the latest if Notices.Structure was called.
func (c *Client) Welcome() Welcome { return c.welcome }

// Application is the Application process, with its link.
func (c *Client) Application() *Process { return c.application }

// Process is the client process of that number and name on the client's machine: global ones only, the server
// refuses a name that begins with $. There is no traffic before its first request. A client process has one Process:
// two with one number keep each other from having a link.
func (c *Client) Process(number int64, name string) *Process {
	return &Process{client: c, number: number, name: name, turn: make(chan struct{}, 1)}
}

// Sleep tells the server that this machine goes to sleep: it keeps the session for as long as that of a client out of
// reach, and the next request, or a transport that is made again, wakes it.
func (c *Client) Sleep(ctx context.Context) error {
	return c.application.order(ctx, plain("SLEEP"))
}

// Err is nil while the session lives, or was closed by Close or Sever; then an *Error that is ErrLost.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loss == nil {
		return nil
	}
	return c.loss
}

// Done is closed when the session is over: lost for good, closed, or severed.
func (c *Client) Done() <-chan struct{} { return c.done }

// Close ends the session: all links first, then that of the Application process, each with QUIT, and waits until the
// server has run their close methods and closed them. Requests that still run get ErrClosed, as all later ones do.
// When ctx ends the rest is severed, and the error is its cause; nil otherwise, also for a session that was lost. It
// waits for the goroutines of the links, so Notices must not call it.
func (c *Client) Close(ctx context.Context) error {
	c.finish(errClosed)
	var err error
	if c.application.link != nil {
		c.quitOthers(ctx)
		err = c.application.link.leave(ctx)
	}
	c.Sever()
	c.links.Wait()
	return err
}

// quitOthers ends all links but the Application process's.
func (c *Client) quitOthers(ctx context.Context) {
	var quits sync.WaitGroup // ended by ctx at the latest
	for _, l := range c.all() {
		if l != c.application.link {
			quits.Go(func() { l.leave(ctx) })
		}
	}
	quits.Wait()
}

// Sever ends the session at once, without a word to the server, which notices by itself. All requests get ErrClosed.
// It does not block, and may be called by Notices.
func (c *Client) Sever() {
	c.finish(errClosed)
	for _, l := range c.all() {
		l.end(errClosed)
	}
}

// finish makes the session over: no link is made any more. It reports whether it was not before.
func (c *Client) finish(over *Error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.over == nil
	if first {
		close(c.done)
	}
	if first || over == errClosed {
		c.over = over
	}
	if first && over != errClosed {
		c.loss = over
	}
	return first
}

// lose is the end of the Application process's link.
func (c *Client) lose(err error) {
	why, ok := err.(*Error)
	if !ok {
		why = lost("%v", err)
	}
	if !c.finish(why) {
		return
	}
	for _, l := range c.all() {
		l.end(why)
	}
	c.config.Notices.Lost(why)
}

// ended is what requests get when the session is over, nil before.
func (c *Client) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over == nil {
		return nil
	}
	return c.over
}

func (c *Client) all() []*link {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*link, 0, len(c.live))
	for l := range c.live {
		all = append(all, l)
	}
	return all
}

// start starts a link's goroutine, which ends with the link, unless the session is over. t is its transport if it has
// one already, by which the pushes have come.
func (c *Client) start(l *link, t *transport, pushes []push) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over != nil {
		return c.over
	}
	c.live[l] = struct{}{}
	c.links.Go(func() {
		for _, p := range pushes {
			p(c.config.Notices)
		}
		l.run(t)
	})
	return nil
}

// forget is the end of a link's goroutine.
func (c *Client) forget(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.live, l)
}
