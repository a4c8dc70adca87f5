package host

import (
	"fmt"
	"math"
	"time"

	"moongate/runtime/gate"
	"moongate/runtime/wire"
)

// longestTerm is the longest time of a term, in seconds; and mostBytes the largest number of bytes: what a float64 holds
// exactly.
const (
	longestTerm = 1e9
	mostBytes   = 1 << 53
)

// readTerms reads the third result of the open method: { idle_timeout = 60, max_duration = 3600, max_bytes = 1e9,
// bytes_per_second = 1e6, remote = false }, times in seconds. nil is no terms. What is not right is a fault of the script: a limit that is
// misspelt would be no limit.
func readTerms(result any) (gate.Terms, error) {
	var t gate.Terms
	switch v := result.(type) {
	case nil:
		return t, nil
	case []any:
		if len(v) == 0 {
			return t, nil
		}
	case wire.Map:
		for _, pair := range v {
			if err := readTerm(&t, pair.Key, pair.Value); err != nil {
				return gate.Terms{}, err
			}
		}
		return t, nil
	}
	return t, fmt.Errorf("returned %s as the third result; it is a table of limits, as in { idle_timeout = 60 }", describe(result))
}

func readTerm(t *gate.Terms, name, value any) error {
	if remote, ok := value.(bool); ok && name == "remote" {
		t.NoRemote = !remote
		return nil
	}
	n, ok := value.(float64)
	if whole, is := value.(int64); is {
		n, ok = float64(whole), true
	}
	if !ok || !(n > 0) {
		return fmt.Errorf("returned the limit %v = %s; a limit is a number above 0", name, describe(value))
	}
	switch name {
	case "idle_timeout":
		t.IdleTimeout = time.Duration(min(n, longestTerm) * float64(time.Second))
	case "max_duration":
		t.MaxDuration = time.Duration(min(n, longestTerm) * float64(time.Second))
	case "max_bytes":
		t.MaxBytes = int64(math.Ceil(min(n, mostBytes)))
	case "bytes_per_second":
		t.BytesPerSecond = int64(math.Ceil(min(n, mostBytes)))
	default:
		return fmt.Errorf("returned the limit %v, which there is not; the limits are idle_timeout, max_duration, max_bytes, bytes_per_second and remote", name)
	}
	return nil
}
