package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/test/rig"
)

// users are those that ceph/s3-tests wants by section of its configuration. The
// tests chosen here use the first three.
var users = [...]struct{ section, id string }{
	{"s3 main", "main"}, {"s3 alt", "alt"}, {"s3 tenant", "tenant"},
	{"iam", "iam"}, {"iam root", "root"}, {"iam alt root", "altroot"},
}

// Permissions of the users of Thingpass. Main may do anything, and so may tenant,
// who never meets main. Alt stands for somebody else: it has buckets of its own,
// and nothing of main's but by a bucket policy.
const (
	everything = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}`
	ownBuckets = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*",
		"Action": ["s3:CreateBucket", "s3:ListAllMyBuckets", "s3:DeleteBucket"]}]}`
)

// direct runs the suite against Ceph's gateway.
func (s *suite) direct(ctx context.Context, o options, engine *rig.RGW) (map[string]result, error) {
	keys := map[string]identity{}
	for _, user := range users {
		id := user.id
		if id == "tenant" {
			id = "testx$tenant"
		}
		made, err := engine.CreateUser(ctx, id)
		if err != nil {
			return nil, err
		}
		keys[user.id] = identity{made, user.id, user.id}
	}
	conf := filepath.Join(s.dir, "direct.conf")
	if err := writeConf(conf, engine.Endpoint, "default", keys); err != nil {
		return nil, err
	}
	return s.pytest(ctx, o, "rgw", conf, "--deselect", "s3tests/functional/test_s3.py::"+crashesRGW)
}

// through runs the suite against Thingpass, in front of an engine or, if it is
// nil, of its own store.
func (s *suite) through(ctx context.Context, o options, dir string, engine *rig.RGW) (results map[string]result, err error) {
	server, err := serve(ctx, dir, engine)
	if err != nil {
		return nil, err
	}
	defer func() {
		if stopped := server.Stop(); err == nil {
			err = stopped
		}
	}()
	keys := map[string]identity{}
	for _, user := range users {
		made, err := createUser(ctx, server, user.id)
		if err != nil {
			return nil, err
		}
		keys[user.id] = identity{made, user.id, user.id}
		if user.id == "main" {
			if keys[user.id], err = owner(ctx, server, made); err != nil {
				return nil, err
			}
		}
	}
	conf := filepath.Join(s.dir, "through.conf")
	if err := writeConf(conf, "http://"+server.PlainDoor, server.Region, keys); err != nil {
		return nil, err
	}
	return s.pytest(ctx, o, o.target, conf)
}

// serve starts Thingpass with further flags, in front of an engine if it is not
// nil.
func serve(ctx context.Context, dir string, engine *rig.RGW, flags ...string) (*rig.Server, error) {
	binary, err := rig.Build(ctx, dir)
	if err != nil {
		return nil, err
	}
	// us-east-1 is where making one's own bucket again is no error, which tests of
	// two groups do. It is no bucket's location, which RGW's is.
	region := "us-east-1"
	if engine != nil {
		region = "eu-west-1"
	}
	installed, err := rig.Init(ctx, binary, filepath.Join(dir, "data"), "--region", region)
	if err != nil {
		return nil, err
	}
	args := append([]string{"--http-listen", "127.0.0.1:0", "--s3-public"}, flags...)
	if engine != nil {
		backend, err := engine.Backend(filepath.Join(dir, "engine-keys"))
		if err != nil {
			return nil, err
		}
		args = append(args, "--s3-backend", backend)
	}
	return installed.Serve(ctx, args...)
}

// createUser makes an IAM user with an access key.
func createUser(ctx context.Context, server *rig.Server, name string) (sigv4.Credentials, error) {
	admin := server.Client(server.Admin)
	defer admin.HTTP.CloseIdleConnections()
	if _, err := admin.Query(ctx, "iam", "CreateUser", "UserName", name); err != nil {
		return sigv4.Credentials{}, fmt.Errorf("create user %q: %w", name, err)
	}
	document := ownBuckets
	if name == "main" || name == "tenant" {
		document = everything
	}
	_, err := admin.Query(ctx, "iam", "PutUserPolicy", "UserName", name, "PolicyName", "s3", "PolicyDocument", document)
	if err != nil {
		return sigv4.Credentials{}, fmt.Errorf("permit user %q: %w", name, err)
	}
	answer, err := admin.Query(ctx, "iam", "CreateAccessKey", "UserName", name)
	if err != nil {
		return sigv4.Credentials{}, fmt.Errorf("create an access key of user %q: %w", name, err)
	}
	var made struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	err = xml.Unmarshal(answer.Body, &made)
	return sigv4.Credentials{AccessKeyID: made.ID, SecretAccessKey: made.Secret}, err
}

// identity is how a user signs, and what access control lists call it.
type identity struct {
	sigv4.Credentials
	id, name string
}

// owner is what a user is as the owner of its buckets: on Thingpass the account,
// which owns all of them.
func owner(ctx context.Context, server *rig.Server, keys sigv4.Credentials) (identity, error) {
	client := server.Client(keys)
	defer client.HTTP.CloseIdleConnections()
	answer, err := client.Do(ctx, "s3", http.MethodGet, "/", nil, nil)
	if err == nil {
		err = answer.Err()
	}
	if err != nil {
		return identity{}, fmt.Errorf("list the buckets of user main: %w", err)
	}
	var list struct {
		ID   string `xml:"Owner>ID"`
		Name string `xml:"Owner>DisplayName"`
	}
	err = xml.Unmarshal(answer.Body, &list)
	return identity{keys, list.ID, list.Name}, err
}

// writeConf writes the suite's configuration. zone is the location that buckets
// are asked to be made in.
func writeConf(name, endpoint, zone string, keys map[string]identity) error {
	at, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(at.Host)
	if err != nil {
		return err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "[DEFAULT]\nhost = %s\nport = %s\nis_secure = no\nssl_verify = no\n[fixtures]\nbucket prefix = tp-{random}-\n", host, port)
	for _, user := range users {
		fmt.Fprintf(&out, "[%s]\ndisplay_name = %s\nuser_id = %s\nemail = %s@example.com\naccess_key = %s\nsecret_key = %s\n",
			user.section, keys[user.id].name, keys[user.id].id, user.id, keys[user.id].AccessKeyID, keys[user.id].SecretAccessKey)
		switch user.id {
		case "main":
			fmt.Fprintf(&out, "api_name = %s\n", zone)
		case "tenant":
			fmt.Fprint(&out, "tenant = testx\n")
		}
	}
	return os.WriteFile(name, []byte(out.String()), 0o600)
}
