package cli

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"moongate/runtime/session"

	"github.com/spf13/pflag"
)

// flags are the flags of serve. Each is also an environment variable: --quit-delay is MOONGATE_QUIT_DELAY. A flag on
// the command line goes before the variable.
type flags struct {
	set    *pflag.FlagSet
	groups []group

	scripts, data, addressFile string
	durability                 string
	database                   string // the address of a PostgreSQL, if --data was one; data is a folder in any case
	listen                     []string
	gates                      gateFlag
	rules                      session.Rules
	maxConnections             int
	idleTimeout                time.Duration
	methodTimeout, slice       time.Duration
	onError                    string
	record                     string
	memoryLimit                size
	quitDelay, quitWindow      time.Duration
	users                      string
	tlsCert, tlsKey, tlsCA     string // of the application listener
	loginTimeout               time.Duration
	sessionTimeout             time.Duration
	noRemote                   bool
	admin, adminTokenFile      string
	adminAddressFile           string
	journalKeep                span
	traceSlow                  time.Duration
	logLevel, logFormat        string
	help, version              bool
	local                      bool         // nobody connects: of moongate local and moongate remote
	remote                     *remoteFlags // of moongate remote; else nil
	console                    bool
	shadow                     string
	probation                  probationFlag
}

// group is a heading of --help and the flags below it, each of them in one group.
type group struct {
	title string
	set   *pflag.FlagSet
}

const (
	defaultListen = "127.0.0.1:19813" // 4D's application server has port 19813
	defaultAdmin  = "127.0.0.1:19880"
)

// serverOnly are the groups of flags that a local host does not have.
var serverOnly = []string{"Connections", "Accounts", "Other scripts"}

// newLocalFlags are the flags of moongate local: those of serve that are about scripts and processes. The others have
// their defaults, and nothing listens.
func newLocalFlags() *flags {
	all := newFlags()
	f := all
	f.set = pflag.NewFlagSet("moongate local", pflag.ContinueOnError)
	f.set.SortFlags = false
	f.set.Usage = func() {}
	f.groups = slices.DeleteFunc(f.groups, func(g group) bool { return slices.Contains(serverOnly, g.title) })
	for _, g := range f.groups {
		f.set.AddFlagSet(g.set)
	}
	f.local, f.listen, f.admin = true, []string{"none"}, "none"
	f.set.Lookup("admin").DefValue = "none"
	return f
}

