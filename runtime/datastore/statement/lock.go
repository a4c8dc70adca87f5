package statement

import (
	"fmt"
	"hash/fnv"
)

// LockNumber is the number of a row's record lock, the same for every host. The schema keeps those apart who share a database
// and no tables. That two rows have the same number is as likely as that a coin falls on one side 60 times; they would be
// locked together.
func LockNumber(schema, table string, key any) int64 {
	if text, ok := key.(string); ok {
		key = LowerASCII(text)
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "moongate\x00%s\x00%s\x00%v", schema, table, key)
	return int64(h.Sum64())
}
