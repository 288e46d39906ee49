// Certificates with a negative serial number are read: docs/decisions has which
// of Go's switches are set, and why. go.mod has the same line for tests, and does
// not count for "go install".
//go:debug x509negativeserial=1

// Command thingpass is a self-hosted, AWS-compatible IoT credentials provider.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/thingpass/thingpass/server"
)

type cli struct {
	Init    initCmd          `cmd:"" help:"Make an installation: keys, certificates, database, administrator."`
	Serve   serveCmd         `cmd:"" help:"Run an installation."`
	Why     whyCmd           `cmd:"" help:"Explain a decision of the running server: which step, which statement, which missing value, and what would change it."`
	Policy  policyCmd        `cmd:"" help:"Check a policy, or try it on what was asked lately, before it is saved."`
	Objects objectsCmd       `cmd:"" help:"Look after the embedded object store."`
	Demo    demoCmd          `cmd:"" help:"Show the whole story in a temporary folder."`
	Rotate  rotateCmd        `cmd:"" name:"rotate-keys" help:"Put a new key into the key ring; issued credentials stay valid."`
	Renew   renewCmd         `cmd:"" name:"renew-certificate" help:"Make a new server certificate, signed by the installation's CA."`
	Recover recoverCmd       `cmd:"" name:"recover-admin" help:"Make the administrator what init made, with a new access key in admin.env: when its keys are lost, or a policy locks it out."`
	Bucket  recoverBucketCmd `cmd:"" name:"recover-bucket" help:"Take the policy of a bucket away and print it: when it locks everybody out."`
	Backup  backupCmd        `cmd:"" help:"Write the installation but its objects to one file, also while it is served."`
	Restore restoreCmd       `cmd:"" help:"Make an installation in a new or empty folder out of a backup."`
	Repair  repairCmd        `cmd:"" help:"Say what of an installation is gone or damaged, and make one part anew when told to."`
	Version versionCmd       `cmd:"" help:"Print the version, or the licences of what is linked."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version and end."`
}

// exitUsage is the exit status for wrong usage (EX_USAGE of sysexits.h). It is
// none that an answer has.
const exitUsage = 64

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		if code, ok := errors.AsType[status](err); ok {
			os.Exit(int(code))
		}
		fmt.Fprintln(os.Stderr, "thingpass:", asCalled(err.Error()))
		os.Exit(1)
	}
}

// run parses the arguments and carries the command out.
func run(ctx context.Context, args []string) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("thingpass"), kong.ShortUsageOnError(),
		kong.Description("Turns a device's X.509 certificate into short-lived AWS-style credentials, and checks every request signed with them.\n\n"+
			"Exit status: 0 done, 1 it could not be done, 64 wrong usage. More in: thingpass policy lint --help, thingpass policy try --help."),
		kong.Exit(func(code int) {
			if code != 0 {
				code = exitUsage
			}
			os.Exit(code)
		}),
		kong.Vars{"version": "thingpass " + version(), "parts": strings.Join(server.PartNames(), ", ")},
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err == nil {
		err = checkSigns(parsed)
	}
	if err != nil {
		parser.FatalIfErrorf(inOurWords(err))
		return err // Exit does not return
	}
	if err = parsed.Run(); err != nil {
		if hint := permissionHint(err, dataOf(parsed)); hint != "" {
			return fmt.Errorf("%w\n%s", err, hint)
		}
	}
	return err
}

// dataOf is the data folder that a command was given, "" if it takes none.
func dataOf(parsed *kong.Context) string {
	for _, f := range parsed.Flags() {
		if f.Name == "data" {
			return f.Target.String()
		}
	}
	return ""
}
