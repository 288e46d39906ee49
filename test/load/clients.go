package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// reuse is what a client keeps from one exchange to its next.
type reuse uint8

const (
	nothing    reuse = iota // a full handshake each time
	session                 // the TLS session: a resumed handshake each time
	connection              // the connection
)

// answerLimit is how long an answer may take.
const answerLimit = 10 * time.Second

// clients are the devices as clients of one door.
type clients struct {
	mode    mode
	door    door
	workers int
	all     []*client
}

// client is one device; one goroutine uses it at a time.
type client struct {
	tls     *tls.Config // nil for a door without TLS
	request []byte
	open    net.Conn // nil between exchanges unless the connection is kept
	in      *bufio.Reader
	resumed bool
}

func newClient(t *tls.Config, request []byte) *client {
	return &client{tls: t, request: request, in: bufio.NewReaderSize(nil, 64<<10)}
}

func newClients(s settings, m mode, at door, devices []device) (*clients, error) {
	c := &clients{mode: m, door: at, workers: s.connections, all: make([]*client, len(devices))}
	for n, d := range devices {
		request, err := m.request(at, d)
		if err != nil {
			return nil, err
		}
		c.all[n] = newClient(s.tlsConfig(m, at, d), request)
	}
	return c, nil
}

func (c *clients) close() {
	for _, one := range c.all {
		if one.open != nil {
			_ = one.open.Close()
		}
	}
}

// round keeps the workers busy for about that long, each with its share of the
// devices in turn, and returns the server's CPU per exchange in microseconds.
func (c *clients) round(ctx context.Context, length time.Duration) (float64, error) {
	before, err := cpu(c.door.pid)
	if err != nil {
		return 0, err
	}
	counts := make([]int, c.workers)
	end := time.Now().Add(length)
	group, ctx := errgroup.WithContext(ctx)
	for worker := range c.workers {
		group.Go(func() error {
			for n := worker; time.Now().Before(end) && ctx.Err() == nil; n += c.workers {
				if n >= len(c.all) {
					n = worker
				}
				if err := c.exchange(ctx, c.all[n]); err != nil {
					return err
				}
				counts[worker]++
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	time.Sleep(10 * time.Millisecond) // the server closes what the clients have closed
	after, err := cpu(c.door.pid)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64((after - before).Microseconds()) / float64(total), nil
}

// exchange sends one request and reads its answer, which must be a 200.
func (c *clients) exchange(ctx context.Context, one *client) error {
	if one.open == nil {
		if err := c.dial(ctx, one); err != nil {
			return err
		}
	}
	if err := one.open.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return err
	}
	if _, err := one.open.Write(one.request); err != nil {
		return err
	}
	if len(c.mode.body) > 0 {
		if _, err := one.open.Write(c.mode.body); err != nil {
			return err
		}
	}
	if err := c.answer(one); err != nil || c.mode.reuse == connection {
		return err
	}
	err := one.open.Close()
	one.open = nil
	return err
}

// answer reads an answer, which must be a 200.
func (c *clients) answer(one *client) error {
	answer, err := http.ReadResponse(one.in, &http.Request{Method: c.mode.method})
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return fmt.Errorf("answer %s: %s", answer.Status, body)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

func (c *clients) dial(ctx context.Context, one *client) error {
	plain := &net.Dialer{Timeout: answerLimit}
	if one.tls == nil {
		conn, err := plain.DialContext(ctx, "tcp", c.door.address)
		if err != nil {
			return err
		}
		one.open = conn
		one.in.Reset(conn)
		return nil
	}
	dialer := tls.Dialer{NetDialer: plain, Config: one.tls}
	conn, err := dialer.DialContext(ctx, "tcp", c.door.address)
	if err != nil {
		return err
	}
	one.open = conn
	one.in.Reset(conn)
	resumed := conn.(*tls.Conn).ConnectionState().DidResume
	if one.resumed && !resumed {
		return errors.New("the server no longer resumes sessions")
	}
	one.resumed = resumed
	return nil
}

// tick is the unit of /proc/PID/stat: USER_HZ is 100 on every Linux that Go
// runs on (proc(5), sysconf(3)).
const tick = 10 * time.Millisecond

// cpu is the user and system time that a process has taken.
func cpu(pid int) (time.Duration, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("read the server's CPU time: %w", err)
	}
	// The second field is the program's name in parentheses; utime and stime
	// are the 14th and 15th.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("read the server's CPU time: %q", stat)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the server's CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}
