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

// How many are uploaded at a time, and what it may take.
const (
	uploads     = 200
	memoryLimit = 256 << 20
)

// measureMemory measures uploads through the gateway, to an engine that keeps
// nothing, and to the embedded store, which keeps 12.5 GiB of them.
func measureMemory(ctx context.Context, s settings, b s3Bench) error {
	for _, to := range []struct {
		name, bucket string
		size         int
	}{{"gateway", forwarded, 1 << 30}, {"embedded", bucket, largeSize}} {
		if !strings.Contains(to.name, s.only) {
			continue
		}
		if err := b.uploadAll(ctx, to.name, to.bucket, to.size); err != nil {
			return fmt.Errorf("%s: %w", to.name, err)
		}
	}
	return nil
}

// uploadAll has all uploads run at once, and prints the most memory that the
// server had meanwhile.
func (b s3Bench) uploadAll(ctx context.Context, name, bucket string, size int) error {
	if err := forgetPeak(b.server.PID); err != nil {
		return err
	}
	began := time.Now()
	chunk := make([]byte, 1<<20)
	group, ctx := errgroup.WithContext(ctx)
	door := door{address: b.server.PlainDoor, pid: b.server.PID, region: b.server.Region}
	for n := range uploads {
		group.Go(func() error {
			d := b.devices[n%len(b.devices)]
			c := s3Case{method: http.MethodPut, object: "huge-" + strconv.Itoa(n), size: size}
			request, err := c.request(bucket, sigv4.UnsignedPayload)(door, d)
			if err != nil {
				return err
			}
			one := &clients{mode: mode{method: c.method, reuse: connection, body: chunk}, door: door}
			return one.upload(ctx, request, size)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	peak, err := peakMemory(b.server.PID)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d uploads of %d MiB at once in %.0f s: peak memory of the server %d MiB (bar %d)\n",
		name, uploads, size>>20, time.Since(began).Seconds(), peak>>20, memoryLimit>>20)
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

// forgetPeak has peakMemory count from now on (proc(5), clear_refs).
func forgetPeak(pid int) error {
	return os.WriteFile("/proc/"+strconv.Itoa(pid)+"/clear_refs", []byte("5"), 0)
}

// peakMemory is the largest resident set that a process had since forgetPeak, in
// bytes (proc(5), VmHWM).
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
