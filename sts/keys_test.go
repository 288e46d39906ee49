package sts

import (
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/sigv4"
)

func (w *world) userSession(c sigv4.Credentials, params ...string) (sigv4.Credentials, answer) {
	w.t.Helper()
	a := w.call(c, "GetSessionToken", params...)
	at := "GetSessionTokenResult/Credentials/"
	if a.status != 200 {
		w.t.Fatal(a.raw)
	}
	return sigv4.Credentials{
		AccessKeyID: a.text(at + "AccessKeyId"), SecretAccessKey: a.text(at + "SecretAccessKey"), SessionToken: a.text(at + "SessionToken"),
	}, a
}

// TestGetSessionToken: a user's temporary credentials are the user's, with an
// end, and not good for what AWS keeps them from.
func TestGetSessionToken(t *testing.T) {
	w := newWorld(t)
	w.role(thingpass.Role{Name: "r"}, byAdmin, everything)
	temporary, a := w.userSession(w.admin)
	if !strings.HasPrefix(temporary.AccessKeyID, "ASIA") || a.text("GetSessionTokenResult/Credentials/Expiration") != "2026-03-04T17:06:07Z" {
		t.Error(a.raw)
	}
	if got := w.call(temporary, "GetCallerIdentity").text("GetCallerIdentityResult/Arn"); got != "arn:aws:iam::123456789012:user/staff/admin" {
		t.Errorf("it is %s", got)
	}
	session, _ := w.assumed(temporary, "RoleArn="+role+"r", "RoleSessionName=me", "DurationSeconds=3600")
	for _, action := range []string{"GetSessionToken", "GetAccessKeyInfo", "DecodeAuthorizationMessage"} {
		w.call(temporary, action).refused(403, "AccessDenied", "not authorized to perform: sts:"+action)
	}
	w.call(session, "GetSessionToken").refused(403, "AccessDenied", "Cannot call GetSessionToken with session credentials")

	none := w.user("none", "")
	w.userSession(none) // needs no permission
	denied := w.user("denied", strings.Replace(everything, "Allow", "Deny", 1))
	w.call(denied, "GetSessionToken").refused(403, "AccessDenied", "sts:GetSessionToken on resource: * with an explicit deny in an identity-based policy")
	for params, message := range map[string]string{
		"DurationSeconds=899": "greater than or equal to 900", "DurationSeconds=129601": "less than or equal to 129600",
		"SerialNumber=GAHT12345678": "SerialNumber is not supported", "TokenCode=123456": "TokenCode is not supported",
	} {
		w.call(none, "GetSessionToken", params).refused(400, "ValidationError", message)
	}

	long, _ := w.userSession(w.admin, "DurationSeconds=129600")
	w.now = w.now.Add(36*time.Hour - time.Second)
	if a := w.call(long, "GetCallerIdentity"); a.status != 200 {
		t.Error(a.raw)
	}
	w.call(temporary, "GetCallerIdentity").refused(403, "ExpiredToken", "is expired")
	w.now = w.now.Add(2 * time.Second)
	w.call(long, "GetCallerIdentity").refused(403, "ExpiredToken", "is expired")
}

// TestTemporaryUserEnds: temporary credentials end with the key that they were
// asked for with, and what has ended stays ended, as for devices.
func TestTemporaryUserEnds(t *testing.T) {
	w := newWorld(t)
	old, _ := w.userSession(w.admin)
	works := func(c sigv4.Credentials) bool { return w.call(c, "GetCallerIdentity").status == 200 }
	for _, step := range []struct {
		active, key, session bool
	}{
		{active: true, key: true, session: true}, // as it was: nothing has changed
		{active: false},
		{active: true, key: true},
		{active: true, key: true},
	} {
		if err := w.db.UpdateAccessKey(t.Context(), "admin", w.admin.AccessKeyID, step.active); err != nil {
			t.Fatal(err)
		}
		w.settle()
		if key, session := works(w.admin), works(old); key != step.key || session != step.session {
			t.Errorf("%+v: key %t, session %t", step, key, session)
		}
	}
	w.call(old, "GetCallerIdentity").refused(403, "InvalidClientTokenId", "")
	if renewed, _ := w.userSession(w.admin); !works(renewed) {
		t.Error("credentials of the key that is active again do not work")
	}
}

func TestGetAccessKeyInfo(t *testing.T) {
	w := newWorld(t)
	temporary, _ := w.userSession(w.admin)
	for _, id := range []string{w.admin.AccessKeyID, temporary.AccessKeyID} {
		if a := w.call(w.admin, "GetAccessKeyInfo", "AccessKeyId="+id); a.text("GetAccessKeyInfoResult/Account") != "123456789012" {
			t.Error(a.raw)
		}
	}
	for id, message := range map[string]string{
		"AKIAIOSFODNN7EXAMPLE": "The access key ID AKIAIOSFODNN7EXAMPLE is not one of this account.", "ASIAIOSFODNN7EXAMPL1": "not one of this account",
		"AKIA": "greater than or equal to 16", "AKIA-IOSFODNN7EXAMPLE": `regular expression pattern: [\w]*`,
	} {
		w.call(w.admin, "GetAccessKeyInfo", "AccessKeyId="+id).refused(400, "ValidationError", message)
	}
	w.call(w.admin, "GetAccessKeyInfo").refused(400, "ValidationError", "Value null at 'accessKeyId'")
	w.call(w.user("none", ""), "GetAccessKeyInfo").refused(403, "AccessDenied", "sts:GetAccessKeyInfo on resource: *")
}

func TestDecode(t *testing.T) {
	w := newWorld(t)
	a := w.call(w.admin, "DecodeAuthorizationMessage", "EncodedMessage=known")
	if a.text("DecodeAuthorizationMessageResult/DecodedMessage") != `{"allowed":false}` {
		t.Error(a.raw)
	}
	w.call(w.admin, "DecodeAuthorizationMessage", "EncodedMessage=other").refused(400, "InvalidAuthorizationMessageException", "request id")
	w.call(w.admin, "DecodeAuthorizationMessage", "EncodedMessage=").refused(400, "ValidationError", "'encodedMessage'")
	w.call(w.admin, "DecodeAuthorizationMessage").refused(400, "ValidationError", "Value null at 'encodedMessage'")
}
