package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestActions(t *testing.T) {
	for _, tc := range []struct {
		element, pattern, action string
		want                     bool
	}{
		{"Action", "s3:PutObject", "s3:PutObject", true},
		{"Action", "S3:putOBJECT", "s3:PutObject", true},
		{"Action", "s3:PutObject", "S3:PUTOBJECT", true},
		{"Action", "s3:PutObject", "s3:PutObjectAcl", false},
		{"Action", "s3:*", "s3:PutObject", true},
		{"Action", "s3:*", "s3:", true},
		{"Action", "s3:*", "s3x:PutObject", false},
		{"Action", "*", "logs:PutLogEvents", true},
		{"Action", "*:*", "logs:PutLogEvents", true},
		{"Action", "*:Put*", "logs:PutLogEvents", true},
		{"Action", "*:Put*", "logs:GetLogEvents", false},
		{"Action", "s3:Put*", "s3:PUTObject", true},
		{"Action", "iam:*AccessKey*", "iam:CreateAccessKey", true},
		{"Action", "iam:*AccessKey*", "iam:ListAccessKeysX", true},
		{"Action", "iam:*AccessKey*", "iam:CreateUser", false},
		{"Action", "s3:Get?bject", "s3:GetObject", true},
		{"Action", "s3:Get?bject", "s3:Getbject", false},
		{"Action", "s3:${x}", "s3:a", false},
		{"NotAction", "s3:*", "s3:PutObject", false},
		{"NotAction", "s3:*", "logs:PutLogEvents", true},
		{"NotAction", "*", "logs:PutLogEvents", false},
	} {
		p := mustParse(t, Identity, statements(`{"Effect":"Allow","`+tc.element+`":["x:y","`+tc.pattern+`"],"Resource":"*"}`))
		req := &Request{Action: tc.action, Resource: "*", Context: contextOf("x", "a")}
		if got := decide(p, req) == Allow; got != tc.want {
			t.Errorf("%s %s for %s: %v", tc.element, tc.pattern, tc.action, got)
		}
	}
}

