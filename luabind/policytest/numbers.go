package policytest

import (
	"context"
	"strings"
	"sync"

	"moongate/runtime/session"
)

// firstNumber is the number of the first user who is neither the Designer nor the Administrator.
const firstNumber = 3

// numbers are the users of one test: each name has one, in the order in which they come.
type numbers struct {
	mu    sync.Mutex
	names []string // from firstNumber on
}

// UserNumber is the number of a name. It does not block.
func (n *numbers) UserNumber(_ context.Context, name string) (int64, error) {
	switch {
	case strings.EqualFold(name, "Designer"):
		return int64(session.Designer), nil
	case strings.EqualFold(name, "Administrator"):
		return int64(session.Administrator), nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, known := range n.names {
		if strings.EqualFold(known, name) {
			return int64(firstNumber + i), nil
		}
	}
	n.names = append(n.names, name)
	return int64(firstNumber + len(n.names) - 1), nil
}

// UserName is the name of a number, "" when nobody has it.
func (n *numbers) UserName(_ context.Context, number int64) (string, error) {
	return n.KnownUser(number), nil
}

// KnownUser is the same.
func (n *numbers) KnownUser(number int64) string {
	switch session.UserNumber(number) {
	case session.Designer:
		return "Designer"
	case session.Administrator:
		return "Administrator"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := number - firstNumber; i >= 0 && i < int64(len(n.names)) {
		return n.names[i]
	}
	return ""
}
