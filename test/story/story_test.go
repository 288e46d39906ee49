package story

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/thingpass/thingpass/thingtest"
)

// TestCLI tells the stories of testdata/cli with every AWS CLI on the machine.
func TestCLI(t *testing.T) {
	need(t, "curl", "wget", "openssl")
	for _, cli := range findCLIs(t) {
		t.Run(cli.version, func(t *testing.T) {
			t.Parallel()
			tell(t, "testdata/cli", cli)
		})
	}
}

// TestBoto3 tells the stories of testdata/boto3.
func TestBoto3(t *testing.T) {
	t.Parallel()
	need(t, "curl", "openssl")
	tell(t, "testdata/boto3", cli{python: findPython(t)})
}

// tell runs every script of a folder; a folder without scripts fails.
func tell(t *testing.T, dir string, c cli) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir: dir, Setup: c.setup, Cmds: c.commands(), Condition: c.condition, RequireUniqueNames: true,
	})
}

// need skips a test for want of a program on a newcomer's machine, and fails it
// in CI, where every client is installed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := lookPath(p); err != nil {
			missing(t, err.Error())
		}
	}
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// serverFile may stand in a script's archive, to say what server it wants.
const serverFile = "server.json"

type serverOptions struct {
	Region         string   `json:"region"`
	DeviceEndpoint string   `json:"deviceEndpoint"`
	Hosts          []string `json:"hosts"`
}

// setup starts the server of one script and points the script's clients to it.
func (c cli) setup(env *testscript.Env) error {
	var want serverOptions
	text, err := os.ReadFile(filepath.Join(env.WorkDir, serverFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(text, &want); err != nil {
			return fmt.Errorf("read %s: %w", serverFile, err)
		}
	}
	t, ok := env.T().(testing.TB)
	if !ok {
		return errors.New("the scripts do not run under testing.T")
	}
	log := &serverLog{}
	server, err := thingtest.Start(t.Context(), thingtest.Options{
		Dir: filepath.Join(env.WorkDir, ".server"), Region: want.Region,
		DeviceEndpoint: want.DeviceEndpoint, Hosts: want.Hosts, Log: slog.New(slog.NewJSONHandler(log, nil)),
	})
	if err != nil {
		return err
	}
	people := newCast(server)
	env.Values[castKey{}] = people
	env.Defer(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		log.check(t, people)
	})
	return c.equip(env, server, people)
}

// equip fills the environment of a script: what an operator sources, and where
// the device door listens.
func (c cli) equip(env *testscript.Env, server *thingtest.Server, people *cast) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	api, err := url.Parse(server.APIURL())
	if err != nil {
		return err
	}
	admin := people.actors[administrator]
	for name, value := range map[string]string{
		"HOME": home, "PATH": os.Getenv("PATH"), "LC_ALL": "C.UTF-8",
		"AWS_ACCESS_KEY_ID": admin.AccessKeyID, "AWS_SECRET_ACCESS_KEY": admin.SecretAccessKey,
		"AWS_DEFAULT_REGION": server.Installation().Region, "AWS_CA_BUNDLE": server.CAFile,
		"AWS_ENDPOINT_URL":          "https://localhost:" + api.Port(),
		"AWS_EC2_METADATA_DISABLED": "true",
		"AWS_MAX_ATTEMPTS":          "1", // a retry would hide a failure of the server
		"DEVICE_ADDRESS":            server.Addresses().Device,
	} {
		env.Setenv(name, value)
	}
	return nil
}

// condition knows [v1] and [v2], the generation of the AWS CLI, and [once]: a
// check that does not depend on the CLI is made with one of them only.
func (c cli) condition(name string) (bool, error) {
	switch name {
	case "v1", "v2":
		return strings.HasPrefix(c.version, "aws-cli-"+name[1:]+"."), nil
	case "once":
		return c.first, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}
