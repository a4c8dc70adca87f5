// Package remote is the client's side of a remote session: what a client machine asks of a server whose application
// listener it connects to. The bytes are package wire's, whose documentation of the remote commands says what each is
// for.
//
// A [Client] is one session. Its [Process] is one client process, which has a link to the server of its own as soon
// as it asks for something; that of the Application process is there from [Connect] on, and the session ends with it.
// [Notices] are told what the server says without having been asked.
//
// # Links
//
// A link is made when a process first asks for something, and ends with [Process.Close]. It carries one request at a
// time: a second one of the same process waits for its turn, and processes do not wait for each other.
//
// The transport under a link, a TCP connection, may be lost: it is reset, ends without a reason, or is silent. The
// link is then made again with RESUME, at once, after 100 ms, and so on up to every 5 s, for as long as the server
// keeps the session (its --session-timeout). Requests wait meanwhile and are carried out exactly once: the two sides
// tell each other how far they have come. A link is lost for good when the server says so, when nobody listens at its
// address for 5 s, which means that the server has ended and the session with it, when it answers what no server
// answers, or when that time is over. The process is told once, by an [Error] with the number [NumberLost], even if
// it asks for something only later; the request after that makes a new link, with new twins. When the link of the
// Application process is lost for good, the whole session is, and every request fails from then on.
//
// # Contexts
//
// A context that ends while a request waits for its turn, or for a transport, takes it back. One that ends while the
// request is with the server ends the link too: the server ends what runs, cancels the transaction, frees what the
// twins hold, and calls the close method. The next request makes a new link, which waits until the server has
// done so. Only the link of the Application process stays, with the session: there the request goes on
// without anybody who waits for it, and the next one waits until it is over.
//
// # Goroutines
//
// All methods may be called from any goroutine. Each link has one goroutine, which reads, and makes its transport
// again; it ends with the link. [Client.Close] waits for all of them. What Notices do for Order runs on that of the
// link which has registered, everything else on that of the Application process.
package remote
