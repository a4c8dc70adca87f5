package remote

import (
	"fmt"
	"math"
	"time"

	"moongate/runtime/wire"
)

// Welcome is what the server says of a session when it begins.
type Welcome struct {
	Session       string // the id of the session
	Token         string // the proof that a link belongs to it: a secret
	User          string // the name of the user, as the server has it
	UserNumber    int64
	Process       int64  // the number of the Application process's language twin on the server
	Connection    int64  // the number of its connection
	ServerSession string // the id of the server's own session: another one is another start of the server
	Version       string // of the server
	Protocol      int64
	Timeout       time.Duration // for how long the server keeps the session of a client that is out of reach
	Structure     []byte        // the tables, as JSON
}

// readWelcome reads the reply to SESSION. It trusts nothing.
func readWelcome(reply any) (Welcome, error) {
	f, err := readFields("SESSION", reply)
	if err != nil {
		return Welcome{}, err
	}
	w := Welcome{
		Session: f.text("session"), Token: f.text("token"), User: f.text("user"), UserNumber: f.number("user_number"),
		Process: f.number("process"), Connection: f.number("connection"), ServerSession: f.text("server_session"),
		Version: f.text("version"), Protocol: f.number("protocol"), Structure: []byte(f.text("structure")),
	}
	seconds := f.number("timeout")
	if f.problem == "" && (w.Session == "" || w.Token == "" || seconds < 0 || seconds > math.MaxInt32) {
		f.problem = "session, token or timeout cannot be"
	}
	w.Timeout = time.Duration(seconds) * time.Second
	return w, f.err()
}

// fields are those of a reply that is a map.
type fields struct {
	of      string
	values  wire.Map
	problem string // the first
}

func readFields(of string, reply any) (*fields, error) {
	if e, ok := reply.(wire.Error); ok {
		return nil, failure(e)
	}
	m, ok := reply.(wire.Map)
	if !ok {
		return nil, nonsense("the answer to %s is %s instead of a map", of, kind(reply))
	}
	return &fields{of: of, values: m}, nil
}

// field is the value of a key, nil without one. A reply has few keys.
func (f *fields) field(key string) any {
	for _, pair := range f.values {
		if pair.Key == key {
			return pair.Value
		}
	}
	return nil
}

func (f *fields) text(key string) string {
	switch v := f.field(key).(type) {
	case string:
		return v
	case wire.SimpleString:
		return string(v)
	default:
		f.wrong(key, v)
		return ""
	}
}

func (f *fields) number(key string) int64 {
	v := f.field(key)
	n, ok := v.(int64)
	if !ok {
		f.wrong(key, v)
	}
	return n
}

func (f *fields) wrong(key string, v any) {
	if f.problem == "" {
		f.problem = fmt.Sprintf("%s is %s", key, kind(v))
	}
}

func (f *fields) err() error {
	if f.problem == "" {
		return nil
	}
	return nonsense("in the answer to %s %s", f.of, f.problem)
}

// kind is what a value is, in words.
func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case string, wire.SimpleString:
		return "a text"
	case []any:
		return "a list"
	case wire.Map:
		return "a map"
	case wire.Push:
		return "a push"
	case wire.Error:
		return "the error " + v.Error()
	}
	return fmt.Sprintf("a %T", v)
}
