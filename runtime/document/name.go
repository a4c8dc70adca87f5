package document

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	longestName = 1000 // bytes of a whole name
	longestPart = 255  // bytes between two slashes
)

// checkName says what is wrong with the name of a document. A name that one operating system takes is taken by all: it is
// UTF-8 below the folder, with slashes between folders.
func checkName(name string) error {
	problem := nameProblem(name)
	if problem == "" && !filepath.IsLocal(filepath.FromSlash(name)) { // what else the operating system does not take
		problem = "the operating system has no such names"
	}
	if problem == "" {
		return nil
	}
	return &Error{Code: CodeBadName, Name: fmt.Sprintf("%.80q", name), Text: problem}
}

func nameProblem(name string) string {
	switch {
	case name == "":
		return "a document needs a name"
	case len(name) > longestName:
		return fmt.Sprintf("the name is too long (the limit is %d bytes)", longestName)
	case !utf8.ValidString(name):
		return "the name is no UTF-8"
	case strings.HasPrefix(name, "/"):
		return "a document is named from the folder of the documents on: no / at the beginning"
	}
	for part := range strings.SplitSeq(name, "/") {
		if problem := partProblem(part); problem != "" {
			return problem
		}
	}
	return ""
}

func partProblem(part string) string {
	switch {
	case part == "..":
		return "a document is below the folder of the documents: .. leads out"
	case part == "" || part == ".":
		return "a folder or document without a name"
	case len(part) > longestPart:
		return fmt.Sprintf("a part of the name is too long (the limit is %d bytes)", longestPart)
	case strings.HasSuffix(part, " ") || strings.HasSuffix(part, "."):
		return "a name cannot end in a space or full stop"
	}
	for _, c := range part {
		if unicode.IsControl(c) || strings.ContainsRune(`\:*?"<>|`, c) {
			return fmt.Sprintf("the character %q cannot be in a name", c)
		}
	}
	return ""
}
