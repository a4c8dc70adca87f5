package remote_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// serverVariable has the test program be a server at that address, with its scripts in the folder in folderVariable:
// for benchmarks that measure client and server apart, and for servers behind another network.
const (
	serverVariable = "MOONGATE_TEST_SERVER"
	folderVariable = "MOONGATE_TEST_FOLDER"
	loopback       = "127.0.0.1:0"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(serverVariable); address != "" {
		beServer(os.Getenv(folderVariable), address)
		return
	}
	os.Exit(m.Run())
}

// beServer says its address, and the memory that it takes whenever it is asked, until its input ends.
func beServer(folder, address string) {
	s, end, err := start(folder, address)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()
	fmt.Println(s.address)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(memoryInUse())
	}
}

func memoryInUse() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

// program is a server in another program.
type program struct {
	address string
	in      io.Writer
	out     *bufio.Scanner
}

// startProgram starts a server until the test is over, at an address, by way of a command that runs it (nil: none).
func startProgram(b testing.TB, by []string, address string) *program {
	b.Helper()
	line := append(slices.Clip(by), os.Args[0])
	command := exec.Command(line[0], line[1:]...)
	command.Env = append(os.Environ(), serverVariable+"="+address, folderVariable+"="+b.TempDir())
	in, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); command.Wait() })
	p := &program{in: in, out: bufio.NewScanner(out)}
	p.out.Scan()
	p.address = p.out.Text()
	return p
}

// memory is what the program takes, in bytes.
func (p *program) memory(b testing.TB) int64 {
	fmt.Fprintln(p.in)
	p.out.Scan()
	n, err := strconv.ParseInt(strings.TrimSpace(p.out.Text()), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
