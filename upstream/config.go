package upstream

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
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

	// Concurrency is how many requests the engine is given at a time; 0 for
	// 512. A request beyond waits a second for its turn and is then turned away.
	Concurrency int
	Timeouts    Timeouts
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
// The first three are needed.
func ParseConfig(spec string) (Config, error) {
	c := Config{Region: defaultRegion, Kind: Other}
	seen := map[string]string{}
	for part := range strings.SplitSeq(spec, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !ok || value == "":
			return c, fmt.Errorf("S3 engine: %q is not name=value", name)
		case seen[name] != "":
			return c, fmt.Errorf("S3 engine: %s is given twice", name)
		}
		seen[name] = value
		if err := c.set(name, value); err != nil {
			return c, fmt.Errorf("S3 engine: %w", err)
		}
	}
	for _, name := range []string{"name", "endpoint", "credentials"} {
		if seen[name] == "" {
			return c, fmt.Errorf("S3 engine %q: %s= is missing", c.Name, name)
		}
	}
	if err := c.readCredentials(seen["credentials"], seen["profile"]); err != nil {
		return c, fmt.Errorf("S3 engine %q: %w", c.Name, err)
	}
	return c, nil
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
	case "credentials", "profile":
	default:
		err = fmt.Errorf("there is no setting %q", name)
	}
	return err
}

func parseEndpoint(value string) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil:
		return nil, errors.New("endpoint is not a URL") // url.Error would show a password in it
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
