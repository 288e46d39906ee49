package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser is the database user of a private server.
const superuser = "thingpass"

// keeper runs the server until its input ends, which happens when the test
// process has gone, and then removes the folder. Nothing in it is worth an
// orderly shutdown.
const keeper = `"$1" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=300 -c shared_buffers=64MB &
cat >/dev/null; kill -QUIT $!; wait $!; cd /; rm -rf "$2"`

// start starts a private server and waits until it answers.
func start() (*url.URL, error) {
	initdb, postgres, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "thingpass-postgres-")
	if err != nil {
		return nil, err
	}
	attr, err := identity(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// Only making the empty cluster goes without fsync; the server has it on.
	create := exec.Command(initdb, "-D", filepath.Join(dir, "data"), "-U", superuser, "-A", "trust",
		"--encoding=UTF8", "--locale=C", "--no-sync")
	create.SysProcAttr, create.Dir = attr, dir
	if output, err := create.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, output), os.RemoveAll(dir))
	}
	if err := run(postgres, dir, attr); err != nil {
		return nil, err
	}
	base := &url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/postgres",
		RawQuery: url.Values{"host": {dir}}.Encode()}
	return base, answering(base, filepath.Join(dir, "log"))
}

// binaries finds initdb and postgres where distributions put them, the newest
// first, and then in PATH.
func binaries() (initdb, postgres string, err error) {
	var dirs []string
	patterns := []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"}
	if _, err := exec.LookPath("psql"); err != nil {
		patterns = nil // a PATH without any of PostgreSQL is one to be tested without it
	}
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", "", err
		}
		slices.Reverse(found)
		dirs = append(dirs, found...)
	}
	for _, dir := range append(dirs, "") {
		initdb, err1 := exec.LookPath(filepath.Join(dir, "initdb"))
		postgres, err2 := exec.LookPath(filepath.Join(dir, "postgres"))
		if err1 == nil && err2 == nil {
			return initdb, postgres, nil
		}
	}
	return "", "", errors.New("neither " + variable + " is set nor are initdb and postgres installed")
}

// identity makes the folder private to the user the server runs as. PostgreSQL
// refuses to run as root, so root hands over to the user postgres, or nobody.
func identity(dir string) (*syscall.SysProcAttr, error) {
	// In a group of its own, the server survives an interrupt from the keyboard
	// until the test process is done.
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() != 0 {
		return attr, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		if account, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, int(uid), int(gid))
}

// run starts the keeper with an input that stays open as long as this process.
func run(postgres, dir string, attr *syscall.SysProcAttr) error {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the child has its own
	cmd := exec.Command("/bin/sh", "-c", keeper, "sh", postgres, dir)
	cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = attr, dir, log, log
	if _, err := cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // holds on to the input, which would be closed when forgotten
	return nil
}

// answering waits until the server takes connections.
func answering(base *url.URL, log string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, base.String())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(log)
			return fmt.Errorf("the server does not answer: %w: %s", err, said)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
