package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/space"
	"github.com/thingpass/thingpass/store"
)

// The files of a data folder.
const (
	fileInstallation = "installation.json"
	fileLock         = "init.lock" // there while init is at work
	fileKeyRing      = "keyring.json"
	fileDatabase     = "thingpass.db"
	fileAdminEnv     = "admin.env"
	dirObjects       = "objects"
	dirUploads       = "uploads"
	fileCA           = "tls/ca.pem"
	fileCAKey        = "tls/ca.key"
	fileServerCert   = "tls/server.pem"
	fileServerKey    = "tls/server.key"
	fileRSACA        = "tls/ca-rsa.pem"
	fileRSACAKey     = "tls/ca-rsa.key"
	fileRSACert      = "tls/server-rsa.pem"
	fileRSAKey       = "tls/server-rsa.key"
	fileDeviceCA     = "device-ca/ca.pem"
	fileDeviceCAKey  = "device-ca/ca.key"
)

// Administrator is the user that an installation begins with.
const Administrator = "admin"

const administratorPolicyName = "AdministratorAccess"

const administratorPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// InitConfig says what installation to make.
type InitConfig struct {
	Dir      string
	Account  string   // 12 digits; "" for a random one
	Region   string   // "" for us-east-1
	Hosts    []string // names and addresses of the server certificate; nil for localhost and loopback
	Database string   // PostgreSQL URL; "" for SQLite in the data folder
	APIPort  string   // port in AWS_ENDPOINT_URL; "" for 9443
	NoRSA    bool     // no RSA certificate for the doors beside the one with a P-256 key
	Now      time.Time
}

// Installation is what a data folder says of itself.
type Installation struct {
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	Hosts    []string  `json:"hosts"`
	Database string    `json:"database,omitempty"` // PostgreSQL URL; empty for SQLite in the data folder
	Created  time.Time `json:"created"`

	dir string
}

// Place is the account and region of the installation.
func (i *Installation) Place() thingpass.Place {
	return thingpass.Place{Account: i.Account, Region: i.Region}
}

// Objects is the folder of the embedded object store.
func (i *Installation) Objects() string { return i.path(dirObjects) }

// Uploads is the folder where uploads to S3 engines wait whose length is not
// known. It is made when there is one, and has nothing to keep.
func (i *Installation) Uploads() string { return i.path(dirUploads) }

func (i *Installation) path(name string) string { return filepath.Join(i.dir, name) }

func (i *Installation) dsn() string {
	if i.Database != "" {
		return i.Database
	}
	return "sqlite:" + i.path(fileDatabase)
}

// AdminEnv is what an operator sources to reach an installation with the AWS
// CLI.
type AdminEnv struct {
	AccessKeyID     string
	SecretAccessKey thingpass.Secret
	Region          string
	EndpointURL     string
	CABundle        string
	Path            string // the file it was written to
}

