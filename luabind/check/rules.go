package check

import (
	"moongate/luabind/script"
	"moongate/runtime/finding"
	"moongate/runtime/method"
)

// row is one rule: what is said of it, and the function that finds its findings in a source; nil when loading the folder
// or something else finds them.
type row struct {
	finding.Rule
	find func(*look)
}

// The rules that are named outside of the table.
const (
	ruleUnknownCommand = "unknown-command"
	ruleStructure      = "structure"
	ruleIgnore         = "unknown-rule"
	ruleForgottenLocal = "forgotten-local"
)

const (
	openFile    = method.OnServerOpenConnection + ".lua"
	projectFile = "count_guests.lua"
)

// table has every rule: first those of what does not load, then of what fails when it runs, then of what is probably
// not meant.
var table []row

func init() { // because the functions look at it
	for _, part := range [][]row{loadRules, failureRules, policyRules, styleRules} {
		table = append(table, part...)
	}
}

// loadRules are about what keeps a folder from being loaded, or is passed over then.
var loadRules = []row{
	{Rule: finding.Rule{Name: script.RuleSyntax, Severity: finding.Error, Meaning: "the file is no Lua 5.1 that can be run",
		Why: "A folder with such a file is not loaded: the server does not start, or keeps the scripts that it has. The language is\n" +
			"Lua 5.1 with goto; there are no integer division, no bit operators and no attributes such as <const>.",
		File: projectFile, Bad: "if count_users() > 3 then\n  print(\"many\")\n", Good: "if count_users() > 3 then\n  print(\"many\")\nend\n"}},
	{Rule: finding.Rule{Name: script.RuleFile, Severity: finding.Error, Meaning: "a file of the folder cannot be read",
		Why: "Scripts are text files in UTF-8 of at most a megabyte. Links are followed inside the folder and not out of it, so\n" +
			"that a script cannot bring in what lies elsewhere: copy the file."}},
	{Rule: finding.Rule{Name: script.RuleMethodName, Severity: finding.Error, Meaning: "the name of the file cannot be that of a method or module",
		Why: "Names that begin with on_ are those of the database methods, and Moongate has a table of them: a misspelt one would\n" +
			"never be called. The other files of the folder are project methods, called by their names, so their names are those of\n" +
			"variables in Lua, and no command has them."}},
	{Rule: finding.Rule{Name: script.RuleAttributes, Severity: finding.Warning, Meaning: "the line --%attributes is not what it should be",
		Why: "It is 4D's own first line of a method. What counts here is preemptive, which is capable, incapable or indifferent. It\n" +
			"must be the first line, it has no effect in modules, and database methods are always cooperative.",
		File: projectFile, Bad: "--%attributes = {\"premptive\":\"capable\"}\nreturn count_users()\n",
		Good: "--%attributes = {\"preemptive\":\"capable\"}\nreturn count_users()\n"}},
	{Rule: finding.Rule{Name: ruleStructure, Severity: finding.Error, Meaning: "structure.lua does not declare tables as it should",
		Why: "It returns a table of tables, and each of them has columns with a name and a type, such as\n" +
			"return { visits = { { \"id\", \"integer\", primary = true, sequence = true }, { \"name\", \"text\" } } }"}},
	{Rule: finding.Rule{Name: script.RuleDatabaseCall, Severity: finding.Error, Meaning: "a script calls a database method",
		Why:  "Only Moongate calls them, when the event happens. Put what both need into a project method, and call that.",
		File: projectFile, Bad: "on_server_startup()\n", Good: "print(\"starting\")\n"}},
}

