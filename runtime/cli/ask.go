package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"moongate/runtime/recording"
	"moongate/runtime/session"
)

var askManual = manual{
	name: "ask", arguments: "", meaning: "say what the scripts would decide about a connection that is made up",
	examples: []string{"ask", "ask --user guest --address 10.0.0.7 --at 03:00", "ask --gate shop --tls-subject CN=ann --fact database=payroll --json"},
	more: "No server is asked, and none is needed: the connection is the only one of a server that has just started.\n" +
		"on_server_startup has run, as far as it can without a server, and shared values are what it has set. Tables are those of\n" +
		"--data, which are read and never written; without it there are none. The rules of --allow, --deny and --max-connections\n" +
		"are those of moongate serve. A user whose name is not Designer or Administrator has number 3 if --user-number says\n" +
		"nothing. Exit codes: 0 there is a verdict, 1 there is none, 2 wrong usage.",
}

// asking is one run of moongate ask.
type asking struct {
	*operation
	scripts, user, address, listener, gate string
	number                                 int64
	at                                     time.Time
	subject, serverName                    string
	facts                                  []string
	rules                                  flags // --allow and --deny
	most, connected                        int
}

// askScripts is moongate ask.
func askScripts(m *invocation, args []string) int {
	a := &asking{operation: newTool(m, askManual), at: time.Now()}
	a.flags()
	if ok, code := a.parseTool(args, 0); !ok {
		return code
	}
	r, err := a.connection()
	if err != nil {
		return a.misused(err)
	}
	if d := a.checked(r); d != nil {
		return a.showDecision(d)
	}
	d, err := a.decide(r)
	if err != nil {
		return a.failed(err)
	}
	if code := a.showDecision(d); code != ExitClean {
		return code
	}
	if d.Verdict == recording.Failed || d.Verdict == recording.CannotSay {
		return ExitFailed
	}
	return ExitClean
}

// flags adds those of the command.
func (a *asking) flags() {
	a.set.StringVar(&a.scripts, "scripts", cmp.Or(os.Getenv(variable("scripts")), "scripts"), "the `folder` of the Lua methods")
	a.set.Lookup("scripts").DefValue = "scripts"
	a.set.StringVar(&a.user, "user", "", "the user's `name` (default Designer; at a gate, the address)")
	a.set.Int64Var(&a.number, "user-number", 0, "the user's `number`, which is the open method's first parameter")
	a.set.StringVar(&a.address, "address", "127.0.0.1", "the client's `address`, with a port or without")
	a.set.Var(&moment{&a.at, a.at, ""}, "at", "the `time` at which it comes: 03:00, \"2026-03-01 01:59:59\", or 1h for an hour ago (default now)")
	a.set.StringVar(&a.listener, "listener", defaultListen, "the `address` where the client comes in")
	a.set.StringVar(&a.gate, "gate", "", "the `name` of the gate by which it comes")
	a.set.StringVar(&a.subject, "tls-subject", "", "the `name` of the client's certificate; it is the user's name too, if --user says nothing")
	a.set.StringVar(&a.serverName, "tls-server-name", "", "the `name` that the client asks for in TLS")
	a.set.StringArrayVar(&a.facts, "fact", nil, "what else connection_info has of it: `NAME=TEXT`, as database=payroll (repeatable)")
	a.set.Var(&ruleFlag{&a.rules, true}, "allow", "let clients from this `network` in (repeatable; see moongate serve)")
	a.set.Var(&ruleFlag{&a.rules, false}, "deny", "refuse clients from this `network` (repeatable)")
	a.set.IntVar(&a.most, "max-connections", 0, "refuse clients while so many are connected (a `number`; 0: no limit)")
	a.set.IntVar(&a.connected, "connected", 0, "for --max-connections: so many are connected (a `number`)")
	a.set.StringVar(&a.data, "data", "", "the `folder` where a server keeps its data, or postgres://...: the tables are read there")
	a.set.BoolVar(&a.json, "json", false, "write JSON, for programs: one object")
}

// Numbers of users: 4D's own two, and what a user gets of whom nothing is said.
var userNumbers4D = map[string]int64{"Designer": 1, "Administrator": 2}

const somebody = 3

