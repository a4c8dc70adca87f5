package remote

import (
	"fmt"
	"strconv"

	"moongate/runtime/wire"
)

// frame is a command as it travels, and all of it: nothing is sent before it is whole, and it is sent again if the
// transport was lost.
type frame []byte

// newFrame begins a command of so many arguments after its name.
func newFrame(name string, arguments int) frame {
	f := make(frame, 0, 64)
	f = append(f, '*')
	f = strconv.AppendInt(f, int64(arguments)+1, 10)
	f = append(f, "\r\n"...)
	return f.text(name)
}

func (f frame) text(s string) frame {
	f = append(f, '$')
	f = strconv.AppendInt(f, int64(len(s)), 10)
	f = append(f, "\r\n"...)
	f = append(f, s...)
	return append(f, "\r\n"...)
}

func (f frame) bytes(b []byte) frame {
	f = append(f, '$')
	f = strconv.AppendInt(f, int64(len(b)), 10)
	f = append(f, "\r\n"...)
	f = append(f, b...)
	return append(f, "\r\n"...)
}

func (f frame) number(n int64) frame { return f.text(strconv.FormatInt(n, 10)) }

// plain is a command whose arguments are texts.
func plain(name string, arguments ...string) frame {
	f := newFrame(name, len(arguments))
	for _, a := range arguments {
		f = f.text(a)
	}
	return f
}

// packed is a command with a name and typed values. What the server would not read is an error here, where the link
// can still be used afterwards.
func packed(command, name string, values []any) (frame, error) {
	b, err := wire.Pack(values)
	if err != nil {
		return nil, &Error{Message: err.Error()}
	}
	if len(b) > maxArgument || len(name) > maxName {
		return nil, &Error{Message: fmt.Sprintf("%s %.64q: %d bytes of values are too many for one request; at most %d can be sent",
			command, name, len(b), maxArgument)}
	}
	return newFrame(command, 2).text(name).bytes(b), nil
}

// What the server reads of a link's request, in bytes.
const (
	maxArgument = 16 << 20
	maxName     = 4 << 10
)
