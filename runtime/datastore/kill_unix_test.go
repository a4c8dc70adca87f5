//go:build unix

package datastore

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// killEnv holds the Config of a child that saves until it is killed: a path or a URL.
const killEnv = "MOONGATE_TEST_DATASTORE_CHILD"

func TestMain(m *testing.M) {
	if where := os.Getenv(killEnv); where != "" {
		os.Exit(child(where))
	}
	os.Exit(m.Run())
}

// childConfig is the Config of what killEnv holds.
func childConfig(where string) Config {
	c := Config{Path: where, Structure: serverLog(), Durability: Normal}
	if strings.Contains(where, "://") {
		c.Path, c.URL = "", where
	}
	return c
}

// child saves rows in several goroutines, and prints the key of each when it is confirmed.
func child(where string) int {
	s, err := Open(context.Background(), childConfig(where))
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	var out sync.Mutex
	for g := range 8 {
		go func() { // until the process is killed
			c := s.NewContext(Owner{Process: int64(g)})
			for i := 0; ; i++ {
				if err := childSave(c, g, i, &out); err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
			}
		}()
	}
	select {}
}

// childSave saves a row, every tenth time with another one in a transaction, and then changes it.
func childSave(c *Context, g, i int, out *sync.Mutex) error {
	ctx := context.Background()
	if i%10 == 0 {
		if err := c.StartTransaction(ctx); err != nil {
			return err
		}
	}
	r, err := c.New("server_log")
	if err != nil {
		return err
	}
	r.Set(3, g)
	r.Set(4, i)
	if err := c.Save(ctx, r); err != nil {
		return err
	}
	r.Set(7, 9)
	if err := c.Save(ctx, r); err != nil {
		return err
	}
	if i%10 == 0 {
		if err := c.ValidateTransaction(ctx); err != nil {
			return err
		}
	}
	out.Lock()
	defer out.Unlock()
	fmt.Println(r.Key())
	return nil
}

// TestKilled kills a process that saves, many times, and looks whether every save that it confirmed is there, once
// and whole.
func TestKilled(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			config := d.config(t)
			where := config.Path + config.URL
			confirmed := map[int64]bool{}
			rounds := 12
			if testing.Short() {
				rounds = 3
			}
			for round := range rounds {
				killOne(t, where, 20+37*round, confirmed)
			}
			s := openTest(t, childConfig(where))
			c := contextOf(t, s, 1)
			there := map[int64]bool{}
			whole := find(t, c, "server_log", "process_id = 9")
			for i := range whole.Len() {
				there[whole.Key(i).(int64)] = true
			}
			for key := range confirmed {
				if !there[key] {
					t.Errorf("row %d was confirmed and is not there", key)
				}
			}
			if r := saved(t, c, "server_log", nil); there[r.Key().(int64)] {
				t.Errorf("the number %v was given again", r.Key())
			}
		})
	}
}

// killOne runs a child until it has confirmed so many rows, and kills it.
func killOne(t *testing.T, where string, rows int, confirmed map[int64]bool) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), killEnv+"="+where)
	out, err := command.StdoutPipe()
	ok(t, err)
	ok(t, command.Start())
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		key, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Errorf("the child said %q", lines.Text())
			break
		}
		if confirmed[key] {
			t.Errorf("row %d was confirmed twice", key)
		}
		confirmed[key] = true
		if n == rows {
			ok(t, command.Process.Signal(syscall.SIGKILL))
		}
	}
	command.Wait()
}
