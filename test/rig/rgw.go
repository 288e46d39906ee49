package rig

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// rgwLimit is how long a Ceph cluster may take until its gateway answers; it
// takes about 15 s on two idle cores. rgwTries is how often that is tried when a
// daemon ends.
const (
	rgwLimit = 3 * time.Minute
	rgwTries = 3
)

var errDaemonEnded = errors.New("a daemon ended")

// rgwPrograms are what StartRGW runs, from Debian's packages radosgw, ceph-mon,
// ceph-osd and ceph-common.
var rgwPrograms = [...]string{"ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "monmaptool"}

// RGW is a running Ceph RADOS gateway with a cluster of its own: one monitor
// and one OSD, on loopback, without a manager.
type RGW struct {
	Endpoint  string // http://127.0.0.1:port
	AccessKey string // of the user "engine"
	SecretKey string

	dir     string
	fsid    string
	conf    string
	daemons []*daemon               // in the order of their start; the last is the gateway
	ended   context.CancelCauseFunc // called when a daemon ends
}

// daemon is a child process and its end.
type daemon struct {
	process *exec.Cmd
	exited  chan struct{}
}

// HaveRGW returns why StartRGW cannot work here: the programs that are not
// installed. It is nil if they all are.
func HaveRGW() error {
	for _, program := range rgwPrograms {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("ceph's gateway is not installed (apt-get install radosgw ceph-mon ceph-osd ceph-common): %w", err)
		}
	}
	return nil
}

