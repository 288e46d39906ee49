package server_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

// locked is an installation that runs, and its administrator.
type locked struct {
	*thingtest.Server
	t *testing.T
}

func newLocked(t *testing.T) *locked {
	t.Helper()
	s, err := thingtest.Start(t.Context(), thingtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &locked{s, t}
}

func (l *locked) call(c *thingtest.Client, action string, parameters ...string) error {
	_, err := c.Query(l.t.Context(), "iam", action, parameters...)
	return err
}

// admin is a call that must work.
func (l *locked) admin(action string, parameters ...string) {
	l.t.Helper()
	if err := l.call(l.Admin, action, parameters...); err != nil {
		l.t.Fatal(err)
	}
}

// settle waits until a change counts.
func (l *locked) settle() { time.Sleep(1100 * time.Millisecond) }

func (l *locked) recover(apiPort string, replace bool) (*thingtest.Client, server.Recovery, error) {
	r, err := l.Installation().RecoverAdministrator(l.t.Context(), apiPort, replace, time.Now())
	l.settle()
	return l.Client(sigv4.Credentials{AccessKeyID: r.Env.AccessKeyID, SecretAccessKey: r.Env.SecretAccessKey.Reveal()}), r, err
}

// env reads admin.env.
func (l *locked) env() string {
	l.t.Helper()
	text, err := os.ReadFile(filepath.Join(l.Dir, "admin.env"))
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text)
}

const denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

// TestRecoverAdministrator: whatever denies, the administrator is again what
// init made.
func TestRecoverAdministrator(t *testing.T) {
	l := newLocked(t)
	const arn = "arn:aws:iam::123456789012:policy/nothing"
	l.admin("CreatePolicy", "PolicyName", "nothing", "PolicyDocument", denyAll)
	l.admin("PutUserPolicy", "UserName", server.Administrator, "PolicyName", "AdministratorAccess", "PolicyDocument", strings.Replace(denyAll, "Deny", "Allow", 1))
	for _, tc := range []struct {
		done  string
		calls [][]string
	}{
		{"removed the inline policy shut", [][]string{{"PutUserPolicy", "PolicyName", "shut", "PolicyDocument", denyAll}}},
		{"detached the managed policy " + arn, [][]string{{"AttachUserPolicy", "PolicyArn", arn}}},
		{"removed the permissions boundary " + arn, [][]string{{"PutUserPermissionsBoundary", "PermissionsBoundary", arn}}},
		{"put the inline policy AdministratorAccess back", [][]string{{"PutUserPolicy", "PolicyName", "AdministratorAccess", "PolicyDocument", denyAll}}},
	} {
		for _, c := range tc.calls {
			l.admin(c[0], append([]string{"UserName", server.Administrator}, c[1:]...)...)
		}
		l.settle()
		if err := l.call(l.Admin, "ListRoles"); err == nil {
			t.Fatalf("%s: nothing is denied", tc.done)
		}
		c, r, err := l.recover("", true)
		if err != nil {
			t.Fatal(err)
		}
		if done := strings.Join(r.Done, "\n"); !strings.Contains(done, tc.done) {
			t.Errorf("it did:\n%s\nand not: %s", done, tc.done)
		}
		if err := l.call(c, "ListRoles"); err != nil {
			t.Errorf("%s: %v", tc.done, err)
		}
		if err := l.call(l.Admin, "ListRoles"); err == nil {
			t.Error("a key that was replaced still works")
		}
		l.Admin = c
	}
}

// TestRecoverKeys: without replace a key is added, and nothing is touched when
// there are two.
func TestRecoverKeys(t *testing.T) {
	l := newLocked(t)
	c, r, err := l.recover("", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.call(c, "ListRoles"), l.call(l.Admin, "ListRoles")); err != nil {
		t.Error(err)
	}
	if done := strings.Join(r.Done, "\n"); !strings.Contains(done, "left the access key "+l.Env.AccessKeyID+", active") {
		t.Error(done)
	}
	l.admin("PutUserPolicy", "UserName", server.Administrator, "PolicyName", "shut", "PolicyDocument", denyAll)
	before := l.env()
	_, _, err = l.recover("", false)
	if err == nil || !strings.Contains(err.Error(), "--replace") || !strings.Contains(err.Error(), l.Env.AccessKeyID+" (active)") {
		t.Errorf("a third key: %v", err)
	}
	if l.env() != before {
		t.Error("admin.env was changed")
	}
	if err := l.call(c, "ListRoles"); err == nil {
		t.Error("the policies were changed")
	}
}

