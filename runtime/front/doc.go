// Package front is what happens on a gate's connection before the policy is asked: the PROXY header of a proxy before it, TLS,
// and the login of PostgreSQL and MySQL clients. It finds out who comes, refuses those who break the rules of these
// protocols, and tells a client that the policy refuses so in its protocol's words.
//
// A gate has one [Front], made of its [Options]. [Front.Greet] makes an [Arrival] of a connection: the facts, and where the
// client's words go on. Then the policy is asked; [Arrival.Refuse] sends a client away, [Arrival.Join] or [Arrival.Opening]
// begin with the upstream. Moving bytes is not this package's.
//
// Clients are not trusted: what is read before the policy is asked is bounded in size and time, whatever comes, and each
// way to fail has a [Cause]. With PostgreSQL, requests for encryption are answered by the gate and the login is kept for the
// upstream. With MySQL the upstream is dialled before the policy is asked, because its greeting has what the client
// needs to log in; its offer of TLS is replaced by the gate's. A client of MySQL's caching_sha2_password that has TLS at
// the gate sends its password in clear text to the upstream when the server does not remember it, which a server takes
// only in TLS: let such a gate have UpstreamTLS as well.
//
// Names of users are what clients say, unless a certificate stands for them: a login's password is for the upstream to judge.
package front
