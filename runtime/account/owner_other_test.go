//go:build !unix

package account

import "io/fs"

func owner(fs.FileInfo) string { return "" }