func newFlags() *flags {
	f := &flags{set: pflag.NewFlagSet("moongate", pflag.ContinueOnError), memoryLimit: size(defaultMemoryLimit())}
	f.set.SortFlags = false
	f.set.Usage = func() {}
	f.group("Scripts and data", func(s *pflag.FlagSet) {
		s.StringVar(&f.scripts, "scripts", "scripts", "the `folder` of the Lua methods")
		s.StringVar(&f.data, "data", defaultData(), "the `folder` for what the server keeps, made if it is missing; or postgres://user@host/database for the tables, and the default folder for the rest")
		s.StringVar(&f.durability, "durability", "full", "what is sure of the tables after a power cut: `full|normal`; full: all that was saved; normal, which is quicker: all but the last moments (the death of the program costs neither anything)")
	})
	f.set.Lookup("data").DefValue = "moongate in $XDG_STATE_HOME or ~/.local/state" // the same on every machine, for the documentation
	f.group("Connections", func(s *pflag.FlagSet) {
		s.StringArrayVar(&f.listen, "listen", []string{defaultListen}, "`address` to let clients in at, host:port; port 0 takes a free one; none for no listener (repeatable)")
		s.Var(&f.gates, "gate", "let clients in at an address and lead those whom the scripts accept to an upstream: LISTEN=UPSTREAM[,UPSTREAM ...], each host:port (repeatable; open_gate in on_server_startup can do more)")
		s.StringVar(&f.addressFile, "address-file", "", "`file` to write the bound addresses to, one a line, when clients can connect")
		s.Var(&ruleFlag{f, true}, "allow", "let clients from this `network` in: 10.0.0.0/8, 10.*, one address, or all (repeatable; of all --allow and --deny the first that matches decides, and who matches none is refused)")
		s.Var(&ruleFlag{f, false}, "deny", "refuse clients from this `network` (repeatable)")
		s.StringVar(&f.tlsCert, "tls-cert", "", "the `file` of the certificate that clients of --listen get, in PEM with the whole chain; they must begin TLS then (gates have their own, see open_gate). It is read again when it changes, as the next two")
		s.StringVar(&f.tlsKey, "tls-key", "", "the `file` of that certificate's key, in PEM")
		s.StringVar(&f.tlsCA, "tls-client-ca", "", "the `file` of those who may sign clients' certificates, in PEM; every client must have one then")
		s.IntVar(&f.maxConnections, "max-connections", 0, "refuse clients while so many are connected (a `number`; 0: no limit)")
		s.DurationVar(&f.idleTimeout, "idle-timeout", 0, "end a connection that has asked for nothing for this `time` (0: never)")
		s.BoolVar(&f.noRemote, "no-remote", false, "begin no sessions of client machines (moongate remote), who can use all tables; the others are let in as ever")
		s.DurationVar(&f.sessionTimeout, "session-timeout", 15*time.Minute, "keep the session of a remote client that cannot be reached, or sleeps, for this `time` (0: end it at once)")
	})
	f.group("Accounts", func(s *pflag.FlagSet) {
		s.StringVar(&f.users, "users", "", "the `file` of the accounts (see moongate user); clients then log in by AUTH; none: everybody is Designer")
		s.DurationVar(&f.loginTimeout, "login-timeout", 30*time.Second, "the `time` that a client has to log in")
	})
	f.group("Other scripts", func(s *pflag.FlagSet) {
		s.StringVar(&f.shadow, "shadow", "", "the `folder` of a second set of scripts, which decides about every connection too and changes nothing (see moongate shadow)")
		s.Var(&f.probation, "probation", "take changed scripts back when their open or close methods fail, or they refuse many more than those before, in their first connections: `bounds` as in faults=1,refusals=3x,first=200, on for these, off")
	})
	f.group("Methods", func(s *pflag.FlagSet) {
		s.DurationVar(&f.methodTimeout, "method-timeout", 5*time.Second, "the `time` that one open or close method may take")
		s.DurationVar(&f.slice, "slice", 10*time.Millisecond, "the `time` that a process may run while others wait")
		s.StringVar(&f.onError, "on-error", "refuse", "what to do with a client whose open method failed: `refuse|accept`")
		s.Var(&f.memoryLimit, "memory-limit", "the `size` of memory at which the process that takes most is aborted, as 512MB or 2GB; 0: no limit")
	})
	f.set.Lookup("memory-limit").DefValue = "half of the machine's"
	f.journalKeep = span(30 * 24 * time.Hour)
	f.group("Operation", func(s *pflag.FlagSet) {
		s.StringVar(&f.admin, "admin", defaultAdmin, "`address` of the admin listener, host:port; port 0 takes a free one; none for none")
		s.StringVar(&f.adminTokenFile, "admin-token-file", "", "`file` with the token that the admin listener asks for, except of this machine; needed when its address is not a loopback one")
		s.StringVar(&f.adminAddressFile, "admin-address-file", "", "`file` to write the bound address of the admin listener to")
		s.Var(&f.journalKeep, "journal-keep", "the `time` for which the journal keeps connections that have ended, as 30d or 12h; 0: for ever")
		s.StringVar(&f.record, "record", "on", "keep in the journal what open methods read, so that moongate replay can decide again: `on|off`")
		s.DurationVar(&f.traceSlow, "trace-slow", 0, "log a method that takes longer than this `time`, and where it was then (0: none)")
	})
	f.group("Shutdown", func(s *pflag.FlagSet) {
		s.DurationVar(&f.quitDelay, "quit-delay", 5*time.Second, "the `time` that clients have to leave after SIGINT or SIGTERM")
		s.DurationVar(&f.quitWindow, "quit-window", 13*time.Second, "the `time` that on_server_shutdown and the processes have to end")
	})
	f.group("Without clients (moongate local)", func(s *pflag.FlagSet) {
		s.BoolVar(&f.console, "console", false, "run what is typed, line by line, in a process of its own; the end of the input ends the host")
	})
	f.group("Log", func(s *pflag.FlagSet) {
		s.StringVar(&f.logLevel, "log-level", "info", "the least important lines to write: `debug|info|warn|error`")
		s.StringVar(&f.logFormat, "log-format", "text", "how lines are written: `text|json`")
	})
	f.group("Other", func(s *pflag.FlagSet) {
		s.BoolVarP(&f.help, "help", "h", false, "say what the flags mean")
		s.BoolVar(&f.version, "version", false, "say which version this is")
	})
	return f
}

