package statement

import (
	"fmt"
	"hash/fnv"
)

// LockNumber is the number of a row's record lock, the same for every host. That two rows have the same number is as
// likely as that a coin falls on one side 60 times; they would be locked together.
func LockNumber(table string, key any) int64 {
	if text, ok := key.(string); ok {
		key = LowerASCII(text)
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "moongate\x00%s\x00%v", table, key)
	return int64(h.Sum64())
}
