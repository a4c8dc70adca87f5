package cli

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"moongate/runtime/simulate"
)

// mostUsers is how many users there may be.
const mostUsers = 100_000

// readUsers are as whom clients log in, by the two flags; nobody if there is no file. No error shows what is in the
// file.
func readUsers(users, file string) ([]simulate.User, error) {
	if file == "" {
		return nil, nil
	}
	lines, err := passwordLines(file)
	if err != nil {
		return nil, fmt.Errorf("--password-file: %w", err)
	}
	names, err := userNames(users)
	switch {
	case err != nil:
		return nil, err
	case len(lines) == 1 && len(names) > 0:
		return usersOf(names, func(string) (string, bool) { return lines[0], true })
	}
	passwords := map[string]string{}
	var listed []string
	for i, line := range lines {
		name, password, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return nil, fmt.Errorf("--password-file: %s:%d: it is not NAME:PASSWORD; a file with one line has the password of all --users", file, i+1)
		}
		passwords[name] = password
		listed = append(listed, name)
	}
	if len(names) == 0 {
		names = listed
	}
	return usersOf(names, func(name string) (string, bool) {
		password, ok := passwords[name]
		return password, ok
	})
}

func usersOf(names []string, passwordOf func(name string) (string, bool)) ([]simulate.User, error) {
	var users []simulate.User
	for _, name := range names {
		password, ok := passwordOf(name)
		if !ok {
			return nil, fmt.Errorf("--password-file has no password of user %q", name)
		}
		users = append(users, simulate.User{Name: name, Password: password})
	}
	return users, nil
}

// userNames reads --users: a list, or how many, which are called user1, user2 ...
func userNames(users string) ([]string, error) {
	if users == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(users)
	if err != nil {
		names := strings.Split(users, ",")
		for i, name := range names {
			if names[i] = strings.TrimSpace(name); names[i] == "" {
				return nil, fmt.Errorf("--users is %q; a name is empty", users)
			}
		}
		return names, nil
	}
	if n < 1 || n > mostUsers {
		return nil, fmt.Errorf("--users is %d; it must be 1 to %d, or a list of names", n, mostUsers)
	}
	names := make([]string, n)
	for i := range names {
		names[i] = "user" + strconv.Itoa(i+1)
	}
	return names, nil
}

// passwordLines are the lines of a file, empty ones aside.
func passwordLines(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	for scanner := bufio.NewScanner(f); ; {
		if !scanner.Scan() {
			if err := scanner.Err(); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			break
		}
		if line := strings.TrimSuffix(scanner.Text(), "\r"); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s is empty; it has the password, or NAME:PASSWORD in each line", file)
	}
	return lines, nil
}
