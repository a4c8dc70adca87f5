package trial

import (
	"encoding/json"
	"io"
	"time"
)

// event is one line of JSON, with the fields of go test -json; File stands for its Package.
type event struct {
	Action  string // start, run, output, pass, fail
	File    string
	Test    string   `json:",omitempty"`
	Elapsed *float64 `json:",omitempty"` // seconds
	Output  string   `json:",omitempty"`
}

// WriteJSON writes the results of a file, an object a line. path is what the file is called.
func (f *File) WriteJSON(w io.Writer, path string) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	all := []event{{Action: "start", File: path}}
	for _, p := range f.Problems {
		all = append(all, event{Action: "output", File: path, Output: p + "\n"})
	}
	for _, t := range f.Tests {
		all = append(all, event{Action: "run", File: path, Test: t.Name})
		for _, message := range t.messages() {
			all = append(all, event{Action: "output", File: path, Test: t.Name, Output: indented(message)})
		}
		all = append(all, event{Action: action(t.Failed), File: path, Test: t.Name, Elapsed: in(t.Elapsed)})
	}
	all = append(all, event{Action: action(f.Failed()), File: path, Elapsed: in(f.Elapsed)})
	for _, one := range all {
		if err := e.Encode(one); err != nil {
			return err
		}
	}
	return nil
}

// WriteJSONEnd writes what is wrong with the scripts, if that kept the tests from running.
func (s *Summary) WriteJSONEnd(w io.Writer, folder string) error {
	if len(s.Problems) == 0 {
		return nil
	}
	return (&File{Problems: s.Problems}).WriteJSON(w, folder)
}

func action(failed bool) string {
	if failed {
		return "fail"
	}
	return "pass"
}

// in is a time in seconds, to the millisecond.
func in(d time.Duration) *float64 {
	s := float64(d.Milliseconds()) / 1000
	return &s
}
