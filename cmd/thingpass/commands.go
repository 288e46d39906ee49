package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/space"
	"github.com/thingpass/thingpass/trail"
	"github.com/thingpass/thingpass/upstream"
)

type dataFlag struct {
	Data string `required:"" env:"THINGPASS_DATA" placeholder:"DIR" help:"Data folder of the installation."`
}

// Validate refuses an empty name, which would be the current folder: mostly it
// is a variable that was not set.
func (f dataFlag) Validate() error {
	if f.Data == "" {
		return errors.New("the data folder is empty: name it with --data DIR or THINGPASS_DATA=DIR")
	}
	return nil
}

// open reads the installation, which all commands but init need.
func (f dataFlag) open() (*server.Installation, error) {
	if _, err := os.Stat(f.Data); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s: name the data folder of an installation with --data DIR or THINGPASS_DATA=DIR, or make one with thingpass init --data %s", f.Data, f.Data)
	}
	return server.OpenInstallation(f.Data)
}

// rsaFlag chooses the keys of the doors.
type rsaFlag struct {
	RSA bool `name:"rsa" default:"true" negatable:"" help:"Make an RSA key and certificate for the doors beside those with a P-256 key, for clients whose TLS knows RSA only."`
}

type initCmd struct {
	dataFlag
	Account  string   `env:"THINGPASS_ACCOUNT" placeholder:"ID" help:"Account id, 12 digits (default: random)."`
	Region   string   `env:"THINGPASS_REGION" default:"us-east-1" help:"Region in ARNs."`
	Host     []string `env:"THINGPASS_HOST" placeholder:"NAME" help:"Name or address in the server certificate, repeatable (default: localhost and loopback). The first is where clients are told to go."`
	Database string   `env:"THINGPASS_DATABASE" placeholder:"URL" help:"PostgreSQL URL (default: SQLite in the data folder)."`
	APIPort  string   `env:"THINGPASS_API_PORT" default:"9443" help:"Port of the API door in AWS_ENDPOINT_URL."`
	rsaFlag
}

// Validate is kong's: what is wrong here is wrong usage.
func (c *initCmd) Validate() error {
	if err := c.dataFlag.Validate(); err != nil {
		return err
	}
	if c.Account != "" && !thingpass.ValidAccount(c.Account) {
		return fmt.Errorf("--account %q: an account id has 12 digits", c.Account)
	}
	if !thingpass.ValidRegion(c.Region) {
		return fmt.Errorf("--region %q: a region is 1 to 32 lower-case letters, digits and dashes", c.Region)
	}
	return errors.Join(named("--host", server.CheckHosts(c.Host)), named("--api-port", server.CheckPort(c.APIPort)),
		named("--database:", server.CheckDatabase(c.Database)))
}

func (c *initCmd) Run(ctx context.Context) error {
	env, err := server.Init(ctx, server.InitConfig{
		Dir: c.Data, Account: c.Account, Region: c.Region, Hosts: c.Host, Database: c.Database, APIPort: c.APIPort, NoRSA: !c.RSA,
	})
	if err != nil {
		return err
	}
	fmt.Print(env.Text())
	fmt.Fprintf(os.Stderr, "\nThe installation is in %s; the lines above are in %s too.\nGo on with:  %s serve --data %s\nThen:        source %s && aws iot describe-endpoint --endpoint-type iot:CredentialProvider\n",
		c.Data, env.Path, calledAs(), c.Data, env.Path)
	return nil
}

