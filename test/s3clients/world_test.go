package s3clients

import (
	"bufio"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/thingpass/thingpass/test/rig"
)

// bigSize is what a client uploads in parts.
const bigSize = 200 << 20

// engine is one place where objects are kept.
type engine struct {
	name    string
	bucket  string
	missing error // why it does not run
}

// world is a server with both engines, and a device's session.
type world struct {
	dir     string
	server  *rig.Server
	engines []engine
	session session
	big     string // file of bigSize bytes

	findGo, findPython sync.Once
	goProgram, pythons string
	goErr              error
}

// newWorld starts the engines and the server, and obtains the session by the
// device's own exchange.
func newWorld(t *testing.T) *world {
	t.Helper()
	// Not t.Context: children are stopped by Cleanup, in order.
	ctx := context.WithoutCancel(t.Context())
	w := &world{dir: t.TempDir(), engines: []engine{{name: "embedded", bucket: "embedded-things"}, {name: "rgw", bucket: "rgw-things"}}}
	var flags []string
	if w.engines[1].missing = rig.HaveRGW(); w.engines[1].missing == nil {
		flags = w.startRGW(ctx, t)
	}
	program, err := rig.Build(ctx, w.dir)
	if err != nil {
		t.Fatal(err)
	}
	installed, err := rig.Init(ctx, program, filepath.Join(w.dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if w.server, err = installed.Serve(ctx, flags...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.server.Stop(); err != nil {
			t.Error(err)
		}
	})
	w.big = filepath.Join(w.dir, "big")
	if err := errors.Join(w.prepare(ctx), writeBig(w.big)); err != nil {
		t.Fatal(err)
	}
	return w
}

// startRGW starts Ceph's gateway and returns the flags with which it gets the
// buckets named rgw-.
func (w *world) startRGW(ctx context.Context, t *testing.T) []string {
	t.Helper()
	folder := filepath.Join(w.dir, "rgw")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := rig.StartRGW(ctx, folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	backend, err := r.Backend(filepath.Join(w.dir, "engine-keys"))
	if err != nil {
		t.Fatal(err)
	}
	return []string{"--s3-backend", backend + ",prefix=rgw-"}
}

// prepare makes the buckets, an object outside the device's prefix, the role,
// and the session.
func (w *world) prepare(ctx context.Context) error {
	admin := w.server.Client(w.server.Admin)
	defer admin.HTTP.CloseIdleConnections()
	var buckets []string
	for _, e := range w.engines {
		if e.missing != nil {
			continue
		}
		buckets = append(buckets, e.bucket)
		// s3fs mounts a folder only if there is an object for it.
		for _, path := range []string{"", "/other/secret", "/other/", "/dev/s3fs/"} {
			path = "/" + e.bucket + path
			if _, err := admin.S3(ctx, http.MethodPut, path, nil); err != nil {
				return err
			}
		}
	}
	devices, err := rig.Prepare(ctx, admin, rig.SetUp{
		Role: "things", Alias: "things", IoTPolicy: "things", Permissions: policy(buckets...), Devices: 1,
	})
	if err != nil {
		return err
	}
	device := w.server.Device(devices[0].Certificate)
	defer device.HTTP.CloseIdleConnections()
	w.session, _, err = device.Credentials(ctx, "things", "")
	return err
}

// writeBig writes bytes that neither compress nor repeat, the same each time.
func writeBig(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	random := rand.NewChaCha8([32]byte{})
	var block [1 << 16]byte
	for range bigSize / len(block) {
		_, _ = random.Read(block[:]) // never fails
		if _, err := out.Write(block[:]); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return errors.Join(out.Flush(), file.Close())
}

// goClients builds the module in go, once.
func (w *world) goClients(t *testing.T) string {
	t.Helper()
	w.findGo.Do(func() {
		w.goProgram = filepath.Join(w.dir, "go-clients")
		build := exec.Command("go", "build", "-o", w.goProgram, ".")
		build.Dir = "go"
		if out, err := build.CombinedOutput(); err != nil {
			w.goErr = errors.New(err.Error() + "\n" + string(out))
		}
	})
	if w.goErr != nil {
		t.Fatalf("build the Go clients: %v", w.goErr)
	}
	return w.goProgram
}

// python finds a Python with a boto3 that checksums uploads by itself.
func (w *world) python(t *testing.T) string {
	t.Helper()
	const modern = `import boto3, sys; sys.exit([int(n) for n in boto3.__version__.split(".")[:2]] < [1, 36])`
	w.findPython.Do(func() {
		for _, path := range everywhere("python3") {
			if exec.Command(path, "-c", modern).Run() == nil {
				w.pythons = path
				return
			}
		}
	})
	if w.pythons == "" {
		missing(t, "needs a Python with boto3 1.36 or newer in PATH")
	}
	return w.pythons
}

var cliVersion = regexp.MustCompile(`^aws-cli/(\d+)\.`)

// cli finds the AWS CLI of the generation in a client's name; "" for another
// client.
func (w *world) cli(t *testing.T, name string) string {
	t.Helper()
	generation, ok := strings.CutPrefix(name, "aws-cli-")
	if !ok {
		return ""
	}
	for _, path := range everywhere("aws") {
		out, err := exec.Command(path, "--version").CombinedOutput()
		if found := cliVersion.FindSubmatch(out); err == nil && found != nil && string(found[1]) == generation {
			return path
		}
	}
	missing(t, "needs the AWS CLI, version "+generation+", in PATH")
	return ""
}

// everywhere lists the programs of a name in PATH, with pyenv's shims resolved:
// they need the HOME that clients do not get.
func everywhere(program string) []string {
	var found []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path, err := exec.LookPath(filepath.Join(dir, program))
		if err != nil || !filepath.IsAbs(path) {
			continue
		}
		if strings.HasSuffix(dir, "shims") {
			out, err := exec.Command("pyenv", "which", program).Output()
			if err != nil {
				continue
			}
			path = strings.TrimSpace(string(out))
		}
		found = append(found, path)
	}
	return found
}