func (f *flags) group(title string, add func(*pflag.FlagSet)) {
	s := pflag.NewFlagSet(title, pflag.ContinueOnError)
	s.SortFlags = false
	add(s)
	f.set.AddFlagSet(s)
	f.groups = append(f.groups, group{title, s})
}

// usage is the text of --help.
func (f *flags) usage() string {
	var b strings.Builder
	if f.remote != nil {
		b.WriteString(remoteUsage)
	} else {
		f.writeCommands(&b)
	}
	for _, g := range f.groups {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.set.FlagUsagesWrapped(100))
	}
	b.WriteString("\nTimes are written as 500ms, 10s or 1h30m. Every flag is also an environment variable:\n" +
		"--quit-delay is MOONGATE_QUIT_DELAY; a repeatable one takes its values separated by commas.\n" +
		"\nExit codes: 0 clean, 1 failed, 2 wrong usage, 3 stopped, but something did not end by itself.\n")
	return b.String()
}

// writeCommands begins the help of the program: its commands.
func (f *flags) writeCommands(b *strings.Builder) {
	b.WriteString("Moongate is a host for connections whose rules are written in Lua.\n\nUsage:\n  moongate [command] [flags]\n\nCommands:\n")
	for _, c := range commands {
		fmt.Fprintf(b, "  %-11s %s\n", c.name, c.meaning)
	}
}

// parse reads the arguments, then the environment for flags that were not given, then checks what belongs together.
func (f *flags) parse(args []string) error {
	if err := f.set.Parse(args); err != nil {
		return err
	}
	if f.help || f.version {
		return nil
	}
	if f.remote != nil {
		if err := f.remote.take(f.set.Args()); err != nil {
			return err
		}
	} else if f.set.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.set.Arg(0))
	}
	if err := f.fromEnvironment(); err != nil {
		return err
	}
	if err := f.splitData(); err != nil {
		return err
	}
	return f.check()
}

