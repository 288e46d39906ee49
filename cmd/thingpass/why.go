package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/why"
)

// outputFlag chooses how an answer is written.
type outputFlag struct {
	Output string `enum:"text,json" default:"text" help:"text or json."`
}

// explained is an answer that knows how to be text.
type explained interface{ WriteText(w io.Writer) error }

func (f outputFlag) write(v explained) error {
	if f.Output == "text" {
		return v.WriteText(os.Stdout)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// status is an error that only sets the exit status: all has been said.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

type whyCmd struct {
	dataFlag
	outputFlag
	ID          string   `arg:"" optional:"" help:"Request id, from the answer's x-amzn-requestid or x-amz-request-id, an error text, or the log. The beginning is enough."`
	Certificate string   `placeholder:"ID" help:"Ask without a request: the id of the device's certificate."`
	Alias       string   `placeholder:"NAME" help:"The role alias that the device would use."`
	Thing       *string  `placeholder:"NAME" help:"The thing that the device would name in x-amzn-iot-thingname (default: it sends no such header)."`
	Action      string   `placeholder:"ACTION" help:"What it would do with the credentials, for example s3:PutObject."`
	Resource    string   `placeholder:"ARN" help:"On what, for example arn:aws:s3:::bucket/key."`
	Handshakes  bool     `aliases:"recent-failures" help:"List the TLS handshakes that failed lately, with their causes: a device that has no request id fails there."`
	Context     []string `placeholder:"KEY=VALUE" sep:"none" help:"Condition key of that request, repeatable, for example aws:SourceIp=192.0.2.7."`
}

// Help is the end of the help text.
func (whyCmd) Help() string {
	return "Exit status: 0 it is explained, whatever was decided, 1 it cannot be (no such request, no server runs), 64 wrong usage."
}

// Validate checks what the flags' types do not.
func (c *whyCmd) Validate() error {
	asks := c.Certificate != "" || c.Alias != "" || c.Action != "" || c.Resource != "" || c.Thing != nil || len(c.Context) > 0
	switch {
	case c.Handshakes && (c.ID != "" || asks):
		return errors.New("--handshakes lists all of them: give nothing else")
	case c.Handshakes:
	case c.ID != "" && asks:
		return errors.New("give a request id, or --certificate and --alias, not both")
	case c.ID == "" && (c.Certificate == "" || c.Alias == ""):
		return errors.New("give the id of a request (thingpass why ID), or --certificate and --alias to ask without one")
	}
	return c.dataFlag.Validate()
}

func (c *whyCmd) Run(ctx context.Context) error {
	if _, err := c.open(); err != nil {
		return err
	}
	control := server.NewControl(c.Data)
	if c.Handshakes {
		report, err := control.Handshakes(ctx)
		if err != nil {
			return err
		}
		return c.write(report)
	}
	if c.ID != "" {
		e, err := control.Why(ctx, c.ID)
		if err != nil {
			return err
		}
		return c.write(e)
	}
	keys, err := why.ParseContext(c.Context)
	if err != nil {
		return err
	}
	e, err := control.Ask(ctx, why.Question{
		Certificate: c.Certificate, Alias: c.Alias, Thing: c.Thing, Action: c.Action, Resource: c.Resource, Context: keys,
	})
	if err != nil {
		return err
	}
	return c.write(e)
}
