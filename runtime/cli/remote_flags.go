package cli

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"moongate/runtime/host"

	"github.com/spf13/pflag"
)

// remoteFlags are the flags that only moongate remote has.
type remoteFlags struct {
	server             string // host:port, with the default port if none was given
	user, passwordFile string
	machine            string
	compiled           bool
	noRegister         bool
	quitWithServer     bool
	tls                bool
	ca, cert, key      string // files
	name               string
}

// defaultPort is that of a server's application listener.
const defaultPort = "19813"

// newRemoteFlags are the flags of moongate remote: those of a local host, and those that are about the server. Nothing listens.
func newRemoteFlags() *flags {
	f := newLocalFlags()
	local := f.set
	r := &remoteFlags{machine: machineName()}
	f.remote, f.groups = r, nil
	f.set = pflag.NewFlagSet("moongate remote", pflag.ContinueOnError)
	f.set.SortFlags = false
	f.set.Usage = func() {}
	same := func(s *pflag.FlagSet, names ...string) {
		for _, name := range names {
			s.AddFlag(local.Lookup(name))
		}
	}
	f.group("Server", func(s *pflag.FlagSet) {
		s.StringVar(&r.user, "user", "", "the `name` of an account of the server; without it the client is whoever a server without accounts lets in")
		s.StringVar(&r.passwordFile, "password-file", "", "`file` whose first line is the password; without it, it is asked for at the terminal")
		s.BoolVar(&r.tls, "tls", false, "speak TLS with the server")
		s.StringVar(&r.ca, "tls-ca", "", "`file` of those who may have signed the server's certificate (PEM); the system's authorities by default")
		s.StringVar(&r.cert, "tls-cert", "", "`file` of this client's certificate (PEM), for servers that want one")
		s.StringVar(&r.key, "tls-key", "", "`file` of its key (PEM)")
		s.StringVar(&r.name, "tls-name", "", "the `name` in the server's certificate; the host of HOST:PORT by default")
	})
	f.group("Client", func(s *pflag.FlagSet) {
		s.BoolVar(&r.compiled, "compiled", false, "have no Design process, as a compiled application")
		s.BoolVar(&r.noRegister, "no-register", false, "do not register for orders (execute_on_client) at the start")
		s.StringVar(&r.machine, "machine", r.machine, "the `name` of this machine, under which the client is registered")
		s.BoolVar(&r.quitWithServer, "quit-with-server", false, "leave as soon as the server says that it is going to quit, instead of working on until it has")
	})
	f.set.Lookup("machine").DefValue = "this machine's own"
	f.group("Scripts and data", func(s *pflag.FlagSet) {
		same(s, "scripts")
		s.StringVar(&f.data, "data", defaultRemoteData(), "the `folder` of the documents, made if it is missing; the tables are the server's")
	})
	f.set.Lookup("data").DefValue = "moongate-remote in $XDG_STATE_HOME or ~/.local/state"
	f.group("Methods", func(s *pflag.FlagSet) { same(s, "method-timeout", "slice", "memory-limit", "trace-slow") })
	f.group("Operation", func(s *pflag.FlagSet) {
		same(s, "quit-window", "console", "admin", "admin-token-file", "admin-address-file")
	})
	for name, usage := range map[string]string{
		"method-timeout": "the `time` that a close method on the server is waited for when a process here has ended",
		"quit-window":    "the `time` that on_exit and the processes have to end",
	} {
		f.set.Lookup(name).Usage = usage
	}
	f.group("Log", func(s *pflag.FlagSet) { same(s, "log-level", "log-format") })
	f.group("Other", func(s *pflag.FlagSet) { same(s, "help", "version") })
	return f
}

// machineName is what the client is called when nobody says otherwise.
func machineName() string {
	if name, err := os.Hostname(); err == nil && host.CheckClientName(name) == nil {
		return name
	}
	return "client"
}

// defaultRemoteData is where a client keeps its documents: beside a server's data folder, which it must not have.
func defaultRemoteData() string {
	folder := defaultData()
	return filepath.Join(filepath.Dir(folder), filepath.Base(folder)+"-remote")
}

// remoteUsage begins the help of moongate remote.
const remoteUsage = `moongate remote is a client of a server (moongate serve), with Lua of its own.

Usage:
  moongate remote HOST[:PORT] [flags]

The server's open method decides who gets in: the client, then its registration for orders, then its Design process.
Then on_startup.lua runs, and at the end on_exit.lua. The port is 19813 if none is given.
`

// take reads the one argument, where the server is.
func (r *remoteFlags) take(args []string) error {
	if len(args) == 0 {
		return errors.New("where is the server? moongate remote HOST:PORT")
	}
	if len(args) > 1 {
		return fmt.Errorf("unexpected argument %q", args[1])
	}
	server, err := serverAddress(args[0])
	r.server = server
	return err
}

// serverAddress is HOST:PORT, with the default port if there is none.
func serverAddress(text string) (string, error) {
	name, port, err := net.SplitHostPort(text)
	if err != nil { // for want of a port
		name, port = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), defaultPort
		if _, err = netip.ParseAddr(name); !strings.ContainsAny(name, ":[]") {
			err = nil
		}
	}
	n, notNumber := strconv.Atoi(port)
	if err != nil || name == "" || notNumber != nil || n < 1 || n > math.MaxUint16 {
		return "", fmt.Errorf("%q is no address of a server; write it as HOST:PORT", text)
	}
	return net.JoinHostPort(name, port), nil
}

// check looks for what does not belong together.
func (r *remoteFlags) check(f *flags) error {
	if err := host.CheckClientName(r.machine); err != nil {
		return fmt.Errorf("--machine: %w", err)
	}
	tlsFlags := []struct{ flag, value string }{{"tls-ca", r.ca}, {"tls-cert", r.cert}, {"tls-key", r.key}, {"tls-name", r.name}}
	for _, given := range tlsFlags {
		if given.value != "" && !r.tls {
			return fmt.Errorf("--%s needs --tls", given.flag)
		}
	}
	switch {
	case (r.cert == "") != (r.key == ""):
		return errors.New("--tls-cert and --tls-key belong together")
	case r.passwordFile != "" && r.user == "":
		return errors.New("--password-file needs --user")
	case f.database != "":
		return errors.New("--data is a folder here: a client has the tables of its server")
	}
	return nil
}
