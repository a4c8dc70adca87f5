package wire

import "strconv"

// What follows writes the parts of a packed list one by one, for who has its values as they are and not as []any. It adds to b,
// and trusts who calls: after AppendListHeader come so many values, after AppendMapHeader so many keys, each before its
// value.

// AppendListHeader begins a list of n values.
func AppendListHeader(b []byte, n int) []byte { return appendHeader(b, '*', n) }

// AppendMapHeader begins a map of n keys and values.
func AppendMapHeader(b []byte, n int) []byte { return appendHeader(b, '%', n) }

// AppendNull adds the value nil.
func AppendNull(b []byte) []byte { return append(b, "_\r\n"...) }

// AppendBool adds a boolean.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "#t\r\n"...)
	}
	return append(b, "#f\r\n"...)
}

// AppendInteger adds an integer.
func AppendInteger(b []byte, n int64) []byte {
	return append(strconv.AppendInt(append(b, ':'), n, 10), "\r\n"...)
}

// AppendFloat adds a double.
func AppendFloat(b []byte, f float64) []byte {
	return append(appendDouble(append(b, ','), f), "\r\n"...)
}

// AppendText adds a string.
func AppendText(b []byte, s string) []byte {
	return append(append(appendHeader(b, '$', len(s)), s...), "\r\n"...)
}

// AppendValue adds a value that stands inside depth lists and maps, the packed list included. The errors are those of Pack.
func AppendValue(b []byte, v any, depth int) ([]byte, error) { return appendPacked(b, v, depth) }
