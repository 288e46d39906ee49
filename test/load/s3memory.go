package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/thingpass/thingpass/sigv4"
)

// What is uploaded at a time, and what it may take.
const (
	uploads     = 200
	uploadSize  = 1 << 30
	memoryLimit = 256 << 20
)

// measureMemory has all uploads run at once, through the gateway to an engine that
// keeps nothing, and prints the most memory that the server ever had.
func measureMemory(ctx context.Context, b s3Bench) error {
	began := time.Now()
	chunk := make([]byte, 1<<20)
	group, ctx := errgroup.WithContext(ctx)
	c := s3Case{method: http.MethodPut, object: "huge", size: uploadSize}
	door := door{address: b.server.PlainDoor, pid: b.server.PID, region: b.server.Region}
	for n := range uploads {
		group.Go(func() error {
			d := b.devices[n%len(b.devices)]
			request, err := c.request(forwarded, sigv4.UnsignedPayload)(door, d)
			if err != nil {
				return err
			}
			one := &clients{mode: mode{method: c.method, reuse: connection, body: chunk}, door: door}
			return one.upload(ctx, request, uploadSize)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	peak, err := peakMemory(b.server.PID)
	if err != nil {
		return err
	}
	fmt.Printf("%d uploads of %d MiB at once in %.0f s: peak memory of the server %d MiB (bar %d)\n",
		uploads, uploadSize>>20, time.Since(began).Seconds(), peak>>20, memoryLimit>>20)
	return nil
}

// upload sends one request with a body of size bytes, which repeats the mode's.
func (c *clients) upload(ctx context.Context, request []byte, size int) error {
	one := newClient(nil, request)
	if err := c.dial(ctx, one); err != nil {
		return err
	}
	defer func() { _ = one.open.Close() }()
	if _, err := one.open.Write(request); err != nil {
		return err
	}
	for size > 0 && ctx.Err() == nil {
		n, err := one.open.Write(c.mode.body[:min(size, len(c.mode.body))])
		if err != nil {
			return err
		}
		size -= n
	}
	return c.answer(one)
}

// peakMemory is the largest resident set that a process had, in bytes (proc(5),
// VmHWM).
func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("read the server's memory: %w", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, err := strconv.ParseInt(number, 10, 64)
	return kilobytes << 10, err
}
