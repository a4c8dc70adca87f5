package admin

import "time"

// The rows that the admin listener gives, and the bodies that it takes. Times are RFC 3339, durations are seconds, the
// columns are those of 4D's administration window where it has them.

// Server describes the server as a whole (4D: Application Server page).
type Server struct {
	Version        string    `json:"version"`
	PID            int       `json:"pid"`
	State          string    `json:"state"` // starting, serving, stopping
	Stage          string    `json:"stage"` // of the shutdown that runs; "" before
	Started        time.Time `json:"started"`
	Uptime         float64   `json:"uptime"`
	Listen         []string  `json:"listen"`
	Scripts        string    `json:"scripts"` // the folder
	ScriptsVersion string    `json:"scripts_version"`
	ScriptsProblem string    `json:"scripts_problem"` // why the last reload was not used; "" when it was
	Data           string    `json:"data"`            // the folder
	RefusesNew     bool      `json:"refuses_new"`
	Accounts       bool      `json:"accounts"`      // users log in
	UsersProblem   string    `json:"users_problem"` // why the accounts in use are not those of the users file; "" when they are

	Connections        int   `json:"connections"`         // open
	LoggingIn          int   `json:"logging_in"`          // not known yet
	Links              int   `json:"links,omitempty"`     // processes of remote clients that have no connection, because they use data only
	MaximumConnections int   `json:"maximum_connections"` // 0: no limit
	Users              int   `json:"users"`
	Processes          int   `json:"processes"`
	Accepted           int64 `json:"accepted"` // verdicts since the start
	Refused            int64 `json:"refused"`

	Gates   []Gate  `json:"gates,omitempty"` // by name; none without gates
	Quit    *Quit   `json:"quit,omitempty"`  // nil while nobody has asked for the end
	Journal Journal `json:"journal"`

	Shadow    string     `json:"shadow,omitempty"`    // the folder of the shadow; "" without one
	Probation *Probation `json:"probation,omitempty"` // nil without --probation
}

// Quit is a shutdown that waits for clients to leave.
type Quit struct {
	Mode       string    `json:"mode"`                // in, wait, wait-active, now
	Until      time.Time `json:"until,omitzero"`      // when clients must have left; zero: when they like
	Message    string    `json:"message"`             // what clients are told
	Waiting    int       `json:"waiting"`             // clients that it waits for
	Left       float64   `json:"left"`                // seconds until Until; 0 when there is no such time
	Cancelable bool      `json:"cancelable"`          // not yet past the point of no return
	Stages     []Stage   `json:"stages"`              // those that are over
	Connected  []string  `json:"connected,omitempty"` // who is still there: "connection 7, ann, 10.0.0.7:51234"; a few at the most
}

// Stage is what became of one stage of the shutdown.
type Stage struct {
	Stage    string   `json:"stage"`
	Duration float64  `json:"duration"`
	Left     []string `json:"left"` // what did not end by itself
}

// Journal is how recording goes.
type Journal struct {
	Rows    int64     `json:"rows"`
	Dropped int64     `json:"dropped"`
	Queued  int       `json:"queued"`
	Failing string    `json:"failing"` // why nothing is written now; "" when all is well
	Since   time.Time `json:"failing_since,omitzero"`
}

// Process is a row of 4D's Processes page.
type Process struct {
	Number     int64     `json:"number"`
	ID         int64     `json:"id"` // unique: never used again while the server runs
	Name       string    `json:"name"`
	Type       string    `json:"type"`
	User       bool      `json:"user"`    // a user process: it can be aborted, paused and activated
	Session    string    `json:"session"` // 4D's Session/Info column: the user's name; "" for a process of the server
	Connection int64     `json:"connection,omitempty"`
	Method     string    `json:"method"`
	Place      string    `json:"place"` // file:line where its code was last seen; "" when unknown
	State      string    `json:"state"`
	StateCode  int       `json:"state_code"` // 4D's
	Preemptive bool      `json:"preemptive"`
	Started    time.Time `json:"started"`
	Running    float64   `json:"running"`  // seconds since it was started
	CPU        float64   `json:"cpu"`      // seconds
	Activity   float64   `json:"activity"` // share of one processor lately, 0 to 1
}

// Connection is one connection.
type Connection struct {
	ID       int64     `json:"id"`
	State    string    `json:"state"` // logging in, deciding, open
	User     int64     `json:"user"`
	UserName string    `json:"user_name"` // the alias if there is one
	Address  string    `json:"address"`
	Listener string    `json:"listener"`
	Process  int64     `json:"process,omitempty"`
	Name     string    `json:"name"` // of the client's process
	Session  string    `json:"session"`
	Status   string    `json:"status"` // Online, Sleeping, Unreachable, Lost (a client process that may still come back)
	Opened   time.Time `json:"opened"`
	Idle     float64   `json:"idle"` // seconds since its last command
	CPU      float64   `json:"cpu"`  // seconds
	BytesIn  int64     `json:"bytes_in"`
	BytesOut int64     `json:"bytes_out"`
	Version  string    `json:"version"` // of the scripts it began with
	Cause    string    `json:"cause"`   // why it is ending; "" while it is not
	Gate     string    `json:"gate,omitempty"`
	Upstream string    `json:"upstream,omitempty"`

	ClientProcess int64 `json:"client_process,omitempty"` // its number on a remote client's machine
}

