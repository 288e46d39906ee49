package why

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/thingpass/thingpass/trail"
)

// WriteText writes an explanation for a terminal: plain words, one line a fact.
func (e *Explanation) WriteText(w io.Writer) error {
	var b bytes.Buffer
	e.writeHead(&b)
	e.writeSteps(&b)
	e.writeStatements(&b)
	e.writeChanges(&b)
	if e.Now != "" {
		fmt.Fprintf(&b, "\nNow: %s\n", clean(e.Now))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (e *Explanation) writeHead(b *bytes.Buffer) {
	what := e.Operation
	if e.Action != "" && e.Door != trail.DeviceDoor {
		what = e.Action + " on " + e.Resource
	}
	fmt.Fprintf(b, "%-9s %s\n", strings.ToUpper(e.Outcome), clean(what))
	facts := []string{moment(e.Time)}
	if e.Hypothetical {
		facts[0] = "asked at " + facts[0] + ", nothing was sent"
	}
	if e.RequestID != "" {
		facts = append(facts, "request "+e.RequestID)
	}
	if e.Status != 0 {
		answer := fmt.Sprintf("answered %d", e.Status)
		if e.Code != "" {
			answer += " " + e.Code
		}
		facts = append(facts, answer)
	}
	fmt.Fprintf(b, "%-9s %s\n", "", clean(strings.Join(facts, ", ")))
	fmt.Fprintf(b, "\n%s\n", clean(e.Summary))
}

func (e *Explanation) writeSteps(b *bytes.Buffer) {
	if len(e.Steps) == 0 {
		return
	}
	b.WriteString("\nStep by step:\n")
	for _, s := range e.Steps {
		mark := "ok"
		if !s.OK {
			mark = "FAILED"
		}
		fmt.Fprintf(b, "  %-7s %-12s %s\n", mark, s.Name, clean(s.Text))
	}
}

func (e *Explanation) writeStatements(b *bytes.Buffer) {
	if len(e.Statements) == 0 {
		return
	}
	title := "The statement that decided:"
	if !e.Statements[0].Applies {
		title = "The statements that came nearest:"
		if len(e.Statements) == 1 {
			title = "The statement that came nearest:"
		}
	} else if len(e.Statements) > 1 {
		title = "The statements that had a say:"
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, s := range e.Statements {
		verdict := "applies"
		if !s.Applies {
			verdict = "does not apply"
		}
		fmt.Fprintf(b, "  %s, %s: %s\n", s.Effect, clean(s.name()), verdict)
		for _, el := range s.Elements {
			mark := "ok"
			if !el.Fits {
				mark = "NO"
			}
			fmt.Fprintf(b, "    %-4s %-10s %s\n", mark, el.Name, clean(el.Text))
			for _, n := range el.Notes {
				fmt.Fprintf(b, "    %-4s %-10s   %s\n", "", "", clean(n))
			}
		}
	}
	if e.Others > 0 {
		fmt.Fprintf(b, "  (%s in these policies; they are further from it)\n", plural(e.Others, "more statement", "more statements"))
	}
}

// name names a statement.
func (s *Statement) name() string {
	text := fmt.Sprintf("statement %d", s.Number)
	if s.Sid != "" {
		text += " " + quote(s.Sid)
	}
	return text + " of " + policyName(s.Layer, s.Policy)
}

// policyName names a policy with its kind, once.
func policyName(layer, name string) string {
	switch name {
	case "", "trust policy", "session policy":
		return "the " + layer
	case "bucket policy":
		return "the bucket policy"
	}
	return layer + " " + name
}

func (e *Explanation) writeChanges(b *bytes.Buffer) {
	if len(e.Changes) == 0 {
		return
	}
	b.WriteString("\nWhat would change it:\n")
	for i, c := range e.Changes {
		fmt.Fprintf(b, "  %d. %s\n", i+1, clean(c.Text))
		for _, text := range []json.RawMessage{c.Statement, c.Document} {
			var pretty bytes.Buffer
			if len(text) > 0 && json.Indent(&pretty, text, "", "  ") == nil {
				writeLines(b, pretty.String())
			}
		}
		writeLines(b, c.Command)
	}
}

// writeLines writes what has lines of its own: JSON, where those of a caller are
// escaped, and commands, where shellQuote escapes them.
func writeLines(b *bytes.Buffer, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(b, "       %s\n", clean(strings.TrimSuffix(line, "\n")))
	}
}

// clean keeps what a caller chose from writing to the operator's terminal
// anything but text, and from beginning a line there: nobody shall be able to
// write a part of an explanation.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == 0x2028, r == 0x2029:
			return '\u2424'
		case r < ' ', r >= 0x7f && r < 0xa0, r == utf8.RuneError, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return '?'
		}
		return r
	}, s)
}

// short is enough of a certificate id to tell it from others.
func short(id string) string {
	if len(id) < 16 {
		return id
	}
	return id[:12] + "…"
}

// sentence ends a text, unless it has an end.
func sentence(text string) string {
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

func quote(s string) string { return `"` + s + `"` }

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// list joins names as a sentence does, and breaks a long list off.
func list(names []string) string {
	const most = 6
	more := len(names) - most
	if more > 0 {
		names = names[:most]
	}
	switch {
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), more)
	case len(names) < 2:
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// shellQuote makes one word of a text for a shell.
func shellQuote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(shellSafe, r) }) < 0 {
		return s
	}
	if strings.ContainsAny(s, "\n\r") { // a line end shall not end a line of ours
		return "$'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\r", `\r`).Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

const shellSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=/.:,@%"
