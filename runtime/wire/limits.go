package wire

// MaxDepth is how many lists and maps may stand inside one another in a reply, the outermost included.
const MaxDepth = 64

// The limits that a zero field of [Limits] stands for.
const (
	DefaultMaxInline    = 64 << 10
	DefaultMaxArguments = 16 << 10
	DefaultMaxBulk      = 1 << 20
	DefaultMaxCommand   = 4 << 20
)

// Limits bounds what a peer may send. A field that is zero or negative stands for its default. They bound
// memory too: while a command arrives, a [Reader] holds a buffer from the pool (4 KiB, at most 64 KiB if the
// buffer has grown before) or one of about twice the bytes that arrived, and 40 bytes for each argument.
type Limits struct {
	// MaxInline is the length of an inline command's line, in bytes, a CR included and the LF not; for a
	// [ReplyReader], that of any line. 64 KiB by default.
	MaxInline int
	// MaxArguments is the number of arguments of a command; for a ReplyReader, that of the elements of one
	// list or the pairs of one map. 16384 by default.
	MaxArguments int
	// MaxBulk is the length of one argument, or of one string in a reply, in bytes. 1 MiB by default. Lengths
	// above 2 GiB are refused whatever the limit, as Redis does.
	MaxBulk int
	// MaxCommand is the length of a whole command sent as an array, or of a whole reply, in bytes as they
	// travel, headers included. 4 MiB by default.
	MaxCommand int
}

func (l Limits) withDefaults() Limits {
	for _, field := range []struct {
		value    *int
		standard int
	}{
		{&l.MaxInline, DefaultMaxInline},
		{&l.MaxArguments, DefaultMaxArguments},
		{&l.MaxBulk, DefaultMaxBulk},
		{&l.MaxCommand, DefaultMaxCommand},
	} {
		if *field.value <= 0 {
			*field.value = field.standard
		}
	}
	return l
}

// ProtocolError says how a peer broke the protocol. Its text is what a client of Redis gets after
// "-ERR Protocol error: ", and has no line breaks. After it nothing more can be read: the bytes that follow
// have no known meaning. The package's documentation lists the texts.
type ProtocolError string

// Error is the reason, without the words "Protocol error".
func (e ProtocolError) Error() string { return string(e) }

const (
	errMultibulkLength = ProtocolError("invalid multibulk length")
	errBulkLength      = ProtocolError("invalid bulk length")
	errBulkEnd         = ProtocolError("expected CR LF after bulk")
	errTooBigReply     = ProtocolError("too big reply")
	errTooBig          = ProtocolError("too big request")
	errTooBigInline    = ProtocolError("too big inline request")
	errQuotes          = ProtocolError("unbalanced quotes in request")
)
