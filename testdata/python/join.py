"""A client of a remote session, in another language than the server's, with nothing but the standard library.

    python3 join.py HOST:PORT [--ca FILE] [--user NAME --password TEXT]

It begins a session, joins it with a second process, asks for the server's time in both, uses data without language, sleeps, loses
a connection and resumes it. Each line that it prints says what came back. With --ca it speaks TLS, to a server whose certificate
that file's authority has signed. The protocol is described in runtime/wire/remote.go.
"""

import argparse
import socket
import ssl


class Refused(Exception):
    """An error reply. Its first word says what it is."""


class Link:
    """One connection to the server: one client process's."""

    tls = None  # the ssl.SSLContext of all links

    def __init__(self, address, timeout=30):
        self.socket = socket.create_connection(address, timeout)
        if self.tls:
            self.socket = self.tls.wrap_socket(self.socket, server_hostname=address[0])
        self.input = self.socket.makefile("rb")
        self.pushes = []
        self.got = 0  # replies since SESSION or JOIN

    def ask(self, *words):
        """Sends a command and gives its reply."""
        self.send(*words)
        return self.reply()

    def send(self, *words):
        self.socket.sendall(command(*words))

    def reply(self):
        """Reads the next reply, and the pushes before it."""
        while True:
            kind, value = read(self.input)
            if kind == b">":
                self.pushes.append(value)
                continue
            self.got += 1
            if kind == b"-":
                raise Refused(value)
            return value

    def begin(self, *words):
        """Sends SESSION, JOIN or RESUME, whose replies do not count."""
        reply = self.ask(*words)
        self.got = 0
        return dict(reply)

    def cut(self):
        """Ends the connection without QUIT, as a broken network does."""
        self.input.close()
        self.socket.close()


def command(*words):
    data = b"*%d\r\n" % len(words)
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        data += b"$%d\r\n%s\r\n" % (len(word), word)
    return data


def packed(*values):
    """A list of values as one argument."""
    return encode(list(values))


def encode(value):
    if value is None:
        return b"_\r\n"
    if isinstance(value, bool):
        return b"#t\r\n" if value else b"#f\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, float):
        return b",%s\r\n" % repr(value).encode()
    if isinstance(value, str):
        data = value.encode()
        return b"$%d\r\n%s\r\n" % (len(data), data)
    if isinstance(value, dict):
        return b"%%%d\r\n" % len(value) + b"".join(encode(k) + encode(v) for k, v in value.items())
    return b"*%d\r\n" % len(value) + b"".join(encode(v) for v in value)


def read(f):
    """Reads one value: the byte that says what it is, and the value."""
    line = f.readline()
    if not line.endswith(b"\r\n"):
        raise EOFError("the server has ended the connection")
    kind, rest = line[:1], line[1:-2]
    if kind in b"+-":
        return kind, rest.decode()
    if kind == b"_":
        return kind, None
    if kind == b"#":
        return kind, rest == b"t"
    if kind == b":":
        return kind, int(rest)
    if kind == b",":
        return kind, float(rest)
    if kind == b"$":
        text = f.read(int(rest) + 2)[:-2]
        return kind, text.decode("utf-8", "surrogateescape")
    if kind == b"%":
        return kind, [(read(f)[1], read(f)[1]) for _ in range(int(rest))]
    if kind in b"*>":
        return kind, [read(f)[1] for _ in range(int(rest))]
    raise ValueError("unexpected %r" % line)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("address")
    arguments.add_argument("--ca")
    arguments.add_argument("--user")
    arguments.add_argument("--password")
    arguments = arguments.parse_args()
    host, port = arguments.address.rsplit(":", 1)
    address = (host, int(port))
    if arguments.ca:
        Link.tls = ssl.create_default_context(cafile=arguments.ca)

    application = Link(address)
    if arguments.user:
        application.ask("HELLO", 3, "AUTH", arguments.user, arguments.password)
    session = application.begin("SESSION", "PROTOCOL", 1, "VERSION", "0.1", "MACHINE", socket.gethostname(), "SYSTEMUSER", "python",
                                "PROCESS", 1, "NAME", "Application process")
    print("session: user", session["user"], "process", session["process"], "connection", session["connection"])

    second = Link(address)
    joined = second.begin("JOIN", session["token"], 2, "Python process")
    print("join: same session", joined["session"] == session["session"])
    print("current_time: a number", isinstance(second.ask("DO", "current_time", packed("*"))[0], (int, float, str)))
    print("process_number:", second.ask("DO", "process_number", packed("Python process"))[0] > 0)
    try:
        second.ask("DO", "quit_4d", packed())
    except Refused as refused:
        print("quit_4d:", str(refused).split()[0])

    second.send("PING")  # and the connection breaks before the reply is read
    second.cut()
    again = Link(address)
    resumed = again.begin("RESUME", session["token"], 2, second.got)
    if resumed["done"] == second.got:  # the server has not seen the PING
        again.send("PING")
    print("resume:", again.reply())

    print("sleep:", application.ask("SLEEP"))
    application.cut()
    application2 = Link(address)
    application2.begin("RESUME", session["token"], 1, application.got)
    print("awake:", application2.ask("PING"))

    thief = Link(address)
    try:
        thief.begin("JOIN", "x" + session["token"], 3, "Thief")
    except Refused as refused:
        print("stolen token:", str(refused).split()[0])

    print("quit:", again.ask("QUIT"), application2.ask("QUIT"))
    late = Link(address)
    try:
        late.begin("JOIN", session["token"], 3, "Late")
    except Refused as refused:
        print("expired token:", str(refused).split()[0])


if __name__ == "__main__":
    main()
