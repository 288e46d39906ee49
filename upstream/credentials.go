package upstream

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/sigv4"
)

// readCredentials reads the engine's keys from the environment or from a file.
// No error shows a value.
func (c *Config) readCredentials(source, profile string) error {
	if name, ok := strings.CutPrefix(source, "env:"); ok {
		if profile != "" {
			return errors.New("profile= is for a credentials file")
		}
		return c.fromEnvironment(name)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok { // its path may be keys that somebody put there
			err = e.Err
		}
		return fmt.Errorf("read credentials: %w: credentials= wants a file as the AWS CLI has it, or env:NAME", err)
	}
	if info, err := os.Stat(source); err == nil && info.Mode().Perm()&0o077 != 0 {
		c.Exposed = source
	}
	sections, order := parseProfiles(string(text))
	if profile == "" {
		if profile = "default"; len(order) == 1 {
			profile = order[0]
		}
	}
	keys := sections[profile]
	if keys == nil {
		return fmt.Errorf("credentials %q have no profile %q", source, profile)
	}
	c.take(keys["aws_access_key_id"], keys["aws_secret_access_key"], keys["aws_session_token"])
	if c.AccessKeyID == "" || c.SecretKey.Empty() {
		return fmt.Errorf("profile %q of credentials %q needs aws_access_key_id and aws_secret_access_key", profile, source)
	}
	return nil
}

func (c *Config) fromEnvironment(name string) error {
	id, secret := name+"_ACCESS_KEY_ID", name+"_SECRET_ACCESS_KEY"
	c.take(os.Getenv(id), os.Getenv(secret), os.Getenv(name+"_SESSION_TOKEN"))
	if c.AccessKeyID == "" || c.SecretKey.Empty() {
		return fmt.Errorf("the environment needs %s and %s", id, secret)
	}
	return nil
}

func (c *Config) take(id, secret, token string) {
	c.AccessKeyID, c.SecretKey, c.SessionToken = id, thingpass.NewSecret(secret), thingpass.NewSecret(token)
}

// credentials are what requests are signed with.
func (c *Config) credentials() sigv4.Credentials {
	return sigv4.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
		Keys: sigv4.NewKeys(2), // of today and of the day before
	}
}

// parseProfiles reads a credentials file (AWS CLI user guide, "Configuration and
// credential file settings"): sections in brackets, then lines of name = value.
// What else there is belongs to other tools and is passed over.
func parseProfiles(text string) (sections map[string]map[string]string, order []string) {
	sections = map[string]map[string]string{}
	var current map[string]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, _, _ = strings.Cut(name, "]")
			name = strings.TrimSpace(name)
			if current = sections[name]; current == nil {
				current = map[string]string{}
				sections[name], order = current, append(order, name)
			}
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if ok && current != nil && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			current[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return sections, order
}
