package host

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"moongate/runtime/structure"
)

// notices is a client's host as its server talks to it: a remote.Notices. Nothing here blocks.
type notices struct{ host *Host }

// Message is a message for the person at the client ("SEND MESSAGE TO REMOTE USER").
func (n notices) Message(text string) {
	if n.mayShow(&text) {
		n.host.log.Info("message of the server", "message", text)
		n.host.show("the server says: " + text)
	}
}

// longestMessage is how much of a text of the server's is shown, in bytes; send_message_to_remote_user takes no longer one.
const longestMessage = 4000

// mayShow cuts a text to what is shown, and reports whether it is: a server must not be able to fill the client's disk.
func (n notices) mayShow(text *string) bool {
	if len(*text) > longestMessage {
		*text = strings.ToValidUTF8((*text)[:longestMessage], "") + "..."
	}
	return n.host.mayLog(&n.host.client.said, time.Now())
}

// Quitting says that the server is going to quit, and says so again while it waits. Who leaves in time leaves as at any
// other time; that is the user's to decide, as with 4D, unless the options have decided it.
func (n notices) Quitting(in time.Duration, text string) {
	h := n.host
	when := "in " + in.Round(time.Second).String()
	switch {
	case in < 0:
		when = "when all clients have left"
	case in == 0:
		when = "now"
	}
	if n.mayShow(&text) {
		h.log.Warn("the server is going to quit", "when", when, "message", text)
		h.show(fmt.Sprintf("the server is going to quit %s: %s", when, text))
	}
	if h.client.options.Leave {
		h.AskToQuit(QuitRequest{Mode: QuitIn})
	}
}

// Staying says that the server does not quit after all.
func (n notices) Staying(text string) {
	if n.mayShow(&text) {
		n.host.log.Info("the server stays", "message", text)
		n.host.show("the server stays: " + text)
	}
}

// Order is a method that this client is to run ("EXECUTE ON CLIENT").
func (n notices) Order(id int64, method string, args []any) { n.host.ordered(order{id, method, args}) }

// Structure is what the server's tables are from now on.
func (n notices) Structure(text []byte) {
	if tables := n.host.readTables(text); tables != nil {
		n.host.client.tables.Store(tables)
	}
}

// Lost says that the server is gone for good. The host comes to its end, while it cannot start anything or ask for
// anything on the server any more (4D's On Exit page: the client was dropped, or the server quit without delay).
func (n notices) Lost(err error) {
	h := n.host
	if h.client.leaving.Load() {
		return
	}
	if err == nil {
		err = errors.New("the connection was lost")
	}
	if !h.client.lost.CompareAndSwap(nil, &err) {
		return
	}
	h.log.Error("the server is gone", "error", err)
	h.show("the server is gone: " + err.Error())
	h.client.sever()
	h.quits.demand()
}

// show says something to the person at the client, if there is one.
func (h *Host) show(text string) {
	if show := h.client.options.Show; show != nil {
		show(text)
	}
}

// readTables reads the server's description of its tables; nil when it makes no sense, which is logged.
func (h *Host) readTables(text []byte) *structure.Structure {
	tables, err := structure.Decode(text)
	if err != nil {
		if h.mayLog(&h.client.said, time.Now()) {
			h.log.Error("the server's tables are not known", "error", err)
		}
		return nil
	}
	return tables
}
