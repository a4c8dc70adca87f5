//go:build !linux

package forward_test

// rawForms are known on Linux only.
var rawForms []form
