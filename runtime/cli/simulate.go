package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"moongate/runtime/simulate"
)

var simulateManual = manual{
	name: "simulate", arguments: "[HOST:PORT]", meaning: "let many clients come to a server, and say what became of them",
	examples: []string{"simulate", "simulate --rate 200 --duration 30s --addresses 50", "simulate 10.0.0.7:19813 --clients 1000 --stay 1s..10s",
		"simulate --rate 50 --users ann,bob --password-file secret --call greet,moon", "simulate --rate 20 --behaviour scripts/examples/simulate/visitor.lua --seed 7"},
	more: "HOST:PORT is " + defaultListen + " if it is left out. With --rate clients come by a timetable, whether those before were\n" +
		"answered or not, and latencies are from when a client was due: a server that stands still is seen to. With --clients\n" +
		"each one that has gone is followed by another at once. --users is a list of names (ann,bob) or a number (5: user1 to\n" +
		"user5); --password-file has one line, the password of all, or a line NAME:PASSWORD for each, which are the users then\n" +
		"if --users is left out. --stay is 5s (always), 1s..10s (drawn evenly) or ~5s (exponential: most leave soon, few stay\n" +
		"long); the clients that are there when the duration is over leave. Ctrl-C ends the run early, a second one breaks it\n" +
		"off; both end with the report. In the file of --behaviour there are connect([options]), call(method [, argument ...]),\n" +
		"sleep(seconds), close(), connected(), client(), random([m [, n]]) and print(value ...); see scripts/examples/simulate.\n" +
		"Exit codes: 0 done, 1 nobody got a verdict, the server has gone, or --fail-on was met, 2 wrong usage.",
}

// simulation is one run of moongate simulate.
type simulation struct {
	*operation
	plan                      simulate.Plan
	stay, users, passwordFile string
	calls, failOn             []string
	behaviour, authority      string
	tls, insecure             bool
	notes                     *notes
	files                     int // file descriptors that the program may have; 0: no limit
}

// spareFiles is how many file descriptors the program needs besides those of its connections.
const spareFiles = 32

// simulateLoad is moongate simulate.
func simulateLoad(m *invocation, args []string) int {
	s := &simulation{operation: newTool(m, simulateManual), files: simulate.MostFiles()}
	s.flags()
	if ok, code := s.parseTool(args, 1); !ok {
		return code
	}
	if err := s.check(); err != nil {
		return s.misused(err)
	}
	s.notes = newNotes(newScreen(m.stderr))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := s.prepare(ctx); err != nil {
		return s.failed(err)
	}
	run, err := simulate.New(s.plan)
	if err != nil {
		return s.misused(err)
	}
	defer listenTwice(stop, run.Abort)()
	if !s.json {
		s.notes.say(s.opening())
	}
	shown := s.notes.show(run)
	report := run.Go(ctx)
	shown()
	return s.conclude(report)
}

// flags adds those of the command.
func (s *simulation) flags() {
	p := &s.plan
	s.set.Float64Var(&p.Rate, "rate", 10, "so many clients come in each second (a `number`, 0.5 too)")
	s.set.IntVar(&p.Clients, "clients", 0, "instead of a rate: so many are there at once (a `number`)")
	s.set.DurationVar(&p.Duration, "duration", 10*time.Second, "the `time` for which clients come")
	s.set.StringVar(&s.stay, "stay", "1s", "the `time` that an accepted client stays: 5s, 1s..10s, ~5s")
	s.set.StringArrayVar(&s.calls, "call", nil, "a project `METHOD[,ARGUMENT ...]` that each accepted client calls (repeatable)")
	s.set.DurationVar(&p.Every, "every", 0, "make the calls again after this `time`, for as long as the client stays (0: once)")
	s.set.StringVar(&s.users, "users", "", "log in as these users by turns: `NAME,NAME ...`, or a number of them")
	s.set.StringVar(&s.passwordFile, "password-file", "", "the `file` with the password, or NAME:PASSWORD in each line")
	s.set.IntVar(&p.Addresses, "addresses", 0, "come from so many source addresses of 127.0.0.0/8 by turns (a `number`; for a server on loopback)")
	s.set.StringVar(&s.behaviour, "behaviour", "", "a Lua `file` that says what each client does, instead of --stay and --call")
	s.set.BoolVar(&p.Raw, "raw", false, "connect by TCP only and send nothing, as for a gate of any protocol; accepted then means connected")
	s.set.BoolVar(&s.tls, "tls", false, "speak TLS")
	s.set.StringVar(&s.authority, "tls-ca", "", "the PEM `file` of who vouches for the server's certificate (else: who the system trusts)")
	s.set.BoolVar(&s.insecure, "tls-insecure", false, "take any certificate")
	s.set.DurationVar(&p.Timeout, "timeout", 10*time.Second, "the `time` that a client waits for a verdict or an answer")
	s.set.Uint64Var(&p.Seed, "seed", 0, "a `number` from which all that is drawn by lot comes (0: another each time; the report says which)")
	s.set.StringSliceVar(&s.failOn, "fail-on", nil, "exit with 1 if there were any of these: `refused|error|lost` (repeatable)")
	s.set.BoolVar(&s.json, "json", false, "write JSON, for programs: one object")
}

