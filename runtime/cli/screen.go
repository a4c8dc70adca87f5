package cli

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// screen is where a command writes for people, and what of it is a terminal's. One goroutine at a time may use it.
type screen struct {
	io.Writer
	terminal bool                       // lines are cut to its width, and one can be written over
	colors   bool                       // bold and coloured text means something
	size     func() (columns, rows int) // of the terminal; 0, 0 when it is none or does not say
}

// newScreen finds out what a writer is. Colours are left out when NO_COLOR is set to anything (no-color.org).
func newScreen(w io.Writer) *screen {
	s := &screen{Writer: w, size: func() (int, int) { return 0, 0 }}
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" || !understandsEscapes(file) {
		return s
	}
	s.terminal, s.colors = true, os.Getenv("NO_COLOR") == ""
	s.size = func() (int, int) {
		columns, rows, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 0, 0
		}
		return columns, rows
	}
	return s
}

// columns is how wide a line may be; 0 is no limit.
func (s *screen) columns() int {
	if !s.terminal {
		return 0
	}
	columns, _ := s.size()
	return columns
}

// style is how a text looks: the parameters of SGR (ECMA-48).
type style string

const (
	plain  style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// styled is a text in a style, where there are colours.
func (s *screen) styled(text string, as style) string {
	if as == plain || !s.colors || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%sm%s\x1b[0m", as, text)
}

// stateStyles are the styles of states, verdicts and stati; who is not here is plain.
var stateStyles = map[string]style{
	"executing": green, "delayed": faint, "paused": yellow, "aborted": red,
	"open": green, "deciding": yellow, "logging in": yellow, "Online": green, "Sleeping": faint, "Unreachable": yellow, "Lost": yellow,
	"accepted": green, "refused": red,
	"serving": green, "starting": yellow, "stopping": yellow,
}
