//go:build !unix

package simulate

// MostFiles is how many file descriptors this program may have; 0, for this system has no limit to speak of.
func MostFiles() int { return 0 }
