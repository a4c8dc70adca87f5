package host_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"moongate/runtime/host"
	"moongate/runtime/session"
)

// registrationKeeper is the server's end of the client's registration for orders.
func (p *pair) registrationKeeper() session.Keeper {
	synctest.Wait()
	return p.server.Sessions().Remotes()[0].Links()[1].Keeper
}

// A server gives the next order when the one before is done. One that does not could fill the client's memory.
func TestAServerThatFloodsItsClientWithOrders(t *testing.T) {
	together(t, files{}, files{"wait.lua": "delay_process(current_process(), 36000)"}, nil, func(t *testing.T, p *pair) {
		keeper := p.registrationKeeper()
		for id := range int64(18) {
			keeper.Order(session.Order{ID: id + 1, Method: "wait"})
			synctest.Wait()
		}
		<-p.ended
		expect(t, "the end", errors.Is(p.failed, host.ErrServerGone), true)
		expect(t, "why", strings.Contains(p.failed.Error(), "it gives orders without waiting for their end"), true)
	})
}

// What a server says is shown so often and at such a length that it cannot fill the client's disk.
func TestAServerThatTalksTooMuch(t *testing.T) {
	together(t, files{}, files{}, nil, func(t *testing.T, p *pair) {
		application := p.server.Sessions().Remotes()[0].Application().Keeper
		for range 250 {
			application.Push("notice", strings.Repeat("x", 10_000))
			synctest.Wait()
		}
		expect(t, "messages", p.count("message of the server"), 200)
		expect(t, "their length", p.count("the server says: "+strings.Repeat("x", 4001)), 0)
	})
}
