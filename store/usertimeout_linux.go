package store

import (
	"strings"
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of linux/tcp.h, which package syscall does
// not name.
const tcpUserTimeout = 18

// userTimeout has the kernel give up a TCP connection whose peer acknowledges
// nothing (tcp(7), TCP_USER_TIMEOUT). Keepalive alone does not: it is silent
// while data waits to be acknowledged.
func userTimeout(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(unanswered/time.Millisecond)) //nolint:gosec // a descriptor
	})
	if err != nil {
		return err
	}
	return failed
}
