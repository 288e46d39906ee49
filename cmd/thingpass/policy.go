package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/why"
)

type policyCmd struct {
	Lint lintCmd `cmd:"" help:"Check policy files: what AWS would refuse to save, and what saves but means something else. Needs no server."`
	Try  tryCmd  `cmd:"" help:"Replay the kept decisions against a policy that is not saved yet: who would lose and who would gain what."`
}

type tryCmd struct {
	dataFlag
	outputFlag
	Role      string `placeholder:"ROLE" help:"Put the policy into this role, as the inline policy --name."`
	Name      string `placeholder:"NAME" help:"Name of the inline policy, which may be new."`
	IoTPolicy string `name:"iot-policy" placeholder:"NAME" help:"Make it the text of this IoT policy."`
	Managed   string `placeholder:"ARN" help:"Make it the text of this managed policy."`
	File      string `arg:"" help:"The policy; - for standard input."`
}

// Help is the end of the help text.
func (tryCmd) Help() string {
	return "Exit status: 0 nobody would lose anything that was asked for lately, 1 it could not be found out, " +
		"2 somebody would lose something, 64 wrong usage."
}

// Validate checks what the flags' types do not.
func (c *tryCmd) Validate() error {
	places := 0
	for _, place := range []string{cmp.Or(c.Role, c.Name), c.IoTPolicy, c.Managed} {
		if place != "" {
			places++
		}
	}
	if places != 1 || (c.Role == "") != (c.Name == "") {
		return errors.New("say where the policy would go: --role ROLE --name NAME, or --iot-policy NAME, or --managed ARN")
	}
	return c.dataFlag.Validate()
}

func (c *tryCmd) Run(ctx context.Context) error {
	if _, err := c.open(); err != nil {
		return err
	}
	text, err := readPolicy(c.File)
	if err != nil {
		return err
	}
	report, err := server.NewControl(c.Data).Try(ctx, why.Candidate{
		Role: c.Role, Name: c.Name, IoTPolicy: c.IoTPolicy, Managed: c.Managed, Document: text,
	})
	if err != nil {
		return err
	}
	if err := c.write(report); err != nil {
		return err
	}
	if len(report.Loses) > 0 {
		return status(2)
	}
	return nil
}
