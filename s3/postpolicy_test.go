package s3

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/thingpass/thingpass/wire"
)

func TestPostPolicy(t *testing.T) {
	now, _ := time.Parse(time.RFC3339, "2026-01-02T03:04:05Z")
	const after = `"expiration":"2026-01-02T03:04:06.000Z"`
	for _, test := range []struct {
		policy string
		fields map[string]string
		want   string
	}{
		{`{` + after + `,"conditions":[{"bucket":"bkt"},{"key":"a"}]}`, map[string]string{"key": "a"}, ""},
		{`{` + after + `,"conditions":[{"Bucket":"bkt"},{"Key":"a"}]}`, map[string]string{"key": "a", "policy": "x", "x-amz-signature": "y", "x-ignore-me": "z"}, ""},
		{`{` + after + `,"conditions":[["starts-with","$bucket",""],["eq","$key","a"],["Starts-With","$x-amz-meta-b",""]]}`, map[string]string{"key": "a", "x-amz-meta-b": "c"}, ""},
		{`{` + after + `,"conditions":[["eq","$bucket","bkt"],{"key":"a"}]}`, map[string]string{"key": "a"}, ""},
		{`{` + after + `,"conditions":[["eq","$key","a"]]}`, map[string]string{"key": "a"}, "AccessDenied"},
		{`{` + after + `,"conditions":[["eq","$key","a"]]}`, map[string]string{"key": "a", "bucket": "bkt"}, "AccessDenied"},
		{`{` + after + `,"conditions":[{"bucket":"other"},{"key":"a"}]}`, map[string]string{"key": "a", "bucket": "other"}, "AccessDenied"},
		{`{` + after + `,"conditions":[{"bucket":"bkt"},{"key":"a"}]}`, map[string]string{"key": "b"}, "AccessDenied"},
		{`{` + after + `,"conditions":[{"bucket":"bkt"},{"key":"a"},{"acl":"private"}]}`, map[string]string{"key": "a"}, "AccessDenied"},
		{`{` + after + `,"conditions":[{"bucket":"bkt"},{"key":"a"}]}`, map[string]string{"key": "a", "acl": "private"}, "AccessDenied"},
		{`{` + after + `,"conditions":[{"bucket":"bkt"},{"key":"a"}]}`, map[string]string{"key": "a", "x-amz-credential": "c"}, "AccessDenied"},
		{`{` + after + `,"conditions":[{"bucket":"bkt"},{"key":"a"},["starts-with","$Content-Type","image/"]]}`, map[string]string{"key": "a", "content-type": "image/png,image/gif"}, ""},
		{`{` + after + `,"conditions":[{"bucket":"bkt"},{"key":"a"},["starts-with","$Content-Type","image/"]]}`, map[string]string{"key": "a", "content-type": "image/png,text/html"}, "AccessDenied"},
		{`{"expiration":"2026-01-02T03:04:04Z","conditions":[{"bucket":"bkt"},{"key":"a"}]}`, map[string]string{"key": "a"}, "AccessDenied"},
		{`{"expiration":"tomorrow","conditions":[]}`, nil, "InvalidPolicyDocument"},
		{`{"conditions":[]}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `,"conditions":{}}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `,"conditions":[{"key":"a","acl":"b"}]}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `,"conditions":[{"key":1}]}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `,"conditions":[["like","$key","a"]]}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `,"conditions":[["eq","key","a"]]}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `,"conditions":[["eq","$key"]]}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `,"conditions":[["content-length-range",5,1]]}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `,"conditions":[["content-length-range",-1,1]]}`, nil, "InvalidPolicyDocument"},
		{`{` + after + `,"conditions":[],"more":1}`, nil, "InvalidPolicyDocument"},
		{`[]`, nil, "InvalidPolicyDocument"},
		{``, nil, "InvalidPolicyDocument"},
	} {
		p, err := parsePostPolicy(base64.StdEncoding.EncodeToString([]byte(test.policy)))
		if err == nil {
			err = p.check(test.fields, "bkt", now)
		}
		got := ""
		if err != nil {
			got = err.(*wire.Error).Code
		}
		if got != test.want {
			t.Errorf("%s with %v: %v, want %q", test.policy, test.fields, err, test.want)
		}
	}
	p, err := parsePostPolicy(base64.StdEncoding.EncodeToString([]byte(`{` + after + `,"conditions":[["content-length-range","1",9],["content-length-range",3,20]]}`)))
	if err != nil || p.least != 3 || p.most != 9 {
		t.Errorf("%+v, %v", p, err)
	}
}

// FuzzPostPolicy: nothing panics, and what a policy does not name it does not
// allow.
func FuzzPostPolicy(f *testing.F) {
	f.Add(`{"expiration":"2126-01-02T03:04:06.000Z","conditions":[{"bucket":"bkt"},{"key":"a"},["starts-with","$acl",""],["content-length-range",1,2]]}`, "key", "a")
	f.Add(`{"expiration":"2126-01-02T03:04:06Z","conditions":[["eq","$Key","a"]]}`, "acl", "b")
	f.Fuzz(func(t *testing.T, text, field, value string) {
		p, err := parsePostPolicy(base64.StdEncoding.EncodeToString([]byte(text)))
		if err != nil {
			if err.(*wire.Error).Code != "InvalidPolicyDocument" {
				t.Errorf("%v", err)
			}
			return
		}
		if p.check(map[string]string{"x-never-named": "x", field: value}, "bkt", time.Now()) == nil {
			named := false
			for _, c := range p.conditions {
				named = named || c.field == "x-never-named"
			}
			if !named {
				t.Errorf("%s allows a field that it does not name", text)
			}
		}
	})
}

func TestPublic(t *testing.T) {
	statement := func(more string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*",` + more + `}]}`
	}
	for policy, want := range map[string]bool{
		statement(`"Principal":"*"`):                                                                                 true,
		statement(`"Principal":{"AWS":"*"}`):                                                                         true,
		statement(`"Principal":{"AWS":["123456789012","*"]}`):                                                        true,
		statement(`"NotPrincipal":{"AWS":"123456789012"}`):                                                           true,
		statement(`"Principal":{"AWS":"123456789012"}`):                                                              false,
		statement(`"Principal":{"Service":"s3.amazonaws.com"}`):                                                      false,
		statement(`"Principal":"*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}`):                          false,
		statement(`"Principal":"*","Condition":{"StringEquals":{"AWS:sourcevpc":["vpc-1","vpc-2"]}}`):                false,
		statement(`"Principal":"*","Condition":{"StringLike":{"aws:SourceVpc":"vpc-*"}}`):                            true,
		statement(`"Principal":"*","Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}`):                       true,
		statement(`"Principal":"*","Condition":{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}`):                  true,
		statement(`"Principal":"*","Condition":{"StringEquals":{"aws:UserAgent":"curl"}}`):                           true,
		statement(`"Principal":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/x"}}`): false,
		statement(`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`):                       false,
		statement(`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.1","10.0.0.0/8"]}}`):           false,
		statement(`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","0.0.0.0/1"]}}`):         true,
		statement(`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"2000::/3"}}`):                           true,
		statement(`"Principal":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`):                    true,
		`{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt"}}`:              false,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt"}}`:             true,
		`rubbish`: true,
	} {
		if got := public(policy); got != want {
			t.Errorf("%s: public is %v", policy, got)
		}
	}
}
