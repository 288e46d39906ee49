package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/thingpass/thingpass/server"
)

type backupCmd struct {
	dataFlag
	File string `arg:"" help:"File to write; it must not exist."`
}

// Help is what stands below the flags.
func (backupCmd) Help() string {
	return "The database, the key ring, the certificates and CAs, admin.env and installation.json go into one file of mode 0600, as they are at one moment; a running server is not disturbed. " +
		"It is as secret as the installation. Objects of the embedded store are not in it, nor is a PostgreSQL database."
}

func (c *backupCmd) Run(ctx context.Context) error {
	inst, err := c.open()
	if err != nil {
		return err
	}
	m, err := inst.Backup(ctx, c.File, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s holds the installation of account %s, %d files. It is as secret as that: it can make credentials.\n", c.File, m.Account, len(m.Files))
	fmt.Fprint(os.Stderr, without(m))
	return nil
}

// without says what a backup does not hold.
func without(m server.Manifest) string {
	var b strings.Builder
	for _, part := range m.Without {
		switch part {
		case "database":
			b.WriteString("The database is NOT in it: it is PostgreSQL's, and pg_dump backs it up.\n")
		case "objects":
			b.WriteString("Objects are NOT in it: the folder objects is backed up by a snapshot of the file system, or by copying it while the server is stopped.\n")
		}
	}
	return b.String()
}

type restoreCmd struct {
	dataFlag
	File string `arg:"" help:"File that thingpass backup has written."`
}

// Help is what stands below the flags.
func (restoreCmd) Help() string {
	return "The folder must be new or empty. Every file is compared with its sum, and database, keys and certificates are checked, before the folder is an installation; if anything is wrong, nothing is left in it."
}

func (c *restoreCmd) Run(ctx context.Context) error {
	m, err := server.Restore(ctx, c.Data, c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s holds the installation of account %s as it was at %s. What was revoked since is ACTIVE again: revoke it before you open the ports.\n",
		c.Data, m.Account, m.Taken.Format(time.RFC3339))
	for _, part := range m.Without {
		switch part {
		case "database":
			fmt.Fprintln(os.Stderr, "The database was not in it: restore it with pg_restore.")
		case "objects":
			fmt.Fprintf(os.Stderr, "Objects were not in it: put the folder objects back, or begin with none by thingpass repair --data %s --remake objects\n", c.Data)
		}
	}
	return nil
}
