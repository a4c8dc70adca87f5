package trial

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The elements of JUnit's XML, as far as those who read it agree.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr,omitempty"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (all *junitSuites) add(s junitSuite) {
	all.Suites = append(all.Suites, s)
	all.Tests += s.Tests
	all.Failures += s.Failures
	all.Errors += s.Errors
}

// broken is a suite of what could not run.
func broken(name string, problems []string) junitSuite {
	text := strings.Join(problems, "\n")
	return junitSuite{Name: name, Tests: 1, Errors: 1, Time: junitTime(0), Cases: []junitCase{{
		Class: name, Name: "load", File: name, Time: junitTime(0), Error: &junitMessage{Message: plain(problems[0]), Text: plain(text)},
	}}}
}

func (f *File) suite(path string) junitSuite {
	if len(f.Problems) > 0 {
		return broken(path, f.Problems)
	}
	s := junitSuite{Name: path, Tests: len(f.Tests), Time: junitTime(f.Elapsed)}
	for _, t := range f.Tests {
		c := junitCase{Class: path, Name: t.Name, File: path, Line: t.Line, Time: junitTime(t.Elapsed), Output: plain(strings.Join(slices.Concat(t.Log, t.Notices), "\n"))}
		if t.Failed {
			s.Failures++
			c.Failure = &junitMessage{Text: plain(strings.Join(t.Output, "\n"))}
			if len(t.Output) > 0 {
				c.Failure.Message = plain(t.Output[0])
			}
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

func junitTime(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// plain is a text without the characters that XML cannot have.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
			return '?'
		}
		return r
	}, s)
}
