// Command rgw runs Ceph's RADOS gateway with a cluster of its own on loopback,
// prints its settings as one JSON object, and stops, leaving nothing behind,
// when it is interrupted:
//
//	go run ./test/rig/rgw                  # until Ctrl-C
//	go run ./test/rig/rgw -users main,alt  # with further users
//
// It owns nothing but the arguments: package rig does the work. It needs
// Debian's packages radosgw, ceph-mon, ceph-osd and ceph-common.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/thingpass/thingpass/test/rig"
)

// settings are what a client needs; Users are those beside the first, by name.
type settings struct {
	Endpoint  string
	AccessKey string
	SecretKey string
	Users     map[string]user
}

type user struct{ AccessKey, SecretKey string }

func main() {
	users := flag.String("users", "", "further users to make, separated by commas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, strings.FieldsFunc(*users, func(c rune) bool { return c == ',' })); err != nil {
		fmt.Fprintln(os.Stderr, "rgw:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, users []string) error {
	dir, err := os.MkdirTemp("", "rgw-")
	if err != nil {
		return err
	}
	r, err := rig.StartRGW(context.WithoutCancel(ctx), dir)
	if err != nil {
		return err
	}
	defer r.Stop()
	out := settings{Endpoint: r.Endpoint, AccessKey: r.AccessKey, SecretKey: r.SecretKey, Users: map[string]user{}}
	for _, id := range users {
		keys, err := r.CreateUser(ctx, id)
		if err != nil {
			return err
		}
		out.Users[id] = user{keys.AccessKeyID, keys.SecretAccessKey}
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