// Text is the environment file. It contains the secret: it is for the operator
// and for the file of mode 0600.
func (e AdminEnv) Text() string {
	var b strings.Builder
	for _, v := range [][2]string{
		{"AWS_ACCESS_KEY_ID", e.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", e.SecretAccessKey.Reveal()},
		{"AWS_DEFAULT_REGION", e.Region}, {"AWS_ENDPOINT_URL", e.EndpointURL}, {"AWS_CA_BUNDLE", e.CABundle},
	} {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	return b.String()
}

func shellQuote(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(shellSafe, r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

const shellSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=/.:,@%"

// Init makes an installation: account, keys, certificates, database, object
// store and administrator. It refuses a folder that is not empty, and leaves
// nothing in it when it fails.
func Init(ctx context.Context, cfg InitConfig) (AdminEnv, error) {
	if err := cfg.defaults(); err != nil {
		return AdminEnv{}, err
	}
	if err := claim(cfg.Dir); err != nil {
		return AdminEnv{}, err
	}
	inst := &Installation{Account: cfg.Account, Region: cfg.Region, Hosts: cfg.Hosts, Database: cfg.Database, Created: cfg.Now.UTC(), dir: cfg.Dir}
	env, err := inst.create(ctx, cfg)
	if err != nil {
		return AdminEnv{}, errors.Join(fmt.Errorf("init %s: %w", cfg.Dir, err), empty(cfg.Dir))
	}
	return env, os.Remove(filepath.Join(cfg.Dir, fileLock))
}

func (cfg *InitConfig) defaults() error {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return err
	}
	cfg.Dir = dir
	if cfg.Account == "" {
		n, err := rand.Int(rand.Reader, big.NewInt(9e11))
		if err != nil {
			return err
		}
		cfg.Account = n.Add(n, big.NewInt(1e11)).String()
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if len(cfg.Hosts) == 0 {
		cfg.Hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	if cfg.APIPort == "" {
		cfg.APIPort = "9443"
	}
	if cfg.Now.IsZero() {
		cfg.Now = time.Now()
	}
	if !thingpass.ValidAccount(cfg.Account) {
		return fmt.Errorf("account %q: an account id has 12 digits", cfg.Account)
	}
	if err := CheckPort(cfg.APIPort); err != nil {
		return fmt.Errorf("port %w", err)
	}
	if !thingpass.ValidRegion(cfg.Region) {
		return fmt.Errorf("region %q: a region is 1 to 32 lower-case letters, digits and dashes", cfg.Region)
	}
	if err := CheckHosts(cfg.Hosts); err != nil {
		return fmt.Errorf("host %w", err)
	}
	return nil
}

// claim makes the folder, or takes an empty one, and leaves a lock file in it:
// of two that make an installation in the same folder, one wins and the other
// touches nothing.
func claim(dir string) error {
	// Only the data folder is closed to others; those above it are as the umask
	// has them.
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := unused(dir); err != nil {
		return err
	}
	lock := filepath.Join(dir, fileLock)
	f, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s: another init is at work there, or has died: if so, remove the folder", dir)
	}
	if err != nil {
		return err
	}
	// Another one may have come and gone since the folder was looked at.
	if err := errors.Join(f.Close(), unused(dir)); err != nil {
		return errors.Join(err, os.Remove(lock))
	}
	return os.Chmod(dir, 0o700)
}

// unused tells why a folder cannot be taken, if it cannot.
func unused(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, fileInstallation)); err == nil {
		return fmt.Errorf("%s holds an installation already: start it with thingpass serve --data %s", dir, dir)
	}
	for _, e := range entries {
		if e.Name() != fileLock {
			return fmt.Errorf("%s is not empty: init needs a new or empty folder", dir)
		}
	}
	return nil
}

func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

func (i *Installation) create(ctx context.Context, cfg InitConfig) (AdminEnv, error) {
	if err := i.createKeys(cfg.NoRSA, cfg.Now); err != nil {
		return AdminEnv{}, err
	}
	store, err := objects.Create(i.path(dirObjects))
	if err != nil {
		return AdminEnv{}, err
	}
	if err := store.Close(); err != nil {
		return AdminEnv{}, err
	}
	key, err := i.createDatabase(ctx, cfg.Now)
	if err != nil {
		return AdminEnv{}, err
	}
	env := AdminEnv{
		AccessKeyID: key.ID, SecretAccessKey: key.Secret, Region: i.Region,
		EndpointURL: "https://" + net.JoinHostPort(i.Hosts[0], cfg.APIPort),
		CABundle:    i.path(fileCA), Path: i.path(fileAdminEnv),
	}
	if err := i.write(fileAdminEnv, []byte(env.Text()), 0o600); err != nil {
		return AdminEnv{}, err
	}
	raw, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return AdminEnv{}, err
	}
	// Written last: a folder without it is no installation.
	return env, i.write(fileInstallation, append(raw, '\n'), 0o600)
}

func (i *Installation) createKeys(noRSA bool, now time.Time) error {
	for _, dir := range []string{filepath.Dir(fileCA), filepath.Dir(fileDeviceCA)} {
		if err := os.Mkdir(i.path(dir), 0o700); err != nil {
			return err
		}
	}
	if err := session.CreateRing(i.path(fileKeyRing), now); err != nil {
		return err
	}
	deviceCert, deviceKey, err := identity.NewIssuer(i.Account, now)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
		mode os.FileMode
	}{
		{fileDeviceCA, deviceCert, 0o644}, {fileDeviceCAKey, deviceKey, 0o600},
	} {
		if err := i.write(f.name, f.data, f.mode); err != nil {
			return err
		}
	}
	if err := i.createServerCA(serverPairs()[0], now); err != nil {
		return err
	}
	return i.RenewServerCertificates(RenewConfig{Hosts: i.Hosts, NoRSA: noRSA, Now: now})
}

func (i *Installation) createDatabase(ctx context.Context, now time.Time) (thingpass.AccessKey, error) {
	db, err := store.Create(ctx, i.dsn(), i.Place())
	if err != nil {
		return thingpass.AccessKey{}, err
	}
	key := newAdminKey(now)
	err = db.CreateUser(ctx, newAdministrator(now), key)
	return key, errors.Join(err, db.Close())
}

// write creates a file durably; it never replaces one.
func (i *Installation) write(name string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(i.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(i.path(name))))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenInstallation reads a data folder. It creates nothing.
func OpenInstallation(dir string) (*Installation, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, fileInstallation))
	if _, other := os.Stat(filepath.Join(dir, fileKeyRing)); errors.Is(err, os.ErrNotExist) && other == nil {
		return nil, fmt.Errorf("%s is gone, and other parts of an installation are there: put it back from a backup; it holds account, region, hosts, and the database if that is PostgreSQL", filepath.Join(dir, fileInstallation))
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no installation: make one with thingpass init --data %s", dir, dir)
	}
	if err != nil {
		return nil, err
	}
	inst := &Installation{dir: dir}
	if err := json.Unmarshal(raw, inst); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, fileInstallation), err)
	}
	if !thingpass.ValidAccount(inst.Account) || !thingpass.ValidRegion(inst.Region) || len(inst.Hosts) == 0 {
		return nil, fmt.Errorf("read %s: account, region or hosts are missing", filepath.Join(dir, fileInstallation))
	}
	return inst, nil
}

// RotateKeys puts a new key into the key ring. Running servers take it up by
// themselves; sessions issued before stay valid until they expire.
func (i *Installation) RotateKeys(now time.Time) error {
	if err := i.need(PartKeyRing); err != nil {
		return err
	}
	if all, err := i.openRooms(space.Config{}); err == nil {
		_ = all.ready() // what is missing all the same, the next line says
	}
	return session.RotateRing(i.path(fileKeyRing), now)
}
