package admin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestReadToken(t *testing.T) {
	good := "0123456789abcdef"
	for _, c := range []struct{ text, want, problem string }{
		{good, good, ""},
		{good + "\n", good, ""},
		{good + "\r\n", good, ""},
		{"!#$%&'*+-.^_`|~\"(),/:;<=>?@[\\]{}", "!#$%&'*+-.^_`|~\"(),/:;<=>?@[\\]{}", ""},
		{strings.Repeat("x", longestToken) + "\r\n", strings.Repeat("x", longestToken), ""},
		{"", "", "it is empty"},
		{"\n", "", "it is empty"},
		{"  \t \n", "", "it is empty"},
		{good + "\n\n", "", "more than one line"},
		{good + "\n" + good + "\n", "", "more than one line"},
		{good + "\r" + good, "", "more than one line"},
		{"\n" + good, "", "more than one line"},
		{good + " " + good, "", "a space"},
		{" " + good, "", "a space"},
		{good + "\t", "", "a control character"},
		{good + "\x00", "", "a control character"},
		{good + "\x7f", "", "a control character"},
		{good + "ü", "", "not ASCII"},
		{"\ufeff" + good, "", "not ASCII"},
		{good + "\xff", "", "not ASCII"},
		{good[:15], "", "only 15 characters"},
		{strings.Repeat("x", longestToken+1), "", "too long"},
		{strings.Repeat("x", 1<<20), "", "too long"},
	} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadToken(file)
		if got != c.want || (err == nil) != (c.problem == "") {
			t.Errorf("%.40q: got %.40q and %v, want %.40q", c.text, got, err, c.want)
		}
		if err != nil && (!strings.Contains(err.Error(), c.problem) || strings.ContainsAny(err.Error(), "\n\r") ||
			strings.Contains(err.Error(), good[:15]) || !strings.Contains(err.Error(), file)) {
			t.Errorf("%.40q: got the error %q, want one line with the file and %q, without the token", c.text, err, c.problem)
		}
	}
}

func TestATokenFileThatOthersCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are others there")
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o644: false} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadToken(file); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "chmod 600 it") {
			t.Errorf("mode %04o: got %v", mode, err)
		}
	}
	if _, err := ReadToken(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: got %v", err)
	}
	if _, err := ReadToken(t.TempDir()); err == nil {
		t.Error("a folder passed for a token file")
	}
}