// Session is a row of 4D's Sessions page.
type Session struct {
	ID          string    `json:"id"`
	Origin      string    `json:"origin"` // Client
	UserName    string    `json:"user_name"`
	Login       time.Time `json:"login"`
	Address     string    `json:"address"`
	Connections int       `json:"connections"`
	CPU         float64   `json:"cpu"`
	Activity    float64   `json:"activity"`
	Status      string    `json:"status"` // Online, Sleeping, Unreachable, Lost

	// Of remote clients.
	Machine     string  `json:"machine,omitempty"`
	SystemUser  string  `json:"system_user,omitempty"`
	Version     string  `json:"version,omitempty"`     // of the client's program
	Processes   int     `json:"processes,omitempty"`   // client processes, those without a connection included
	Unreachable float64 `json:"unreachable,omitempty"` // seconds since when nothing comes from it
}

// User is a row of 4D's Users page: one user with all its connections.
type User struct {
	Number      int64     `json:"number"`
	Name        string    `json:"name"`
	Alias       string    `json:"alias"`
	Connections int       `json:"connections"`
	Addresses   []string  `json:"addresses"`
	Login       time.Time `json:"login"` // the earliest of its connections
	CPU         float64   `json:"cpu"`
	Activity    float64   `json:"activity"`
	Status      string    `json:"status"` // Online, Sleeping when all its connections sleep
}

// Method is one Lua method.
type Method struct {
	Name      string    `json:"name"`
	File      string    `json:"file"`
	Hash      string    `json:"hash"` // its version
	Kind      string    `json:"kind"` // database method, project method
	NotRun    string    `json:"not_run"`
	Calls     int64     `json:"calls"`
	Errors    int64     `json:"errors"`
	Mean      float64   `json:"mean"` // seconds; 0 without calls
	LastError string    `json:"last_error"`
	LastAt    time.Time `json:"last_error_at,omitzero"`
}

// Lane is one lane.
type Lane struct {
	Number   int       `json:"number"`
	Kind     string    `json:"kind"`           // cooperative, preemptive
	Holder   int64     `json:"holder"`         // the process that has the baton; 0: nobody
	Name     string    `json:"name"`           // of that process
	Method   string    `json:"method"`         // that it runs
	Place    string    `json:"place"`          // where it was last seen
	Since    time.Time `json:"since,omitzero"` // since when it has the baton
	Held     float64   `json:"held"`           // seconds
	Waiting  []int64   `json:"waiting"`        // processes that wait for the baton, the next one first
	Waits    int64     `json:"waits"`          // how often the baton was waited for
	Waited   float64   `json:"waited"`         // seconds, all waits together
	Slices   int64     `json:"slices"`         // slices that ended while others waited
	Aborts   int64     `json:"aborts"`         // methods that were stopped
	Programs int64     `json:"programs"`       // processes of the lane
}

// Event is one thing that happened, as the stream of events gives it.
type Event struct {
	Time       time.Time `json:"time"`
	Kind       string    `json:"kind"` // accepted, refused, closed, process ended, script failed, scripts loaded, scripts not loaded, scripts taken back, restarting, restarted, restart failed, quit, quit canceled, waiting, stage, ended
	Connection int64     `json:"connection,omitempty"`
	Process    int64     `json:"process,omitempty"`
	User       string    `json:"user,omitempty"`
	Address    string    `json:"address,omitempty"`
	Method     string    `json:"method,omitempty"`
	Code       int64     `json:"code,omitempty"`
	Text       string    `json:"text,omitempty"`
	Stage      *Stage    `json:"stage,omitempty"` // of the kind stage
	Quit       *Quit     `json:"quit,omitempty"`  // of the kinds quit, waiting and ended
	Exit       *int      `json:"exit,omitempty"`  // of the kind ended: the exit code to come
	Lost       int64     `json:"lost,omitempty"`  // events that this reader missed before this one, because it was slow
}

// Bodies of acts.
type (
	// ProcessAct may say which process is meant, in case its number was given to another meanwhile.
	ProcessAct struct {
		ID int64 `json:"id,omitempty"` // unique; 0: whoever has the number
	}
	// MessageAct is a message for clients. Exactly one of the recipients, or none for everybody.
	MessageAct struct {
		Text       string `json:"text"`
		Connection int64  `json:"connection,omitempty"`
		User       string `json:"user,omitempty"`
		Session    string `json:"session,omitempty"`
	}
	// NewConnectionsAct refuses new connections, or accepts them again.
	NewConnectionsAct struct {
		Refuse bool `json:"refuse"`
	}
	// QuitAct asks for the end of the server (4D's quit dialog).
	QuitAct struct {
		Mode    string  `json:"mode"`              // in, wait, wait-active, now
		Seconds float64 `json:"seconds,omitempty"` // of the mode in
		Message string  `json:"message,omitempty"` // for the clients; "": a default
	}
)

// RestartAct has a new process serve in place of this one, which goes when its clients have gone.
type RestartAct struct {
	Mode    string  `json:"mode,omitempty"`    // in, wait, wait-active: when clients of the old process must have gone; "": wait
	Seconds float64 `json:"seconds,omitempty"` // of the mode in
}

// Done is the answer to an act.
type Done struct {
	Count int    `json:"count"` // how many connections, processes or clients it reached
	Text  string `json:"text"`  // what happened, in a sentence for people
}

// Problem is the body of every answer that is no success.
type Problem struct {
	Error string `json:"error"` // what is wrong and what to do about it
}