// connection is the connection that is made up.
func (a *asking) connection() (*recording.Recording, error) {
	address, err := netip.ParseAddrPort(a.address)
	if err != nil {
		ip, err := netip.ParseAddr(a.address)
		if err != nil {
			return nil, fmt.Errorf("--address is %q; it must be an address, as 10.0.0.7 or 10.0.0.7:40000", a.address)
		}
		address = netip.AddrPortFrom(ip, 40000)
	}
	local, err := netip.ParseAddrPort(a.listener)
	if err != nil {
		return nil, fmt.Errorf("--listener is %q; it must be an address with a port, as %s", a.listener, defaultListen)
	}
	switch {
	case a.most < 0 || a.connected < 0:
		return nil, errors.New("--max-connections and --connected must be 0 or more")
	case a.connected > 0 && a.most == 0:
		return nil, errors.New("--connected is for --max-connections, which is not there: without it anybody may come, however many are connected")
	}
	if a.rules.rules.Hopeless() {
		return nil, errors.New("there is --deny and no --allow, so nobody could connect: who matches no rule is refused; add --allow all after it")
	}
	facts, err := a.factsText()
	if err != nil {
		return nil, err
	}
	r := &recording.Recording{Connection: 1, Address: address, Local: local, Listener: local.String(), Gate: a.gate, Facts: facts, Opened: a.at, Began: a.at}
	switch {
	case a.user != "":
		r.UserName = a.user
	case a.subject != "":
		r.UserName = a.subject
	case a.gate != "":
		r.UserName = address.Addr().String()
	default:
		r.UserName = "Designer"
	}
	r.User = cmp.Or(a.number, userNumbers4D[r.UserName], somebody)
	return r, nil
}

// factOptions say what each connection has, whatever else is known of it, and which option is for that.
var factOptions = map[string]string{
	"address": "--address", "port": "--address", "user": "--user-number", "user_name": "--user", "listener": "--listener",
	"local_address": "--listener", "local_port": "--listener", "gate": "--gate", "opened": "--at",
	"connection": "--help", "process": "--help", "session_id": "--help", "cause": "--help",
}

// factsText is the JSON of the facts that were given.
func (a *asking) factsText() (string, error) {
	facts := map[string]any{}
	if a.subject != "" {
		facts["subject"], facts["tls_version"] = a.subject, "1.3"
	}
	if a.serverName != "" {
		facts["server_name"], facts["tls_version"] = a.serverName, "1.3"
	}
	for _, f := range a.facts {
		name, text, ok := strings.Cut(f, "=")
		if !ok || name == "" {
			return "", fmt.Errorf("--fact is %q; it must be NAME=TEXT, as database=payroll", f)
		}
		if option := factOptions[name]; option != "" {
			return "", fmt.Errorf("--fact is %q; %s is not for it to say: see %s", f, name, option)
		}
		facts[name] = text
	}
	if len(facts) == 0 {
		return "", nil
	}
	b, err := json.Marshal(facts)
	return string(b), err
}

// checked is the refusal of a check before the method, nil if none refuses. The checks are the server's own.
func (a *asking) checked(r *recording.Recording) *decision {
	registry := session.NewRegistry(a.rules.rules, a.most)
	registry.SetStage(session.Serving)
	refusal := registry.Check(session.Peer{Address: r.Address, Local: r.Local, Listener: r.Listener, Gate: r.Gate})
	if refusal.Code == 0 && a.most > 0 && a.connected >= a.most {
		full := registry.Checks()[len(registry.Checks())-1]
		refusal = session.Refusal{Code: full.Code, Reason: full.Reason, By: full.Name}
	}
	if refusal.Code == 0 {
		return nil
	}
	d := a.about(r, decision{Verdict: recording.Refused, Code: refusal.Code, Reason: refusal.Reason, By: refusal.By, Check: true})
	return &d
}

// decide asks the open method.
func (a *asking) decide(r *recording.Recording) (*decision, error) {
	var printed []string
	scripts, err := a.operation.scripts.Rehearse(recording.RehearsalConfig{Folder: a.scripts, Data: a.data,
		Say: func(line string) { printed = append(printed, line) }})
	if err != nil {
		return nil, err
	}
	defer scripts.Close()
	printed = nil // of what the loading said
	outcome, reads := scripts.Rehearse(r, recording.RehearseOptions{Live: true, Reads: true})
	d := a.about(r, decisionOf(outcome, seen(reads)))
	d.Version, d.Printed = scripts.Version(), printed
	if d.Verdict == recording.CannotSay && a.data == "" && strings.HasPrefix(d.Lacks, "data") {
		d.Lacks += " (name a server's data folder with --data; it is only read)"
	}
	return &d, nil
}

// about adds to a decision whose it is.
func (a *asking) about(r *recording.Recording, d decision) decision {
	d.Connection, d.User, d.UserName, d.Address = r.Connection, r.User, r.UserName, r.Address.String()
	d.Listener, d.Gate, d.Facts, d.At = r.Listener, r.Gate, jsonObject(r.Facts), r.Opened
	return d
}
