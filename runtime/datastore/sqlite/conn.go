package sqlite

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	_ "modernc.org/sqlite" // prepares the library
	lib "modernc.org/sqlite/lib"
)

// conn is a connection. One goroutine at a time may use it.
type conn struct {
	path       string
	tls        *libc.TLS
	db         uintptr
	id         uintptr
	ctx        context.Context // of the call that runs; nil: none that can end
	statements map[string]*stmt
	scratch    uintptr // memory for texts and blobs while a statement runs
	room       int     // bytes in it
}

// maxStatements is how many prepared statements a connection keeps; then it forgets all.
const maxStatements = 200

// stmt is a prepared statement.
type stmt struct {
	handle  uintptr
	columns int
	row     []any // of each, the last row
}

// connections are the open ones by their ids, for what the library calls.
var (
	connections sync.Map // uintptr to *conn
	lastID      atomic.Uintptr
)

// progressSteps is after how many steps of its machine the library looks whether a statement's context has ended:
// about a tenth of a millisecond.
const progressSteps = 10000

// pointer makes a pointer of an address in the library's memory, which Go's collector does not know.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// function is a Go function as the library calls one; it must not be a closure.
func function[T any](f T) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f T }{f})) }

// connect opens the file, which must exist.
func connect(path string, readOnly bool) (*conn, error) {
	c := &conn{path: path, tls: libc.NewTLS(), id: lastID.Add(1), statements: map[string]*stmt{}}
	flags := int32(lib.SQLITE_OPEN_READWRITE | lib.SQLITE_OPEN_NOMUTEX)
	if readOnly {
		flags = lib.SQLITE_OPEN_READONLY | lib.SQLITE_OPEN_NOMUTEX
	}
	name := c.text(path)
	out := lib.Xsqlite3_malloc(c.tls, int32(unsafe.Sizeof(c.db)))
	rc := lib.Xsqlite3_open_v2(c.tls, name, out, flags, 0)
	c.db = *(*uintptr)(pointer(out))
	lib.Xsqlite3_free(c.tls, out)
	lib.Xsqlite3_free(c.tls, name)
	if rc != lib.SQLITE_OK {
		err := c.failure(rc)
		c.close()
		return nil, err
	}
	lib.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	connections.Store(c.id, c)
	lib.Xsqlite3_progress_handler(c.tls, c.db, progressSteps, function(ended), c.id)
	if err := c.addFunctions(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// ended is what the library asks from time to time: whether to stop the statement.
func ended(_ *libc.TLS, id uintptr) int32 {
	if c, ok := connections.Load(id); ok && c.(*conn).ctx != nil && c.(*conn).ctx.Err() != nil {
		return 1
	}
	return 0
}

// close ends the connection. It may be called twice.
func (c *conn) close() {
	if c.tls == nil {
		return
	}
	c.forget()
	lib.Xsqlite3_free(c.tls, c.scratch)
	lib.Xsqlite3_close_v2(c.tls, c.db)
	connections.Delete(c.id)
	c.tls.Close()
	c.tls = nil
}

// forget finalizes the prepared statements.
func (c *conn) forget() {
	for _, s := range c.statements {
		lib.Xsqlite3_finalize(c.tls, s.handle)
	}
	clear(c.statements)
}

// text is a copy of s in the library's memory, with a zero after it.
func (c *conn) text(s string) uintptr {
	p := lib.Xsqlite3_malloc(c.tls, int32(len(s)+1))
	memory := unsafe.Slice((*byte)(pointer(p)), len(s)+1)
	copy(memory, s)
	memory[len(s)] = 0
	return p
}

// prepare is the statement with the text, made once.
func (c *conn) prepare(text string) (*stmt, error) {
	if s := c.statements[text]; s != nil {
		return s, nil
	}
	if len(c.statements) >= maxStatements {
		c.forget()
	}
	source := c.text(text)
	out := lib.Xsqlite3_malloc(c.tls, int32(unsafe.Sizeof(c.db)))
	rc := lib.Xsqlite3_prepare_v3(c.tls, c.db, source, int32(len(text)), lib.SQLITE_PREPARE_PERSISTENT, out, 0)
	handle := *(*uintptr)(pointer(out))
	lib.Xsqlite3_free(c.tls, out)
	lib.Xsqlite3_free(c.tls, source)
	if rc != lib.SQLITE_OK {
		return nil, c.failure(rc)
	}
	s := &stmt{handle: handle, columns: int(lib.Xsqlite3_column_count(c.tls, handle))}
	s.row = make([]any, s.columns)
	c.statements[strings.Clone(text)] = s
	return s, nil
}

// run runs a statement: each gets its rows, one after the other, in a slice that is valid during the call, and may
// stop with io.EOF; nil when no rows are wanted. It gives how many rows a change has changed.
func (c *conn) run(ctx context.Context, text string, args []any, each func(row []any) error) (int64, error) {
	s, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	if err := c.bind(s, args); err != nil {
		return 0, err
	}
	if ctx.Done() != nil {
		c.ctx = ctx
	}
	err = c.step(s, each)
	c.ctx = nil
	if rc := lib.Xsqlite3_reset(c.tls, s.handle); rc != lib.SQLITE_OK && err == nil {
		err = c.failure(rc)
	}
	if err != nil {
		return 0, err
	}
	return lib.Xsqlite3_changes64(c.tls, c.db), nil
}

// step runs a statement to its end.
func (c *conn) step(s *stmt, each func(row []any) error) error {
	for {
		switch rc := lib.Xsqlite3_step(c.tls, s.handle); rc {
		case lib.SQLITE_DONE:
			return nil
		case lib.SQLITE_ROW:
			if each == nil {
				continue
			}
			for i := range s.row {
				s.row[i] = c.column(s, int32(i))
			}
			if err := each(s.row); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		default:
			return c.failure(rc)
		}
	}
}

// column is a value of the row: nil, int64, float64, string or []byte.
func (c *conn) column(s *stmt, i int32) any {
	switch lib.Xsqlite3_column_type(c.tls, s.handle, i) {
	case lib.SQLITE_INTEGER:
		return lib.Xsqlite3_column_int64(c.tls, s.handle, i)
	case lib.SQLITE_FLOAT:
		return lib.Xsqlite3_column_double(c.tls, s.handle, i)
	case lib.SQLITE_TEXT:
		p := lib.Xsqlite3_column_text(c.tls, s.handle, i)
		return string(c.view(p, lib.Xsqlite3_column_bytes(c.tls, s.handle, i)))
	case lib.SQLITE_BLOB:
		p := lib.Xsqlite3_column_blob(c.tls, s.handle, i)
		return append([]byte{}, c.view(p, lib.Xsqlite3_column_bytes(c.tls, s.handle, i))...)
	}
	return nil
}

// view is the library's memory as bytes.
func (c *conn) view(p uintptr, n int32) []byte {
	if p == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(pointer(p)), n)
}

// bind gives a statement its values. Texts and blobs are copied to one place, which stays as it is until the next
// bind.
func (c *conn) bind(s *stmt, args []any) error {
	size := 0
	for _, a := range args {
		switch v := a.(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		}
	}
	if size > c.room {
		if size > 1<<30 {
			return fmt.Errorf("%s: values of %d bytes; the limit is 1 GB", c.path, size)
		}
		lib.Xsqlite3_free(c.tls, c.scratch)
		c.room = max(size, 4096)
		if c.scratch = lib.Xsqlite3_malloc(c.tls, int32(c.room)); c.scratch == 0 {
			c.room = 0
			return fmt.Errorf("%s: no memory for values of %d bytes", c.path, size)
		}
	}
	at := c.scratch
	for i, a := range args {
		if rc := c.bindOne(s, int32(i+1), a, &at); rc != lib.SQLITE_OK {
			return c.failure(rc)
		}
	}
	return nil
}

func (c *conn) bindOne(s *stmt, i int32, value any, at *uintptr) int32 {
	switch v := value.(type) {
	case nil:
		return lib.Xsqlite3_bind_null(c.tls, s.handle, i)
	case int64:
		return lib.Xsqlite3_bind_int64(c.tls, s.handle, i, v)
	case float64:
		return lib.Xsqlite3_bind_double(c.tls, s.handle, i, v)
	case string:
		if len(v) == 0 {
			return lib.Xsqlite3_bind_text(c.tls, s.handle, i, empty, 0, 0)
		}
		p := *at
		*at += uintptr(copy(unsafe.Slice((*byte)(pointer(p)), len(v)), v))
		return lib.Xsqlite3_bind_text(c.tls, s.handle, i, p, int32(len(v)), 0)
	case []byte:
		if len(v) == 0 {
			return lib.Xsqlite3_bind_zeroblob(c.tls, s.handle, i, 0)
		}
		p := *at
		*at += uintptr(copy(unsafe.Slice((*byte)(pointer(p)), len(v)), v))
		return lib.Xsqlite3_bind_blob(c.tls, s.handle, i, p, int32(len(v)), 0)
	}
	return lib.SQLITE_MISMATCH
}

// empty is an empty text in the library's memory, which is never freed.
var empty = func() uintptr {
	p, err := libc.CString("")
	if err != nil {
		panic(err) // no memory for one byte
	}
	return p
}()

// inTransaction reports whether a transaction is open.
func (c *conn) inTransaction() bool { return lib.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }
