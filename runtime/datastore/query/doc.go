// Package query reads the query language of the data: 4D's ORDA queries, as in
//
//	user_id = :1 and log_date >= :2 order by log_id desc, log_time
//
// [Parse] makes a [Query] of a text. It knows no tables: [Query.Check] asks whoever does about each column. What the
// package makes is a tree that others turn into SQL; values stay beside it, as literals and as numbers of placeholders,
// and never become part of a statement.
//
// The language:
//
//	query      = [ conditions ] [ "order by" path [ "asc" | "desc" ] { "," path [ "asc" | "desc" ] } ]
//	conditions = and { ( "or" | "|" | "||" ) and }
//	and        = unary { ( "and" | "&" | "&&" | "except" ) unary }
//	unary      = "not" unary | "(" conditions ")" | comparison
//	comparison = path operator value | path [ "not" ] "in" list | path "is" [ "not" ] value
//	operator   = "=" "==" "#" "!=" "<>" "<" "<=" ">" ">=" "%" "===" "!=="
//	list       = placeholder | ( "(" | "[" ) value { "," value } ( ")" | "]" )
//	value      = placeholder | number | 'text' | "text" | true | false | null
//	path       = name { "." name }
//
// Words are the same in either case. A name is letters, digits and underscores; one that is a word of the language, or
// has other characters, stands in brackets: [order]. A quotation mark inside a text is written twice. Placeholders are :1
// to :99. "a except b" is "a and not b".
//
// Texts are compared as 4D does: case does not count, and @ in a value stands for any characters, where it stands.
// "===", "!==" and "is" want the very same text: case counts (not so in 4D), and an @ is an @. "%" finds the text among
// the words of the column's. null equals null only, and is not in any order.
//
// All functions are pure: any goroutine may call them, and none waits. They take time in proportion to the length of
// the text, which is bounded, as is the depth of the tree.
package query