func TestResources(t *testing.T) {
	ctx := contextOf(
		"aws:username", "ann", "t:star", "*", "t:glob", "a*b?c", "t:var", "${aws:username}", "t:empty", "",
		"t:list[]", "ann", "aws:PrincipalTag/team", "blue", "t:raw", "a\xffb", "t:slash", "a/b",
	)
	const b = "arn:aws:s3:::b/"
	for _, tc := range []struct {
		pattern, resource string
		want              bool
	}{
		{"*", "*", true},
		{"*", "anything", true},
		{b + "k", b + "k", true},
		{b + "k", b + "K", false},
		{b + "k", b + "k2", false},
		{b + "k", "*", false},
		{b + "*", b + "", true},
		{b + "*", b + "x/y:z\nw", true},
		{b + "*", "arn:aws:s3:::bb/x", false},
		{b + "*/test/*", b + "/test/o", true},
		{b + "*/test/*", b + "test/o", false},
		{b + "*/x", b + "a/../x", true},
		{b + "x", b + "a/../x", false},
		{b + "a?c", b + "aéc", true},
		{b + "a?c", b + "aéec", false},
		{b + "a??c", b + "aéc", false},
		{b + "*??", b + "€", false},
		{b + "a?c", b + "a\xffc", true},
		{b + "a*c*", b + "abcab", true},
		{b + "*a*b*c", b + "xxaxxbxxbcxc", true},
		{"arn:aws:s3:::*", "arn:aws:s3:::*", true},
		{"arn:aws:s3:::vincent-iot/*", "arn:aws:s3:::*", false},
		{"arn:aws:s3:*", b + "k", true},
		{"arn:*:s3:::b/*", b + "k", true},
		{"arn:*:s3:::b/*", "arn:aws-cn:s3:::b/k", true},
		{"arn:*:s3:::b/*", "arn:aws:s3:::c/k", false},
		{"arn:aws:s3", b + "k", true},
		{"arn:aws:s3:*", "arn:aws:sqs:r:1:q", false},
		{"arn:aws:s3:*", "*", false},
		{"arn:aws:logs:*:1:log-group:/g:*", "arn:aws:logs:us-east-1:1:log-group:/g:log-stream:s", true},
		{"arn:aws:logs:*:1:log-group:/g:*", "arn:aws:logs:us-east-1:2:log-group:/g:log-stream:s", false},
		{"arn:aws:logs:us-*-?:1:x", "arn:aws:logs:us-east-1:1:x", true},
		{"arn:aws:sqs:*:q", "arn:aws:sqs:us-east-1:1:q", false},
		{"arn:aws:sqs:us-*:1:q", "arn:aws:sqs:us-east-1:2:1:q", false},
		{b + "k", "arn:aws-cn:s3:::b/k", false},
		// Variables.
		{b + "${aws:username}/*", b + "ann/x", true},
		{b + "${aws:username}/*", b + "bob/x", false},
		{b + "${ aws:username\t}/*", b + "ann/x", true},
		{b + "${AWS:UserName}", b + "ann", true},
		{b + "${aws:PrincipalTag/Team}", b + "blue", true},
		{b + "${aws:username}", b + "${aws:username}", false},
		{b + "${t:absent}", b + "${t:absent}", false},
		{b + "${t:absent}", b, false},
		{b + "${t:absent}*", b + "x", false},
		{b + "*${t:absent}", b + "x", false},
		{b + "${t:empty}", b, false},
		{b + "${t:list}", b + "ann", false},
		{b + "${t:raw}", b + "a\xffb", false},
		{b + "${t:slash}/c", b + "a/b/c", true},
		{b + "x${aws:username}y${aws:username}", b + "xannyann", true},
		{b + "*${aws:username}*${aws:username}", b + "1ann2ann", true},
		{b + "*${aws:username}*${aws:username}", b + "1ann", false},
		{b + "${aws:username}", b + "annx", false},
		// Values are literal.
		{b + "${t:star}", b + "x", false},
		{b + "${t:star}", b + "*", true},
		{b + "${t:glob}", b + "axbyc", false},
		{b + "${t:glob}", b + "a*b?c", true},
		{b + "${t:var}", b + "ann", false},
		{b + "${t:var}", b + "${aws:username}", true},
		// Defaults and escapes.
		{b + "${t:absent, 'x'}", b + "x", true},
		{b + "${t:empty, 'x'}", b + "x", true},
		{b + "${t:absent, '*'}", b + "x", false},
		{b + "${t:absent, 'it's}'}", b + "it's}", true},
		{b + "${t:absent, ''}/k", b + "/k", true},
		{b + "${aws:username, 'x'}", b + "x", false},
		{b + "${aws:username, 'x'}", b + "ann", true},
		{b + "${t:absent,'x'}", b + "x", false},
		{b + "${*}", b + "*", true},
		{b + "${*}", b + "x", false},
		{b + "${?}", b + "?", true},
		{b + "${?}", b + "x", false},
		{b + "${$}{aws:username}", b + "${aws:username}", true},
		{b + "$x", b + "$x", true},
		{b + "$(*)", b + "$(x)", true},
	} {
		p := mustParse(t, Identity, statements(`{"Effect":"Allow","Action":"x:y","Resource":["arn:aws:none:::",`+quote(tc.pattern)+`]}`))
		if got := decide(p, &Request{Action: "x:y", Resource: tc.resource, Context: ctx}) == Allow; got != tc.want {
			t.Errorf("Resource %s for %q: %v", tc.pattern, tc.resource, got)
		}
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`, "\n", `\n`).Replace(s) + `"`
}

func TestVariablesNeedTheVersion(t *testing.T) {
	for _, version := range []string{`"Version":"2008-10-17",`, ""} {
		p := mustParse(t, Identity, `{`+version+`"Statement":{"Effect":"Allow","Action":"x:y","Resource":"arn:aws:s3:::b/${aws:username}",
			"Condition":{"StringEquals":{"k:k":"${aws:username}"}}}}`)
		ctx := contextOf("aws:username", "ann", "k:k", "${aws:username}")
		if got := decide(p, &Request{Action: "x:y", Resource: "arn:aws:s3:::b/ann", Context: ctx}); got != ImplicitDeny {
			t.Errorf("value: %v", got)
		}
		if got := decide(p, &Request{Action: "x:y", Resource: "arn:aws:s3:::b/${aws:username}", Context: ctx}); got != Allow {
			t.Errorf("literal text: %v", got)
		}
		if len(p.Warnings()) == 0 {
			t.Error("no warning")
		}
	}
}

func TestNotResource(t *testing.T) {
	for _, tc := range []struct {
		effect, list, resource string
		want                   Decision
	}{
		{"Allow", `"arn:aws:s3:::a/*","arn:aws:s3:::b"`, "arn:aws:s3:::a/x", ImplicitDeny},
		{"Allow", `"arn:aws:s3:::a/*","arn:aws:s3:::b"`, "arn:aws:s3:::b", ImplicitDeny},
		{"Allow", `"arn:aws:s3:::a/*","arn:aws:s3:::b"`, "arn:aws:s3:::c", Allow},
		{"Allow", `"arn:aws:s3:::a/*"`, "*", Allow},
		{"Deny", `"arn:aws:s3:::a/*"`, "arn:aws:s3:::c", ExplicitDeny},
		{"Deny", `"arn:aws:s3:::a/*"`, "arn:aws:s3:::a/x", ImplicitDeny},
		{"Allow", `"arn:aws:s3:::${aws:username}/*"`, "arn:aws:s3:::bob/x", Allow},
		{"Allow", `"arn:aws:s3:::${aws:username}/*"`, "arn:aws:s3:::ann/x", ImplicitDeny},
		// Without a value: the safe side, whatever else is listed.
		{"Allow", `"arn:aws:s3:::z","arn:aws:s3:::${t:absent}/*"`, "arn:aws:s3:::c", ImplicitDeny},
		{"Deny", `"arn:aws:s3:::c","arn:aws:s3:::${t:absent}/*"`, "arn:aws:s3:::c", ExplicitDeny},
	} {
		p := mustParse(t, Identity, statements(`{"Effect":"`+tc.effect+`","Action":"x:y","NotResource":[`+tc.list+`]}`))
		req := &Request{Action: "x:y", Resource: tc.resource, Context: contextOf("aws:username", "ann")}
		if got := decide(p, req); got != tc.want {
			t.Errorf("%s NotResource %s for %s: %v, want %v", tc.effect, tc.list, tc.resource, got, tc.want)
		}
	}
}

func TestIoTPolicies(t *testing.T) {
	ctx := contextOf("iot:Certificate.Subject.CommonName", "dev", "iot:Certificate.Issuer.CommonName", "a#b",
		"iot:Connection.Thing.ThingName", "bulb", "iot:Connection.Thing.ThingTypeName", "x+y")
	const alias = "arn:aws:iot:us-east-1:1:rolealias/"
	for _, tc := range []struct {
		pattern, resource string
		want              bool
	}{
		{alias + "*", alias + "a", true},
		{alias + "+", alias + "a", false},
		{alias + "+/#", alias + "+/#", true},
		{alias + "${iot:Certificate.Subject.CommonName}", alias + "dev", true},
		{alias + "${iot:Certificate.Issuer.CommonName}", alias + "a#b", false},
		{alias + "${iot:Connection.Thing.ThingName}", alias + "bulb", true},
		{alias + "${iot:Connection.Thing.ThingTypeName}", alias + "x+y", true},
		{alias + "$(*)", alias + "*", true},
		{alias + "$(*)", alias + "$(x)", false},
		{alias + "$($)(x)", alias + "$(x)", true},
		{alias + "$(x)", alias + "$(x)", true},
	} {
		p := mustParse(t, IoT, statements(`{"Sid":"any name","Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"`+tc.pattern+`"}`))
		req := &Request{Action: "iot:AssumeRoleWithCertificate", Resource: tc.resource, Context: ctx}
		if got := decide(p, req) == Allow; got != tc.want {
			t.Errorf("%s for %s: %v", tc.pattern, tc.resource, got)
		}
	}
}

func TestPrincipalARNs(t *testing.T) {
	const account = "arn:aws:iam::123456789012:"
	p := mustParse(t, Trust, statements(
		`{"Effect":"Allow","Principal":{"AWS":["`+account+`user/Ann","`+account+`root","123456789012","*"],"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`,
		`{"Effect":"Allow","Principal":{"AWS":["`+account+`user/Ann","arn:aws:sts::210987654321:federated-user/f"]},"Action":"sts:AssumeRole"}`,
		`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`,
		`{"Effect":"Deny","Principal":{"AWS":["arn:aws:sts::123456789012:assumed-role/R/s","arn:aws:iam::210987654321:role/p/R"]},"Action":"sts:AssumeRole"}`))
	want := []string{account + "user/Ann", "arn:aws:iam::210987654321:role/p/R", "arn:aws:sts::123456789012:assumed-role/R/s"}
	if got := p.PrincipalARNs(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	p = mustParse(t, Identity, statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	if got := p.PrincipalARNs(); len(got) > 0 {
		t.Errorf("%q in an identity policy", got)
	}
}

func TestPrincipals(t *testing.T) {
	user := Principal{Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/Ann"}
	session := Principal{
		Account: "123456789012", ARN: "arn:aws:sts::123456789012:assumed-role/R/s",
		RoleARN: "arn:aws:iam::123456789012:role/p/R",
	}
	service := Principal{Account: "123456789012", Service: "credentials.iot.amazonaws.com"}
	anonymous := Principal{Anonymous: true, Account: "123456789012", ARN: user.ARN}
	none := Grant(99)
	for _, tc := range []struct {
		element string
		caller  Principal
		want    Grant
	}{
		{`"*"`, user, Everyone},
		{`"*"`, anonymous, Everyone},
		{`{"AWS":"*"}`, anonymous, Everyone},
		{`{"AWS":"*"}`, Principal{}, Everyone},
		{`{"AWS":"123456789012"}`, user, AccountGrant},
		{`{"AWS":"arn:aws:iam::123456789012:root"}`, session, AccountGrant},
		{`{"AWS":"123456789012"}`, anonymous, none},
		{`{"AWS":"123456789012"}`, service, none},
		{`{"AWS":"123456789012"}`, Principal{}, none},
		{`{"AWS":"210987654321"}`, user, none},
		{`{"AWS":"arn:aws:iam::123456789012:user/Ann"}`, user, DirectGrant},
		{`{"AWS":"arn:aws:iam::123456789012:user/ann"}`, user, none},
		{`{"AWS":"arn:aws:iam::123456789012:user/Ann"}`, anonymous, none},
		{`{"AWS":"arn:aws:iam::123456789012:role/p/R"}`, session, RoleGrant},
		{`{"AWS":"arn:aws:iam::123456789012:role/R"}`, session, none},
		{`{"AWS":"arn:aws:sts::123456789012:assumed-role/R/s"}`, session, DirectGrant},
		{`{"AWS":"arn:aws:sts::123456789012:assumed-role/R/t"}`, session, none},
		{`{"Service":"credentials.iot.amazonaws.com"}`, service, ServiceGrant},
		{`{"Service":["ec2.amazonaws.com","credentials.iot.amazonaws.com"]}`, service, ServiceGrant},
		{`{"Service":"ec2.amazonaws.com"}`, service, none},
		{`{"Service":"ec2.amazonaws.com"}`, user, none},
		{`{"AWS":["123456789012","arn:aws:iam::123456789012:role/p/R"]}`, session, RoleGrant},
		{`{"AWS":["123456789012","*"]}`, session, Everyone},
	} {
		p := mustParse(t, Trust, statements(`{"Effect":"Allow","Principal":`+tc.element+`,"Action":"sts:AssumeRole"}`))
		got := evaluate([]Named{{"t", p}}, &Request{Principal: tc.caller, Action: "sts:AssumeRole", Resource: "arn:aws:iam::123456789012:role/x"})
		switch {
		case tc.want == none:
			if got != (Result{}) {
				t.Errorf("%s for %+v: %+v", tc.element, tc.caller, got)
			}
		case got.Decision != Allow || got.Grant != tc.want:
			t.Errorf("%s for %+v: %+v, want %v", tc.element, tc.caller, got, tc.want)
		}
	}
}

func TestOrderAndReasons(t *testing.T) {
	allow := mustParse(t, Identity, statements(
		`{"Sid":"no","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`,
		`{"Sid":"put","Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`))
	deny := mustParse(t, Identity, statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`,
		`{"Sid":"stop","Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::locked/*"}`))
	set := []Named{{"allow", allow}, {"deny", deny}}
	put := func(resource string) Result {
		return evaluate(set, &Request{Action: "s3:PutObject", Resource: resource})
	}
	got := put("arn:aws:s3:::open/x")
	if want := (Reason{Policy: "allow", Statement: 1, Sid: "put", Effect: EffectAllow}); got.Decision != Allow || got.Reason != want {
		t.Errorf("allow: %+v", got)
	}
	got = put("arn:aws:s3:::locked/x")
	if want := (Reason{Policy: "deny", Statement: 1, Sid: "stop", Effect: EffectDeny}); got.Decision != ExplicitDeny || got.Reason != want {
		t.Errorf("deny: %+v", got)
	}
	if got := evaluate(set[:1], &Request{Action: "s3:DeleteObject", Resource: "*"}); got != (Result{}) {
		t.Errorf("implicit: %+v", got)
	}
	if got := evaluate(nil, &Request{Action: "s3:DeleteObject"}); got.Decision != ImplicitDeny {
		t.Errorf("empty set: %+v", got)
	}
	if got := evaluate(set, nil); got.Decision != ImplicitDeny {
		t.Errorf("no request: %+v", got)
	}
	if got := evaluate([]Named{{"deny", deny}, {"lost", nil}}, &Request{Action: "iam:GetRole"}); got.Decision != ExplicitDeny {
		t.Errorf("nil policy: %+v", got)
	}
	if got := decide(&Policy{}, &Request{Action: "s3:PutObject", Resource: "*"}); got != ImplicitDeny {
		t.Errorf("zero policy: %v", got)
	}

	trust := mustParse(t, Trust, statements(
		`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}`,
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/a"},"Action":"sts:*"}`))
	got = evaluate([]Named{{"t", trust}}, &Request{
		Principal: Principal{Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/a"}, Action: "sts:AssumeRole"})
	if got.Grant != DirectGrant || got.Reason.Statement != 1 || got.Reason.Grant != DirectGrant {
		t.Errorf("trust: %+v", got)
	}
}

func TestContext(t *testing.T) {
	c := contextOf("aws:UserName", "a", "t:list[]", "x|y", "t:none[]", "", "t:empty", "")
	copied := c.Clone()
	c.Set("AWS:username", "b")
	for _, tc := range []struct {
		c         *Context
		key, want string
		multi, ok bool
	}{
		{c, "aws:username", "b", false, true},
		{copied, "aws:USERNAME", "a", false, true},
		{c, "T:LIST", "x|y", true, true},
		{c, "t:none", "", false, false},
		{c, "t:empty", "", false, true},
		{c, "t:other", "", false, false},
		{nil, "aws:username", "", false, false},
		{(*Context)(nil).Clone(), "aws:username", "", false, false},
	} {
		values, multi, ok := tc.c.Lookup(tc.key)
		if strings.Join(values, "|") != tc.want || multi != tc.multi || ok != tc.ok {
			t.Errorf("Lookup(%s) = %q, %v, %v", tc.key, values, multi, ok)
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		Decision(0).String(): "implicit deny", ExplicitDeny.String(): "explicit deny", Allow.String(): "allow",
		Effect(0).String(): "Deny", EffectAllow.String(): "Allow",
		Kind(0).String(): "invalid", Identity.String(): "identity", Trust.String(): "trust", IoT.String(): "iot", Session.String(): "session",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