func (f *flags) fromEnvironment() error {
	if os.Getenv(variable("allow")) != "" && os.Getenv(variable("deny")) != "" {
		return fmt.Errorf("%s and %s have no order between them; use --allow and --deny", variable("allow"), variable("deny"))
	}
	var first error
	rulesGiven := f.set.Changed("allow") || f.set.Changed("deny")
	f.set.VisitAll(func(flag *pflag.Flag) {
		name := variable(flag.Name)
		value := os.Getenv(name) // an empty variable is as good as none
		isRule := flag.Name == "allow" || flag.Name == "deny"
		if value == "" || flag.Changed || flag.Name == "help" || flag.Name == "version" || isRule && rulesGiven || first != nil {
			return
		}
		values := []string{value}
		if t := flag.Value.Type(); t == "stringArray" || isRule {
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if err := f.set.Set(flag.Name, strings.TrimSpace(v)); err != nil {
				first = fmt.Errorf("%s: %w", name, err)
				return
			}
		}
	})
	return first
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return "MOONGATE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// unknownVariables are the environment variables that look like flags and are none.
func (f *flags) unknownVariables() []string {
	known := map[string]bool{}
	f.set.VisitAll(func(flag *pflag.Flag) { known[variable(flag.Name)] = true })
	var unknown []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "MOONGATE_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func (f *flags) check() error {
	switch {
	case f.console && !f.local:
		return fmt.Errorf("--console is for moongate local and moongate remote: a server is operated by commands such as moongate status (see moongate --help)")
	case slices.Contains(f.listen, ""):
		return fmt.Errorf("--listen is empty; give host:port, or none for no listener")
	case f.admin == "":
		return fmt.Errorf("--admin is empty; give host:port, or none for no admin listener")
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return fmt.Errorf("--tls-cert and --tls-key belong together: give both, or neither")
	case f.tlsCA != "" && f.tlsCert == "":
		return fmt.Errorf("--tls-client-ca is for TLS; give --tls-cert and --tls-key as well")
	case f.onError != "refuse" && f.onError != "accept":
		return fmt.Errorf("--on-error is %q; it must be refuse or accept", f.onError)
	case f.record != "on" && f.record != "off":
		return fmt.Errorf("--record is %q; it must be on or off", f.record)
	case f.durability != "full" && f.durability != "normal":
		return fmt.Errorf("--durability is %q; it must be full or normal", f.durability)
	case f.logFormat != "text" && f.logFormat != "json":
		return fmt.Errorf("--log-format is %q; it must be text or json", f.logFormat)
	case f.rules.Hopeless():
		return fmt.Errorf("there is --deny and no --allow, so nobody could connect: who matches no rule is refused; add --allow all after it")
	case f.maxConnections < 0:
		return fmt.Errorf("--max-connections is %d; it must be 0 or more", f.maxConnections)
	}
	if f.remote != nil {
		if err := f.remote.check(f); err != nil {
			return err
		}
	}
	for name, d := range map[string]time.Duration{"method-timeout": f.methodTimeout, "slice": f.slice} {
		if d <= 0 {
			return fmt.Errorf("--%s is %v; it must be more than 0", name, d)
		}
	}
	for name, d := range map[string]time.Duration{
		"quit-delay": f.quitDelay, "quit-window": f.quitWindow, "idle-timeout": f.idleTimeout, "login-timeout": f.loginTimeout, "session-timeout": f.sessionTimeout, "trace-slow": f.traceSlow,
	} {
		if d < 0 {
			return fmt.Errorf("--%s is %v; it must be 0 or more", name, d)
		}
	}
	return nil
}

// ruleFlag appends to the rules, so that --allow and --deny keep the order in which they were given.
type ruleFlag struct {
	flags *flags
	allow bool
}

func (r *ruleFlag) String() string { return "" }
func (r *ruleFlag) Type() string   { return "network" }
func (r *ruleFlag) Set(s string) error {
	rule, err := session.ParseRule(r.allow, s)
	if err != nil {
		return err
	}
	r.flags.rules = append(r.flags.rules, rule)
	return nil
}

// span is a time that may be counted in days.
type span time.Duration

func (s *span) Type() string { return "time" }
func (s *span) String() string {
	d := time.Duration(*s)
	if day := 24 * time.Hour; d > 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

func (s *span) Set(text string) error {
	const longest = 100 * 365 // days
	if number, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.ParseFloat(number, 64)
		if err != nil || !(days >= 0 && days <= longest) {
			return fmt.Errorf("%q is no time: write it as 30d, 12h or 1h30m", text)
		}
		*s = span(days * 24 * float64(time.Hour))
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no time: write it as 30d, 12h or 1h30m", text)
	}
	*s = span(d)
	return nil
}

// size is a number of bytes, written as 512MB or 2GB.
type size uint64

var units = []struct {
	suffix string
	bytes  uint64
}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}}

func (s *size) Type() string { return "size" }
func (s *size) String() string {
	for i := len(units) - 1; i >= 0; i-- {
		if u := units[i]; uint64(*s) >= u.bytes && uint64(*s)%u.bytes == 0 {
			return fmt.Sprintf("%d%s", uint64(*s)/u.bytes, u.suffix)
		}
	}
	return strconv.FormatUint(uint64(*s), 10)
}

func (s *size) Set(text string) error {
	number, factor := strings.ToUpper(strings.TrimSpace(text)), uint64(1)
	for _, u := range units {
		if before, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(before), u.bytes
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n > math.MaxInt64/factor {
		return fmt.Errorf("%q is no size: write it as 512MB or 2GB", text)
	}
	*s = size(n * factor)
	return nil
}
