package policy

import (
	"strings"
	"testing"
)

// TestExchangeKeys: a statement that decides an exchange may use the keys that
// an exchange has, and no other; statements about other actions may use any.
func TestExchangeKeys(t *testing.T) {
	for _, tc := range []struct {
		statement string
		refused   string // the key that is named; "" when it saves
	}{
		{`{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*"}`, ""},
		{`{"Effect":"Deny","Action":"iot:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, ""},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:iot:*:*:rolealias/${iot:Connection.Thing.ThingTypeName}"}`, ""},
		{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"iot:Certificate.Subject.Organization.2":"${iot:certificate.issuer.country}"}}}`, ""},
		{`{"Effect":"Allow","Action":["iot:Connect"],"Resource":"arn:aws:iot:*:*:client/${iot:ClientId}"}`, ""},
		{`{"Effect":"Allow","NotAction":"iot:Assume*","Resource":"arn:aws:iot:*:*:client/${iot:ClientId}"}`, ""},
		{`{"Effect":"Allow","NotAction":"iot:Connect","Resource":"arn:aws:iot:*:*:rolealias/${iot:ClientId}"}`, "iot:ClientId"},
		{`{"Effect":"Deny","Action":"iot:Assume*","Resource":"arn:aws:iot:*:*:rolealias/${iot:Connection.Thing.Attributes[a]}"}`, "iot:Connection.Thing.Attributes[a]"},
		{`{"Effect":"Deny","Action":"iot:assumerolewithcertificate","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalArn":"x"}}}`, "aws:PrincipalArn"},
		{`{"Effect":"Deny","Action":"iot:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceIp":"${iot:Certificate.Subject.CommonName.9}"}}}`, "iot:Certificate.Subject.CommonName.9"},
		{`{"Effect":"Allow","Action":"iot:*","Resource":"arn:aws:iot:*:*:rolealias/${credentials-iot:ThingName}"}`, "credentials-iot:ThingName"},
	} {
		text := statements(tc.statement)
		_, err := Parse(IoT, text)
		switch {
		case tc.refused == "" && err != nil:
			t.Errorf("%s: %v", tc.statement, err)
		case tc.refused != "" && (err == nil || !strings.Contains(err.Error(), "The key "+tc.refused+" is not evaluated")):
			t.Errorf("%s: %v, want the key %s to be named", tc.statement, err, tc.refused)
		}
	}
}
