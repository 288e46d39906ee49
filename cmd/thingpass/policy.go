package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/why"
)

type policyCmd struct {
	Lint lintCmd `cmd:"" help:"Check policy files: what AWS would refuse to save, and what saves but means something else. Needs no server."`
	Try  tryCmd  `cmd:"" help:"Replay the kept decisions against a policy that is not saved yet: who would lose and who would gain what. Exit status 2 when somebody would lose."`
}

// kinds are the kinds of policy by the names of the flag --kind, and the quota
// of one document in characters, 0 where it is one of several documents.
var kinds = [...]struct {
	name  string
	kind  policy.Kind
	quota int
}{
	{"identity", policy.Identity, 0},
	{"trust", policy.Trust, policy.MaxTrust},
	{"iot", policy.IoT, policy.MaxIoT},
	{"session", policy.Session, policy.MaxSession},
	{"resource", policy.Resource, 0},
}

type lintCmd struct {
	Kind   string   `enum:"identity,trust,iot,session,resource" default:"identity" help:"What the policy is for: identity (of a role or user, and managed policies), trust (of a role), iot, session, resource (of a bucket)."`
	Strict bool     `help:"Fail on warnings too."`
	Files  []string `arg:"" name:"file" help:"Policy files; - for standard input."`
}

func (c *lintCmd) Run() error {
	refused, warned := 0, 0
	for _, name := range c.Files {
		text, err := readPolicy(name)
		if err != nil {
			return err
		}
		p, err := c.parse(text)
		if err != nil {
			refused++
			fmt.Printf("%s: refused: %s\n", name, err)
			continue
		}
		for _, w := range p.Warnings() {
			warned++
			where := fmt.Sprintf("statement %d", w.Statement+1)
			if w.Sid != "" {
				where += fmt.Sprintf(" %q", w.Sid)
			}
			fmt.Printf("%s: %s: warning: %s (%s)\n", name, where, w, w.Code)
		}
		fmt.Printf("%s: saves as %s policy, %d characters\n", name, c.Kind, p.Size())
	}
	if refused > 0 || c.Strict && warned > 0 {
		return status(1)
	}
	return nil
}

func (c *lintCmd) parse(text string) (*policy.Policy, error) {
	for _, k := range kinds {
		if k.name != c.Kind {
			continue
		}
		p, err := policy.Parse(k.kind, text)
		if err == nil && k.quota > 0 && p.Size() > k.quota {
			return nil, fmt.Errorf("it has %d characters, and %d are allowed", p.Size(), k.quota)
		}
		return p, err
	}
	return nil, fmt.Errorf("no kind of policy is called %q", c.Kind)
}

// readPolicy reads a file, or standard input for "-".
func readPolicy(name string) (string, error) {
	if name != "-" {
		text, err := os.ReadFile(name)
		return string(text), err
	}
	text, err := io.ReadAll(io.LimitReader(os.Stdin, policy.MaxText+1))
	return string(text), err
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

func (c *tryCmd) Run(ctx context.Context) error {
	if cmp.Or(c.Role, c.IoTPolicy, c.Managed) == "" || (c.Role == "") != (c.Name == "") {
		return errors.New("say where the policy would go: --role ROLE --name NAME, or --iot-policy NAME, or --managed ARN")
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