// conditions are what --fail-on knows.
var conditions = map[string]func(r *simulate.Report) bool{
	"refused": func(r *simulate.Report) bool { return r.Refused > 0 },
	"error":   func(r *simulate.Report) bool { return r.Errors+r.Omitted+r.Misbehaved+r.FailedCalls() > 0 },
	"lost":    func(r *simulate.Report) bool { return r.Lost > 0 },
}

// check looks at the command line; nothing is asked of the system yet.
func (s *simulation) check() (err error) {
	p := &s.plan
	if err := s.checkComing(); err != nil {
		return err
	}
	if p.Stay, err = simulate.ParseStay(s.stay); err != nil {
		return fmt.Errorf("--stay: %w", err)
	}
	for _, call := range s.calls {
		words := strings.Split(call, ",")
		if words[0] == "" {
			return fmt.Errorf("--call is %q; it must be METHOD or METHOD,ARGUMENT", call)
		}
		p.Calls = append(p.Calls, simulate.Call{Method: words[0], Arguments: words[1:]})
	}
	for _, condition := range s.failOn {
		if conditions[condition] == nil {
			return fmt.Errorf("--fail-on is %q; it must be refused, error or lost", condition)
		}
	}
	switch {
	case p.Timeout <= 0:
		return fmt.Errorf("--timeout is %v; it must be more than 0", p.Timeout)
	case s.behaviour != "" && s.set.Changed("stay"):
		return errors.New("--behaviour says how long clients stay, so --stay has nothing to add; call sleep in the file")
	case (s.authority != "" || s.insecure) && !s.tls:
		return errors.New("--tls-ca and --tls-insecure are about TLS; give --tls too")
	case s.users != "" && s.passwordFile == "":
		return errors.New("--users log in with passwords; give --password-file too")
	}
	trial := *p // with what is in files that were not read yet
	if s.passwordFile != "" {
		trial.Users = []simulate.User{{}}
	}
	if s.behaviour != "" {
		trial.Behaviour = stranger{}
	}
	return trial.Check()
}

// checkComing looks at how clients come. Without either flag they come at the default rate.
func (s *simulation) checkComing() error {
	p := &s.plan
	switch {
	case s.set.Changed("clients") && p.Clients < 1:
		return fmt.Errorf("--clients is %d; it must be 1 or more", p.Clients)
	case s.set.Changed("rate") && !(p.Rate > 0):
		return fmt.Errorf("--rate is %v; it must be more than 0", p.Rate)
	case s.set.Changed("addresses") && p.Addresses < 1:
		return fmt.Errorf("--addresses is %d; it must be 1 or more", p.Addresses)
	case s.set.Changed("clients") && !s.set.Changed("rate"):
		p.Rate = 0
	}
	if s.files > 0 {
		p.MostOpen = max(1, s.files-spareFiles)
	}
	return nil
}

// stranger stands for a behaviour whose file was not read yet.
type stranger struct{}

