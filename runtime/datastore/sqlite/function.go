package sqlite

import (
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"moongate/runtime/datastore/statement"
)

// addFunctions makes the two functions that statements call. They stand in no table and no index, so that other
// programs can read and write the file.
func (c *conn) addFunctions() error {
	for _, f := range []struct {
		name      string
		arguments int32
		call      func(*libc.TLS, uintptr, int32, uintptr)
	}{{"moongate_fold", 1, fold}, {"moongate_keyword", 2, keyword}} {
		name := c.text(f.name)
		rc := lib.Xsqlite3_create_function(c.tls, c.db, name, f.arguments, lib.SQLITE_UTF8|lib.SQLITE_DETERMINISTIC, 0, function(f.call), 0, 0)
		lib.Xsqlite3_free(c.tls, name)
		if rc != lib.SQLITE_OK {
			return c.failure(rc)
		}
	}
	return nil
}

// argument is the n-th argument of a function as a text; false when it is null.
func argument(tls *libc.TLS, values uintptr, n uintptr) (string, bool) {
	value := *(*uintptr)(pointer(values + n*unsafe.Sizeof(values)))
	if lib.Xsqlite3_value_type(tls, value) == lib.SQLITE_NULL {
		return "", false
	}
	p := lib.Xsqlite3_value_text(tls, value)
	size := lib.Xsqlite3_value_bytes(tls, value)
	if p == 0 || size == 0 {
		return "", true
	}
	return string(unsafe.Slice((*byte)(pointer(p)), size)), true
}

// fold is moongate_fold(text): the text in small letters.
func fold(tls *libc.TLS, result uintptr, _ int32, values uintptr) {
	text, ok := argument(tls, values, 0)
	if !ok {
		lib.Xsqlite3_result_null(tls, result)
		return
	}
	folded := statement.Fold(text)
	p := lib.Xsqlite3_malloc(tls, int32(len(folded)+1))
	copy(unsafe.Slice((*byte)(pointer(p)), len(folded)), folded)
	lib.Xsqlite3_result_text(tls, result, p, int32(len(folded)), lib.SQLITE_TRANSIENT)
	lib.Xsqlite3_free(tls, p)
}

// keyword is moongate_keyword(text, word): whether the word, in small letters, is among those of the text.
func keyword(tls *libc.TLS, result uintptr, _ int32, values uintptr) {
	text, ok := argument(tls, values, 0)
	word, _ := argument(tls, values, 1)
	found := int32(0)
	if ok && statement.HasKeyword(text, word) {
		found = 1
	}
	lib.Xsqlite3_result_int(tls, result, found)
}
