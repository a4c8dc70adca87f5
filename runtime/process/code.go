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
	Design          Type = -2  // of an interpreted client; it runs nothing here
	ExecuteOnClient Type = -14 // what carries out a registered client's orders
	ServerInterface Type = -15
	OnExit          Type = -16
	InternalServer  Type = -18 // the twin of a client's process, as in the sample of the Process info page
	InternalTimer   Type = -25
	ClientManager   Type = -31 // on_server_startup runs in it
	MainOfServer    Type = -39
	OtherInternal   Type = -40
)

// typeNames has all of 4D's codes, also those of processes that only 4D makes.
var typeNames = map[Type]string{
	None: "none", ExecuteOnServer: "execute on server process", 2: "created from menu command", 3: "created from execution dialog",
	OtherUser: "other user process", Worker: "worker process",
	Main: "main process", Design: "design process", -3: "web process with no context", -4: "cache manager", -5: "indexing process",
	-6: "serial port manager", -7: "apple event manager", -8: "event manager", -9: "external task", -10: "other 4D process",
	-12: "web process on 4D remote", -13: "web server process", ExecuteOnClient: "execute on client process",
	ServerInterface: "server interface process", OnExit: "on exit process", -17: "method editor macro process",
	InternalServer: "internal 4D server process", -19: "backup process", -20: "log file process", -21: "restore process",
	-22: "MSC process", -24: "SQL method execution process", InternalTimer: "internal timer process", -26: "monitor process",
	-29: "compiler process", ClientManager: "client manager process", -32: "web server spare process", -33: "SOAP process",
	MainOfServer: "main 4D process", OtherInternal: "other internal process", -41: "worker pool in use",
	-42: "worker pool spare", -43: "ServerNet listener", -44: "ServerNet session manager", -45: "DB4D index builder",
	-46: "DB4D flush cache", -47: "DB4D garbage collector", -48: "DB4D worker pool user", -49: "DB4D cron", -50: "DB4D mirror",
	-51: "DB4D listener", -52: "SQL worker pool server", -53: "SQL net session manager", -54: "SQL listener",
	-55: "HTTP worker pool server", -56: "HTTP listener", -57: "logger process", -58: "HTTP log flusher",
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