// failureRules are about what raises an error when it runs.
var failureRules = []row{
	{Rule: finding.Rule{Name: ruleUnknownCommand, Severity: finding.Error, Meaning: "a call of something that nothing defines",
		Why: "It is no command, no method of the folder and no variable that any script assigns, so the call fails. In an open\n" +
			"method that refuses the client (--on-error). moongate api NAME shows how a command is written.",
		File: openFile, Bad: "if curent_time() < 3600 then\n  return 22000\nend\nreturn 0\n", Good: "if current_time() < 3600 then\n  return 22000\nend\nreturn 0\n"}},
	{Rule: finding.Rule{Name: "missing-argument", Severity: finding.Error, Meaning: "a command is given fewer arguments than it needs",
		Why:  "The call raises an error. The message has the signature; what stands in brackets there may be left out.",
		File: projectFile, Bad: "delay_process(60)\n", Good: "delay_process(current_process(), 60)\n"},
		find: missingArguments},
	{Rule: finding.Rule{Name: "verdict", Severity: finding.Error, Meaning: "an open method returns something that is no verdict",
		Why: "0 or nothing accepts, another integer refuses. Of true, false, a text or a table nobody can say what is meant, so\n" +
			"Moongate takes them for a fault of the script, which --on-error decides: refuse, if nothing else is said.",
		File: openFile, Bad: "return count_users() < 10\n", Good: "if count_users() < 10 then\n  return 0\nend\nreturn 429, \"too many users\"\n"},
		find: verdictTypes},
	{Rule: finding.Rule{Name: "unknown-method", Severity: finding.Error, Meaning: "a method or module is named that the folder does not have",
		Why: "new_process, execute_on_server, call_worker and on_err_call take the name of a project method, a file at the top of the\n" +
			"folder; require takes that of a file in a subfolder, with dots: lib.util is lib/util.lua.",
		File: projectFile, Bad: "new_process(\"cuont_guests\", 0)\n", Good: "new_process(\"count_guests\", 0)\n"},
		find: unknownMethods},
	{Rule: finding.Rule{Name: "unknown-table", Severity: finding.Error, Meaning: "a table of the data is named that structure.lua does not declare",
		Why:  "ds.name is the dataclass of a table, and asking for one that is not declared raises an error.",
		File: projectFile, Bad: "return ds.visits:count()\n", Good: "return count_users()\n"},
		find: unknownTables},
	{Rule: finding.Rule{Name: "preemptive-interprocess", Severity: finding.Error, Meaning: "a preemptive method uses interprocess variables",
		Why: "A process whose first method has the mark preemptive runs beside the others, on another core, and so it does not see\n" +
			"interprocess. What such processes share is in storage: everybody reads it, and use() changes it.",
		File: projectFile,
		Bad:  "--%attributes = {\"preemptive\":\"capable\"}\ninterprocess.guests = count_users()\n",
		Good: "--%attributes = {\"preemptive\":\"capable\"}\nuse(storage, function()\n  storage.guests = count_users()\nend)\n"},
		find: usesInterprocess},
}

// policyRules are about what runs and decides otherwise than it reads.
var policyRules = []row{
	{Rule: finding.Rule{Name: script.RuleUnknownName, Severity: finding.Warning, Meaning: "a name is read that nothing defines",
		Why:  "It is nil, unless another process sets it by a name that is made while the scripts run. Most often it is misspelt.",
		File: openFile, Bad: "local limit = 10\nif count_users() > limti then\n  return 429, \"at most \" .. limit\nend\nreturn 0\n",
		Good: "local limit = 10\nif count_users() > limit then\n  return 429, \"at most \" .. limit\nend\nreturn 0\n"},
		find: unknownInTests},
	{Rule: finding.Rule{Name: "mixed-returns", Severity: finding.Warning, Meaning: "an open method has a path without a verdict beside one with a verdict",
		Why: "A method that ends without return accepts. Where other paths decide, that may be meant or forgotten, and the next one\n" +
			"who reads it cannot tell: say it.",
		File: openFile, Bad: "if count_users() > 10 then\n  return 429, \"too many users\"\nend\n",
		Good: "if count_users() > 10 then\n  return 429, \"too many users\"\nend\nreturn 0\n"},
		find: mixedReturns},
	{Rule: finding.Rule{Name: "closed-window", Severity: finding.Warning, Meaning: "a window of the day includes the second at which it ends",
		Why: "From 2 to 4 means until 03:59:59 for people, and 04:00:00 too for <=. Nor does the comparison work for a window over\n" +
			"midnight. between_times does both as it is meant.",
		File: openFile, Bad: "local now = current_time()\nif now >= time(\"02:00\") and now <= time(\"04:00\") then\n  return 22000\nend\nreturn 0\n",
		Good: "if between_times(\"02:00\", \"04:00\") then\n  return 22000\nend\nreturn 0\n"},
		find: closedWindows},
	{Rule: finding.Rule{Name: "os-time", Severity: finding.Warning, Meaning: "the time of day or the date comes from the library os",
		Why: "current_time() is the time of day in seconds since midnight, current_date() the date as 2026-03-01. Tests can set them,\n" +
			"and they compare as they are. What they do not have, such as the day of the week, os.date has.",
		File: openFile, Bad: "if tonumber(os.date(\"%H\")) < 6 then\n  return 22000\nend\nreturn 0\n",
		Good: "if between_times(\"00:00\", \"06:00\") then\n  return 22000\nend\nreturn 0\n"},
		find: osTimes},
	{Rule: finding.Rule{Name: "long-wait", Severity: finding.Warning, Meaning: "an open or close method waits for long",
		Why: "A client that connects waits with it, and after --method-timeout (five seconds) the method is stopped and has failed.\n" +
			"Have a project method wait, in a process of its own. Waits of less than a second, and those for a semaphore or a\n" +
			"signal of less than five, are left alone.",
		File: openFile, Bad: "delay_process(current_process(), 10 * 60)\nreturn 0\n", Good: "delay_process(current_process(), 6)\nreturn 0\n"},
		find: longWaits},
	{Rule: finding.Rule{Name: "wait-in-use", Severity: finding.Warning, Meaning: "a process waits while it uses a shared object",
		Why:  "Every other process that wants to use the object, or what belongs to it, waits as well, and so may those who connect.",
		File: projectFile,
		Bad:  "use(storage, function()\n  storage.state = \"busy\"\n  delay_process(current_process(), 60)\n  storage.state = \"idle\"\nend)\n",
		Good: "use(storage, function()\n  storage.state = \"busy\"\nend)\ndelay_process(current_process(), 60)\nuse(storage, function()\n  storage.state = \"idle\"\nend)\n"},
		find: waitsInUse},
}

