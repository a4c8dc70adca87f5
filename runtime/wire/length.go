package wire

import "math"

// parseLength reads the header at the beginning of b: a type byte, which it does not look at, a number and
// CR LF. size is the header's length in bytes, 0 when more bytes are needed. ok is false as soon as the bytes
// cannot become a header, so nobody waits for the end of a line that is wrong already. Like Redis it takes
// numbers up to 2147483647 in their shortest form only: no plus sign, spaces or leading zeros.
func parseLength(b []byte) (n, size int, ok bool) {
	i, sign := 1, 1
	if i < len(b) && b[i] == '-' {
		i, sign = i+1, -1
	}
	first := i
	for ; i < len(b) && b[i] != '\r'; i++ {
		digit := int(b[i]) - '0'
		if digit < 0 || digit > 9 || n > (math.MaxInt32-digit)/10 {
			return 0, 0, false
		}
		n = n*10 + digit
	}
	padded := i > first && b[first] == '0' && (i > first+1 || sign < 0)
	switch rest := b[i:]; {
	case padded, len(rest) > 0 && i == first, len(rest) > 1 && rest[1] != '\n':
		return 0, 0, false
	case len(rest) < len("\r\n"):
		return 0, 0, true
	}
	return sign * n, i + len("\r\n"), true
}
