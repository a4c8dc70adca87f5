package process

import "fmt"

// Number is the number of a process, from 1 on. 0 is no process.
type Number int32

// ID is the unique number of a process: the rank of its start in this run of the program, from 1 on.
type ID uint64

// State is 4D's code for what a process does ("Process state" in 4D's documentation).
type State int8

const (
	DoesNotExist           State = -100
	Aborted                State = -1 // has ended; its slot has not been used again
	Executing              State = 0
	Delayed                State = 1
	WaitingForUserEvent    State = 2
	WaitingForInputOutput  State = 3 // a client process at rest: its client has nothing to ask
	WaitingForInternalFlag State = 4
	Paused                 State = 5
)

var stateNames = map[State]string{
	DoesNotExist: "does not exist", Aborted: "aborted", Executing: "executing", Delayed: "delayed",
	WaitingForUserEvent: "waiting for user event", WaitingForInputOutput: "waiting for input output",
	WaitingForInternalFlag: "waiting for internal flag", Paused: "paused",
}

// String is 4D's name of the state, in lower case.
func (s State) String() string {
	if name, ok := stateNames[s]; ok {
		return name
	}
	return fmt.Sprintf("state %d", int8(s))
}

// Type is 4D's code for what made a process ("Process info" in 4D's documentation): internal processes have
// negative codes, users' processes 0 or more.
type Type int8

const (
	None            Type = 0
	ExecuteOnServer Type = 1 // a stored procedure: on the server new_process makes these
	OtherUser       Type = 4
	Worker          Type = 5
	Main            Type = -1
	ServerInterface Type = -15
	OnExit          Type = -16
	InternalServer  Type = -18 // the twin of a client's process, as in the sample of the Process info page
	InternalTimer   Type = -25
	ClientManager   Type = -31 // on_server_startup runs in it
	MainOfServer    Type = -39
	OtherInternal   Type = -40
)

var typeNames = map[Type]string{
	None: "none", ExecuteOnServer: "execute on server process", OtherUser: "other user process",
	Worker: "worker process", Main: "main process", ServerInterface: "server interface process",
	OnExit: "on exit process", InternalServer: "internal 4D server process",
	InternalTimer: "internal timer process", ClientManager: "client manager process",
	MainOfServer: "main 4D process", OtherInternal: "other internal process",
}

// String is 4D's name of the type, in lower case.
func (t Type) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return fmt.Sprintf("type %d", int8(t))
}

// CountedAsUser reports whether "Count user processes" counts processes of this type.
func (t Type) CountedAsUser() bool {
	return t != InternalTimer && t != ClientManager && t != ServerInterface
}
