package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"moongate/runtime/admin"
	"moongate/runtime/admin/client"

	"github.com/spf13/pflag"
)

// operatorCommands are the commands of the person who runs a server, as rows of the table of commands. But for log, data and
// structure, which read the data folder, each of them asks a server by its admin listener.
var operatorCommands = []command{
	{"ps", manualOf("ps").meaning, ps},
	{"connections", manualOf("connections").meaning, connections},
	{"sessions", manualOf("sessions").meaning, sessions},
	{"users", manualOf("users").meaning, users},
	{"methods", manualOf("methods").meaning, methods},
	{"lanes", manualOf("lanes").meaning, lanes},
	{"status", manualOf("status").meaning, status},
	{"top", manualOf("top").meaning, top},
	{"log", manualOf("log").meaning, journalLog},
	{"data", manualOf("data").meaning, showData},
	{"structure", manualOf("structure").meaning, showStructure},
	{"kick", manualOf("kick").meaning, kick},
	{"send", manualOf("send").meaning, send},
	{"abort", manualOf("abort").meaning, abort},
	{"pause", manualOf("pause").meaning, pause},
	{"resume", manualOf("resume").meaning, resume},
	{"refuse-new", manualOf("refuse-new").meaning, refuseNew},
	{"accept-new", manualOf("accept-new").meaning, acceptNew},
	{"reload", manualOf("reload").meaning, reload},
	{"shadow", manualOf("shadow").meaning, shadow},
	{"restart", manualOf("restart").meaning, restart},
	{"quit", manualOf("quit").meaning, quit},
}

// operation is one run of a command for operators.
type operation struct {
	*invocation
	manual manual
	set    *pflag.FlagSet
	out    *screen

	asks             bool   // a server, by its admin listener
	admin, tokenFile string // of it
	data             string // of those that read the data folder
	json, help       bool
	client           *client.Client // nil for those that read the data folder
}

// newOperation makes an operation that asks a server. Flags of its own may be added to the set; parse is next.
func newOperation(m *invocation, name string) *operation {
	o := newReading(m, name)
	o.asks = true
	return o
}

// newReading makes an operation that asks no server.
func newReading(m *invocation, name string) *operation {
	o := &operation{invocation: m, manual: manualOf(name), out: newScreen(m.stdout)}
	o.set = pflag.NewFlagSet(name, pflag.ContinueOnError)
	o.set.SortFlags = false
	o.set.Usage = func() {}
	return o
}

// common adds the flags that all commands for operators have, below those of their own.
func (o *operation) common() {
	if o.asks {
		o.set.StringVar(&o.admin, "admin", defaultAdmin, "`address` of the server's admin listener, host:port")
		o.set.StringVar(&o.tokenFile, "admin-token-file", "", "`file` with the token of the admin listener; a server on this machine needs none")
	}
	o.set.BoolVar(&o.json, "json", false, "write JSON, for programs")
	o.set.BoolVarP(&o.help, "help", "h", false, "say what the flags mean")
}

// parse reads flags and environment, and makes the client. least and most are how many arguments there may be beside the
// flags; most is less than 0 when there is no limit. It reports false, with an exit code, when there is nothing more to
// do.
func (o *operation) parse(args []string, least, most int) (bool, int) {
	o.common()
	err := o.set.Parse(args)
	if errors.Is(err, pflag.ErrHelp) || err == nil && o.help {
		fmt.Fprint(o.stdout, o.usageText())
		return false, ExitClean
	}
	if err == nil {
		err = o.check(least, most)
	}
	if err != nil {
		return false, o.misused(err)
	}
	if !o.asks {
		return true, ExitClean
	}
	token := ""
	if o.tokenFile != "" {
		if token, err = admin.ReadToken(o.tokenFile); err != nil {
			return false, o.failed(err)
		}
	}
	o.client = client.New(o.admin, token)
	return true, ExitClean
}

// check reads the environment for the flags that were not given, and looks at what belongs together.
func (o *operation) check(least, most int) error {
	for _, name := range []string{"admin", "admin-token-file", "data"} {
		flag := o.set.Lookup(name)
		value := os.Getenv(variable(name)) // an empty variable is as good as none
		if flag == nil || flag.Changed || value == "" {
			continue
		}
		if err := o.set.Set(name, value); err != nil {
			return fmt.Errorf("%s: %w", variable(name), err)
		}
	}
	switch n := o.set.NArg(); {
	case n < least:
		return fmt.Errorf("it needs more arguments: moongate %s", o.manual.synopsis())
	case most >= 0 && n > most:
		return fmt.Errorf("unexpected argument %q", o.set.Arg(most))
	}
	if !o.asks {
		return nil
	}
	var err error
	o.admin, err = reachable(o.admin)
	return err
}

// reachable is the address at which a client reaches a server with that --admin, so that both may share MOONGATE_ADMIN: a
// server that listens everywhere is asked on this machine.
func reachable(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	switch {
	case address == "none":
		return "", errors.New("--admin is none, but this command asks the server by its admin listener: give host:port")
	case err != nil || port == "" || port == "0":
		return "", fmt.Errorf("--admin is %q; it must be host:port, as %s", address, defaultAdmin)
	case host == "":
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = map[bool]string{true: "127.0.0.1", false: "::1"}[ip.Is4()]
	}
	return net.JoinHostPort(host, port), nil
}

// misused says what is wrong with the command line.
func (o *operation) misused(err error) int {
	fmt.Fprintf(o.stderr, "moongate %s: %v\nTry 'moongate %s --help'.\n", o.manual.name, err, o.manual.name)
	return ExitUsage
}

// failed says why it did not come about. What servers and scripts say is made printable, line by line.
func (o *operation) failed(err error) int {
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(o.stderr, "moongate: %s\n", printable(strings.TrimSuffix(line, "\n")))
	}
	return ExitFailed
}

// written is the exit code after the output was written: a reader that has gone, as head does, is no failure.
func (o *operation) written(err error) int {
	if err == nil || isClosedPipe(err) {
		return ExitClean
	}
	return o.failed(fmt.Errorf("cannot write: %w", err))
}

// interruptible gives a context that ends with SIGINT or SIGTERM. The function must be called.
func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// usageText is the text of --help.
func (o *operation) usageText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "moongate %s: %s\n\nUsage:\n  moongate %s\n\nExamples:\n", o.manual.name, o.manual.meaning, o.manual.synopsis())
	for _, example := range o.manual.examples {
		fmt.Fprintf(&b, "  moongate %s\n", example)
	}
	fmt.Fprintf(&b, "\nFlags:\n%s", o.set.FlagUsagesWrapped(100))
	if o.manual.more != "" {
		fmt.Fprintf(&b, "\n%s\n", o.manual.more)
	}
	return b.String()
}
