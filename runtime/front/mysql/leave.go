package mysql

import (
	"io"
	"net"
)

// leaver is the user name of a login that is meant to fail: a server's log has it.
const leaver = "refused_by_moongate"

// leaveSteps is how many packets of a server are answered while leaving.
const leaveSteps = 4

// Leave ends a connection on which a server has greeted, without a login of the client's, and closes it. It logs in
// with an empty password and waits for the server's no: servers block a host from which too many connections end
// without a login (max_connect_errors), which would be the gate and so all its clients; they do not count a failed
// login so. It blocks until the server has answered, or until a deadline that the caller has set.
func Leave(conn net.Conn) {
	defer conn.Close()
	c := Protocol41 | SecureConnection | PluginAuth
	body := append([]byte{byte(c), byte(c >> 8), byte(c >> 16), byte(c >> 24), 0, 0, 0, 1, 0x2d}, make([]byte, 23)...)
	body = append(body, leaver+"\x00\x00mysql_native_password\x00"...)
	answer := append([]byte{byte(len(body)), 0, 0, 1}, body...)
	for range leaveSteps {
		if _, err := conn.Write(answer); err != nil {
			return
		}
		var header [headerSize + 1]byte
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(max(length(header[:])-1, 0))); err != nil {
			return
		}
		if mark := header[headerSize]; mark == okMark || mark == errorMark {
			return
		}
		answer = []byte{0, 0, 0, header[3] + 1} // to another way to log in: nothing
	}
}
