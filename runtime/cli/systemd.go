package cli

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"moongate/runtime/host"
)

// notifier tells systemd how the server is (sd_notify), if systemd wants to know: by datagrams to $NOTIFY_SOCKET, which
// begins with @ when it is no file. A nil notifier tells nobody. Its methods may be called from any goroutine, and wait at
// most a second.
type notifier struct {
	conn     *net.UnixConn
	log      *slog.Logger
	watchdog time.Duration // in which systemd must hear of us; 0: it need not

	mu      sync.Mutex
	retired bool // another process is the service's main process
	failed  bool // said so
}

// newNotifier makes a notifier. It is nil when nobody wants to be told, or cannot be reached, which the log says.
func newNotifier(log *slog.Logger) *notifier {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		log.Warn("systemd cannot be told how the server is", "error", err)
		return nil
	}
	return &notifier{conn: conn, log: log, watchdog: watchdogTime()}
}

// watchdogTime is what systemd says about its watchdog, if it means this process.
func watchdogTime() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	microseconds, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || microseconds <= 0 || microseconds > int64(24*time.Hour/time.Microsecond) {
		return 0
	}
	return time.Duration(microseconds) * time.Microsecond
}

// tell sends assignments, each NAME=VALUE.
func (n *notifier) tell(assignments ...string) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.retired {
		return
	}
	n.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, err := n.conn.Write([]byte(strings.Join(assignments, "\n")))
	if err != nil && !n.failed {
		n.failed = true
		n.log.Warn("systemd was not told how the server is", "error", err)
	}
}

// ready says that clients can connect.
func (n *notifier) ready(addresses string) {
	n.tell("READY=1", "STATUS=clients can connect at "+addresses)
}

// stopping says that the server stops.
func (n *notifier) stopping() { n.tell("STOPPING=1", "STATUS=stopping") }

// replacedBy says that another process is the service's main process, and nothing after that.
func (n *notifier) replacedBy(pid int) {
	n.tell(fmt.Sprintf("MAINPID=%d", pid))
	if n != nil {
		n.mu.Lock()
		n.retired = true
		n.mu.Unlock()
	}
}

// guard tells systemd's watchdog that all is well, twice in its time, as long as answers says so. It returns when over is
// closed.
func (n *notifier) guard(answers func(within time.Duration) bool, over <-chan struct{}) {
	if n == nil || n.watchdog == 0 {
		return
	}
	ticker := time.NewTicker(n.watchdog / 2)
	defer ticker.Stop()
	for {
		if answers(n.watchdog / 2) {
			n.tell("WATCHDOG=1")
		} else {
			n.log.Error("the door's lane does not answer; systemd is not told that all is well")
		}
		select {
		case <-ticker.C:
		case <-over:
			return
		}
	}
}

// close ends the telling.
func (n *notifier) close() {
	if n != nil {
		n.conn.Close()
	}
}

// doorAnswers reports whether the lane of the open methods goes round: nobody has waited for its baton for so long while one
// process has it. It blocks when the lane does, which is an answer too.
func doorAnswers(scripts host.Scripts) func(within time.Duration) bool {
	return func(within time.Duration) bool {
		for _, lane := range scripts.Lanes() {
			if lane.Number == 0 && lane.Holder != nil && len(lane.Waiting) > 0 && time.Since(lane.Since) > within {
				return false
			}
		}
		return true
	}
}
