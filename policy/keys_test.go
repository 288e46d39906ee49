package policy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeys: a statement that decides here may use the keys that decisions have,
// and no other; statements about other actions may use any.
func TestKeys(t *testing.T) {
	const everywhere = `"Resource":"*","Condition":{"StringEquals":`
	for _, tc := range []struct {
		kind      Kind
		statement string
		refused   string // the key that is named; "" when it saves
	}{
		{Identity, `{"Effect":"Deny","Action":"s3:GetObject",` + everywhere + `{"s3:ExistingObjectTag/x":"y"}}}`, "s3:ExistingObjectTag/x"},
		{Identity, `{"Effect":"Deny","Action":"*",` + everywhere + `{"aws:PrincipalTag/x":"y"}}}`, "aws:PrincipalTag/x"},
		{Identity, `{"Effect":"Deny","Action":["logs:*","IAM:get*"],` + everywhere + `{"aws:SourceVpc":"y"}}}`, "aws:SourceVpc"},
		{Session, `{"Effect":"Deny","Action":"iot:CreateThing",` + everywhere + `{"aws:PrincipalOrgID":"y"}}}`, "aws:PrincipalOrgID"},
		{Session, `{"Effect":"Allow","Action":"sts:AssumeRole",` + everywhere + `{"made:Up":"y"}}}`, "made:Up"},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + everywhere + `{"aws:username":"${made:Up}"}}}`, "made:Up"},
		{Identity, `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/${made:Up, 'x'}"}`, "made:Up"},
		{Identity, `{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/${made:Up}"}`, "made:Up"},
		{Identity, `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Null":{"made:Up":"true"}}}`, "made:Up"},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + everywhere + `{" aws:username":"x"}}}`, " aws:username"},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + everywhere + `{"aws:RequestTag/":"x"}}}`, "aws:RequestTag/"},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + everywhere + `{"aws:SourceArn":"x"}}}`, "aws:SourceArn"},
		{Identity, `{"Effect":"Deny","Action":"iot:*",` + everywhere + `{"iot:Connection.Thing.ThingName":"x"}}}`, "iot:Connection.Thing.ThingName"},
		{Identity, `{"Effect":"Allow","NotAction":"logs:*",` + everywhere + `{"made:Up":"x"}}}`, "made:Up"},
		{Identity, `{"Effect":"Allow","NotAction":["s3:*","iam:*","iot:*","sts:Assume*"],` + everywhere + `{"made:Up":"x"}}}`, "made:Up"},
		{Identity, `{"Effect":"Allow","NotAction":["s3:*","IAM:*","iot:*","sts:*"],` + everywhere + `{"made:Up":"x"}}}`, ""},
		{Identity, `{"Effect":"Allow","NotAction":"*",` + everywhere + `{"made:Up":"x"}}}`, ""},
		{Identity, `{"Effect":"Deny","Action":["logs:*","kms:Decrypt","s3express:*"],` + everywhere + `{"made:Up":"${other:Key}"}}}`, ""},
		{Identity, `{"Effect":"Deny","Action":"s3:*",` + everywhere + `{"AWS:RESOURCETAG/Team":"${ Credentials-IoT:ThingName }"}}}`, ""},
		{Identity, `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"NumericEquals":{"s3:max-keys":"${made:Up}"}}}`, ""},

		{Trust, `{"Effect":"Deny","Action":"sts:*","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"x"}}}`, "aws:PrincipalOrgID"},
		{Trust, `{"Effect":"Deny","Action":"sts:*","Principal":"*","Condition":{"StringEquals":{"credentials-iot:ThingName":"x"}}}`, "credentials-iot:ThingName"},
		{Trust, `{"Effect":"Deny","Action":"sts:*","Principal":"*","Condition":{"StringEquals":{"sts:ExternalId":"${made:Up}"}}}`, "made:Up"},
		{Trust, `{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*","Condition":{"StringLike":{"aws:SourceArn":"*"},"StringEquals":{"aws:SourceAccount":"123456789012"}}}`, ""},

		{IoT, `{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*"}`, ""},
		{IoT, `{"Effect":"Deny","Action":"iot:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, ""},
		{IoT, `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iot:*:*:rolealias/${iot:Connection.Thing.ThingTypeName}"}`, ""},
		{IoT, `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"iot:Certificate.Subject.Organization.2":"${iot:certificate.issuer.country}"}}}`, ""},
		{IoT, `{"Effect":"Allow","Action":["iot:Connect"],"Resource":"arn:aws:iot:*:*:client/${iot:ClientId}"}`, ""},
		{IoT, `{"Effect":"Allow","NotAction":"iot:Assume*","Resource":"arn:aws:iot:*:*:client/${iot:ClientId}"}`, ""},
		{IoT, `{"Effect":"Allow","NotAction":"iot:Connect","Resource":"arn:aws:iot:*:*:rolealias/${iot:ClientId}"}`, "iot:ClientId"},
		{IoT, `{"Effect":"Deny","Action":"iot:Assume*","Resource":"arn:aws:iot:*:*:rolealias/${iot:Connection.Thing.Attributes[a]}"}`, "iot:Connection.Thing.Attributes[a]"},
		{IoT, `{"Effect":"Deny","Action":"iot:assumerolewithcertificate","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalArn":"x"}}}`, "aws:PrincipalArn"},
		{IoT, `{"Effect":"Deny","Action":"iot:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceIp":"${iot:Certificate.Subject.CommonName.9}"}}}`, "iot:Certificate.Subject.CommonName.9"},
		{IoT, `{"Effect":"Allow","Action":"iot:*","Resource":"arn:aws:iot:*:*:rolealias/${credentials-iot:ThingName}"}`, "credentials-iot:ThingName"},
	} {
		text := statements(tc.statement)
		_, err := Parse(tc.kind, text)
		switch {
		case tc.refused == "" && err != nil:
			t.Errorf("%s: %s: %v", tc.kind, tc.statement, err)
		case tc.refused != "" && (err == nil || !strings.HasPrefix(err.Error(), "The condition key "+tc.refused+" is not evaluated here for ")):
			t.Errorf("%s: %s: %v, want the key %s to be named", tc.kind, tc.statement, err, tc.refused)
		}
	}
	// Before variables existed, "${" was text.
	mustParse(t, Identity, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${made:Up}"}}`)
}

// TestKeysAreDocumented compares the table with the one of the compatibility
// page, both ways. That each key really is supplied, is tested through a
// running server (packages iam and credentials).
func TestKeysAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "### Condition keys\n")
	section, _, _ = strings.Cut(section, "\n#")
	documented := map[string]uses{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue // no row of the table
		}
		var in uses
		for name, use := range map[string]uses{"identity": requests, "trust": trusts, "IoT": devices} {
			if strings.Contains(cells[2], name) {
				in |= use
			}
		}
		for _, key := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[3], -1) {
			documented[lowerASCII(key[1])] |= in
		}
	}
	supplied := map[string]uses{}
	for key, in := range suppliedKeys {
		supplied[key] |= in
	}
	for _, f := range suppliedFamilies {
		supplied[f.prefix+"…"] |= f.uses
	}
	if diff := cmp.Diff(supplied, documented); diff != "" {
		t.Errorf("the table (-) and the page (+) differ:\n%s", diff)
	}
}
