package remote_test

import (
	"context"
	"testing"

	"moongate/runtime/remote"
)

// BenchmarkCall is the round trip of a method that returns a number.
func BenchmarkCall(b *testing.B) {
	c := connect(b, startProgram(b, nil, loopback).address, nil)
	p := c.Process(4, "P4")
	args := []any{int64(1), "text"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Call(context.Background(), "bump", args); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCurrentTime is the round trip of current_time("*").
func BenchmarkCurrentTime(b *testing.B) {
	c := connect(b, startProgram(b, nil, loopback).address, nil)
	p := c.Process(4, "P4")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Do(context.Background(), "current_time", nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSave is a new row, in a database that does not wait for the disk.
func BenchmarkSave(b *testing.B) {
	c := connect(b, startProgram(b, nil, loopback).address, nil)
	d := data(b, c, c.Process(4, "P4"))
	b.ReportAllocs()
	for b.Loop() {
		if err := save(d, "text"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLink is a client process's life: JOIN, its open method, one answer, QUIT, its close method.
func BenchmarkLink(b *testing.B) {
	c := connect(b, startProgram(b, nil, loopback).address, nil)
	b.ReportAllocs()
	for n := int64(4); b.Loop(); n++ {
		p := c.Process(n, "P")
		if _, err := p.Do(context.Background(), "current_time", nil); err != nil {
			b.Fatal(err)
		}
		if err := p.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSessions holds 2,000 sessions at rest, each with the three links of an interpreted client, and measures
// the memory that one takes on either side.
func BenchmarkSessions(b *testing.B) {
	const sessions = 2000
	server := startProgram(b, nil, loopback)
	for b.Loop() {
		here, there := memoryInUse(), server.memory(b)
		clients := make([]*remote.Client, sessions)
		for i := range clients {
			clients[i] = connect(b, server.address, nil)
			for n := range int64(2) {
				if err := clients[i].Process(2+n, "P").Language(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(memoryInUse()-here)/sessions, "B/client")
		b.ReportMetric(float64(server.memory(b)-there)/sessions, "B/session")
		for _, c := range clients {
			c.Close(context.Background())
		}
	}
}
