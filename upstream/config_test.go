package upstream_test

import (
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/upstream"
)

const secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestParseConfig(t *testing.T) {
	t.Setenv("RGW_ACCESS_KEY_ID", "AKIDENV")
	t.Setenv("RGW_SECRET_ACCESS_KEY", secret)
	t.Setenv("HALF_ACCESS_KEY_ID", "AKIDENV")
	one := write(t, "# a comment = no key\n[only]\naws_access_key_id = AKIDFILE\nAWS_SECRET_ACCESS_KEY="+secret+"\nregion = x\n")
	two := write(t, "[a]\naws_access_key_id=A\naws_secret_access_key=s\n[b]\naws_access_key_id=B\naws_secret_access_key=s\naws_session_token=t\n")
	empty := write(t, "[default]\n")
	tls := httptest.NewTLSServer(nil)
	defer tls.Close()
	vouches := write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})))
	for _, q := range []struct{ spec, want string }{
		{"name=rgw,endpoint=http://127.0.0.1:7480,credentials=env:RGW", "rgw http://127.0.0.1:7480 us-east-1 \"\" other AKIDENV"},
		{"name=rgw, endpoint=https://s3.example/ , credentials=" + one + ",region=eu-1,prefix=cam-,kind=ceph,concurrency=3", "rgw https://s3.example eu-1 \"cam-\" ceph AKIDFILE"},
		{"name=x,endpoint=http://h,profile=b,credentials=" + two, "x http://h us-east-1 \"\" other B"},
		{"name=x,endpoint=http://h,credentials=" + two, `no profile "default"`},
		{"name=x,endpoint=http://h,credentials=" + empty, "needs aws_access_key_id and aws_secret_access_key"},
		{"name=x,endpoint=http://h,credentials=env:HALF", "the environment needs HALF_ACCESS_KEY_ID and HALF_SECRET_ACCESS_KEY"},
		{"name=x,endpoint=http://h,credentials=env:RGW,profile=a", "profile= is for a credentials file"},
		{"name=x,endpoint=http://h,credentials=/nonexistent/file", "read credentials"},
		{"name=x,endpoint=http://h,credentials=AKIDENV:" + secret, "credentials= wants a file as the AWS CLI has it, or env:NAME"},
		{"", "it begins with name=NAME"},
		{"rgw,endpoint=http://h", "it begins with name=NAME"},
		{"name=rgw,endpoint", `S3 engine "rgw": endpoint has no value: give endpoint=VALUE`},
		{"endpoint=http://h,name=rgw,kind=ceph,colour=red", `S3 engine "rgw": there is no setting "colour" (there are name, endpoint, credentials,`},
		{"endpiont=http://h", `there is no setting "endpiont": did you mean endpoint?`},
		{"cred=x", `did you mean credentials?`},
		{"kind=RGW", `there is no kind "RGW": did you mean ceph? (there are ceph, minio, aws, garage, seaweedfs, other)`},
		{"kind=miniO", `did you mean minio?`},
		{"kind=s3", `did you mean aws?`},
		{"name=x", "endpoint= is missing"},
		{"endpoint=http://h,credentials=env:RGW", "name= is missing"},
		{"name=x,endpoint=http://h", "credentials= is missing"},
		{"name=x,name=y", "name is given twice"},
		{"name=a b", "letters, digits and dashes"},
		{"kind=gluster", `there is no kind "gluster" (there are`},
		{"prefix=Cam", "cannot begin the name"},
		{"concurrency=0", "not a number of requests"},
		{"endpoint=ftp://h", "must begin with http"},
		{"endpoint=http://h/path", "must not have a path"},
		{"endpoint=http://u:p@h", "must not have a user"},
		{"endpoint=http://u:" + secret + "@h:%zz", "not a URL"},
		{"endpoint=127.0.0.1:7480", "not a URL: it must begin with http:// or https:// and a host"},
		{"name=x,endpoint=http://h,credentials=env:RGW,ca=" + vouches, "ca= is for an endpoint with https://"},
		{"name=x,endpoint=https://h,credentials=env:RGW,ca=" + vouches, "x https://h"},
		{"ca=/nonexistent", "read ca"},
		{"ca=" + empty, "no certificate in PEM"},
	} {
		c, err := upstream.ParseConfig(q.spec)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprintf("%s %s %s %q %s %s", c.Name, c.Endpoint, c.Region, c.Prefix, c.Kind, c.AccessKeyID)
		}
		if !strings.Contains(got, q.want) || strings.Contains(got+fmt.Sprintf("%+v %#v", c, c), secret) {
			t.Errorf("%s: %s, want %s", q.spec, got, q.want)
		}
	}
}

// TestExposedKeys: keys that others can read are told.
func TestExposedKeys(t *testing.T) {
	file := write(t, "[default]\naws_access_key_id = A\naws_secret_access_key = s\n")
	for mode, want := range map[os.FileMode]string{0o600: "", 0o400: "", 0o640: file, 0o604: file} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		c, err := upstream.ParseConfig("name=x,endpoint=http://h,credentials=" + file)
		if err != nil || c.Exposed != want {
			t.Errorf("%o: %q, %v", mode, c.Exposed, err)
		}
	}
}

func TestPick(t *testing.T) {
	var engines []*upstream.Engine
	for _, prefix := range []string{"", "cam-", "cam-a"} {
		engines = append(engines, upstream.New(upstream.Config{Name: "e" + prefix, Prefix: prefix}))
	}
	for bucket, want := range map[string]string{"cam": "e", "cam-": "ecam-", "cam-b": "ecam-", "cam-a": "ecam-a", "cam-ab": "ecam-a"} {
		if got := upstream.Pick(engines, bucket).Name(); got != want {
			t.Errorf("%s: %s, want %s", bucket, got, want)
		}
	}
	if e := upstream.Pick(engines[1:], "other"); e != nil {
		t.Errorf("got %s", e.Name())
	}
	same := []upstream.Config{{Name: "a", Prefix: "x"}, {Name: "b", Prefix: "x"}}
	if upstream.CheckConfigs(same) == nil || upstream.CheckConfigs([]upstream.Config{{Name: "a"}, {Name: "a", Prefix: "x"}}) == nil || upstream.CheckConfigs(same[:1]) != nil {
		t.Error("ambiguous engines are taken, or a single one is not")
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("name=rgw,endpoint=http://127.0.0.1:7480,region=us-east-1,prefix=cam-,kind=ceph,concurrency=7")
	f.Add("endpoint=https://[::1]:1,credentials=env:X")
	f.Fuzz(func(t *testing.T, spec string) {
		if strings.Contains(spec, "credentials=") && !strings.Contains(spec, "credentials=env:") || strings.Contains(spec, "ca=") {
			t.Skip("names a file")
		}
		if c, err := upstream.ParseConfig(spec); err == nil && (c.Name == "" || c.Endpoint == nil || c.Endpoint.Host == "" || c.SecretKey.Empty()) {
			t.Errorf("%q is taken: %v", spec, c)
		}
	})
}