type serveCmd struct {
	dataFlag
	DeviceListen    string        `env:"THINGPASS_DEVICE_LISTEN" default:":8443" help:"Address of the device door (mutual TLS)."`
	APIListen       string        `env:"THINGPASS_API_LISTEN" default:":9443" help:"Address of the API door (HTTPS, signed requests)."`
	HTTPListen      string        `name:"http-listen" env:"THINGPASS_HTTP_LISTEN" placeholder:"ADDRESS" help:"Address of the API door without TLS, besides the one with it: for a proxy on this machine that ends TLS. Session tokens and objects pass in the clear (default: none)."`
	OpsListen       string        `env:"THINGPASS_OPS_LISTEN" default:"127.0.0.1:9445" help:"Address of /healthz, /readyz and /metrics (plain HTTP)."`
	DeviceEndpoint  string        `env:"THINGPASS_DEVICE_ENDPOINT" placeholder:"HOST[:PORT]" help:"Public name of the device door (default: the first host of the installation and the door's port)."`
	TLSCert         []string      `name:"tls-cert" env:"THINGPASS_TLS_CERT" type:"path" placeholder:"FILE" help:"Certificate of the doors with its chain, PEM, instead of the one in the data folder; repeatable, the preferred one first."`
	TLSKey          []string      `name:"tls-key" env:"THINGPASS_TLS_KEY" type:"path" placeholder:"FILE" help:"Its key, PEM; as often as --tls-cert, in the same order."`
	PostQuantum     bool          `env:"THINGPASS_POST_QUANTUM" default:"true" negatable:"" help:"Offer the post-quantum hybrid key exchange X25519MLKEM768."`
	OldCipherSuites bool          `name:"old-cipher-suites" env:"THINGPASS_OLD_CIPHER_SUITES" help:"Take, at the device door, suites of TLS 1.2 that old firmware was compiled with: RSA key exchange (no forward secrecy) and CBC with SHA-256 (timing attacks)."`
	PresignV2       bool          `name:"presign-v2" env:"THINGPASS_PRESIGN_V2" default:"true" negatable:"" help:"Take S3 URLs presigned with Signature Version 2, which AWS CLI version 1 and boto3 make by default."`
	S3Backend       []string      `name:"s3-backend" env:"THINGPASS_S3_BACKEND" sep:";" placeholder:"name=NAME,endpoint=URL,credentials=FILE,…" help:"S3 engine that buckets are forwarded to, repeatable: name=, endpoint=, credentials=FILE or env:PREFIX, and, if wanted, profile=, region=, prefix= of its buckets, kind=ceph|minio|aws|garage|seaweedfs, ca=, concurrency= (default: the embedded store has every bucket)."`
	S3Domain        []string      `name:"s3-domain" env:"THINGPASS_S3_DOMAIN" placeholder:"DOMAIN" help:"Take BUCKET.DOMAIN as the address of a bucket, too, repeatable. The server certificate needs *.DOMAIN."`
	S3Public        bool          `name:"s3-public" env:"THINGPASS_S3_PUBLIC" help:"Let bucket policies allow unsigned requests. Without it no bucket is public, whatever its policy says."`
	UploadAge       time.Duration `name:"s3-upload-age" env:"THINGPASS_S3_UPLOAD_AGE" default:"168h" help:"End unfinished multipart uploads of the embedded store that are older; 0 for never."`
	MinFree         *space.Limit  `name:"min-free" env:"THINGPASS_MIN_FREE" placeholder:"SIZE|PERCENT" help:"Refuse uploads while less than this is free on a file system that they are written to, such as 1GiB or 5%; 0 for no limit (default: the larger of 256 MiB and 2%)."`
	StrictVariables bool          `env:"THINGPASS_STRICT_VARIABLES" help:"Know the policy variables credentials-iot:* only, not their older spellings iot:thingName, iot:thingType, iot:certificateId."`
	TrustedProxy    []string      `env:"THINGPASS_TRUSTED_PROXY" placeholder:"CIDR" help:"Address or network of a proxy in front of the API door, repeatable: the client's address is taken from its X-Forwarded-For, for aws:SourceIp and the log. From anybody else that header is ignored."`
	Decisions       int           `env:"THINGPASS_DECISIONS" default:"20000" help:"How many decisions are kept in memory for thingpass why, 1.5 KiB each at most on average; 0 for none."`
	DecisionsAge    time.Duration `env:"THINGPASS_DECISIONS_AGE" default:"1h" help:"How long they are kept."`
	DatabaseRead    time.Duration `name:"database-read-timeout" env:"THINGPASS_DATABASE_READ_TIMEOUT" default:"2s" help:"How long a request waits for the database to answer a read. Then it is answered 503."`
	DatabaseWrite   time.Duration `name:"database-write-timeout" env:"THINGPASS_DATABASE_WRITE_TIMEOUT" default:"10s" help:"How long it waits for a write. After a 503 it may have happened all the same."`
	ShutdownTimeout time.Duration `env:"THINGPASS_SHUTDOWN_TIMEOUT" default:"30s" help:"How long requests in flight may take to finish."`
	LogFormat       string        `env:"THINGPASS_LOG_FORMAT" enum:"json,text" default:"json" help:"json or text."`
	LogLevel        logLevel      `env:"THINGPASS_LOG_LEVEL" default:"info" help:"debug, info, warn or error. The audit line of a request has level info, or error when it failed."`
	AddressesFile   string        `env:"THINGPASS_ADDRESSES_FILE" placeholder:"FILE" help:"Write the addresses listened on to this file, as JSON."`

	engines []upstream.Config // that S3Backend describes
	proxies []netip.Prefix    // that TrustedProxy names
}

