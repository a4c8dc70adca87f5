package application

import (
	"maps"
	"slices"
)

// CommandNames are the rows of the table of commands, so that a test can see that it knows all of them.
func CommandNames() []string { return slices.Sorted(maps.Keys(commands)) }

// KeepNoMoreThan leaves room for so many bytes of long replies.
func (s *Server) KeepNoMoreThan(bytes int64) { s.kept.Store(mostKept - bytes) }
