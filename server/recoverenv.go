package server

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// The variables of the environment file.
const (
	envKeyID    = "AWS_ACCESS_KEY_ID"
	envSecret   = "AWS_SECRET_ACCESS_KEY"
	envRegion   = "AWS_DEFAULT_REGION"
	envEndpoint = "AWS_ENDPOINT_URL"
	envCA       = "AWS_CA_BUNDLE"
)

// envFile is the environment file in lines. An operator may have put more into
// it, or another address: what is not set stays as it was.
type envFile struct{ lines []string }

// readEnv reads the environment file of the installation, and fills in what it
// lacks. apiPort is the port of the API door, "" for the one that is there.
func (i *Installation) readEnv(apiPort string) (*envFile, error) {
	if apiPort != "" {
		if err := CheckPort(apiPort); err != nil {
			return nil, fmt.Errorf("port %w", err)
		}
	}
	raw, err := os.ReadFile(i.path(fileAdminEnv))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f := &envFile{lines: linesOf(string(raw))}
	for _, name := range []string{envKeyID, envSecret} {
		f.set(name, f.get(name)) // keeps the order of Init's file
	}
	if f.get(envRegion) == "" {
		f.set(envRegion, i.Region)
	}
	host, port := i.Hosts[0], "9443"
	at, err := url.Parse(f.get(envEndpoint))
	known := err == nil && at.Hostname() != ""
	if known {
		host = at.Hostname()
	}
	if apiPort != "" {
		port = apiPort
	}
	if !known || apiPort != "" {
		f.set(envEndpoint, "https://"+net.JoinHostPort(host, port))
	}
	if _, err := os.Stat(f.get(envCA)); err != nil {
		f.set(envCA, i.path(fileCA))
	}
	return f, nil
}

func linesOf(text string) []string {
	if text = strings.TrimSuffix(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// find returns the last line that sets a variable, and the text of its value, or
// -1.
func (f *envFile) find(name string) (line int, value string) {
	line = -1
	for n, text := range f.lines {
		set := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "export "))
		if rest, is := strings.CutPrefix(set, name+"="); is {
			line, value = n, rest
		}
	}
	return line, value
}

// get is the value of a variable, "" for none.
func (f *envFile) get(name string) string {
	_, value := f.find(name)
	if inner, quoted := strings.CutPrefix(value, "'"); quoted {
		return strings.ReplaceAll(strings.TrimSuffix(inner, "'"), `'\''`, "'")
	}
	if inner, quoted := strings.CutPrefix(value, `"`); quoted {
		return strings.TrimSuffix(inner, `"`)
	}
	return value
}

func (f *envFile) set(name, value string) {
	text := "export " + name + "=" + shellQuote(value)
	if line, _ := f.find(name); line >= 0 {
		f.lines[line] = text
		return
	}
	f.lines = append(f.lines, text)
}

func (f *envFile) text() string { return strings.Join(f.lines, "\n") + "\n" }
