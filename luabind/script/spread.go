package script

import "strings"

// spreader writes the tokens of a source again, each on a line of its own: gopher-lua's parser notes only the lines of
// what it reads, and so they are as good as columns.
type spreader struct {
	text     string
	starts   []int // the offset of each line
	lines    []string
	out      strings.Builder
	places   []Place // of each line of out
	comments []Comment
}

// spreadTokens gives the text with its tokens apart, the place of the token in each of its lines, and the comments. The
// text can be parsed. It is "" when the places of tokens cannot be trusted.
func spreadTokens(text string, lines []string, chunk string) (string, []Place, []Comment) {
	s := spreader{text: text, lines: lines}
	offset := 0
	for _, line := range lines {
		s.starts = append(s.starts, offset)
		offset += len(line)
	}
	behind, last := 0, 0 // the end of the token before, and its kind
	for t, problem := range scan(text, chunk) {
		start, ok := s.offset(t.line, t.column)
		end, okEnd := s.offset(t.end.Line, t.end.Column)
		if problem != nil || !ok || !okEnd || start < behind || end < start {
			return "", nil, nil
		}
		s.comment(behind, start)
		s.write(t, text[start:end+1], t.kind == '(' && endsOperand(last))
		behind, last = end+1, t.kind
	}
	s.comment(behind, len(text))
	return s.out.String(), s.places, s.comments
}

// offset is that of a byte of the text.
func (s *spreader) offset(line, column int) (int, bool) {
	if line < 1 || line > len(s.starts) || column < 1 || column > len(s.lines[line-1]) {
		return 0, false
	}
	return s.starts[line-1] + column - 1, true
}

// write adds a token. The parenthesis of a call stays in the line of what is before it, as Lua wants it.
func (s *spreader) write(t token, raw string, joins bool) {
	if joins {
		s.out.WriteString(" " + raw)
		return
	}
	if s.out.Len() > 0 {
		s.out.WriteByte('\n')
	}
	s.out.WriteString(raw)
	for range splitLines(raw) { // a long string has several
		s.places = append(s.places, Place{t.line, t.column, t.end.Line, t.end.Column + 1})
	}
}

// comment notes the comments between two tokens.
func (s *spreader) comment(from, to int) {
	for from < to {
		at := strings.Index(s.text[from:to], "--")
		if at < 0 {
			return
		}
		at += from
		rest := s.text[at+2 : to]
		if end, long := longBracket(rest); long {
			from = at + 2 + end
			continue
		}
		text := firstLine(rest)
		line, column := s.lineOf(at)
		before := s.text[s.starts[line-1]:at]
		s.comments = append(s.comments, Comment{Line: line, Column: column, Text: strings.TrimSpace(text),
			Alone: strings.TrimSpace(before) == ""})
		from = at + 2 + len(text)
	}
}

func (s *spreader) lineOf(offset int) (line, column int) {
	low, high := 0, len(s.starts)
	for high-low > 1 {
		if middle := (low + high) / 2; s.starts[middle] <= offset {
			low = middle
		} else {
			high = middle
		}
	}
	return low + 1, offset - s.starts[low] + 1
}

// longBracket finds the end of a text that begins with [[ or [=[, behind its closing bracket.
func longBracket(text string) (end int, long bool) {
	inner := strings.TrimLeft(strings.TrimPrefix(text, "["), "=")
	level := len(text) - len(inner) - 1
	if !strings.HasPrefix(text, "[") || !strings.HasPrefix(inner, "[") {
		return 0, false
	}
	closing := "]" + strings.Repeat("=", level) + "]"
	at := strings.Index(inner, closing)
	if at < 0 {
		return len(text), true
	}
	return len(text) - len(inner) + at + len(closing), true
}