// Validate is kong's: what is wrong here is wrong usage.
func (c *serveCmd) Validate() error {
	if err := c.dataFlag.Validate(); err != nil {
		return err
	}
	if c.DatabaseRead <= 0 || c.DatabaseWrite < c.DatabaseRead {
		return errors.New("--database-read-timeout must be positive, and --database-write-timeout no shorter")
	}
	for flag, address := range map[string]string{"--device-listen": c.DeviceListen, "--api-listen": c.APIListen, "--ops-listen": c.OpsListen} {
		if err := server.CheckListen(address); err != nil {
			return named(flag, err)
		}
	}
	if c.HTTPListen != "" {
		if err := server.CheckListen(c.HTTPListen); err != nil {
			return named("--http-listen", err)
		}
	}
	for _, domain := range c.S3Domain {
		if err := server.CheckS3Domain(domain); err != nil {
			return named("--s3-domain", err)
		}
	}
	if err := errors.Join(named("--device-endpoint", server.CheckEndpoint(c.DeviceEndpoint)),
		positive("--decisions-age", c.DecisionsAge), positive("--shutdown-timeout", c.ShutdownTimeout)); err != nil {
		return err
	}
	if len(c.TLSCert) != len(c.TLSKey) {
		return fmt.Errorf("--tls-cert and --tls-key go together: %d certificates and %d keys were given", len(c.TLSCert), len(c.TLSKey))
	}
	var err error
	if c.proxies, err = prefixes(c.TrustedProxy); err != nil {
		return err
	}
	c.engines, err = engines(c.S3Backend)
	return err
}

func (c *serveCmd) Run(ctx context.Context) error {
	server.Tune()
	log := slog.New(trail.NewHandler(os.Stderr, &slog.HandlerOptions{Level: slog.Level(c.LogLevel)}))
	if c.LogFormat == "text" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.Level(c.LogLevel)}))
	}
	if _, err := c.open(); err != nil {
		return err
	}
	if c.Decisions <= 0 {
		c.Decisions = -1
	}
	if c.UploadAge <= 0 {
		c.UploadAge = -1
	}
	var own []server.CertificateFiles
	for n := range c.TLSCert {
		own = append(own, server.CertificateFiles{Cert: c.TLSCert[n], Key: c.TLSKey[n]})
	}
	s, err := server.Start(ctx, server.Config{
		Dir: c.Data, Certificates: own, DeviceListen: c.DeviceListen, APIListen: c.APIListen, HTTPListen: c.HTTPListen, OpsListen: c.OpsListen,
		DeviceEndpoint: c.DeviceEndpoint, NoPostQuantum: !c.PostQuantum, OldCipherSuites: c.OldCipherSuites, NoPresignV2: !c.PresignV2, StrictVariables: c.StrictVariables,
		S3Engines: c.engines, S3Domains: c.S3Domain, S3Public: c.S3Public, UploadAge: c.UploadAge, MinFree: c.MinFree,
		TrustedProxies: c.proxies, Decisions: c.Decisions, DecisionsAge: c.DecisionsAge,
		DatabaseRead: c.DatabaseRead, DatabaseWrite: c.DatabaseWrite, ShutdownTimeout: c.ShutdownTimeout, Log: log,
	})
	if err != nil {
		return err
	}
	if c.AddressesFile != "" {
		if err := writeAddresses(c.AddressesFile, s.Addresses()); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		log.Info("shutting down, requests in flight may finish", "timeout", c.ShutdownTimeout)
	case <-s.Failed():
		log.Error("a listener failed, shutting down")
	}
	return s.Shutdown()
}

