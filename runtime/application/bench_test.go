package application_test

import (
	"io"
	"net"
	"testing"
	"time"

	"moongate/runtime/application"
	"moongate/runtime/session"
)

// BenchmarkRequest is one PING to and fro, of a plain client and of a link, whose replies are counted and kept.
func BenchmarkRequest(b *testing.B) {
	for _, c := range []struct{ name, begin string }{{"plain", "HELLO 3\r\n"}, {"link", sessionCommand}} {
		b.Run(c.name, func(b *testing.B) {
			registry := session.NewRegistry(nil, 0)
			registry.SetStage(session.Serving)
			server := application.NewServer(application.Options{Version: "1.2.3", Sessions: registry})
			connection := registry.New(session.Peer{}, session.DesignerUser, nil, time.Now())
			registry.Accept(connection)
			client, transport := net.Pipe()
			over := make(chan struct{})
			go func() {
				defer close(over)
				server.Serve(transport, &guest{connection: connection, stop: make(chan session.Cause, 1)})
			}()
			reply := make([]byte, 4096)
			io.WriteString(client, c.begin)
			if _, err := client.Read(reply); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				io.WriteString(client, "*1\r\n$4\r\nPING\r\n")
				if n, err := client.Read(reply); string(reply[:n]) != "+PONG\r\n" || err != nil {
					b.Fatalf("got %q, %v", reply[:n], err)
				}
			}
			client.Close()
			<-over
		})
	}
}
