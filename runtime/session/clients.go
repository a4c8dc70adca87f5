package session

import (
	"strings"
	"sync"
)

// Order is what a registered client is to carry out ("EXECUTE ON CLIENT").
type Order struct {
	ID     int64 // by which Done knows it; no two orders of a server have the same
	Method string
	Args   []any
}

// Member is a client process that can register.
type Member interface {
	// Order gives the client an order. It must not block, and is called with nothing locked.
	Order(Order)
}

// Registered is a client as GET REGISTERED CLIENTS shows it.
type Registered struct {
	Name string
	Load int // orders that it has not carried out yet
}

// Clients are the clients that carry out orders: each one order at a time, in the sequence in which they were given. The
// zero value has none. Its methods may be called from any goroutine, and do not block.
type Clients struct {
	mu   sync.Mutex
	all  []*registered // in the order in which they have registered
	last int64         // number of an order
	size int           // of what all owe, in bytes
}

type registered struct {
	member  Member
	name    string
	waiting []waitingOrder // the first has been given to the client
	size    int            // of what waits, in bytes
}

// waitingOrder is an order with the size of its arguments, in bytes.
type waitingOrder struct {
	Order
	size int
}

// Bounds of what clients may owe. Whoever owes more does not carry it out at all.
const (
	mostOrders  = 10_000    // of one client
	mostOfOne   = 64 << 20  // bytes of arguments, of one client
	mostOfAll   = 512 << 20 // of all together
	alwaysTaken = 4 << 10   // of an order that these two do not concern
	orderItself = 100       // bytes that an order takes without its arguments, about
)

// Register adds a client process under a name, which others may have too. It reports false, and does nothing, when it is
// there already.
func (c *Clients) Register(m Member, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.indexLocked(m) >= 0 {
		return false
	}
	c.all = append(c.all, &registered{member: m, name: name})
	return true
}

// Unregister takes a client process away, with the orders that it has not carried out. It reports false when it is not
// there.
func (c *Clients) Unregister(m Member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.indexLocked(m)
	if i < 0 {
		return false
	}
	c.size -= c.all[i].size
	c.all = append(c.all[:i:i], c.all[i+1:]...)
	return true
}

func (c *Clients) indexLocked(m Member) int {
	for i, r := range c.all {
		if r.member == m {
			return i
		}
	}
	return -1
}

// List has the clients in the order in which they have registered.
func (c *Clients) List() []Registered {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Registered, len(c.all))
	for i, r := range c.all {
		list[i] = Registered{r.name, len(r.waiting)}
	}
	return list
}

// Execute gives an order to all clients whose names match, and says how many have taken it: one that owes too much does
// not. size is that of the arguments, in bytes. In a pattern @ stands for any text, and case does not count.
func (c *Clients) Execute(pattern, method string, args []any, size int) int {
	size += orderItself
	c.mu.Lock()
	taken, due := 0, []giving(nil)
	for _, r := range c.all {
		if !Matches(pattern, r.name) || c.owesTooMuchLocked(r, size) {
			continue
		}
		c.last++
		order := Order{ID: c.last, Method: method, Args: args}
		r.waiting = append(r.waiting, waitingOrder{order, size})
		r.size, c.size = r.size+size, c.size+size
		taken++
		if len(r.waiting) == 1 {
			due = append(due, giving{r.member, order})
		}
	}
	c.mu.Unlock()
	for _, g := range due {
		g.member.Order(g.order)
	}
	return taken
}

// owesTooMuchLocked reports whether a client takes no order of that size.
func (c *Clients) owesTooMuchLocked(r *registered, size int) bool {
	return len(r.waiting) >= mostOrders || size > alwaysTaken && (r.size+size > mostOfOne || c.size+size > mostOfAll)
}

// giving is an order that a client is about to get.
type giving struct {
	member Member
	order  Order
}

// Done says that a client has carried out the order with that number, and gives it the next. Any other number is nothing.
func (c *Clients) Done(m Member, id int64) {
	c.mu.Lock()
	i := c.indexLocked(m)
	if i < 0 || len(c.all[i].waiting) == 0 || c.all[i].waiting[0].ID != id {
		c.mu.Unlock()
		return
	}
	r := c.all[i]
	r.size, c.size = r.size-r.waiting[0].size, c.size-r.waiting[0].size
	r.waiting[0] = waitingOrder{} // its arguments may go
	r.waiting = r.waiting[1:]
	var next Order
	if len(r.waiting) > 0 {
		next = r.waiting[0].Order
	}
	c.mu.Unlock()
	if next.ID != 0 {
		m.Order(next)
	}
}

// Again gives a client the order that it has not carried out yet once more, with the same number: it may have been lost on
// its way with a transport.
func (c *Clients) Again(m Member) {
	c.mu.Lock()
	var order Order
	if i := c.indexLocked(m); i >= 0 && len(c.all[i].waiting) > 0 {
		order = c.all[i].waiting[0].Order
	}
	c.mu.Unlock()
	if order.ID != 0 {
		m.Order(order)
	}
}

// Matches reports whether a name matches a pattern, in which @ stands for any text, the empty one included. Case does not
// count, as in 4D's comparisons of text.
func Matches(pattern, name string) bool {
	parts := strings.Split(strings.ToLower(pattern), "@")
	name = strings.ToLower(name)
	if len(parts) == 1 {
		return name == parts[0]
	}
	name, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, last)
}