// StartRGW makes a Ceph cluster in the folder dir, which must be empty, and
// starts it. It returns when the gateway answers. Stop ends it; so does the end
// of ctx.
func StartRGW(ctx context.Context, dir string) (*RGW, error) {
	if err := HaveRGW(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	h := hex.EncodeToString(id[:])
	r := &RGW{dir: dir, conf: filepath.Join(dir, "ceph.conf"), fsid: h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]}
	for try := 1; ; try++ {
		err := r.attempt(ctx)
		if err == nil {
			return r, nil
		}
		// Ports are found free before daemons listen on them: somebody else may
		// have been faster.
		again := errors.Is(err, errDaemonEnded) && try < rgwTries
		if !again {
			err = fmt.Errorf("start ceph's gateway: %w\n%s", err, r.logs())
		}
		r.Stop()
		if !again {
			return nil, err
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
	}
}

// attempt makes the cluster within rgwLimit, or until a daemon ends.
func (r *RGW) attempt(ctx context.Context) error {
	limited, cancel := context.WithTimeoutCause(ctx, rgwLimit, fmt.Errorf("not ready after %v", rgwLimit))
	defer cancel()
	watched, ended := context.WithCancelCause(limited)
	defer ended(nil)
	r.ended = ended
	err := r.start(ctx, watched)
	if cause := context.Cause(watched); err != nil && cause != nil {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// start follows https://docs.ceph.com/en/pacific/install/manual-deployment/,
// without its systemd units. The daemons live as long as ctx, the steps as long
// as limited.
func (r *RGW) start(ctx, limited context.Context) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	r.Endpoint = "http://127.0.0.1:" + ports[2]
	monitor := fmt.Sprintf("[v2:127.0.0.1:%s,v1:127.0.0.1:%s]", ports[0], ports[1])
	if err := r.write(monitor, ports[2]); err != nil {
		return err
	}
	monmap := filepath.Join(r.dir, "monmap")
	if err := r.run(limited, "monmaptool", "--create", "--addv", "a", monitor, "--fsid", r.fsid, monmap); err != nil {
		return err
	}
	if err := r.run(limited, "ceph-mon", "--mkfs", "-i", "a", "-c", r.conf, "--monmap", monmap, "--keyring", r.keyring()); err != nil {
		return err
	}
	if err := r.spawn(ctx, "ceph-mon", "-f", "-i", "a"); err != nil {
		return err
	}
	if err := r.run(limited, "ceph", "-c", r.conf, "osd", "new", r.fsid); err != nil {
		return err
	}
	if err := r.run(limited, "ceph-osd", "--mkfs", "-i", "0", "-c", r.conf, "--osd-uuid", r.fsid); err != nil {
		return err
	}
	if err := r.spawn(ctx, "ceph-osd", "-f", "-i", "0"); err != nil {
		return err
	}
	if err := r.spawn(ctx, "radosgw", "-f", "-n", "client.rgw"); err != nil {
		return err
	}
	if err := r.answers(limited); err != nil {
		return err
	}
	keys, err := r.CreateUser(limited, "engine")
	r.AccessKey, r.SecretKey = keys.AccessKeyID, keys.SecretAccessKey
	return err
}

func (r *RGW) keyring() string { return filepath.Join(r.dir, "keyring") }

// write makes the configuration, the keyring and the folders. One key serves
// all: the cluster listens on loopback only and lives as long as a test.
func (r *RGW) write(monitor, port string) error {
	key := cephKey()
	entity := func(name, caps string) string { return fmt.Sprintf("[%s]\n\tkey = %s\n%s", name, key, caps) }
	const all = "\tcaps mon = \"allow *\"\n\tcaps osd = \"allow *\"\n\tcaps mgr = \"allow *\"\n"
	keyring := entity("mon.", "\tcaps mon = \"allow *\"\n") + entity("client.admin", all) +
		entity("osd.0", "\tcaps mon = \"allow profile osd\"\n\tcaps osd = \"allow *\"\n") + entity("client.rgw", all)
	if err := os.WriteFile(r.keyring(), []byte(keyring), 0o600); err != nil {
		return err
	}
	for _, folder := range []string{"mon", "osd", "rgw"} {
		if err := os.Mkdir(filepath.Join(r.dir, folder), 0o700); err != nil {
			return err
		}
	}
	conf := strings.NewReplacer("FSID", r.fsid, "MONITOR", monitor, "DIR", r.dir, "PORT", port).Replace(cephConf)
	return os.WriteFile(r.conf, []byte(conf), 0o600)
}

// cephConf says no more than one node without systemd needs. No admin socket: a
// path may be too long for one, and a device named there would be replaced.
// Without tcp_nodelay every small answer waits 40 ms. The last two lines of
// [global] keep the health checks from stopping a cluster on a nearly full disk.
const cephConf = `[global]
fsid = FSID
mon_host = MONITOR
mon_initial_members = a
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
keyring = DIR/keyring
admin_socket =
run_dir = DIR
crash_dir = DIR
log_file = DIR/$name.log
log_to_stderr = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 2000
mon_data_avail_crit = 1
mon_data_avail_warn = 1
[mon]
mon_data = DIR/mon
[osd]
osd_data = DIR/osd
osd_memory_target = 939524096
bluestore_block_size = 17179869184
[client.rgw]
rgw_data = DIR/rgw
rgw_frontends = beast endpoint=127.0.0.1:PORT tcp_nodelay=1
rgw_thread_pool_size = 128
rgw_crypt_require_ssl = false
`

// cephKey makes a secret as CryptoKey::encode of Ceph lays it out: its type,
// when it was made in seconds and nanoseconds, its length, and 16 bytes.
func cephKey() string {
	key := binary.LittleEndian.AppendUint16(nil, 1) // AES
	key = binary.LittleEndian.AppendUint32(key, uint32(time.Now().Unix()))
	key = binary.LittleEndian.AppendUint32(key, 0)
	key = binary.LittleEndian.AppendUint16(key, 16)
	var secret [16]byte
	_, _ = rand.Read(secret[:])
	return base64.StdEncoding.EncodeToString(append(key, secret[:]...))
}

// freePorts finds TCP ports on loopback that nobody listens on.
func freePorts(count int) ([]string, error) {
	var ports []string
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}

func (r *RGW) run(ctx context.Context, program string, args ...string) error {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

// spawn starts a daemon in the foreground.
func (r *RGW) spawn(ctx context.Context, program string, args ...string) error {
	d := &daemon{process: exec.CommandContext(ctx, program, append(args, "-c", r.conf)...), exited: make(chan struct{})}
	said, err := os.Create(filepath.Join(r.dir, program+".out.log"))
	if err != nil {
		return err
	}
	d.process.Dir, d.process.Stdout, d.process.Stderr = r.dir, said, said
	err = d.process.Start()
	_ = said.Close() // the child has its own
	if err != nil {
		return err
	}
	ended := r.ended
	go func() {
		_ = d.process.Wait() // Stop kills it, so it never ends well
		close(d.exited)
		ended(fmt.Errorf("%w: %s: %v", errDaemonEnded, program, d.process.ProcessState))
	}()
	r.daemons = append(r.daemons, d)
	return nil
}

// answers waits for the gateway's first answer.
func (r *RGW) answers(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Endpoint, nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			return answer.Body.Close()
		}
	}
}

// CreateUser makes a user of the gateway and returns its keys. The id is its
// display name, too.
func (r *RGW) CreateUser(ctx context.Context, id string) (sigv4.Credentials, error) {
	command := exec.CommandContext(ctx, "radosgw-admin", "-c", r.conf, "-n", "client.rgw",
		"user", "create", "--uid", id, "--display-name", id, "--email", url.QueryEscape(id)+"@example.com")
	out, err := command.Output()
	if err != nil {
		return sigv4.Credentials{}, fmt.Errorf("radosgw-admin user create: %w", err)
	}
	var user struct {
		Keys []struct {
			AccessKey string `json:"access_key"`
			SecretKey string `json:"secret_key"`
		}
	}
	if err := json.Unmarshal(out, &user); err != nil || len(user.Keys) == 0 {
		return sigv4.Credentials{}, errors.Join(errors.New("radosgw-admin user create: no keys in its answer"), err)
	}
	return sigv4.Credentials{AccessKeyID: user.Keys[0].AccessKey, SecretAccessKey: user.Keys[0].SecretKey}, nil
}

// Backend writes the engine's keys to a new file and returns the value of
// --s3-backend with which Thingpass forwards every bucket to the gateway.
func (r *RGW) Backend(credentials string) (string, error) {
	keys := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", r.AccessKey, r.SecretKey)
	if err := os.WriteFile(credentials, []byte(keys), 0o600); err != nil {
		return "", err
	}
	return "name=rgw,endpoint=" + r.Endpoint + ",kind=ceph,credentials=" + credentials, nil
}

// Signal sends a signal to the gateway and leaves the cluster behind it alone:
// SIGSTOP and SIGCONT for an engine that stalls, SIGKILL for one that dies.
func (r *RGW) Signal(signal syscall.Signal) error {
	return r.daemons[len(r.daemons)-1].process.Process.Signal(signal)
}

// Restart starts the gateway again, on the same port, after Signal killed it,
// and waits until it answers.
func (r *RGW) Restart(ctx context.Context) error {
	last := len(r.daemons) - 1
	<-r.daemons[last].exited
	r.daemons = r.daemons[:last]
	limited, cancel := context.WithTimeout(ctx, rgwLimit)
	defer cancel()
	watched, ended := context.WithCancelCause(limited)
	defer ended(nil)
	r.ended = ended
	if err := r.spawn(ctx, "radosgw", "-f", "-n", "client.rgw"); err != nil {
		return err
	}
	if err := r.answers(watched); err != nil {
		return fmt.Errorf("%w: %w", context.Cause(watched), err)
	}
	return nil
}

// Stop kills the daemons, the gateway first, waits for their end, and removes
// what they wrote: nothing of the folder remains.
func (r *RGW) Stop() {
	for n := len(r.daemons) - 1; n >= 0; n-- {
		_ = r.daemons[n].process.Process.Kill() // it may have ended already
		<-r.daemons[n].exited
	}
	r.daemons = nil
	_ = os.RemoveAll(r.dir)
}

// logs returns the ends of what the daemons wrote.
func (r *RGW) logs() string {
	names, _ := filepath.Glob(filepath.Join(r.dir, "*.log"))
	var out strings.Builder
	for _, name := range names {
		content, _ := os.ReadFile(name)
		fmt.Fprintf(&out, "== %s\n%s\n", filepath.Base(name), content[max(0, len(content)-1500):])
	}
	return out.String()
}
