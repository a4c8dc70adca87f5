// Package trial is what came of users' tests, and the forms in which it is reported: lines as go test writes them, JSON
// a line each, JUnit's XML, and coverage as a table and in lcov's form.
//
// A [File] of tests has a result for each [Test]; [Coverage] is which lines of the scripts have run meanwhile. Nothing
// here changes after it is made, and every function may be called from any goroutine.
package trial

import (
	"fmt"
	"regexp"
	"time"
)

// Options say which tests run, and how.
type Options struct {
	Run     *regexp.Regexp  // tests whose names it matches; nil: all
	Only    map[string]bool // of these, as file:name; nil: all
	Role    string          // server or local; "": whose methods the folder has
	Limit   time.Duration   // of real time for one test; 0 is DefaultLimit
	Cover   bool            // count which lines run, which makes them slow
	Workers int             // tests that run at the same time; 0: one a processor
}

// DefaultLimit is how long a test may take, in real time.
const DefaultLimit = 10 * time.Second

// Test is the result of one test.
type Test struct {
	Name    string
	Line    int // of its function
	Failed  bool
	Elapsed time.Duration // real time
	Output  []string      // what failed, each a message that begins with its place, and may have several lines
	Log     []string      // what the scripts have printed, and what the host says of them
	Notices []string      // what is worth knowing of it even if it has passed
}

// File is the results of one file of tests.
type File struct {
	Name     string   // from the scripts folder, with slashes
	Problems []string // why its tests could not run, each beginning with its place
	Tests    []Test   // in the order of the file
	Elapsed  time.Duration
}

// Failed reports whether a test of the file failed, or could not run.
func (f *File) Failed() bool {
	if len(f.Problems) > 0 {
		return true
	}
	for _, t := range f.Tests {
		if t.Failed {
			return true
		}
	}
	return false
}

// Key names a test, for Options.Only.
func (f *File) Key(t Test) string { return f.Name + ":" + t.Name }

// Summary is what came of a folder.
type Summary struct {
	Files    []File   // without those that had no test to run
	Problems []string // of the scripts themselves: no test has run
	Found    int      // tests that the folder has, also those that were not to run
	Coverage Coverage // with Options.Cover
}

// Failed reports whether anything did.
func (s *Summary) Failed() bool {
	if len(s.Problems) > 0 {
		return true
	}
	for i := range s.Files {
		if s.Files[i].Failed() {
			return true
		}
	}
	return false
}

// FailedTests are those that Options.Only would take to run them again. It is empty if files could not run: all must then.
func (s *Summary) FailedTests() map[string]bool {
	only := map[string]bool{}
	for _, f := range s.Files {
		if len(f.Problems) > 0 {
			return nil
		}
		for _, t := range f.Tests {
			if t.Failed {
				only[f.Key(t)] = true
			}
		}
	}
	return only
}

// Ran is how many tests have run, and how many of them have failed.
func (s *Summary) Ran() (ran, failed int) {
	for _, f := range s.Files {
		for _, t := range f.Tests {
			ran++
			if t.Failed {
				failed++
			}
		}
	}
	return ran, failed
}

// seconds is a time as go test writes it.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }
