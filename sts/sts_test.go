package sts

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/sigv4"
)

const (
	byAdmin   = `{"AWS":"arn:aws:iam::123456789012:user/staff/admin"}`
	byAccount = `{"AWS":"123456789012"}`
	byService = `{"Service":"credentials.iot.amazonaws.com"}`
)

func TestGetCallerIdentity(t *testing.T) {
	w := newWorld(t)
	u, err := w.db.User(t.Context(), "admin")
	if err != nil {
		t.Fatal(err)
	}
	w.role(thingpass.Role{Name: "r", Path: "/p/", ID: "AROAR"}, byAdmin, "")
	assumed, _ := w.assumed(w.admin, "RoleArn="+role+"p/r", "RoleSessionName=me")
	for _, tt := range []struct {
		name    string
		caller  sigv4.Credentials
		arn, id string
	}{
		{"user", w.admin, "arn:aws:iam::123456789012:user/staff/admin", u.ID},
		{"session without a policy", assumed, "arn:aws:sts::123456789012:assumed-role/r/me", "AROAR:me"},
		{"user that is denied everything", w.user("denied", strings.Replace(everything, "Allow", "Deny", 1)), "arn:aws:iam::123456789012:user/staff/denied", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := w.call(tt.caller, "GetCallerIdentity")
			at := "GetCallerIdentityResult/"
			if a.status != 200 || a.text(at+"Arn") != tt.arn || a.text(at+"Account") != "123456789012" || tt.id != "" && a.text(at+"UserId") != tt.id {
				t.Error(a.raw)
			}
			if !strings.HasPrefix(a.raw, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>`) {
				t.Errorf("another order than AWS's: %s", a.raw)
			}
		})
	}
}

func TestAssumeRole(t *testing.T) {
	w := newWorld(t)
	w.role(thingpass.Role{Name: "Camera", Path: "/fleet/", ID: "AROACAMERA"}, byAdmin, "")
	c, a := w.assumed(w.admin, "RoleArn="+role+"fleet/Camera", "RoleSessionName=me@home")
	at := "AssumeRoleResult/"
	for path, want := range map[string]string{
		"Credentials/Expiration": "2026-03-04T06:06:07Z", "AssumedRoleUser/AssumedRoleId": "AROACAMERA:me@home",
		"AssumedRoleUser/Arn": "arn:aws:sts::123456789012:assumed-role/Camera/me@home", "PackedPolicySize": "",
	} {
		if got := a.text(at + path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if !strings.HasPrefix(c.AccessKeyID, "ASIA") || len(c.AccessKeyID) != 20 || len(c.SecretAccessKey) != 40 || c.SessionToken == "" {
		t.Errorf("credentials %q", c)
	}
	w.now = w.now.Add(59 * time.Minute)
	if got := w.call(c, "GetCallerIdentity").text("GetCallerIdentityResult/UserId"); got != "AROACAMERA:me@home" {
		t.Errorf("user id %q", got)
	}
	w.now = w.now.Add(time.Minute)
	w.call(c, "GetCallerIdentity").refused(403, "ExpiredToken", "is expired")
}

// TestWhoMayAssume: the trust policy must allow, and where it names only the
// account, so must the caller's own policies.
func TestWhoMayAssume(t *testing.T) {
	w := newWorld(t)
	none := w.user("none", "")
	denied := w.user("denied", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:*","Resource":"*"}}`)
	one := w.user("one", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"`+role+`account"}}`)
	w.role(thingpass.Role{Name: "account"}, byAccount, "")
	w.role(thingpass.Role{Name: "account2"}, `{"AWS":"arn:aws:iam::123456789012:root"}`, "")
	w.role(thingpass.Role{Name: "user"}, `{"AWS":["arn:aws:iam::123456789012:user/staff/none","arn:aws:iam::123456789012:user/staff/denied"]}`, "")
	w.role(thingpass.Role{Name: "service", Path: "/path/"}, byService, "")
	w.role(thingpass.Role{Name: "external"}, `[{"Effect":"Allow","Principal":`+byAccount+`,"Action":"sts:AssumeRole",
		"Condition":{"StringEquals":{"sts:ExternalId":"a:b","sts:RoleSessionName":"me"}}}]`, "")
	const (
		noTrust    = "because no role trust policy allows the sts:AssumeRole action"
		noIdentity = "because no identity-based policy allows the sts:AssumeRole action"
		deny       = "with an explicit deny in an identity-based policy"
	)
	for _, tt := range []struct {
		name    string
		caller  sigv4.Credentials
		arn     string
		extra   string
		refused string // "" when it must work
	}{
		{"account and own policy", one, role + "account", "", ""},
		{"account without own policy", none, role + "account", "", noIdentity},
		{"account with own policy for another role", one, role + "account2", "", noIdentity},
		{"root is the account", w.admin, role + "account2", "", ""},
		{"named user needs no policy", none, role + "user", "", ""},
		{"named user with a deny", denied, role + "user", "", deny},
		{"another user", w.admin, role + "user", "", noTrust},
		{"service only", w.admin, role + "path/service", "", noTrust},
		{"condition met", w.admin, role + "external", "ExternalId=a:b", ""},
		{"condition not met", w.admin, role + "external", "ExternalId=a:c", noTrust},
		{"condition key absent", w.admin, role + "external", "", noTrust},
		{"no such role", w.admin, role + "nothing", "", "not authorized to perform: sts:AssumeRole on resource: " + role + "nothing"},
		{"no such role, no policy", none, role + "nothing", "", noIdentity},
		{"path left out", w.admin, role + "service", "", "not authorized"},
		{"other spelling", w.admin, role + "Account", "", "not authorized"},
		{"other account", w.admin, "arn:aws:iam::210987654321:role/account", "", "not authorized"},
		{"no role", w.admin, "arn:aws:iam::123456789012:user/staff/admin", "", "not authorized"},
		{"no name", w.admin, role, "", "not authorized"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			params := []string{"RoleArn=" + tt.arn, "RoleSessionName=me"}
			if tt.extra != "" {
				params = append(params, tt.extra)
			}
			a := w.call(tt.caller, "AssumeRole", params...)
			a.t = t
			if tt.refused != "" {
				a.refused(403, "AccessDenied", tt.refused)
			} else if a.status != 200 {
				t.Error(a.raw)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	w.role(thingpass.Role{Name: "r", MaxSessionDuration: 2 * time.Hour}, byAdmin, "")
	arn, name := "RoleArn="+role+"r", "RoleSessionName=me"
	for _, tt := range []struct {
		name    string
		params  []string
		code    string
		message string
	}{
		{"nothing", nil, "ValidationError", "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; Value null at 'roleSessionName'"},
		{"short ARN", []string{"RoleArn=arn:aws:iam::1:r", name}, "ValidationError", "greater than or equal to 20"},
		{"no session name", []string{arn}, "ValidationError", "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"},
		{"short session name", []string{arn, "RoleSessionName=x"}, "ValidationError", "greater than or equal to 2"},
		{"long session name", []string{arn, "RoleSessionName=" + strings.Repeat("x", 65)}, "ValidationError", "less than or equal to 64"},
		{"session name with a slash", []string{arn, "RoleSessionName=a/b"}, "ValidationError", `Value 'a/b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{"external id", []string{arn, name, "ExternalId=x"}, "ValidationError", "'externalId'"},
		{"external id with a blank", []string{arn, name, "ExternalId=x y"}, "ValidationError", "'externalId'"},
		{"short", []string{arn, name, "DurationSeconds=899"}, "ValidationError", "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"long", []string{arn, name, "DurationSeconds=43201"}, "ValidationError", "less than or equal to 43200"},
		{"huge", []string{arn, name, "DurationSeconds=9223372036854775807"}, "ValidationError", "less than or equal to 43200"},
		{"longer than the role allows", []string{arn, name, "DurationSeconds=7201"}, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		{"session policy that is none", []string{arn, name, "Policy={"}, "MalformedPolicyDocument", "Syntax errors in policy."},
		{"empty session policy", []string{arn, name, "Policy="}, "ValidationError", "'policy'"},
		{"session policy in Greek", []string{arn, name, "Policy={\"α\":1}"}, "ValidationError", "'policy'"},
		{"large session policy", []string{arn, name, "Policy=" + everything + strings.Repeat(" ", 2049-len(everything))}, "PackedPolicyTooLarge", "Packed policy consumes 101% of allotted space, please use smaller policy."},
		{"MFA device", []string{arn, name, "SerialNumber=GAHT12345678"}, "ValidationError", "SerialNumber is not supported"},
		{"MFA code", []string{arn, name, "TokenCode=123456"}, "ValidationError", "TokenCode is not supported"},
		{"contexts", []string{arn, name, "ProvidedContexts.member.1.ProviderArn=x"}, "ValidationError", "ProvidedContexts is not supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := w.call(w.admin, "AssumeRole", tt.params...)
			a.t = t
			a.refused(400, tt.code, tt.message)
		})
	}
	nobody := w.user("nobody", "")
	for _, params := range [][]string{nil, {arn}, {"RoleArn=\x00"}, {"RoleArn=" + role + "a b"}} {
		w.call(nobody, "AssumeRole", params...).refused(403, "AccessDenied",
			"User: arn:aws:iam::123456789012:user/staff/nobody is not authorized to perform: sts:AssumeRole on resource: ")
	}
	if _, a := w.assumed(w.admin, arn, name, "DurationSeconds=7200", "Tags=", "PolicyArns="); a.text("AssumeRoleResult/Credentials/Expiration") != "2026-03-04T07:06:07Z" {
		t.Error(a.raw)
	}
}

func TestSessionPolicy(t *testing.T) {
	w := newWorld(t)
	w.role(thingpass.Role{Name: "first"}, byAdmin, everything)
	w.role(thingpass.Role{Name: "account"}, byAccount, "")
	w.role(thingpass.Role{Name: "trusting"}, `{"AWS":"`+role+`first"}`, "")
	onlyS3 := strings.Replace(everything, `"Action":"*"`, `"Action":"s3:*"`, 1)
	exact := onlyS3 + strings.Repeat(" ", 2048-len(onlyS3))
	for text, percent := range map[string]string{onlyS3: "5", exact: "100"} {
		narrow, a := w.assumed(w.admin, "RoleArn="+role+"first", "RoleSessionName=me", "Policy="+text)
		if got := a.text("AssumeRoleResult/PackedPolicySize"); got != percent {
			t.Errorf("%d characters are %s %%, want %s", len(text), got, percent)
		}
		for _, to := range []string{"account", "trusting"} {
			w.call(narrow, "AssumeRole", "RoleArn="+role+to, "RoleSessionName=me").refused(403, "AccessDenied", "because no session policy allows")
		}
	}
	wide, _ := w.assumed(w.admin, "RoleArn="+role+"first", "RoleSessionName=me", "Policy="+everything)
	for _, to := range []string{"account", "trusting"} {
		w.assumed(wide, "RoleArn="+role+to, "RoleSessionName=me")
	}
}

func TestChaining(t *testing.T) {
	w := newWorld(t)
	w.role(thingpass.Role{Name: "first", MaxSessionDuration: 12 * time.Hour}, byAdmin, "")
	w.role(thingpass.Role{Name: "second", MaxSessionDuration: 12 * time.Hour}, `{"AWS":"`+role+`first"}`, "")
	first, _ := w.assumed(w.admin, "RoleArn="+role+"first", "RoleSessionName=me", "DurationSeconds=43200")
	second, a := w.assumed(first, "RoleArn="+role+"second", "RoleSessionName=me")
	if a.text("AssumeRoleResult/Credentials/Expiration") != "2026-03-04T06:06:07Z" {
		t.Error(a.raw)
	}
	w.call(first, "AssumeRole", "RoleArn="+role+"second", "RoleSessionName=me", "DurationSeconds=3601").refused(400, "ValidationError",
		"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	w.call(second, "AssumeRole", "RoleArn="+role+"second", "RoleSessionName=me").refused(403, "AccessDenied", "no role trust policy")
}

// TestDeviceSession: what a device may have ends with its certificate, so its
// credentials cannot be turned into others.
func TestDeviceSession(t *testing.T) {
	w := newWorld(t)
	der := []byte("a certificate")
	sum := sha256.Sum256(der)
	id := hex.EncodeToString(sum[:])
	err := w.db.CreateCertificate(t.Context(), thingpass.Certificate{
		ID: id, DER: der, Status: thingpass.Active, Mode: "DEFAULT", NotBefore: w.now, NotAfter: w.now.Add(time.Hour), Created: w.now, Modified: w.now, Version: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.role(thingpass.Role{Name: "device"}, byService, everything)
	w.role(thingpass.Role{Name: "next"}, `{"AWS":"`+role+`device"}`, "")
	w.role(thingpass.Role{Name: "closed"}, byAdmin, "")
	r, err := w.db.Role(t.Context(), "device")
	if err != nil {
		t.Fatal(err)
	}
	issued, err := w.sessions.Issue(session.Grant{Role: r, Device: &thingpass.Device{CertificateID: id}, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	device := sigv4.Credentials{AccessKeyID: issued.AccessKeyID, SecretAccessKey: issued.SecretAccessKey.Reveal(), SessionToken: issued.SessionToken.Reveal()}
	if a := w.call(device, "GetCallerIdentity"); a.text("GetCallerIdentityResult/Arn") != "arn:aws:sts::123456789012:assumed-role/device/"+id {
		t.Error(a.raw)
	}
	w.call(device, "AssumeRole", "RoleArn="+role+"next", "RoleSessionName=me").refused(403, "AccessDenied", "issued to a device cannot be used to assume a role")
	w.call(device, "AssumeRole", "RoleArn="+role+"closed", "RoleSessionName=me").refused(403, "AccessDenied", "no role trust policy")
}
