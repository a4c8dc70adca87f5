package wire_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"moongate/runtime/wire"
)

func ExampleReader() {
	conn := struct {
		io.Reader
		io.Writer
	}{strings.NewReader("*1\r\n$4\r\nPING\r\nECHO 'two words'\r\n*1\r\n$1000000000000\r\n"), &visibleWriter{}}
	r, w := wire.NewReader(conn, wire.Limits{}), wire.NewWriter(conn)
	r.FlushBeforeRead(w)
	for {
		command, err := r.ReadCommand()
		var broken wire.ProtocolError
		switch {
		case errors.As(err, &broken):
			w.WriteError("ERR", "Protocol error: "+broken.Error())
			w.Flush()
			return
		case err != nil:
			return
		case string(command[0]) == "PING":
			w.WriteSimple("PONG")
		case string(command[0]) == "ECHO" && len(command) == 2:
			w.WriteBulkBytes(command[1])
		default:
			w.WriteError("ERR", "unknown command")
		}
	}
	// Output:
	// "+PONG\r\n$9\r\ntwo words\r\n-ERR Protocol error: invalid bulk length\r\n"
}

// visibleWriter prints what it is given with its line breaks.
type visibleWriter struct{}

func (visibleWriter) Write(p []byte) (int, error) {
	fmt.Printf("%q\n", p)
	return len(p), nil
}