// TestRecoverGone: the user was renamed, or deleted.
func TestRecoverGone(t *testing.T) {
	l := newLocked(t)
	l.admin("UpdateUser", "UserName", server.Administrator, "NewUserName", "boss")
	c, r, err := l.recover("", false)
	if err != nil {
		t.Fatal(err)
	}
	done := strings.Join(r.Done, "\n")
	if !strings.Contains(done, "made the user admin anew") || !strings.Contains(done, "user boss") {
		t.Error(done)
	}
	if err := errors.Join(l.call(c, "ListRoles"), l.call(l.Admin, "ListRoles")); err != nil {
		t.Error(err)
	}
	for _, err := range []error{
		l.call(l.Admin, "DeleteUserPolicy", "UserName", server.Administrator, "PolicyName", "AdministratorAccess"),
		l.call(l.Admin, "DeleteAccessKey", "UserName", server.Administrator, "AccessKeyId", r.Env.AccessKeyID),
		l.call(l.Admin, "DeleteUser", "UserName", server.Administrator),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if c, _, err = l.recover("", false); err != nil {
		t.Fatal(err)
	}
	if err := l.call(c, "ListRoles"); err != nil {
		t.Error(err)
	}
	// Another spelling is the same user.
	if err := l.call(c, "UpdateUser", "UserName", server.Administrator, "NewUserName", "ADMIN"); err != nil {
		t.Fatal(err)
	}
	if c, r, err = l.recover("", true); err != nil {
		t.Fatal(err)
	}
	if done := strings.Join(r.Done, "\n"); !strings.Contains(done, "called the user ADMIN admin again") {
		t.Error(done)
	}
	if err := l.call(c, "GetUser", "UserName", server.Administrator); err != nil {
		t.Error(err)
	}
}

// TestRecoverEnv: admin.env has the new key, and all else that it had.
func TestRecoverEnv(t *testing.T) {
	l := newLocked(t)
	path := filepath.Join(l.Dir, "admin.env")
	ca := filepath.Join(t.TempDir(), "other ca.pem")
	own := "# ours\nexport AWS_ACCESS_KEY_ID=" + l.Env.AccessKeyID + "\nexport AWS_SECRET_ACCESS_KEY='x y'\n" +
		"export AWS_ENDPOINT_URL=https://iot.example:39443\nexport AWS_CA_BUNDLE='" + ca + "'\nexport AWS_PAGER="
	for name, text := range map[string]string{ca: "", path: own, path + ".new": "half of an earlier one"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, r, err := l.recover("", true)
	if err != nil {
		t.Fatal(err)
	}
	want := "# ours\nexport AWS_ACCESS_KEY_ID=" + r.Env.AccessKeyID + "\nexport AWS_SECRET_ACCESS_KEY=" + r.Env.SecretAccessKey.Reveal() + "\n" +
		"export AWS_ENDPOINT_URL=https://iot.example:39443\nexport AWS_CA_BUNDLE='" + ca + "'\nexport AWS_PAGER=\nexport AWS_DEFAULT_REGION=us-east-1\n"
	if got := l.env(); got != want || r.Text != want || r.Env.Path != path {
		t.Errorf("%s\n%s\nwant:\n%s", got, r.Text, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := os.Stat(path + ".new"); !os.IsNotExist(err) {
		t.Errorf("it left a file behind: %v", err)
	}
	// A port that is given is taken, and a CA that is gone is not kept.
	if err := os.Remove(ca); err != nil {
		t.Fatal(err)
	}
	if _, r, err = l.recover("8444", true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"AWS_ENDPOINT_URL=https://iot.example:8444\n", "AWS_CA_BUNDLE=" + filepath.Join(l.Dir, "tls/ca.pem") + "\n"} {
		if !strings.Contains(r.Text, want) {
			t.Errorf("no %s in\n%s", want, r.Text)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, r, err = l.recover("", true); err != nil || r.Text != r.Env.Text() {
		t.Errorf("%v\n%s", err, r.Text)
	}
	if _, _, err = l.recover("99999", true); err == nil {
		t.Error("port 99999 was taken")
	}
}

// TestRecoverBucket: a policy that denies everybody, the administrator too,
// comes off where the data is.
func TestRecoverBucket(t *testing.T) {
	l := newLocked(t)
	s3 := func(method, path, body string) error {
		_, err := l.Admin.S3(t.Context(), method, path, []byte(body))
		return err
	}
	if _, err := l.Installation().RecoverBucket(t.Context(), "locked"); thingpass.KindOf(err) != thingpass.NotFound {
		t.Errorf("without a policy: %v", err)
	}
	missing := func(bucket, want string) {
		t.Helper()
		if _, err := l.Installation().RecoverBucket(t.Context(), bucket); thingpass.KindOf(err) != thingpass.NotFound || err.Error() != want {
			t.Errorf("%s: %v, want %s", bucket, err, want)
		}
	}
	if err := s3("PUT", "/free", ""); err != nil {
		t.Fatal(err)
	}
	missing("free", "bucket free has no policy; no bucket has a policy")
	missing("none", "there is no bucket none in the embedded store, and no policy is kept for one of this name on an S3 engine; no bucket has a policy")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::locked","arn:aws:s3:::locked/*"]}]}`
	if err := errors.Join(s3("PUT", "/locked", ""), s3("PUT", "/locked?policy", policy)); err != nil {
		t.Fatal(err)
	}
	l.settle()
	if err := s3("DELETE", "/locked?policy", ""); err == nil {
		t.Fatal("the policy does not lock the bucket, so this test shows nothing")
	}
	missing("free", "bucket free has no policy; buckets with a policy: locked")
	got, err := l.Installation().RecoverBucket(t.Context(), "locked")
	if err != nil || got != policy {
		t.Fatalf("recovered %q, %v", got, err)
	}
	l.settle()
	if err := s3("PUT", "/locked/key", "content"); err != nil {
		t.Error(err)
	}
}
