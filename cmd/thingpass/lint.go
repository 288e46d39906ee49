package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/thingpass/thingpass/policy"
)

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
	outputFlag
	Kind   string   `enum:"auto,identity,trust,iot,session,resource" default:"auto" help:"What the policy is for: identity (of a role or user, and managed policies), trust (of a role), iot, session, resource (of a bucket). Left out, it is told by the document: a Principal makes it trust or resource."`
	Strict bool     `help:"Fail on warnings too."`
	Files  []string `arg:"" name:"file" help:"Policy files; - for standard input."`
}

// Help is the end of the help text.
func (lintCmd) Help() string {
	return "Exit status: 0 all files save, 1 one is refused or cannot be read, or with --strict there is a warning, 64 wrong usage. " +
		"All files are looked at in any case."
}

// linted is what is said of all files. Its JSON shape is stable: fields are
// added, none is renamed.
type linted struct {
	Files []lintedFile `json:"files"`
}

// lintedFile is what is said of one file.
type lintedFile struct {
	File     string          `json:"file"`
	Kind     string          `json:"kind"`            // "" when that could not be told
	Read     bool            `json:"read"`            // it could be read
	Saves    bool            `json:"saves"`           // AWS would save it
	Size     int             `json:"size"`            // in characters, as quotas count them; 0 unless it saves
	Error    string          `json:"error,omitempty"` // why it cannot be read, or AWS's message
	Hint     string          `json:"hint,omitempty"`
	Warnings []lintedWarning `json:"warnings"`
}

// lintedWarning is policy.Warning for programs.
type lintedWarning struct {
	Code      string `json:"code"`
	Statement int    `json:"statement"` // from 1
	Sid       string `json:"sid,omitempty"`
	Message   string `json:"message"`
	Suggest   string `json:"suggest,omitempty"`
}

func (c *lintCmd) Run() error {
	all := linted{Files: []lintedFile{}}
	failed := false
	for _, name := range c.Files {
		f := c.lint(name)
		failed = failed || !f.Saves || c.Strict && len(f.Warnings) > 0
		all.Files = append(all.Files, f)
	}
	if err := c.write(all); err != nil {
		return err
	}
	if failed {
		return status(1)
	}
	return nil
}

func (c *lintCmd) lint(name string) lintedFile {
	f := lintedFile{File: name, Kind: c.Kind, Warnings: []lintedWarning{}}
	text, err := readPolicy(name)
	if err != nil {
		if f.Error = err.Error(); f.Kind == autoKind {
			f.Kind = ""
		}
		return f
	}
	f.Read = true
	if c.Kind == autoKind {
		f.Kind = guess(text)
	}
	p, err := parseAs(f.Kind, text)
	if err != nil {
		f.Error, f.Hint = err.Error(), hint(f.Kind, text)
		return f
	}
	f.Saves, f.Size = true, p.Size()
	for _, w := range p.Warnings() {
		f.Warnings = append(f.Warnings, lintedWarning{w.Code, w.Statement + 1, w.Sid, w.Message, w.Suggest})
	}
	return f
}

// WriteText writes a line for each warning and for each file.
func (l linted) WriteText(w io.Writer) error {
	var b strings.Builder
	for i := range l.Files {
		f := &l.Files[i]
		for _, warning := range f.Warnings {
			where := fmt.Sprintf("statement %d", warning.Statement)
			if warning.Sid != "" {
				where += fmt.Sprintf(" %q", warning.Sid)
			}
			odd := policy.Warning{Message: warning.Message, Suggest: warning.Suggest}
			fmt.Fprintf(&b, "%s: %s: warning: %s (%s)\n", f.File, where, odd, warning.Code)
		}
		switch {
		case f.Saves:
			fmt.Fprintf(&b, "%s: saves as %s policy, %d characters\n", f.File, f.Kind, f.Size)
		case f.Read:
			fmt.Fprintf(&b, "%s: refused: %s\n", f.File, f.Error)
		default:
			fmt.Fprintf(&b, "%s: cannot be read: %s\n", f.File, f.Error)
		}
		if f.Hint != "" {
			fmt.Fprintf(&b, "%s: hint: %s\n", f.File, f.Hint)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func parseAs(kind, text string) (*policy.Policy, error) {
	for _, k := range kinds {
		if k.name != kind {
			continue
		}
		p, err := policy.Parse(k.kind, text)
		if err == nil && k.kind == policy.Resource {
			err = p.CheckBucket("")
		}
		if err == nil && k.quota > 0 && p.Size() > k.quota {
			return nil, fmt.Errorf("it has %d characters, and %d are allowed", p.Size(), k.quota)
		}
		return p, err
	}
	return nil, fmt.Errorf("no kind of policy is called %q", kind)
}

// autoKind leaves it to the document what kind of policy it is.
const autoKind = "auto"

// guess tells the kind of a document that is not said: a policy of a bucket and
// a trust policy name principals, and only the former resources. What allows the
// exchange is an IoT policy. Anything else is taken for the commonest.
func guess(text string) string {
	l, err := look(text)
	switch {
	case err != nil:
		return "identity"
	case l.principal && l.resource:
		return "resource"
	case l.principal:
		return "trust"
	case l.exchange:
		return "iot"
	}
	return "identity"
}

// hint names the kinds that a refused policy looks like, when that is not the
// kind it was taken for.
func hint(kind, text string) string {
	l, err := look(text)
	if err != nil {
		return ""
	}
	wants := kind == "trust" || kind == "resource"
	has, try := "has a Principal", []string{"trust", "resource"}
	switch {
	case !l.principal && !wants:
		return ""
	case !l.principal && l.iot:
		has, try = "has no Principal, and actions of IoT", []string{"iot"}
	case !l.principal:
		has, try = "has no Principal", []string{"identity"}
	}
	saves := slices.DeleteFunc(slices.Clone(try), func(k string) bool { _, err := parseAs(k, text); return err != nil })
	if len(saves) > 0 || wants && l.principal {
		try = saves
	}
	if len(try) == 0 {
		return ""
	}
	return "it " + has + ": try --kind " + strings.Join(try, " or --kind ")
}

// shape is what tells the kinds of policy apart.
type shape struct {
	principal bool // some statement has one
	iot       bool // all statements begin with an action of IoT
	exchange  bool // some statement begins with the action of the exchange
	resource  bool // some statement has one
}

func look(text string) (l shape, err error) {
	var doc struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return l, err
	}
	var list []map[string]json.RawMessage
	if json.Unmarshal(doc.Statement, &list) != nil {
		list = make([]map[string]json.RawMessage, 1)
		if err := json.Unmarshal(doc.Statement, &list[0]); err != nil {
			return l, err
		}
	}
	l.iot = len(list) > 0
	for _, s := range list {
		l.principal = l.principal || s["Principal"] != nil || s["NotPrincipal"] != nil
		l.resource = l.resource || s["Resource"] != nil || s["NotResource"] != nil
		l.exchange = l.exchange || strings.HasPrefix(strings.TrimLeft(string(s["Action"]), "[\" \r\n\t"), "iot:AssumeRoleWithCertificate")
		l.iot = l.iot && strings.HasPrefix(strings.TrimLeft(string(s["Action"]), "[\" \r\n\t"), "iot:")
	}
	return l, nil
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
