package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"moongate/runtime/account"

	"github.com/spf13/pflag"
)

// userManual is what moongate user --help says.
var userManual = manual{
	name: "user", arguments: "add|passwd|disable|enable NAME, or list", meaning: "make and change the accounts of a users file",
	examples: []string{"user add ann --users users", "user passwd ann --users users < password", "user disable ann --users users", "user list --json --users users"},
	more: "The password is never an argument. At a terminal it is asked for, twice; else it is the first line of the standard\n" +
		"input. A server that runs with this file (moongate serve --users) takes a change within two seconds. To remove an\n" +
		"account, delete its line. Exit codes: 0 done, 1 not done, 2 wrong usage.",
}

// userAct is one row of what moongate user does with one account.
type userAct struct {
	name string
	done string                                         // what is said then, after the user's name
	may  func(file, name string) error                  // asked before a password is; nil: it needs none
	do   func(file, name string, password []byte) error // password is nil if may is
}

var userActs = []userAct{
	{"add", "is added", account.MayAdd, account.Add},
	{"passwd", "has the new password", account.MayChange, account.SetPassword},
	{"disable", "is disabled", nil, setDisabled(true)},
	{"enable", "is enabled", nil, setDisabled(false)},
}

func setDisabled(disabled bool) func(string, string, []byte) error {
	return func(file, name string, _ []byte) error { return account.SetDisabled(file, name, disabled) }
}

// userList is the act that has no name.
const userList = "list"

// user makes and changes the accounts of a users file. It asks no server: one that reads the file sees the change.
func user(m *invocation, args []string) int {
	o := &operation{invocation: m, manual: userManual, set: pflag.NewFlagSet("user", pflag.ContinueOnError), out: newScreen(m.stdout)}
	o.set.SortFlags = false
	o.set.Usage = func() {}
	file := o.set.String("users", "", "the `file` of the accounts; it may be in "+variable("users")+" too; add makes it if it is missing")
	o.set.BoolVar(&o.json, "json", false, "let list write JSON, for programs")
	o.set.BoolVarP(&o.help, "help", "h", false, "say what the flags mean")
	err := withoutValue(o.set.Parse(args))
	if errors.Is(err, pflag.ErrHelp) || err == nil && o.help {
		fmt.Fprint(o.stdout, o.usageText())
		return ExitClean
	}
	if *file == "" {
		*file = os.Getenv(variable("users"))
	}
	if err == nil {
		err = checkUser(o, *file)
	}
	if err != nil {
		return o.misused(err)
	}
	if o.set.Arg(0) == userList {
		return o.listUsers(*file)
	}
	for _, act := range userActs {
		if act.name == o.set.Arg(0) {
			err = o.changeUser(act, *file, o.set.Arg(1))
		}
	}
	if err != nil {
		return o.failed(err)
	}
	return ExitClean
}

// withoutValue is an error of the flags that does not show what was given with an unknown one: it may be a password.
func withoutValue(err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		dashes := "--"
		if unknown.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return fmt.Errorf("unknown flag: %s%s", dashes, unknown.GetSpecifiedName())
	}
	return err
}

// checkUser looks at the command line. No error shows an argument that may be a password.
func checkUser(o *operation, file string) error {
	acts := []string{}
	for _, act := range userActs {
		acts = append(acts, act.name)
	}
	what, known := o.set.Arg(0), o.set.Arg(0) == userList
	named := !known
	for _, name := range acts {
		known = known || name == what
	}
	switch n := o.set.NArg(); {
	case n == 0:
		return fmt.Errorf("say what to do: %s NAME, or %s", strings.Join(acts, "|"), userList)
	case !known:
		return fmt.Errorf("%q is not what it can do; that is %s NAME, or %s", what, strings.Join(acts, "|"), userList)
	case named && n < 2:
		return fmt.Errorf("say who: moongate user %s NAME", what)
	case named && n > 2 && (what == "add" || what == "passwd"):
		return errors.New("there is an argument after the name; the password is never one: it is asked for, or the first line of the standard input")
	case named && n > 2:
		return fmt.Errorf("there is an argument after the name; %s takes one name", what)
	case !named && n > 1:
		return errors.New("list takes no name; it shows all")
	case o.json && named:
		return errors.New("--json goes with list only")
	case file == "":
		return fmt.Errorf("say which users file: --users FILE, or %s", variable("users"))
	}
	return nil
}

// changeUser does what the act says, with a password if it needs one.
func (o *operation) changeUser(act userAct, file, name string) error {
	var password []byte
	if act.may != nil {
		if err := act.may(file, name); err != nil {
			return err
		}
		var err error
		if password, err = o.newPassword(name); err != nil {
			return err
		}
	}
	if err := act.do(file, name, password); err != nil {
		return err
	}
	fmt.Fprintf(o.stdout, "user %s %s\n", printable(name), act.done)
	return nil
}

// listedUser is an account in the JSON of list.
type listedUser struct {
	Name     string `json:"name"`
	Disabled bool   `json:"disabled"`
	Memory   uint32 `json:"memory_kib"` // these three are the costs of a login
	Passes   uint32 `json:"passes"`
	Threads  uint32 `json:"threads"`
}

// listUsers shows the accounts of a users file, in its order.
func (o *operation) listUsers(file string) int {
	users, err := account.Read(file)
	if err != nil {
		return o.failed(err)
	}
	if o.json {
		rows := make([]json.RawMessage, len(users))
		for i, u := range users {
			if rows[i], err = json.Marshal(listedUser{u.Name, u.Disabled, u.Costs.Memory, u.Costs.Passes, u.Costs.Threads}); err != nil {
				return o.failed(err)
			}
		}
		return o.written(writeArray(o.out, rows))
	}
	if len(users) == 0 {
		fmt.Fprintln(o.stderr, "no users")
		return ExitClean
	}
	t := &table{screen: o.out, gather: -1, headings: []heading{{title: "NAME"}, {title: "STATE"}, {title: "COSTS"}}}
	for _, u := range users {
		state := cell{text: "enabled"}
		if u.Disabled {
			state = cell{"disabled", yellow}
		}
		if err := t.add([]cell{{text: u.Name}, state, {text: u.Costs.String()}}); err != nil {
			return o.written(err)
		}
	}
	return o.written(t.settle())
}