// engines reads what --s3-backend was given.
func engines(specs []string) (list []upstream.Config, err error) {
	for _, spec := range specs {
		cfg, err := upstream.ParseConfig(spec)
		if err != nil {
			return nil, fmt.Errorf("--s3-backend: %w", err)
		}
		list = append(list, cfg)
	}
	if err := upstream.CheckConfigs(list); err != nil {
		return nil, fmt.Errorf("--s3-backend: %w", err)
	}
	return list, nil
}

// prefixes reads addresses and networks.
func prefixes(texts []string) (list []netip.Prefix, err error) {
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			a, alone := netip.ParseAddr(t)
			if alone != nil {
				return nil, fmt.Errorf("--trusted-proxy %q: not an address, and not a network like 10.0.0.0/8", t)
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// writeAddresses puts the file there in one step, so that a reader never sees
// half of it.
func writeAddresses(path string, a server.Addresses) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(raw, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

type rotateCmd struct{ dataFlag }

func (c *rotateCmd) Run() error {
	inst, err := c.open()
	if err != nil {
		return err
	}
	if err := inst.RotateKeys(time.Now()); err != nil {
		return err
	}
	fmt.Println("The key ring has a new key. A running server takes it up within a second; credentials issued before stay valid until they expire.")
	return nil
}

type recoverCmd struct {
	dataFlag
	Replace bool   `help:"Delete the access keys that the administrator has."`
	APIPort string `env:"THINGPASS_API_PORT" placeholder:"PORT" help:"Port of the API door in AWS_ENDPOINT_URL (default: the one in admin.env)."`
}

// Validate is kong's: what is wrong here is wrong usage.
func (c *recoverCmd) Validate() error {
	if c.APIPort != "" {
		if err := server.CheckPort(c.APIPort); err != nil {
			return named("--api-port", err)
		}
	}
	return c.dataFlag.Validate()
}

func (c *recoverCmd) Run(ctx context.Context) error {
	inst, err := c.open()
	if err != nil {
		return err
	}
	r, err := inst.RecoverAdministrator(ctx, c.APIPort, c.Replace, time.Now())
	if len(r.Done) > 0 {
		fmt.Fprintf(os.Stderr, "User %s:\n  %s\n", server.Administrator, strings.Join(r.Done, "\n  "))
	}
	if r.Text != "" {
		fmt.Print(r.Text)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "A running server takes this up within a second. Go on with:  source %s\n", r.Env.Path)
	return nil
}

type recoverBucketCmd struct {
	dataFlag
	Bucket string `arg:"" help:"Name of the bucket."`
}

func (c *recoverBucketCmd) Run(ctx context.Context) error {
	inst, err := c.open()
	if err != nil {
		return err
	}
	policy, err := inst.RecoverBucket(ctx, c.Bucket)
	if err != nil {
		return err
	}
	fmt.Println(policy)
	fmt.Fprintf(os.Stderr, "The policy above is taken off bucket %s. A running server takes this up within a second.\n", c.Bucket)
	return nil
}

type renewCmd struct {
	dataFlag
	Host  []string `placeholder:"NAME" help:"Name or address in the certificate, repeatable (default: those of the installation)."`
	Force bool     `help:"Replace a certificate of another CA, or a symbolic link, with one of the installation's CA."`
	rsaFlag
}

// Validate is kong's: what is wrong here is wrong usage.
func (c *renewCmd) Validate() error {
	return errors.Join(named("--host", server.CheckHosts(c.Host)), c.dataFlag.Validate())
}

func (c *renewCmd) Run() error {
	inst, err := c.open()
	if err != nil {
		return err
	}
	if len(c.Host) == 0 {
		c.Host = inst.Hosts
	}
	if err := inst.RenewServerCertificates(server.RenewConfig{Hosts: c.Host, NoRSA: !c.RSA, Force: c.Force, Now: time.Now()}); err != nil {
		return err
	}
	fmt.Println("The server certificate is renewed. A running server takes it up within a second.")
	return nil
}

type versionCmd struct {
	Licenses bool `help:"Print the licences of what is linked into the program."`
}

//go:generate sh -c "go run ../../test/licenses >licenses.new && mv licenses.new licenses.txt"
//go:embed licenses.txt
var licenses string

func (c versionCmd) Run() error {
	if c.Licenses {
		fmt.Print(licenses)
		return nil
	}
	fmt.Println("thingpass", version())
	return nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
