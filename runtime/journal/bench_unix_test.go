//go:build unix

package journal

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processor is the CPU time that the process has used, the system's included.
func processor(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// busyRow makes r what a busy server's n-th connection is: an address of its own, texts that come again.
func busyRow(r *Row, n int64, opened time.Time) {
	r.Connection = n
	r.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), uint16(n))
	r.Opened = opened.Add(time.Duration(n) * 25 * time.Microsecond)
	r.Decided = r.Opened.Add(100 * time.Microsecond)
}

// BenchmarkConnection is what a connection costs in CPU time, writer, -wal file and checkpoints included: cpu-us/conn.
// The disk's waits are not in it.
func BenchmarkConnection(b *testing.B) {
	reads := strings.Repeat("r", 356) // of which 100 to 356: the clock and a few commands
	const window = 10000              // connections that are open at once, in the last case
	for _, c := range []struct {
		name   string
		record func(j *Journal, r *Row, n int64, opened time.Time)
	}{
		{"refused", func(j *Journal, r *Row, n int64, opened time.Time) {
			r.Verdict, r.Code, r.Reason, r.By = Refused, 22000, "closed for today", "on_server_open_connection.lua:1"
			j.Refused(r)
		}},
		{"refused-reason-of-its-own", func(j *Journal, r *Row, n int64, opened time.Time) {
			r.Verdict, r.Code, r.By = Refused, 429, "on_server_open_connection.lua:1"
			r.Reason = fmt.Sprint("too many connections from ", r.Address)
			j.Refused(r)
		}},
		{"refused-and-recorded", func(j *Journal, r *Row, n int64, opened time.Time) {
			r.Verdict, r.Code, r.Reason, r.By = Refused, 22000, "closed for today", "on_server_open_connection.lua:1"
			r.Recorded = Recorded{Local: r.Address, Began: r.Opened, Took: 40 * time.Microsecond, Steps: 60, Line: r.By, Reads: reads[n%256:]}
			j.Refused(r)
			r.Recorded = Recorded{}
		}},
		{"closed-at-once", func(j *Journal, r *Row, n int64, opened time.Time) {
			j.Accepted(r)
			r.Closed, r.Cause, r.BytesIn, r.BytesOut = r.Decided.Add(time.Millisecond), "client left", 120, 340
			j.Closed(r)
			r.Closed, r.Cause, r.BytesIn, r.BytesOut = time.Time{}, "", 0, 0
		}},
		{"closed-later", func(j *Journal, r *Row, n int64, opened time.Time) {
			j.Accepted(r)
			if n > window {
				busyRow(r, n-window, opened)
				r.Closed, r.Cause, r.BytesIn, r.BytesOut = r.Decided.Add(time.Second), "client left", 120, 340
				j.Closed(r)
				r.Closed, r.Cause, r.BytesIn, r.BytesOut = time.Time{}, "", 0, 0
			}
		}},
		{"closed-later-and-recorded", func(j *Journal, r *Row, n int64, opened time.Time) {
			r.Recorded = Recorded{Local: r.Address, Began: r.Opened, Took: 40 * time.Microsecond, Steps: 60, Line: "open.lua:9", Reads: reads[n%256:]}
			j.Accepted(r)
			r.Recorded = Recorded{}
			if n > window {
				busyRow(r, n-window, opened)
				r.Closed, r.Cause, r.BytesIn, r.BytesOut = r.Decided.Add(time.Second), "client left", 120, 340
				j.Closed(r)
				r.Closed, r.Cause, r.BytesIn, r.BytesOut = time.Time{}, "", 0, 0
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			j := Open(Options{Folder: b.TempDir(), Session: first})
			r := openRow(1)
			opened := time.Now()
			n := int64(0)
			before := processor(b)
			for b.Loop() {
				if n%1000 == 0 { // no faster than it can write
					until(b, "there is room", func() bool { return j.Stats().Queued < 8000 })
				}
				n++
				busyRow(r, n, opened)
				c.record(j, r, n, opened)
			}
			for j.Stats().Queued > 0 {
				time.Sleep(time.Millisecond)
			}
			b.ReportMetric(float64((processor(b)-before).Nanoseconds())/1000/float64(n), "cpu-us/conn")
			s := j.Stats()
			if err := j.Close(time.Minute); err != nil || s.Dropped != 0 || s.Rows != n {
				b.Errorf("%v; %+v, want %d rows", err, s, n)
			}
		})
	}
}

// BenchmarkDoor is what a call costs its caller, while the writer keeps up.
func BenchmarkDoor(b *testing.B) {
	q := newQueue(1<<20, 4096)
	r := refusedRow(1)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		q.put(r, wasRefused)
		if n++; n%4096 == 0 {
			blocks, _ := q.take()
			q.done(blocks)
		}
	}
}
