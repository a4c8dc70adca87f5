package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moongate/runtime/datastore/query"
	"moongate/runtime/process"
	"moongate/runtime/structure"
)

func TestEveryFunctionIsDocumentedAndTested(t *testing.T) {
	files, err := filepath.Glob("../../testdata/lua/*.lua")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(content)
	}
	signature := regexp.MustCompile(`^[a-z_]+\(.*\) -> [a-z]+( or nil)?$`)
	seen := map[string]bool{}
	for _, f := range Functions() {
		if seen[f.Of+f.Name] {
			t.Errorf("%s:%s is there twice", f.Of, f.Name)
		}
		seen[f.Of+f.Name] = true
		if !strings.HasPrefix(f.Signature, f.Name+"(") || !signature.MatchString(f.Signature) {
			t.Errorf("%s:%s: the signature %q does not begin with the name, or is no signature", f.Of, f.Name, f.Signature)
		}
		if f.Meaning == "" || strings.HasSuffix(f.Meaning, ".") || strings.Contains(f.Meaning, "\n") || f.Since == "" || f.run == nil {
			t.Errorf("%s:%s: it lacks a meaning in one line without a full stop, a version or what it does", f.Of, f.Name)
		}
		if !regexp.MustCompile(`:` + f.Name + `[({]`).MatchString(tests.String()) {
			t.Errorf("%s:%s is called in no file of testdata/lua", f.Of, f.Name)
		}
	}
}

func TestPatienceEndsWithTheProcess(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(p *process.Process, l *patience)
		want error
	}{
		{"killed", func(p *process.Process, _ *patience) { p.Kill(errors.New("enough")) }, context.Canceled},
		{"late", func(_ *process.Process, _ *patience) {}, context.DeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			var table process.Table
			var w watch
			p := table.Start(process.Spec{})
			l := &patience{watch: &w, process: p, deadline: time.Now().Add(time.Minute)}
			done := l.Done()
			if l.Err() != nil {
				t.Errorf("%s: it ends before anything has happened: %v", c.name, l.Err())
			}
			began := time.Now()
			c.end(p, l)
			<-done
			if !errors.Is(l.Err(), c.want) {
				t.Errorf("%s: got %v, want %v", c.name, l.Err(), c.want)
			}
			if took := time.Since(began); took > time.Minute+lookEvery {
				t.Errorf("%s: it took %v", c.name, took)
			}
			w.over(l)
			synctest.Wait()
			if w.looks {
				t.Errorf("%s: the watch goes on for nobody", c.name)
			}
		})
	}
}

func TestWatchEndsWhenNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table process.Table
		var w watch
		l := &patience{watch: &w, process: table.Start(process.Spec{})}
		for range 3 { // one act after the other
			done := l.Done()
			w.over(l)
			time.Sleep(2 * lookEvery)
			select {
			case <-done:
				t.Error("an act that was over was ended")
			default:
			}
			w.mu.Lock()
			if w.looks || len(w.waiting) > 0 {
				t.Error("the watch goes on for nobody")
			}
			w.mu.Unlock()
		}
	})
}

func TestQueriesKeepsNoMoreThanItMay(t *testing.T) {
	var q queries
	table, other, parsed := &structure.Table{}, &structure.Table{}, &query.Query{}
	q.keep(table, "a", parsed)
	if q.find(table, "a") != parsed || q.find(other, "a") != nil {
		t.Error("a query is found for its own table only")
	}
	q.keep(table, strings.Repeat("x", longestQuery+1), parsed)
	for i := range 3 * mostQueries {
		q.keep(table, strings.Repeat("y", i%longestQuery)+string(rune('a'+i/longestQuery)), parsed)
		if len(q.known) > mostQueries {
			t.Fatalf("%d queries are kept, want %d at most", len(q.known), mostQueries)
		}
	}
}

func TestWide(t *testing.T) {
	for _, c := range []struct{ value, want any }{
		{"9007199254740993", int64(9007199254740993)},
		{"-9223372036854775808", int64(-9223372036854775808)},
		{"9007199254740992", "9007199254740992"}, // a number can say it
		{"09007199254740993", "09007199254740993"},
		{"9223372036854775808", "9223372036854775808"},
		{"12", "12"}, {"", ""}, {5.0, 5.0}, {nil, nil},
	} {
		if got := wide(c.value); got != c.want {
			t.Errorf("%v: got %v, want %v", c.value, got, c.want)
		}
	}
}

func TestReadmeNamesEveryFunction(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(readme), "<!-- functions:")
	part, _, _ = strings.Cut(part, "<!-- end functions -->")
	for _, f := range Functions() {
		if !regexp.MustCompile(`(?m)^\| an? ` + f.Of + `,.*` + "`" + f.Name + "`").MatchString(part) {
			t.Errorf("README.md does not name %s:%s in its section Data", f.Of, f.Name)
		}
	}
}
