package upstream

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass"
)

// Config says how an engine is reached. See ParseConfig.
type Config struct {
	Name     string   // for logs and metrics, and unique
	Endpoint *url.URL // http or https, host and port
	Region   string   // that requests are signed for
	Prefix   string   // of the buckets that the engine has; "" for every bucket
	Kind     Kind
	Roots    *x509.CertPool // that sign the engine's certificate; nil for the system's

	AccessKeyID  string
	SecretKey    thingpass.Secret
	SessionToken thingpass.Secret // of temporary keys; empty for others

	// Exposed names the file of the keys when others than its owner can read it;
	// "" when nobody can, or there is none.
	Exposed string

	// Concurrency is how many requests the engine is given at a time; 0 for
	// 512. A request beyond waits a second for its turn and is then turned away.
	Concurrency int
	Timeouts    Timeouts

	// Log is told what its operator has to mend; nil for slog's default.
	Log *slog.Logger
}

// defaultRegion is what engines that have no regions of their own take.
const defaultRegion = "us-east-1"

// ParseConfig reads one engine as the command line gives it: pairs of a name
// and a value, separated by commas.
//
//	name=rgw                   for logs and metrics: letters, digits and dashes
//	endpoint=https://host:port http or https, without a path
//	credentials=FILE           the AWS CLI's credentials file: its profile= or its only one or [default]
//	credentials=env:RGW        RGW_ACCESS_KEY_ID, RGW_SECRET_ACCESS_KEY, RGW_SESSION_TOKEN of the environment
//	region=eu-west-1           us-east-1 when it is left out
//	prefix=cam-                of the buckets that the engine has; all when it is left out
//	kind=ceph                  ceph, minio, aws, garage, seaweedfs; other when it is left out
//	ca=FILE                    the certificates, in PEM, that vouch for the engine's
//	concurrency=512            requests at a time
//
// The first three are needed. No error shows a key.
func ParseConfig(spec string) (Config, error) {
	c := Config{Region: defaultRegion, Kind: Other}
	if err := c.parse(spec); err != nil {
		return c, fmt.Errorf("S3 engine %q: %w", nameIn(spec), err)
	}
	return c, nil
}

// nameIn is the name in what may be wrong otherwise.
func nameIn(spec string) string {
	for part := range strings.SplitSeq(spec, ",") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(part), "name="); ok {
			return name
		}
	}
	return ""
}

// settings are what there is to say about an engine.
var settings = [...]string{"name", "endpoint", "credentials", "profile", "region", "prefix", "kind", "ca", "concurrency"}

func (c *Config) parse(spec string) error {
	seen := map[string]string{}
	for part := range strings.SplitSeq(spec, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !ok && len(seen) == 0:
			return errors.New("it begins with name=NAME,endpoint=URL,credentials=FILE")
		case !slices.Contains(settings[:], name):
			return errNoSuch("setting", name, settings[:], nil)
		case !ok || value == "":
			return fmt.Errorf("%s has no value: give %[1]s=VALUE", name)
		case seen[name] != "":
			return fmt.Errorf("%s is given twice", name)
		}
		seen[name] = value
		if err := c.set(name, value); err != nil {
			return err
		}
	}
	for _, name := range settings[:3] {
		if seen[name] == "" {
			return fmt.Errorf("%s= is missing: name=NAME,endpoint=URL,credentials=FILE are needed", name)
		}
	}
	if seen["ca"] != "" && c.Endpoint.Scheme != "https" {
		return errors.New("ca= is for an endpoint with https://")
	}
	return c.readCredentials(seen["credentials"], seen["profile"])
}

// errNoSuch is for a word that is none of those that there are. Others lists what
// people call them besides.
func errNoSuch(what, word string, all []string, others map[string]string) error {
	hint := ""
	if meant := meant(word, all, others); meant != "" {
		hint = ": did you mean " + meant + "?"
	}
	return fmt.Errorf("there is no %s %q%s (there are %s)", what, word, hint, strings.Join(all, ", "))
}

// meant is the word that was probably meant, "" for none: another name of it, the
// one that it begins, or one that differs in a letter or two.
func meant(word string, all []string, others map[string]string) string {
	word = strings.ToLower(word)
	if v := others[word]; v != "" {
		return v
	}
	for _, name := range all {
		if len(word) > 2 && (strings.HasPrefix(name, word) || near(word, name)) {
			return name
		}
	}
	return ""
}

// near tells whether two words differ in one place, by up to two letters.
func near(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return max(len(a), len(b)) <= 2
}

func (c *Config) set(name, value string) (err error) {
	switch name {
	case "name":
		c.Name = value
		if strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || len(value) > 64 {
			err = fmt.Errorf("name %q may have letters, digits and dashes only", value)
		}
	case "endpoint":
		c.Endpoint, err = parseEndpoint(value)
	case "region":
		c.Region = value
		if strings.ContainsAny(value, "/ \t") {
			err = fmt.Errorf("region %q is none", value)
		}
	case "prefix":
		c.Prefix = value
		if strings.Trim(value, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
			err = fmt.Errorf("prefix %q cannot begin the name of a bucket", value)
		}
	case "kind":
		c.Kind, err = parseKind(value)
	case "ca":
		c.Roots, err = readRoots(value)
	case "concurrency":
		c.Concurrency, err = strconv.Atoi(value)
		if err != nil || c.Concurrency < 1 {
			err = fmt.Errorf("concurrency %q is not a number of requests", value)
		}
	}
	return err
}

func parseEndpoint(value string) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil:
		return nil, errors.New("endpoint is not a URL: it must begin with http:// or https:// and a host") // url.Error would show a password in it
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("endpoint %q must begin with http:// or https:// and a host", u.Redacted())
	case u.User != nil:
		return nil, errors.New("endpoint must not have a user: keys belong into credentials=")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("endpoint %q must not have a path: buckets begin at the root", value)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca %q has no certificate in PEM", file)
	}
	return pool, nil
}

// CheckConfigs refuses engines between which a bucket or a metric could not
// tell.
func CheckConfigs(all []Config) error {
	for i, c := range all {
		for _, other := range all[:i] {
			if c.Name == other.Name {
				return fmt.Errorf("two S3 engines are named %q", c.Name)
			}
			if c.Prefix == other.Prefix {
				return fmt.Errorf("the S3 engines %q and %q have the same prefix %q", other.Name, c.Name, c.Prefix)
			}
		}
	}
	return nil
}
