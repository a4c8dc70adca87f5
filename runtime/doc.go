// Package runtime holds nothing: Moongate's Go core is in the packages below it, and tests here keep the rules
// between them. Nobody imports it (its name is the standard library's).
package runtime
