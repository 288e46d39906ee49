package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/thingpass/thingpass/objects"
)

type objectsCmd struct {
	Verify verifyCmd `cmd:"" help:"Read every stored object and compare it with the index. A server may be running."`
}

type verifyCmd struct {
	dataFlag
	Quiet bool `short:"q" help:"No progress."`
}

// Help is what stands below the flags.
func (verifyCmd) Help() string {
	return "Sizes, ETags and checksums are computed again from the bytes on disk, so it takes as long as reading all of them. " +
		"Nothing is changed. Exit status: 0 all is well, 1 something is wrong, 64 wrong usage."
}

// errDamaged is told by the report, so main has nothing to add to it.
const errDamaged = status(1)

// progressEvery is how often a long verification says how far it is.
const progressEvery = 2 * time.Second

func (c *verifyCmd) Run(ctx context.Context) error {
	inst, err := c.open()
	if err != nil {
		return err
	}
	in, err := objects.Inspect(inst.Objects())
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	began, told := time.Now(), time.Now()
	report, err := in.Verify(ctx, func(p objects.Progress) {
		if !c.Quiet && time.Since(told) >= progressEvery {
			told = time.Now()
			fmt.Fprintf(os.Stderr, "%d objects, %s read, %s a second\n", p.Objects, size(p.Bytes), size(int64(float64(p.Bytes)/time.Since(began).Seconds())))
		}
	})
	if errors.Is(err, context.Canceled) {
		printReport(os.Stdout, report)
		return errors.New("interrupted: not everything was read")
	}
	if err != nil {
		return err
	}
	printReport(os.Stdout, report)
	if report.Failed > 0 {
		return errDamaged
	}
	return nil
}

// printReport says what was found, one line a fact.
func printReport(w io.Writer, r objects.Report) {
	for _, p := range r.Problems {
		_, _ = fmt.Fprintf(w, "DAMAGED  %s: %s\n", placeOf(p), p.Text)
		if p.File != "" {
			_, _ = fmt.Fprintf(w, "         file %s\n", p.File)
		}
	}
	if more := r.Failed - int64(len(r.Problems)); more > 0 {
		_, _ = fmt.Fprintf(w, "DAMAGED  in %d more ways, which are not listed\n", more)
	}
	if r.OrphanFiles > 0 {
		_, _ = fmt.Fprintf(w, "%d files with %s belong to no object: remains of writes that were not acknowledged, or of writes going on. The next start of the server removes them.\n", r.OrphanFiles, size(r.OrphanBytes))
	}
	_, _ = fmt.Fprintf(w, "%d objects and parts with %s read, %d damaged\n", r.Objects, size(r.Bytes), r.Damaged)
	if r.Damaged > 0 {
		_, _ = fmt.Fprintln(w, "Put the files named above back from a backup, or upload these objects again. Until then who asks for missing bytes gets a 500 InternalError.")
	}
}

// placeOf names a version or a part. Keys are quoted: they may hold anything.
func placeOf(p objects.Problem) string {
	place := fmt.Sprintf("s3://%s/%q", p.Bucket, p.Key)
	if p.Version != "" {
		place += " version " + p.Version
	}
	if p.Upload != "" {
		place += " unfinished upload " + p.Upload
	}
	if p.Part > 0 {
		place += fmt.Sprintf(" part %d", p.Part)
	}
	return place
}

// size prints bytes for people.
func size(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
