//go:build race

package cli_test

// raceDetector says that the program was built with the race detector, which needs several times the memory.
const raceDetector = true
