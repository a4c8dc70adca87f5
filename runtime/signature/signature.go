// Package signature reads the signatures that commands of scripts have in the documentation, as
// `semaphore(name [, ticks]) -> boolean`, so that what checks calls and what writes for editors knows what the reader
// knows.
//
// A [Command] is what can be said of a command; a [Signature] is its parameters and results. The package is pure data:
// every function may be called from any goroutine.
package signature

import (
	"fmt"
	"strings"
)

// Command is what scripts can call, as people read it.
type Command struct {
	Of        string `json:"of,omitempty"` // dataclass, selection or entity: it is called of such a value, with a colon; "" of a command
	Theme     string `json:"theme"`        // the heading that it belongs to
	Name      string `json:"name"`
	Signature string `json:"signature"` // see Parse
	Meaning   string `json:"meaning"`   // one line, without a full stop
	FourD     string `json:"four_d"`    // 4D's name of it, "" when 4D has none
	Since     string `json:"since"`     // the version that brought it
	Waits     bool   `json:"waits"`     // a process may wait in it
	Roles     string `json:"roles"`     // the commands of moongate under which it exists, as "serve, local"
}

// Parameter is one parameter.
type Parameter struct {
	Name     string // as the signature has it: process, "*", {user=, address=}, function or nil
	Optional bool
	Repeats  bool // any number of them; those of a repeated group all say so
}

// Signature is a signature, read.
type Signature struct {
	Name       string
	Parameters []Parameter
	Result     string // "number or nil"; "" when nothing comes back
}

// Parse reads a signature. In it [ ] is around what may be left out, and a word with ... may come several times or not
// at all; (...) takes anything, and f{a=, b=} a table. The error says where it stops to be one.
func Parse(text string) (Signature, error) {
	begin := strings.IndexAny(text, "({")
	end := strings.LastIndexAny(text, ")}")
	if begin <= 0 || end < begin {
		return Signature{}, fmt.Errorf("%q is no signature such as name(parameter [, parameter]) -> result", text)
	}
	name, result := text[:begin], strings.TrimSpace(text[end+1:])
	s := Signature{Name: name, Result: strings.TrimSpace(strings.TrimPrefix(result, "->"))}
	if result != "" && (s.Result == result || s.Result == "") {
		return s, fmt.Errorf("%s: %q is no result; write -> and its type", name, result)
	}
	r := reader{left: text[begin+1 : end]}
	if text[begin] == '{' { // f{a=, b=} is f({a=, b=})
		r.left = text[begin : end+1]
	}
	if err := r.parameters(); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	s.Parameters = r.found
	return s, nil
}

// Count is how many arguments a call has at the least and at the most; most is -1 when there is no such number.
func (s Signature) Count() (least, most int) {
	for _, p := range s.Parameters {
		if !p.Optional {
			least++
		}
		if p.Repeats {
			most = -1
		}
		if most >= 0 {
			most++
		}
	}
	return least, most
}

// reader goes through the parameters.
type reader struct {
	left   string
	depth  int // of brackets
	begins []int
	found  []Parameter
}

func (r *reader) parameters() error {
	for {
		r.left = strings.TrimLeft(r.left, " ,")
		switch {
		case r.left == "" && r.depth == 0:
			return nil
		case r.left == "":
			return fmt.Errorf("a ] is missing")
		case r.left[0] == '[':
			r.depth++
			r.begins = append(r.begins, len(r.found))
			r.left = r.left[1:]
		case r.left[0] == ']' && r.depth == 0:
			return fmt.Errorf("a ] too many before %q", r.left[1:])
		case r.left[0] == ']':
			r.depth--
			r.begins = r.begins[:r.depth]
			r.left = r.left[1:]
		case strings.HasPrefix(r.left, "..."):
			r.repeat()
			r.left = r.left[3:]
		default:
			r.one()
		}
	}
}

// repeat marks what stands before the dots: the parameters of the innermost brackets, or the last one.
func (r *reader) repeat() {
	from := len(r.found) - 1
	if r.depth > 0 {
		from = r.begins[r.depth-1]
	}
	if len(r.found) == 0 {
		r.found, from = []Parameter{{Name: "..."}}, 0
	}
	for i := from; i < len(r.found); i++ {
		r.found[i].Repeats, r.found[i].Optional = true, true
	}
}

// one reads the words of a parameter.
func (r *reader) one() {
	end := strings.IndexAny(r.left, ",[]")
	if r.left[0] == '{' {
		end = strings.Index(r.left, "}") + 1
	}
	if end <= 0 {
		end = len(r.left)
	}
	word := r.left[:end]
	if at := strings.Index(word, "..."); at > 0 && word[0] != '{' {
		end, word = at, word[:at]
	}
	word = strings.TrimSpace(word)
	r.left = r.left[end:]
	r.found = append(r.found, Parameter{Name: word, Optional: r.depth > 0 || strings.HasSuffix(word, " or nil")})
}
