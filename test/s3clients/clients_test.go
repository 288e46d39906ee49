package s3clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// steps are what each client does.
var steps = []string{"put", "get", "list", "multipart", "range", "copy", "tag", "presign", "refused", "delete"}

// clientLimit is how long a client may take for all its steps.
const clientLimit = 10 * time.Minute

// client is one row: how to run it, and what it cannot do.
type client struct {
	name   string
	needs  []string // programs, or what installs libraries
	run    []string // command and arguments; "AWS" and "PYTHON" stand for what was found
	cannot []string // steps
}

var clients = []client{
	{name: "aws-cli-1", needs: []string{"curl"}, run: []string{"bash", "testdata/aws.sh"}},
	{name: "aws-cli-2", needs: []string{"curl"}, run: []string{"bash", "testdata/aws.sh"}},
	{name: "boto3", run: []string{"PYTHON", "testdata/boto.py"}},
	{name: "go-sdk-seekable", run: []string{"GO", "seekable"}},
	{name: "go-sdk-unseekable", run: []string{"GO", "unseekable"}},
	{name: "minio-go", run: []string{"GO", "minio"}},
	{name: "minio-go-trailers", run: []string{"GO", "minio-trailers"}},
	{name: "js-sdk-buffer", needs: []string{"node", npmInstall}, run: []string{"node", "../clients/s3.js", "buffer"}},
	{name: "js-sdk-stream", needs: []string{"node", npmInstall}, run: []string{"node", "../clients/s3.js", "stream"}},
	{name: "rclone", needs: []string{"rclone", "curl"}, run: []string{"bash", "testdata/rclone.sh"}},
	{name: "s3cmd", needs: []string{"s3cmd"}, run: []string{"bash", "testdata/s3cmd.sh"}, cannot: []string{"presign"}},
	{name: "restic", needs: []string{"restic"}, run: []string{"bash", "testdata/restic.sh"}, cannot: []string{"copy", "tag", "presign"}},
	{name: "s3fs", needs: []string{"s3fs", "fusermount3"}, run: []string{"bash", "testdata/s3fs.sh"}, cannot: []string{"tag", "presign"}},
}

// TestClients runs every client through every engine.
func TestClients(t *testing.T) {
	w := newWorld(t)
	for _, engine := range w.engines {
		t.Run(engine.name, func(t *testing.T) {
			if engine.missing != nil {
				missing(t, engine.missing.Error())
			}
			for _, c := range clients {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.test(t, w, engine)
				})
			}
		})
	}
}

func (c client) test(t *testing.T, w *world, e engine) {
	for _, what := range append(c.needs, c.run[0]) {
		if !installed(what) {
			missing(t, "needs "+what)
		}
	}
	command := w.command(t, c)
	command.Dir = t.TempDir()
	command.Env = append(os.Environ(),
		"ENDPOINT=https://"+w.server.SignedDoor, "BUCKET="+e.bucket, "PREFIX=dev/"+c.name, "CA="+w.server.CAFile(), "BIG="+w.big,
		"STEPS="+absolute(t, "testdata/steps.sh"), "HOME="+command.Dir,
		"AWS_ACCESS_KEY_ID="+w.session.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+w.session.SecretAccessKey, "AWS_SESSION_TOKEN="+w.session.SessionToken,
		"AWS_DEFAULT_REGION="+w.server.Region, "AWS_REGION="+w.server.Region,
		"AWS_CA_BUNDLE="+w.server.CAFile(), "NODE_EXTRA_CA_CERTS="+w.server.CAFile(), "AWS_EC2_METADATA_DISABLED=true", "PYTHONWARNINGS=ignore",
		"AWS="+w.cli(t, c.name))
	out, err := command.CombinedOutput()
	c.judge(t, string(out), err)
}

// installed reports whether a program is in PATH, or a client's library where
// the client looks for it. PYTHON and GO are found with what they need.
func installed(what string) bool {
	switch what {
	case "PYTHON", "GO":
		return true
	case npmInstall:
		for _, library := range []string{"client-s3", "lib-storage", "s3-request-presigner"} {
			if _, err := os.Stat(filepath.Join("..", "clients", "node_modules", "@aws-sdk", library, "package.json")); err != nil {
				return false
			}
		}
		return true
	}
	_, err := exec.LookPath(what)
	return err == nil
}

// npmInstall is what installs the AWS SDK for JavaScript.
const npmInstall = "npm ci --ignore-scripts in test/clients"

// said finds the lines with which a client tells of its steps.
var said = regexp.MustCompile(`(?m)^(ok|cannot) ([a-z]+)(.*)$`)

// judge holds what a client said to what it has to do.
func (c client) judge(t *testing.T, out string, err error) {
	did := map[string]string{}
	for _, line := range said.FindAllStringSubmatch(out, -1) {
		did[line[2]] = line[1]
		if line[1] == "cannot" {
			t.Logf("%s cannot %s%s", c.name, line[2], line[3])
		}
	}
	if did["mount"] == "cannot" && os.Getenv("CI") != "true" {
		t.Skipf("FUSE does not work here:\n%s", out)
	}
	var wrong []string
	for _, step := range steps {
		want := "ok"
		if slices.Contains(c.cannot, step) {
			want = "cannot"
		}
		if did[step] != want {
			wrong = append(wrong, step)
		}
	}
	if err != nil || len(wrong) > 0 {
		t.Errorf("%s: %v; not as they should be: %v\n%s", c.name, err, wrong, out[max(0, len(out)-6000):])
	}
}

// command resolves the first word of a row.
func (w *world) command(t *testing.T, c client) *exec.Cmd {
	t.Helper()
	program, args := c.run[0], slices.Clone(c.run[1:])
	switch program {
	case "PYTHON":
		program = w.python(t)
	case "GO":
		program = w.goClients(t)
	}
	if strings.ContainsRune(args[0], '/') {
		args[0] = absolute(t, args[0])
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientLimit)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, program, args...)
	command.WaitDelay = 10 * time.Second
	return command
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// missing skips a test for want of a client or an engine on a newcomer's
// machine, and fails it in CI, where .ci/run installs them all.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// session is what the device obtained.
type session = sigv4.Credentials

// policy allows a device's prefix in the buckets, and to list it.
func policy(buckets ...string) string {
	var objects, names []string
	for _, bucket := range buckets {
		names = append(names, fmt.Sprintf("%q", "arn:aws:s3:::"+bucket))
		objects = append(objects, fmt.Sprintf("%q", "arn:aws:s3:::"+bucket+"/dev/*"))
	}
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "s3:*", "Resource": [%s]},
		{"Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], "Resource": [%s]},
		{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": [%[2]s],
			"Condition": {"StringLikeIfExists": {"s3:prefix": ["dev", "dev/*"]}}}]}`,
		strings.Join(objects, ", "), strings.Join(names, ", "))
}
