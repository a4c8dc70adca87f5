//go:build !linux

package cli

// defaultMemoryLimit is a fixed size where the machine's is not asked for.
func defaultMemoryLimit() uint64 { return fallbackMemoryLimit }
