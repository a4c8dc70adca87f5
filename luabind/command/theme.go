package command

import "slices"

// themes are the headings under which commands are listed, in the order of Table. Of two that have a command the first
// counts.
var themes = []struct {
	name string
	rows *[]Command
}{
	{"Processes", &processCommands}, {"Workers", &workerCommands}, {"Variables of processes", &variableCommands},
	{"Outside calls", &outsideCommands}, {"Semaphores", &semaphoreCommands}, {"Shared objects", &sharedCommands},
	{"Signals", &signalCommands}, {"Documents", &documentCommands}, {"Data", &dataCommands},
	{"Transactions", &transactionCommands}, {"Errors", &errorCommands}, {"Sessions", &sessionCommands},
	{"Connections and users", &connectionCommands}, {"Clients", &clientCommands}, {"Gates", &gateCommands}, {"Sets of addresses", &addressSetCommands}, {"Date and time", &timeCommands},
	{"Log", &logCommands}, {"Modules", &moduleCommands},
}

// Theme is the heading of a command, "" when there is no such command.
func Theme(name string) string {
	for _, t := range themes {
		if slices.ContainsFunc(*t.rows, func(c Command) bool { return c.Name == name }) {
			return t.name
		}
	}
	return ""
}
