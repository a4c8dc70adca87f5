package runtime_test

// badDataInput is what may be wrong with what scripts give to the data store, or with the database. What the script is wrong
// about raises an error at its line; of everything else it gets nil, a message and a number, and the door stays open.
var badDataInput = []shown{
	{"an unknown table, column or type, with a suggestion", []string{"lua/data: a table that does not exist", "lua/data: a column that does not exist",
		"luabind.TestWrongStructures", "script/data"}, ""},
	{"a query with a syntax error, with its position", []string{"lua/data_queries: a query that makes no sense: where",
		"runtime/datastore/query.TestCheckNamesThePlace"}, ""},
	{"values of the wrong type", []string{"lua/data: a value of the wrong type", "lua/data_queries: a value of the wrong type, in a query"}, ""},
	{"injection attempts through table, column and value", []string{"lua/data: injection by a table", "lua/data: values are values: what is in them does nothing",
		"lua/data_queries: injection by a query", "lua/data_queries: injection by an order"}, ""},
	{"NUL bytes, invalid UTF-8", []string{"lua/data: a NUL byte", "lua/data: a text that is not UTF-8", "lua/data_queries: a NUL byte, in a query",
		"lua/data_queries: a text that is not UTF-8, in a query"}, ""},
	{"a text of 10 MB", []string{"lua/data: ten megabytes of text"}, ""},
	{"integers beyond 2^53", []string{"lua/data: integers beyond 2^53 are texts of digits, both ways", "lua/data: an integer beyond 2^53 that is a number"}, ""},
	{"dates that do not exist", []string{"lua/data: a date that does not exist", "lua/data_queries: a date that does not exist, in a query"}, ""},
	{"a locked file: another program, or a transaction, has it for longer than a save waits, or than the open method may take", []string{
		"luabind.TestLockedDataFile", "luabind.TestLongTransactionAndTheDoor", "lua/transactions: they do not wait for ever"}, ""},
	{"a read-only file, a read-only PostgreSQL", []string{"luabind.TestReadOnlyFile", "luabind.TestReadOnlyServer"}, ""},
	{"a full disk, and room again", []string{"luabind.TestFullDisk"}, ""},
	{"a PostgreSQL that goes away and comes back", []string{"script/data_hosts", "runtime/datastore.TestServerGoesAway",
		"runtime/datastore.TestServerStaysAway"}, ""},
	{"a schema newer than the script, a database of a newer program", []string{"luabind.TestDataNewerThanTheScripts", "luabind.TestDataThatBecomesNewer",
		"runtime/datastore.TestNewerFormat"}, ""},
	{"a file that is no database", []string{"script/data", "runtime/datastore.TestTroubleWithTheFile"}, ""},
	{"SIGKILL under load, many times over: nothing is lost that a save had confirmed", []string{"runtime/cli.TestDataSurvivesKill",
		"runtime/datastore.TestKilled"}, ""},
	{"a client that is lost in the middle of a transaction", []string{"script/acceptance_lost_transaction"}, ""},
	{"users' numbers of an older version: broken, contradicting, half written", []string{"script/user_numbers", "runtime/account.TestReadNumbers",
		"runtime/account.TestBrokenNumbersNameTheLineAndWhatToDo"}, ""},
}
