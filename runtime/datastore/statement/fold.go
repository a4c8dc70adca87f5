package statement

import (
	"strings"
	"unicode"
)

func foldRune(r rune) rune {
	if r < 0x80 {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}
	if low := unicode.ToLower(r); low >= 0x80 {
		return low
	}
	return r
}

// ascii reports whether the text has ASCII's characters only.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// HasKeyword reports whether a keyword, which Fold has made small, is among the words of a text; @ in it stands for
// any characters of a word. Words are letters, digits and underscores. SQLite's moongate_keyword is this function.
func HasKeyword(text, keyword string) bool {
	for word := range strings.FieldsFuncSeq(Fold(text), func(r rune) bool { return !wordRune(r) }) {
		if matches(word, keyword) {
			return true
		}
	}
	return false
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// matches reports whether a word is what the pattern says, in which @ stands for any characters.
func matches(word, pattern string) bool {
	first, rest, wild := strings.Cut(pattern, "@")
	if !wild {
		return word == pattern
	}
	word, ok := strings.CutPrefix(word, first)
	for ok {
		var piece string
		if piece, rest, wild = strings.Cut(rest, "@"); !wild {
			return strings.HasSuffix(word, piece)
		}
		_, word, ok = strings.Cut(word, piece)
	}
	return false
}

// keywordPattern is the same for PostgreSQL, as a regular expression for what lower() gives.
func keywordPattern(keyword string) string {
	var b strings.Builder
	b.WriteString(`(^|[^[:alnum:]_])`)
	for _, r := range Fold(keyword) {
		switch {
		case r == '@':
			b.WriteString(`[[:alnum:]_]*`)
		case wordRune(r):
			b.WriteRune(r)
		default:
			b.WriteString(`[^\s\S]`) // no word has it
		}
	}
	b.WriteString(`([^[:alnum:]_]|$)`)
	return b.String()
}

// likePattern joins texts by what LIKE takes for any characters.
func likePattern(pieces []string) string {
	var b strings.Builder
	for i, p := range pieces {
		if i > 0 {
			b.WriteByte('%')
		}
		likeEscaper.WriteString(&b, p)
	}
	return b.String()
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
