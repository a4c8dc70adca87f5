package query

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is what is wrong with a query.
type Error struct {
	At      int // in characters of the text, from 1; 0 when it is not about a place
	Message string
}

// Error is "at character 12: what is wrong".
func (e *Error) Error() string {
	if e.At == 0 {
		return e.Message
	}
	return fmt.Sprintf("at character %d: %s", e.At, e.Message)
}

// kind is what a token is.
type kind int

const (
	end         kind = iota
	word             // a name, or a word of the language
	bracketed        // a name in brackets
	number           // without a sign
	text             // with its quotation marks
	placeholder      // :12
	symbol           // operators and punctuation
	broken           // cannot be read: its text says why
)

// token is a piece of the text.
type token struct {
	kind kind
	text string // of what is bracketed, the name; of what is broken, the message
	at   int    // the byte where it begins
}

// is reports whether the token is a word of the language or a symbol.
func (t token) is(what string) bool {
	switch t.kind {
	case word:
		return strings.EqualFold(t.text, what)
	case symbol:
		return t.text == what
	}
	return false
}

// symbols are what a symbol can be, longer ones before their beginnings.
var symbols = []string{
	"===", "!==", "==", "!=", "<>", "<=", ">=", "&&", "||", "=", "#", "<", ">", "%", "&", "|", "(", ")", "[", "]", ",", ".", "-", "+",
}

// scanner cuts a text into tokens.
type scanner struct {
	text string
	at   int // the byte that comes next
	// names says that a bracket begins a name: where a value may stand, it begins a list.
	names bool
}

// next reads the next token.
func (s *scanner) next() token {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
	begin := s.at
	if begin == len(s.text) {
		return token{end, "", begin}
	}
	switch c := s.text[begin]; {
	case c >= '0' && c <= '9':
		return s.number(begin)
	case c == '\'' || c == '"':
		return s.quoted(begin, c)
	case c == ':':
		s.at++
		s.skip(isDigit)
		return token{placeholder, s.text[begin:s.at], begin}
	case c == '[' && s.names:
		return s.bracketed(begin)
	}
	if s.skip(isNameRune); s.at > begin {
		return token{word, s.text[begin:s.at], begin}
	}
	for _, symbolText := range symbols {
		if strings.HasPrefix(s.text[begin:], symbolText) {
			s.at += len(symbolText)
			return token{symbol, symbolText, begin}
		}
	}
	r, size := utf8.DecodeRuneInString(s.text[begin:])
	s.at += size
	return token{broken, fmt.Sprintf("a character %q, which means nothing here", r), begin}
}

// skip goes on while the characters are of a kind.
func (s *scanner) skip(of func(r rune) bool) {
	for s.at < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.at:])
		if !of(r) {
			return
		}
		s.at += size
	}
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// isNameRune reports whether a name can have the character. That of bytes which are no UTF-8 is none.
func isNameRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// number reads digits, a fraction and an exponent; whether that is a number is the parser's to say.
func (s *scanner) number(begin int) token {
	s.skip(isDigit)
	if s.at < len(s.text) && s.text[s.at] == '.' {
		s.at++
		s.skip(isDigit)
	}
	if s.at < len(s.text) && s.text[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.text) && (s.text[s.at] == '-' || s.text[s.at] == '+') {
			s.at++
		}
	}
	s.skip(isNameRune)
	return token{number, s.text[begin:s.at], begin}
}

// quoted reads a text, in which the mark stands for itself when it is there twice.
func (s *scanner) quoted(begin int, mark byte) token {
	for s.at++; s.at < len(s.text); s.at++ {
		if s.text[s.at] != mark {
			continue
		}
		if s.at++; s.at == len(s.text) || s.text[s.at] != mark {
			return token{text, s.text[begin:s.at], begin}
		}
	}
	return token{broken, "a text without its closing " + string(mark), begin}
}

// bracketed reads a name in brackets.
func (s *scanner) bracketed(begin int) token {
	length := strings.IndexAny(s.text[begin+1:], "[]")
	switch {
	case length < 0 || s.text[begin+1+length] == '[':
		s.at = len(s.text)
		return token{broken, "a name in brackets without its closing ]", begin}
	case length == 0:
		s.at = begin + 2
		return token{broken, "an empty name", begin}
	}
	s.at = begin + 1 + length + 1
	return token{bracketed, s.text[begin+1 : s.at-1], begin}
}