// styleRules are about what does no harm now.
var styleRules = []row{
	{Rule: finding.Rule{Name: "extra-argument", Severity: finding.Warning, Meaning: "a command is given more arguments than it takes",
		Why:  "The others have no effect, so something else was meant. The message has the signature.",
		File: projectFile, Bad: "return current_process(1)\n", Good: "return current_process()\n"},
		find: extraArguments},
	{Rule: finding.Rule{Name: ruleForgottenLocal, Severity: finding.Warning, Meaning: "a global variable that could be local",
		Why: "A global is a variable of the process: it stays until the process ends, in the close method and in every CALL between.\n" +
			"That is what it is for, and where nobody reads it again, local was forgotten.",
		File: projectFile, Bad: "guests = count_users()\nprint(\"guests: \" .. guests)\n", Good: "local guests = count_users()\nprint(\"guests: \" .. guests)\n"},
		find: forgottenLocals},
	{Rule: finding.Rule{Name: "unreachable", Severity: finding.Warning, Meaning: "statements that nothing can reach",
		Why:  "What stands before them always returns, raises an error or goes on for ever.",
		File: projectFile, Bad: "do return 1 end\nprint(\"never\")\n", Good: "print(\"first\")\nreturn 1\n"},
		find: unreachable},
	{Rule: finding.Rule{Name: "unused-local", Severity: finding.Note, Meaning: "a local variable that nothing reads",
		Why:  "It may be misspelt where it was to be read. A name that begins with _ is left alone.",
		File: projectFile, Bad: "local guests = count_users()\nreturn 0\n", Good: "local guests = count_users()\nreturn guests\n"},
		find: unusedLocals},
	{Rule: finding.Rule{Name: "not-run", Severity: finding.Note, Meaning: "a database method that nothing calls",
		Why: "on_startup and on_exit are those of moongate local and not of a server; some methods of 4D have nothing that would call\n" +
			"them yet. The files may stay."},
		find: notRun},
	{Rule: finding.Rule{Name: ruleIgnore, Severity: finding.Warning, Meaning: "a comment silences a rule that does not exist",
		Why: "The comment is -- check: ignore RULE, at the end of a line or alone above it, with the name of a rule, or several with\n" +
			"commas between. moongate check --explain lists them.",
		File: projectFile, Bad: "guests = count_users() -- check: ignore forgoten-local, forgotten-local\n", Good: "guests = count_users() -- check: ignore forgotten-local\n"}},
}
