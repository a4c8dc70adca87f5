package wire

// splitInline splits a line into arguments, by the rules of Redis for inline commands, and appends where they
// stand in the line to spans. It takes quotes and escapes away in the line itself, which the result never
// outgrows. It reports false when a quote is not closed, or when something follows a closing quote at once.
func splitInline(line []byte, spans []span) ([]span, bool) {
	for at := 0; ; {
		for at < len(line) && isSpace(line[at]) {
			at++
		}
		if at == len(line) {
			return spans, true
		}
		end, next, ok := unquoteArgument(line, at)
		if !ok {
			return spans, false
		}
		spans = append(spans, span{at, end})
		at = next
	}
}

// unquoteArgument decodes the argument that begins at from: it ends up in line[from:end], and what follows it
// begins at next.
func unquoteArgument(line []byte, from int) (end, next int, ok bool) {
	write, read := from, from
	for read < len(line) && !isSpace(line[read]) {
		switch quote := line[read]; quote {
		case '"', '\'':
			if write, read, ok = unquote(line, write, read+1, quote); !ok {
				return 0, 0, false
			}
			return write, read, read == len(line) || isSpace(line[read])
		default:
			line[write] = quote
			write, read = write+1, read+1
		}
	}
	return write, read, true
}

// unquote moves what stands between quotes from read to write, decoded. It returns the positions after the
// decoded bytes and after the closing quote; false when there is none.
func unquote(line []byte, write, read int, quote byte) (int, int, bool) {
	for read < len(line) && line[read] != quote {
		char, size := line[read], 1
		if char == '\\' {
			char, size = unescape(line[read:], quote)
		}
		line[write] = char
		write, read = write+1, read+size
	}
	return write, read + 1, read < len(line)
}

// unescape decodes the escape sequence at the beginning of b and says how many bytes it takes.
func unescape(b []byte, quote byte) (char byte, size int) {
	switch {
	case len(b) < 2:
		return b[0], 1
	case quote == '\'' && b[1] == '\'':
		return '\'', 2
	case quote == '\'':
		return b[0], 1
	case len(b) >= 4 && b[1] == 'x' && hexDigit(b[2]) >= 0 && hexDigit(b[3]) >= 0:
		return byte(hexDigit(b[2])<<4 | hexDigit(b[3])), 4
	}
	switch b[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'a':
		return '\a', 2
	}
	return b[1], 2
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// isSpace is C's isspace, which Redis uses.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
