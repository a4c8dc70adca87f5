package admin

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// Bounds of a token, in characters.
const (
	shortestToken = 16
	longestToken  = 1024
)

// ReadToken reads the token of an admin listener from a file, for the server and for its clients. The file has one line
// of 16 to 1024 printable ASCII characters without spaces; a newline at its end does not count. On Unix nobody but its
// owner may have permissions on it. The error says what to do, and never shows the token.
func ReadToken(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("token file %s: others than its owner can read or change it (mode %04o); chmod 600 it", file, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, longestToken+3))
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	token := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if problem := checkToken(token); problem != "" {
		return "", fmt.Errorf("token file %s: %s; it must have one line of %d to %d printable ASCII characters without spaces, "+
			"as openssl rand -hex 32 makes it", file, problem, shortestToken, longestToken)
	}
	return token, nil
}

// checkToken says what is wrong with a token, "" when nothing is.
func checkToken(token string) string {
	if strings.TrimSpace(token) == "" {
		return "it is empty"
	}
	for _, r := range token {
		switch {
		case r == '\n' || r == '\r':
			return "it has more than one line"
		case r == ' ':
			return "the token has a space"
		case r < ' ' || r == 0x7f:
			return "the token has a control character"
		case r > '~':
			return "the token has a character that is not ASCII"
		}
	}
	switch {
	case len(token) < shortestToken:
		return fmt.Sprintf("the token has only %d characters", len(token))
	case len(token) > longestToken:
		return "the token is too long"
	}
	return ""
}
