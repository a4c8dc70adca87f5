package script

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// token is a word or sign of Lua source. gopher-lua's own scanner makes it, so that what is looked at here
// and what the parser reads later cannot differ.
type token struct {
	kind         int // one of package parse, or the sign itself
	text         string
	line, column int          // of its first byte
	end          ast.Position // of its last byte
}

// scan yields the tokens of a source. If one is malformed, its place and a problem come last.
func scan(source, chunk string) iter.Seq2[token, *Problem] {
	return func(yield func(token, *Problem) bool) {
		scanner := parse.NewScanner(strings.NewReader(source), chunk)
		lexer := &parse.Lexer{}
		for {
			scanned, err := scanner.Scan(lexer)
			t := token{kind: scanned.Type, text: scanned.Str,
				line: scanned.Pos.Line, column: scanned.Pos.Column, end: scanner.Pos}
			if t.kind == '.' { // the scanner gives every other sign its text
				t.text = "."
			}
			if message := malformed(source, t, err); message != "" {
				yield(t, &Problem{File: chunk, Line: t.line, Column: t.column, Message: message})
				return
			}
			if t.kind == parse.EOF || !yield(t, nil) {
				return
			}
		}
	}
}

// malformed says what is wrong with a token, "" if nothing is.
func malformed(source string, t token, err error) string {
	var scanError *parse.Error
	switch {
	case errors.As(err, &scanError):
		return scanMessage(source, t, scanError)
	case err != nil:
		return err.Error()
	case t.kind == parse.TNumber && !isNumber(t.text):
		return "malformed or too large number near " + quote(t.text)
	default:
		return ""
	}
}

func scanMessage(source string, t token, err *parse.Error) string {
	switch err.Message {
	case "unterminated multiline string":
		return "unterminated long string"
	case "invalid multiline string":
		return "a long string begins with [[ or [=["
	case "invalid multiline comment":
		return "unterminated comment; if it is a comment of one line, put a space after --"
	case "Invalid token", "Invalid '~' token":
		return "unexpected character " + characterAt(source, t.line, t.column)
	default:
		return err.Message
	}
}

// characterAt quotes the character at a place. The scanner knows bytes only, and would show the first byte
// of é.
func characterAt(source string, line, column int) string {
	for range line - 1 {
		_, source, _ = strings.Cut(source, "\n")
	}
	if column < 1 || column > len(source) {
		return "here"
	}
	r, _ := utf8.DecodeRuneInString(source[column-1:])
	return strconv.QuoteRune(r)
}

// isNumber reports whether gopher-lua can read a number. It takes what it cannot read, such as 1e or 1e999,
// for not-a-number and says nothing.
func isNumber(text string) bool {
	if _, err := strconv.ParseInt(text, 0, 64); err == nil {
		return true
	}
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// quote shows the text of a token in a message, shortened.
func quote(text string) string {
	const longest = 30
	short, _, cut := strings.Cut(text, "\n")
	if runes := []rune(strings.ToValidUTF8(short, "?")); len(runes) > longest {
		short, cut = string(runes[:longest]), true
	}
	if cut {
		short += "..."
	}
	return fmt.Sprintf("'%s'", strings.ToValidUTF8(short, "?"))
}
