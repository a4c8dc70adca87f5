package script

import (
	"iter"
	"strings"
)

// suggest finds the candidate that a misspelled name most probably means, "" if none is near. Letters count
// as equal in either case. Of several equally near candidates the first in the alphabet is taken, so that
// the same mistake always gets the same answer.
func suggest(name string, candidates iter.Seq[string]) string {
	best, least := "", farthest(name)+1
	for candidate := range candidates {
		if candidate == name {
			continue
		}
		d := distance(name, candidate, least)
		if d < least || d == least && d <= farthest(name) && candidate < best {
			best, least = candidate, d
		}
	}
	return best
}

// didYouMean is the end of a message about a name, "" when there is nothing to suggest.
func didYouMean(suggestion string) string {
	if suggestion == "" {
		return ""
	}
	return "; did you mean " + suggestion + "?"
}

// farthest is the number of mistakes that a name of this length may have: with more, any short name would be
// near any other.
func farthest(name string) int {
	switch n := len(name); {
	case n <= 1:
		return 0
	case n <= 3:
		return 1
	case n <= 8:
		return 2
	default:
		return 3
	}
}

// distance counts the insertions, deletions, replacements and swaps of neighbours between two names in any
// case (Damerau-Levenshtein, no substring edited twice). When it is clearly more than limit, so is the
// answer, but it need not be exact.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	a, b = strings.ToLower(a), strings.ToLower(b)
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := above[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(replaced, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
