package cli

// manual is what --help says of a command for operators, beside its flags.
type manual struct {
	name      string
	arguments string // as the line of usage has them; "" for none
	meaning   string
	examples  []string // without the name of the program
	more      string   // below the flags
}

// synopsis is the line of usage without the name of the program.
func (m manual) synopsis() string {
	if m.arguments == "" {
		return m.name + " [flags]"
	}
	return m.name + " [flags] " + m.arguments
}

// manuals has a row for each command for operators.
var manuals = []manual{
	{name: "ps", meaning: "show the processes", examples: []string{"ps", "ps --user ann", "ps --all --json"}},
	{name: "connections", meaning: "show who is connected", examples: []string{"connections", "connections --user ann"}},
	{name: "sessions", meaning: "show the sessions of clients", examples: []string{"sessions"}},
	{name: "users", meaning: "show the users who are connected", examples: []string{"users"}},
	{name: "methods", meaning: "show the methods, their versions and last errors", examples: []string{"methods"}},
	{name: "lanes", meaning: "show who has the batons, and who waits for them", examples: []string{"lanes"}},
	{name: "status", meaning: "say how the server is", examples: []string{"status", "status --admin 10.0.0.7:19880 --admin-token-file token"}},
	{name: "top", meaning: "show live what the server does",
		examples: []string{"top", "top --interval 5s", "top --count 1 --json"},
		more: "q ends it. What is no terminal gets so many rounds as --count says, one below the other. Processor time\n" +
			"is that since the round before; in the first round, since the start."},
	{name: "log", meaning: "show the journal: who came, the verdict, and how it ended",
		examples: []string{"log --since 1h", "log --refused --last 20",
			"log --since \"2026-11-21 10:00\" --until 2026-11-22 --csv", "log --follow --user ann"},
		more: "Times are spans (90s, 1h, 30d: so long ago) or moments of this machine's clock (\"2026-11-21 10:00\", 10:00\n" +
			"for today). --refused, --accepted and --open add up; without any of them all connections are shown. In CSV a\n" +
			"text that begins with = + - @ or ' has a ' before it, because spreadsheets would take it for a formula of a\n" +
			"stranger; --json has everything as it is."},
	{name: "data", arguments: "TABLE", meaning: "show the rows of a table of the scripts",
		examples: []string{"data server_log --last 20", "data server_log --where \"user_id = 1 and log_date >= '2026-11-01' order by log_id desc\"",
			"data server_log --csv"},
		more: "The table is one of structure.lua. A server may be running; nothing is changed. --json writes an object a line, blobs\n" +
			"in base64; elsewhere they are hexadecimal. In CSV a text that begins with = + - @ or ' has a ' before it."},
	{name: "structure", meaning: "say what the next start would change in the database", examples: []string{"structure --scripts scripts"},
		more: "Nothing is changed. Tables, columns and indexes are added, never dropped or narrowed. What depends on rows, as a\n" +
			"column that is to be unique, is known at the start only."},
	{name: "kick", arguments: "CONNECTION ...", meaning: "end connections",
		examples: []string{"kick 17 18", "kick --user ann", "kick --session 0197A5C2-B1E3-4F6D-8A9B-0C1D2E3F4A5B"}},
	{name: "send", arguments: "TEXT", meaning: "send clients a message",
		examples: []string{"send \"please save your work\"", "send --user ann \"call me\""}},
	{name: "abort", arguments: "NUMBER ...", meaning: "end user processes", examples: []string{"abort 12"}},
	{name: "pause", arguments: "NUMBER ...", meaning: "make user processes wait until they are resumed",
		examples: []string{"pause 12"}},
	{name: "resume", arguments: "NUMBER ...", meaning: "wake paused or delayed user processes", examples: []string{"resume 12"}},
	{name: "refuse-new", meaning: "refuse new connections; those that are open stay", examples: []string{"refuse-new"}},
	{name: "accept-new", meaning: "let new connections in again, as the scripts decide", examples: []string{"accept-new"}},
	{name: "reload", meaning: "load the scripts again", examples: []string{"reload"}},
	{name: "shadow", arguments: "[on [FOLDER] | off | promote]", meaning: "have a second set of scripts decide too, and see what would differ",
		examples: []string{"shadow on new-scripts", "shadow", "shadow --count 1 --json", "shadow promote", "shadow off"},
		more: "The shadow is asked about every connection after the verdict, and changes nothing: what it writes, starts or sends\n" +
			"comes to nothing, and it has interprocess variables, storage and limits of rates of its own. Without a word the\n" +
			"table is shown, live on a terminal; q ends it. on takes a folder of the server's machine, by default the folder\n" +
			"shadow in its scripts folder. promote has the folder serve, as a reload would. It copies nothing: a server that is\n" +
			"started again serves its --scripts."},
	{name: "restart", meaning: "have a new process of the program serve, without refusing anybody",
		examples: []string{"restart", "restart --in 10m", "restart --wait-active"},
		more: "The new process runs the same file with the same arguments; the file may have been replaced. The old one hands it\n" +
			"its listening sockets as soon as it is ready, and goes when its clients have gone. If it does not start, the old\n" +
			"one serves on, and this says why. Exit codes: 0 the new one serves, 1 it does not, 2 wrong usage."},
	{name: "quit", meaning: "stop the server, in one of four ways",
		examples: []string{"quit --in 90s --message \"back at noon\"",
			"quit --wait", "quit --wait-active --detach", "quit --now", "quit --cancel"},
		more: "With nobody connected the server stops at once, whatever the way. Ctrl-C ends the progress only; the server\n" +
			"still quits. Exit codes: 0 the server has stopped, 1 it has not or its end is not known, 2 wrong usage, 3 it has\n" +
			"stopped, but something did not end by itself."},
}

// manualOf is the manual of a command. Each command has one: a test says so.
func manualOf(name string) manual {
	for _, m := range manuals {
		if m.name == name {
			return m
		}
	}
	return manual{name: name}
}