func (stranger) Live(*simulate.Client) error { return nil }

// prepare finds the server and reads the files.
func (s *simulation) prepare(ctx context.Context) (err error) {
	p := &s.plan
	target := s.set.Arg(0)
	if target == "" {
		target = defaultListen
	}
	if p.Server, err = simulate.ParseTarget(ctx, target); err != nil {
		return err
	}
	if p.Addresses > 0 {
		if err := simulate.CheckAddresses(p.Server.Addr(), p.Addresses); err != nil {
			return err
		}
	}
	if p.Users, err = readUsers(s.users, s.passwordFile); err != nil {
		return err
	}
	if s.tls {
		if p.TLS, err = s.tlsConfig(target); err != nil {
			return err
		}
	}
	if p.Seed == 0 {
		p.Seed = uint64(rand.Uint32()) | 1 // short enough to be typed
	}
	if s.behaviour == "" {
		return nil
	}
	p.Behaviour, err = s.scripts.Behaviour(s.behaviour, s.notes.say)
	return err
}

// tlsConfig is how clients speak TLS with the server.
func (s *simulation) tlsConfig(target string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(target)
	if err != nil || host == "" {
		host = s.plan.Server.Addr().String()
	}
	c := &tls.Config{ServerName: host, InsecureSkipVerify: s.insecure, MinVersion: tls.VersionTLS12}
	if s.authority == "" {
		return c, nil
	}
	pem, err := os.ReadFile(s.authority)
	if err != nil {
		return nil, fmt.Errorf("--tls-ca: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--tls-ca: %s has no certificate in PEM", s.authority)
	}
	return c, nil
}

// listenTwice has the first SIGINT or SIGTERM call leave, and the second abort; a third does what it does to every
// program. The function ends the listening.
func listenTwice(leave, abort func()) (end func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	over := make(chan struct{})
	go func() { // ends with the second signal, or when end is called
		for _, act := range []func(){leave, abort} {
			select {
			case <-signals:
				act()
			case <-over:
				return
			}
		}
		signal.Stop(signals)
	}()
	return func() {
		signal.Stop(signals)
		close(over)
	}
}

// opening says what is going to happen.
func (s *simulation) opening() string {
	p := &s.plan
	text := fmt.Sprintf("%s: %s, for %v", p.Server, coming(p.Rate, p.Clients), p.Duration)
	if p.MostOpen > 0 {
		text += fmt.Sprintf("; at most %d connections at once (ulimit -n is %d)", p.MostOpen, s.files)
	}
	return text
}

// coming is how clients come, in words.
func coming(rate float64, clients int) string {
	if clients > 0 {
		return counted(clients, "client", "clients") + " at once"
	}
	if rate == 1 {
		return "1 client a second"
	}
	return fmt.Sprintf("%v clients a second", rate)
}

// noVerdict is the most frequent reason why nobody got a verdict, after a colon.
func noVerdict(r *simulate.Report) string {
	for _, list := range [][]simulate.Counted{r.Failures, r.Misbehaviours} {
		if len(list) > 0 {
			return ": " + list[0].Kind + ": " + list[0].Example
		}
	}
	return ""
}

// conclude writes the report and says whether all went well.
func (s *simulation) conclude(r *simulate.Report) int {
	if s.json {
		document, err := json.Marshal(r)
		if err == nil {
			_, err = fmt.Fprintln(s.out, inert(document))
		}
		if code := s.written(err); code != ExitClean {
			return code
		}
	} else if code := s.written(writeReport(s.out, r)); code != ExitClean {
		return code
	}
	switch {
	case r.Gone != "" && r.Verdicts() > 0:
		return s.failed(fmt.Errorf("%s has gone: %s", r.Server, r.Gone))
	case r.Verdicts() == 0:
		return s.failed(fmt.Errorf("nobody got a verdict from %s%s", r.Server, noVerdict(r)))
	}
	if i := slices.IndexFunc(s.failOn, func(c string) bool { return conditions[c](r) }); i >= 0 {
		return s.failed(fmt.Errorf("there were some of --fail-on %s", s.failOn[i]))
	}
	return ExitClean
}
