package wire

import (
	"os"
	"strings"
	"testing"
)

// TestTheDocumentedExample: what the documentation for authors of clients has as bytes can be read, whole and nothing else,
// and what is packed in it too.
func TestTheDocumentedExample(t *testing.T) {
	source, err := os.ReadFile("remote.go")
	if err != nil {
		t.Fatal(err)
	}
	lineEnds := strings.NewReplacer(`\r`, "\r", `\n`, "\n")
	commands, replies := 0, 0
	for line := range strings.Lines(string(source)) {
		sent, fromClient := strings.CutPrefix(strings.TrimSpace(line), "//\tC: ")
		got, fromServer := strings.CutPrefix(strings.TrimSpace(line), "//\tS: ")
		switch {
		case fromClient:
			commands++
			checkDocumentedCommand(t, lineEnds.Replace(sent))
		case fromServer:
			replies++
			r := NewReplyReader(strings.NewReader(lineEnds.Replace(got)), Limits{})
			if _, err := r.ReadReply(); err != nil {
				t.Errorf("%s: got %v", got, err)
			}
			if v, err := r.ReadReply(); err == nil || v != nil {
				t.Errorf("%s: something follows the reply: %v", got, v)
			}
		}
	}
	if commands < 7 || replies < 8 {
		t.Errorf("got %d commands and %d replies in the documentation, want all of the example", commands, replies)
	}
}

func checkDocumentedCommand(t *testing.T, text string) {
	t.Helper()
	read, _ := readCommands(strings.NewReader(text), Limits{})
	if len(read) != 1 {
		t.Errorf("%q: got %q, want one command", text, read)
		return
	}
	if name := read[0][0]; name == "DO" || name == "DATA" {
		if _, err := Unpack([]byte(read[0][2])); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
