package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/thingpass/thingpass/server"
)

type repairCmd struct {
	dataFlag
	Remake string `placeholder:"PART" help:"Make this part anew, which must be gone: ${parts}."`
}

// Help is what stands below the flags.
func (repairCmd) Help() string {
	return "Without --remake it looks at every part of the data folder, says what is gone or damaged and what making it anew means, and changes nothing. " +
		"Nothing that exists is ever replaced. Put back from a backup what you have in one. " +
		"Exit status: 0 nothing is missing, or the part is made; 1 something is, or it could not be; 64 wrong usage."
}

// Validate is kong's: what is wrong here is wrong usage.
func (c *repairCmd) Validate() error {
	if err := c.dataFlag.Validate(); err != nil || c.Remake == "" {
		return err
	}
	for _, name := range server.PartNames() {
		if name == c.Remake {
			return nil
		}
	}
	return fmt.Errorf("--remake %q: there are the parts %s", c.Remake, strings.Join(server.PartNames(), ", "))
}

func (c *repairCmd) Run(ctx context.Context) error {
	inst, err := c.open()
	if err != nil {
		return err
	}
	if c.Remake != "" {
		part, err := inst.Remake(ctx, c.Remake, time.Now())
		if err != nil {
			return err
		}
		fmt.Printf("%s is made anew: %s.\n", part.Name, part.Meaning)
		return nil
	}
	whole := true
	for _, part := range inst.Parts() {
		whole = whole && part.Whole()
		fmt.Print(described(part, c.Data))
	}
	if !whole {
		return status(1)
	}
	fmt.Fprintln(os.Stderr, "Nothing is missing.")
	return nil
}

// described is what is said of one part.
func described(part server.Part, data string) string {
	switch {
	case part.Whole():
		return fmt.Sprintf("%-19s there\n", part.Name)
	case part.Remakable():
		return fmt.Sprintf("%-19s GONE (%s)\n    To make a new one:  %s repair --data %s --remake %s\n    That means %s.\n",
			part.Name, strings.Join(part.Gone, ", "), calledAs(), data, part.Name, part.Meaning)
	}
	return fmt.Sprintf("%-19s DAMAGED: %s\n    Put it back from a backup; or move away what is left (%s), and this command tells how to make a new one.\n",
		part.Name, part.Damaged, strings.Join(part.Files, ", "))
}
