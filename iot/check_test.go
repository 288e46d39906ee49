package iot

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
)

// storeless is a service that can validate, and nothing more.
func storeless() *service {
	return &service{Config{Place: thingpass.Place{Account: "123456789012", Region: "us-east-1"}, Now: time.Now}}
}

// Every operation of the API that is served, as the botocore model
// iot/2015-05-28 routes it.
func TestTable(t *testing.T) {
	want := strings.Fields(`
		AddThingToThingGroup:PUT:/thing-groups/addThingToThingGroup
		AttachPolicy:PUT:/target-policies/{policyName}
		AttachPrincipalPolicy:PUT:/principal-policies/{policyName}
		AttachThingPrincipal:PUT:/things/{thingName}/principals
		CreateCertificateFromCsr:POST:/certificates
		CreateKeysAndCertificate:POST:/keys-and-certificate
		CreatePolicy:POST:/policies/{policyName}
		CreatePolicyVersion:POST:/policies/{policyName}/version
		CreateRoleAlias:POST:/role-aliases/{roleAlias}
		CreateThing:POST:/things/{thingName}
		CreateThingGroup:POST:/thing-groups/{thingGroupName}
		CreateThingType:POST:/thing-types/{thingTypeName}
		DeleteCertificate:DELETE:/certificates/{certificateId}
		DeletePolicy:DELETE:/policies/{policyName}
		DeletePolicyVersion:DELETE:/policies/{policyName}/version/{policyVersionId}
		DeleteRoleAlias:DELETE:/role-aliases/{roleAlias}
		DeleteThing:DELETE:/things/{thingName}
		DeleteThingGroup:DELETE:/thing-groups/{thingGroupName}
		DeleteThingType:DELETE:/thing-types/{thingTypeName}
		DeprecateThingType:POST:/thing-types/{thingTypeName}/deprecate
		DescribeCertificate:GET:/certificates/{certificateId}
		DescribeEndpoint:GET:/endpoint
		DescribeRoleAlias:GET:/role-aliases/{roleAlias}
		DescribeThing:GET:/things/{thingName}
		DescribeThingGroup:GET:/thing-groups/{thingGroupName}
		DescribeThingType:GET:/thing-types/{thingTypeName}
		DetachPolicy:POST:/target-policies/{policyName}
		DetachPrincipalPolicy:DELETE:/principal-policies/{policyName}
		DetachThingPrincipal:DELETE:/things/{thingName}/principals
		GetEffectivePolicies:POST:/effective-policies
		GetPolicy:GET:/policies/{policyName}
		GetPolicyVersion:GET:/policies/{policyName}/version/{policyVersionId}
		ListAttachedPolicies:POST:/attached-policies/{target}
		ListCertificates:GET:/certificates
		ListPolicies:GET:/policies
		ListPolicyPrincipals:GET:/policy-principals
		ListPolicyVersions:GET:/policies/{policyName}/version
		ListPrincipalPolicies:GET:/principal-policies
		ListPrincipalThings:GET:/principals/things
		ListRoleAliases:GET:/role-aliases
		ListTagsForResource:GET:/tags
		ListTargetsForPolicy:POST:/policy-targets/{policyName}
		ListThingGroups:GET:/thing-groups
		ListThingGroupsForThing:GET:/things/{thingName}/thing-groups
		ListThingPrincipals:GET:/things/{thingName}/principals
		ListThings:GET:/things
		ListThingsInThingGroup:GET:/thing-groups/{thingGroupName}/things
		ListThingTypes:GET:/thing-types
		RegisterCertificateWithoutCA:POST:/certificate/register-no-ca
		RemoveThingFromThingGroup:PUT:/thing-groups/removeThingFromThingGroup
		SetDefaultPolicyVersion:PATCH:/policies/{policyName}/version/{policyVersionId}
		TagResource:POST:/tags
		TestAuthorization:POST:/test-authorization
		UntagResource:POST:/untag
		UpdateCertificate:PUT:/certificates/{certificateId}
		UpdateRoleAlias:PUT:/role-aliases/{roleAlias}
		UpdateThing:PATCH:/things/{thingName}
		UpdateThingGroup:PATCH:/thing-groups/{thingGroupName}
		UpdateThingGroupsForThing:PUT:/thing-groups/updateThingGroupsForThing`)
	got := map[string]bool{}
	for _, op := range New(Config{}).Operations {
		got[op.Name+":"+op.Method+":"+op.Path] = true
		if op.Actions[0] != "iot:"+op.Name {
			t.Errorf("%s asks for %s", op.Name, op.Actions[0])
		}
	}
	for _, w := range want {
		if !got[w] {
			t.Errorf("%s is missing", w)
		}
		delete(got, w)
	}
	for extra := range got {
		t.Errorf("%s is not in the model", extra)
	}
}

// refusal is a request that is wrong, and what is told of it.
type refusal struct {
	name string
	call func() error
	want string
}

const one = "1 validation error detected: "

// What is wrong with a request is told before anything is stored.
func refused(t *testing.T, refusals []refusal) {
	t.Helper()
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			if thingpass.KindOf(err) != thingpass.Invalid {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if e := wireError(err); e.Status != 400 || e.Code != "InvalidRequestException" {
				t.Errorf("on the wire: %+v", e)
			}
		})
	}
}

func TestValidateAliasesAndPages(t *testing.T) {
	s, ctx, long := storeless(), context.Background(), strings.Repeat("a", 129)
	const role = "arn:aws:iam::123456789012:role/R"
	refused(t, []refusal{
		{"alias pattern", call(s.describeRoleAlias, ctx, &aliasInput{"a b"}), one + `Value 'a b' at 'roleAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w=,@-]+`},
		{"alias newline", call(s.deleteRoleAlias, ctx, &aliasInput{"a\n"}), one + "Value 'a\n' at 'roleAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w=,@-]+"},
		{"alias length", call(s.deleteRoleAlias, ctx, &aliasInput{long}), one + `Value '` + long + `' at 'roleAlias' failed to satisfy constraint: Member must have length less than or equal to 128`},
		{"no role", call(s.createRoleAlias, ctx, &createAliasInput{aliasChange: aliasChange{Alias: "a"}}), one + `Value null at 'roleArn' failed to satisfy constraint: Member must not be null`},
		{"short role", call(s.updateRoleAlias, ctx, &aliasChange{Alias: "a", RoleARN: new("arn")}), one + `Value 'arn' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20`},
		{"other account's role", call(s.updateRoleAlias, ctx, &aliasChange{Alias: "a", RoleARN: new("arn:aws:iam::210987654321:role/R")}), one + `Value 'arn:aws:iam::210987654321:role/R' at 'roleArn' failed to satisfy constraint: Member must be the ARN of a role of account 123456789012`},
		{"a user's ARN", call(s.updateRoleAlias, ctx, &aliasChange{Alias: "a", RoleARN: new("arn:aws:iam::123456789012:user/R")}), one + `Value 'arn:aws:iam::123456789012:user/R' at 'roleArn' failed to satisfy constraint: Member must be the ARN of a role of account 123456789012`},
		{"a pattern of roles", call(s.updateRoleAlias, ctx, &aliasChange{Alias: "a", RoleARN: new(role + "*")}), one + `Value '` + role + `*' at 'roleArn' failed to satisfy constraint: Member must be the ARN of a role of account 123456789012`},
		{"duration low", call(s.updateRoleAlias, ctx, &aliasChange{Alias: "a", Seconds: new(int64(899))}), one + `Value '899' at 'credentialDurationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900`},
		{"duration high", call(s.updateRoleAlias, ctx, &aliasChange{Alias: "a", Seconds: new(int64(43201))}), one + `Value '43201' at 'credentialDurationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200`},
		{"two at once", call(s.updateRoleAlias, ctx, &aliasChange{Alias: "+", Seconds: new(int64(1))}), `2 validation errors detected: Value '+' at 'roleAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w=,@-]+; Value '1' at 'credentialDurationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900`},
		{"page size", call(s.listRoleAliases, ctx, &orderedPage{markerPage: markerPage{PageSize: new(int64(251))}}), one + `Value '251' at 'pageSize' failed to satisfy constraint: Member must have value less than or equal to 250`},
		{"page of nothing", call(s.listThings, ctx, &listThingsInput{tokenPage: tokenPage{MaxResults: new(int64(0))}}), one + `Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1`},
		{"marker pattern", call(s.listPolicies, ctx, &orderedPage{markerPage: markerPage{Marker: new("!")}}), one + `Value '!' at 'marker' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9+/]+={0,2}`},
		{"marker content", call(s.listCertificates, ctx, &orderedPage{markerPage: markerPage{Marker: new("a")}}), one + `Value 'a' at 'marker' failed to satisfy constraint: Member must be a marker that an earlier page ended with`},
	})
}

func TestValidatePoliciesAndCertificates(t *testing.T) {
	s, ctx := storeless(), context.Background()
	refused(t, []refusal{
		{"no document", call(s.createPolicy, ctx, &createPolicyInput{Name: "p"}), one + `Value null at 'policyDocument' failed to satisfy constraint: Member must not be null`},
		{"huge document", call(s.createPolicy, ctx, &createPolicyInput{Name: "p", Document: new(strings.Repeat("x", 404601))}), one + `Value (not repeated) at 'policyDocument' failed to satisfy constraint: Member must have length less than or equal to 404600`},
		{"target is a thing", call(s.attachPolicy, ctx, &targetInput{"p", new("arn:aws:iot:us-east-1:123456789012:thing/t")}), one + `Value 'arn:aws:iot:us-east-1:123456789012:thing/t' at 'target' failed to satisfy constraint: Member must be the ARN of a certificate or thing group of this account and region`},
		{"no principal", call(s.attachPrincipalPolicy, ctx, &principalPolicyInput{Policy: "p"}), one + `Value null at 'principal' failed to satisfy constraint: Member must not be null`},
		{"no CSR", call(s.createFromCSR, ctx, &csrInput{}), one + `Value null at 'certificateSigningRequest' failed to satisfy constraint: Member must not be null`},
		{"a long key for a CSR is not repeated", call(s.createFromCSR, ctx, &csrInput{CSR: new(strings.Repeat("k", 4097))}), one + `Value (not repeated) at 'certificateSigningRequest' failed to satisfy constraint: Member must have length less than or equal to 4096`},
		{"no certificate", call(s.register, ctx, &registerInput{PEM: new("")}), one + `Value (not repeated) at 'certificatePem' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{"status unknown", call(s.register, ctx, &registerInput{PEM: new("x"), Status: new("active")}), one + `Value 'active' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [ACTIVE, INACTIVE, REVOKED, PENDING_TRANSFER, REGISTER_INACTIVE, PENDING_ACTIVATION]`},
		{"status of AWS's own", call(s.register, ctx, &registerInput{PEM: new("x"), Status: new("PENDING_TRANSFER")}), "The certificate status PENDING_TRANSFER cannot be set. Use ACTIVE, INACTIVE or REVOKED"},
		{"no new status", call(s.updateCertificate, ctx, &updateCertificateInput{ID: strings.Repeat("a", 64)}), one + `Value null at 'newStatus' failed to satisfy constraint: Member must not be null`},
		{"deprecated status", call(s.updateCertificate, ctx, &updateCertificateInput{strings.Repeat("a", 64), new("REGISTER_INACTIVE")}), "The certificate status REGISTER_INACTIVE cannot be set. Use ACTIVE, INACTIVE or REVOKED"},
		{"certificate id", call(s.describeCertificate, ctx, &certificateInput{"abc"}), one + `Value 'abc' at 'certificateId' failed to satisfy constraint: Member must have length greater than or equal to 64`},
	})
}

func TestValidateThings(t *testing.T) {
	s, ctx := storeless(), context.Background()
	refused(t, []refusal{
		{"thing name", call(s.createThing, ctx, &createThingInput{Name: "a/b"}), one + `Value 'a/b' at 'thingName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9:_-]+`},
		{"attribute name", call(s.createThing, ctx, &createThingInput{Name: "t", Payload: &attributePayload{Attributes: map[string]string{"a b": ""}}}), one + `Value 'a b' at 'attributePayload.attributes' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.,@/:#-]+`},
		{"attribute value", call(s.updateThing, ctx, &updateThingInput{Name: "t", Payload: &attributePayload{Attributes: map[string]string{"a": "b c"}}}), one + `Value 'b c' at 'attributePayload.attributes.a' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.,@/:#=\[\]-]*`},
		{"four attributes", call(s.createThing, ctx, &createThingInput{Name: "t", Payload: &attributePayload{Attributes: map[string]string{"a": "", "b": "", "c": "", "d": ""}}}), "A thing without a thing type can have at most 3 attributes"},
		{"type and no type", call(s.updateThing, ctx, &updateThingInput{Name: "t", Type: new("x"), RemoveType: true}), "thingTypeName and removeThingType cannot be given together"},
		{"value without name", call(s.listThings, ctx, &listThingsInput{AttributeValue: new("x")}), "attributeValue cannot be given without attributeName"},
		{"searchable", call(s.createThingType, ctx, &createTypeInput{Name: "t", Properties: &typeProperties{Searchable: []string{"a", "b", "c", "d"}}}), one + `Value (not repeated) at 'thingTypeProperties.searchableAttributes' failed to satisfy constraint: Member must have length less than or equal to 3`},
		{"description", call(s.createThingType, ctx, &createTypeInput{Name: "t", Properties: &typeProperties{Description: new("a\tb")}}), one + "Value 'a\tb' at 'thingTypeProperties.thingTypeDescription' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{Graph}\\x20]*"},
		{"broker settings", call(s.createThingType, ctx, &createTypeInput{Name: "t", Properties: &typeProperties{MQTT5: []byte("{}")}}), one + `Value (not repeated) at 'thingTypeProperties.mqtt5Configuration' failed to satisfy constraint: Member is not supported: there is no message broker here`},
		{"kind of attachment", call(s.attachThingPrincipal, ctx, &attachThingInput{thingPrincipal{"t", new("arn:aws:iot:us-east-1:123456789012:cert/" + strings.Repeat("a", 64))}, new("X")}), one + `Value 'X' at 'thingPrincipalType' failed to satisfy constraint: Member must satisfy enum value set: [EXCLUSIVE_THING, NON_EXCLUSIVE_THING]`},
	})
}

func TestValidateGroupsAndTests(t *testing.T) {
	s, ctx, arn := storeless(), context.Background(), "arn:aws:iot:us-east-1:123456789012:"
	cert := arn + "cert/" + strings.Repeat("a", 64)
	test := func(infos ...authInfo) *testInput { return &testInput{Principal: &cert, Infos: infos} }
	refused(t, []refusal{
		{"version id", call(s.getPolicyVersion, ctx, &versionInput{"p", "v1"}), one + `Value 'v1' at 'policyVersionId' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9]+`},
		{"group name", call(s.describeThingGroup, ctx, &groupInput{"a b"}), one + `Value 'a b' at 'thingGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9:_-]+`},
		{"no properties", call(s.updateThingGroup, ctx, &updateGroupInput{Name: "g"}), one + `Value null at 'thingGroupProperties' failed to satisfy constraint: Member must not be null`},
		{"attribute of a group", call(s.createThingGroup, ctx, &createGroupInput{Name: "g", Properties: &groupProperties{Payload: &attributePayload{Attributes: map[string]string{"a": "b c"}}}}), one + `Value 'b c' at 'thingGroupProperties.attributePayload.attributes.a' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.,@/:#=\[\]-]*`},
		{"no thing", call(s.addThing, ctx, &membershipInput{Group: new("g")}), one + `Value null at 'thingName' failed to satisfy constraint: Member must not be null when thingArn is not given`},
		{"a thing for a group", call(s.addThing, ctx, &membershipInput{GroupARN: new(arn + "thing/t"), Thing: new("t")}), one + `Value '` + arn + `thing/t' at 'thingGroupArn' failed to satisfy constraint: Member must be the ARN of a thinggroup of this account and region`},
		{"two names", call(s.removeThing, ctx, &membershipInput{Group: new("g"), Thing: new("t"), ThingARN: new(arn + "thing/u")}), one + `Value '` + arn + `thing/u' at 'thingArn' failed to satisfy constraint: Member must name the same as thingName`},
		{"many groups", call(s.updateThingGroups, ctx, &updateGroupsInput{Thing: new("t"), Add: make([]string, 11)}), one + `Value (not repeated) at 'thingGroupsToAdd' failed to satisfy constraint: Member must have length less than or equal to 10`},
		{"both ways", call(s.updateThingGroups, ctx, &updateGroupsInput{Thing: new("t"), Add: []string{"g"}, Remove: []string{"g"}}), "Thing group g cannot be added and removed at once"},
		{"nobody", call(s.getEffectivePolicies, ctx, &effectiveInput{}), one + `Value null at 'principal' failed to satisfy constraint: Member must not be null when thingName is not given`},
		{"pool", call(s.getEffectivePolicies, ctx, &effectiveInput{Principal: &cert, Pool: new("p")}), one + `Value (not repeated) at 'cognitoIdentityPoolId' failed to satisfy constraint: Member is not supported: there are no Cognito identities here`},
		{"no tests", call(s.testAuthorization, ctx, test()), one + `Value (not repeated) at 'authInfos' failed to satisfy constraint: Member must have between 1 and 10 items`},
		{"many tests", call(s.testAuthorization, ctx, test(make([]authInfo, 11)...)), one + `Value (not repeated) at 'authInfos' failed to satisfy constraint: Member must have between 1 and 10 items`},
		{"many resources", call(s.testAuthorization, ctx, test(authInfo{new("CONNECT"), make([]string, 101)})), one + `Value (not repeated) at 'authInfos' failed to satisfy constraint: Member must not have more than 100 resources in all`},
		{"nothing to test", call(s.testAuthorization, ctx, test(authInfo{Action: new("CONNECT")})), one + `Value null at 'authInfos.1.member.resources' failed to satisfy constraint: Member must have at least one item`},
		{"no action", call(s.testAuthorization, ctx, test(authInfo{Resources: []string{"x"}})), one + `Value null at 'authInfos.1.member.actionType' failed to satisfy constraint: Member must not be null`},
		{"many policies", call(s.testAuthorization, ctx, &testInput{Principal: &cert, Infos: []authInfo{{new("CONNECT"), []string{"x"}}}, Skip: make([]string, 21)}), one + `Value (not repeated) at 'policyNamesToSkip' failed to satisfy constraint: Member must have length less than or equal to 20`},
	})
}

func TestDenies(t *testing.T) {
	for document, want := range map[string]bool{
		`{"Statement":{"Effect":"Deny"}}`:                       true,
		`{"Statement":{"Effect":"Allow"}}`:                      false,
		`{"Statement":[{"Effect":"Allow"},{"Effect":"Deny"}]}`:  true,
		`{"Statement":[{"Effect":"Allow"},{"Effect":"Allow"}]}`: false,
		`x`: true,
	} {
		if got := denies(document); got != want {
			t.Errorf("%s: %t", document, got)
		}
	}
}

func TestValidateTagsAndEndpoints(t *testing.T) {
	const roleARN = "arn:aws:iam::123456789012:role/R"
	s, ctx := storeless(), context.Background()
	refused(t, []refusal{
		{"no ARN", call(s.listTags, ctx, &listTagsInput{}), one + `Value null at 'resourceArn' failed to satisfy constraint: Member must not be null`},
		{"things have no tags", call(s.listTags, ctx, &listTagsInput{ARN: new("arn:aws:iot:us-east-1:123456789012:thing/t")}), one + `Value 'arn:aws:iot:us-east-1:123456789012:thing/t' at 'resourceArn' failed to satisfy constraint: Member must be the ARN of a role alias, policy, thing type or thing group of this account and region`},
		{"no tags", call(s.tagResource, ctx, &tagInput{ARN: new("arn:aws:iot:us-east-1:123456789012:policy/p")}), one + `Value null at 'tags' failed to satisfy constraint: Member must not be null`},
		{"tag without key", call(s.createPolicy, ctx, &createPolicyInput{Name: "p", Document: new("{}"), Tags: []tag{{}}}), one + `Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null`},
		{"reserved tag", call(s.createPolicy, ctx, &createPolicyInput{Name: "p", Document: new("{}"), Tags: []tag{{Key: new("AWS:x")}}}), one + `Value 'AWS:x' at 'tags.1.member.key' failed to satisfy constraint: Member must not begin with aws:`},
		{"tag twice", call(s.createPolicy, ctx, &createPolicyInput{Name: "p", Document: new("{}"), Tags: []tag{{Key: new("k")}, {Key: new("k")}}}), one + `Value 'k' at 'tags.2.member.key' failed to satisfy constraint: Member must not be given more than once. Tag keys are case insensitive`},
		{"tag in two spellings", call(s.createRoleAlias, ctx, &createAliasInput{aliasChange{Alias: "a", RoleARN: new(roleARN)}, []tag{{Key: new("team")}, {Key: new("Team")}}}), one + `Value 'Team' at 'tags.2.member.key' failed to satisfy constraint: Member must not be given more than once. Tag keys are case insensitive`},
		{"tag in two alphabets", call(s.createThingType, ctx, &createTypeInput{Name: "t", Tags: []tag{{Key: new("sun")}, {Key: new("\u017fun")}}}), one + "Value '\u017fun' at 'tags.2.member.key' failed to satisfy constraint: Member must not be given more than once. Tag keys are case insensitive"},
		{"tags", call(s.createPolicy, ctx, &createPolicyInput{Name: "p", Document: new("{}"), Tags: make([]tag, 51)}), one + `Value (not repeated) at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50`},
		{"no keys", call(s.untagResource, ctx, &untagInput{ARN: new("arn:aws:iot:us-east-1:123456789012:policy/p")}), one + `Value null at 'tagKeys' failed to satisfy constraint: Member must not be null`},
		{"NUL", call(s.describeEndpoint, ctx, &describeEndpointInput{new("\x00")}), one + "Value '\x00' at 'endpointType' failed to satisfy constraint: Member must not contain the character U+0000"},
		{"long value", call(s.describeEndpoint, ctx, &describeEndpointInput{new(strings.Repeat("x", 1000))}), one + `Value '` + strings.Repeat("x", 256) + `…' at 'endpointType' failed to satisfy constraint: Member must have length less than or equal to 128`},
		{"endpoint type", call(s.describeEndpoint, ctx, &describeEndpointInput{new("iot:data")}), "Endpoint type iot:data not recognized."},
	})
}

func call[In, Out any](h handler[In, Out], ctx context.Context, in *In) func() error {
	return func() error {
		_, err := h(ctx, nil, in)
		return err
	}
}

func TestAccess(t *testing.T) {
	const base = "arn:aws:iot:us-east-1:123456789012:"
	s, arn := stored(t), base+"cert/"+strings.Repeat("a", 64)
	passed := map[string][]string{"iam:PassedToService": {"credentials.iot.amazonaws.com"}}
	for _, tt := range []struct {
		name      string
		got, want []gate.Access
	}{
		{"create alias, empty", s.askCreateAlias(&createAliasInput{}), []gate.Access{{Action: "iot:CreateRoleAlias", Resource: base + "rolealias/"}}},
		{
			"create alias passes a role",
			s.askCreateAlias(&createAliasInput{aliasChange{Alias: "a", RoleARN: new("R")}, []tag{{Key: new("k"), Value: new("v")}, {}}}),
			[]gate.Access{
				{
					Action: "iot:CreateRoleAlias", Resource: base + "rolealias/a",
					Context: map[string][]string{"aws:RequestTag/k": {"v"}, "aws:RequestTag/": {""}}, Lists: map[string][]string{"aws:TagKeys": {"k", ""}},
				},
				{Action: "iam:PassRole", Resource: "R", Context: passed},
			},
		},
		{"update alias, no role", s.askUpdateAlias(&aliasChange{Alias: "a", Seconds: new(int64(900))}), []gate.Access{{Action: "iot:UpdateRoleAlias", Resource: base + "rolealias/a"}}},
		{
			"update alias passes a role", s.askUpdateAlias(&aliasChange{Alias: "a", RoleARN: new("R")}),
			[]gate.Access{{Action: "iot:UpdateRoleAlias", Resource: base + "rolealias/a"}, {Action: "iam:PassRole", Resource: "R", Context: passed}},
		},
		{
			"attach thing", s.askPrincipal("AttachThingPrincipal", &thingPrincipal{"t", &arn}),
			[]gate.Access{{Action: "iot:AttachThingPrincipal", Resource: arn, Context: map[string][]string{"iot:thingArn": {base + "thing/t"}}}},
		},
		{
			"detach thing, empty", s.askPrincipal("DetachThingPrincipal", &thingPrincipal{}),
			[]gate.Access{{Action: "iot:DetachThingPrincipal", Resource: "*", Context: map[string][]string{"iot:thingArn": {base + "thing/"}}}},
		},
		{"nothing named", []gate.Access{ask("AttachPolicy", targetARN(&targetInput{}))}, []gate.Access{{Action: "iot:AttachPolicy", Resource: "*"}}},
		{"target", []gate.Access{ask("AttachPolicy", targetARN(&targetInput{"p", &arn}))}, []gate.Access{{Action: "iot:AttachPolicy", Resource: arn}}},
		{
			"membership", s.askMembership("AddThingToThingGroup", &membershipInput{Group: new("g"), GroupARN: new("other"), Thing: new("t"), ThingARN: new("other")}),
			[]gate.Access{{Action: "iot:AddThingToThingGroup", Resource: base + "thinggroup/g"}, {Action: "iot:AddThingToThingGroup", Resource: base + "thing/t"}},
		},
		{
			"membership by ARN", s.askMembership("RemoveThingFromThingGroup", &membershipInput{GroupARN: new("G"), ThingARN: new("T")}),
			[]gate.Access{{Action: "iot:RemoveThingFromThingGroup", Resource: "G"}, {Action: "iot:RemoveThingFromThingGroup", Resource: "T"}},
		},
		{
			"membership, empty", s.askMembership("AddThingToThingGroup", &membershipInput{}),
			[]gate.Access{{Action: "iot:AddThingToThingGroup", Resource: "*"}, {Action: "iot:AddThingToThingGroup", Resource: "*"}},
		},
		{
			"memberships", s.askMemberships(&updateGroupsInput{Thing: new("t"), Add: []string{"a"}, Remove: []string{"b"}}),
			[]gate.Access{
				{Action: "iot:UpdateThingGroupsForThing", Resource: base + "thing/t"},
				{Action: "iot:UpdateThingGroupsForThing", Resource: base + "thinggroup/a"},
				{Action: "iot:UpdateThingGroupsForThing", Resource: base + "thinggroup/b"},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWireError(t *testing.T) {
	for kind, want := range map[thingpass.Kind]struct {
		status int
		code   string
	}{
		thingpass.Internal:           {500, "InternalFailureException"},
		thingpass.Invalid:            {400, "InvalidRequestException"},
		thingpass.NotFound:           {404, "ResourceNotFoundException"},
		thingpass.Exists:             {409, "ResourceAlreadyExistsException"},
		thingpass.MalformedPolicy:    {400, "MalformedPolicyException"},
		thingpass.LimitExceeded:      {410, "LimitExceededException"},
		thingpass.Conflict:           {409, "DeleteConflictException"},
		thingpass.CertificateState:   {406, "CertificateStateException"},
		thingpass.CertificateInvalid: {400, "CertificateValidationException"},
		thingpass.VersionConflict:    {409, "VersionConflictException"},
		thingpass.Denied:             {403, "AccessDeniedException"},
		thingpass.Unmodifiable:       {400, "InvalidRequestException"},
		thingpass.VersionsLimit:      {409, "VersionsLimitExceededException"},
	} {
		e := wireError(thingpass.Errorf(kind, "inner text"))
		if e.Status != want.status || e.Code != want.code {
			t.Errorf("kind %d: %d %s, want %+v", kind, e.Status, e.Code, want)
		}
		if kind == thingpass.Internal && strings.Contains(e.Message, "inner") {
			t.Error("the text of an internal error is shown")
		}
	}
	if e := wireError(context.Canceled); e.Status != 500 || e.Err == nil {
		t.Errorf("unforeseen: %+v", e)
	}
}

func TestPayloadApplied(t *testing.T) {
	old := map[string]string{"a": "1", "b": "2"}
	for _, tt := range []struct {
		name    string
		payload *attributePayload
		want    map[string]string
	}{
		{"none", nil, old},
		{"empty", &attributePayload{}, map[string]string{}},
		{"replace", &attributePayload{Attributes: map[string]string{"c": "3", "d": ""}}, map[string]string{"c": "3"}},
		{"merge", &attributePayload{Attributes: map[string]string{"c": "3", "a": "", "b": "4"}, Merge: true}, map[string]string{"b": "4", "c": "3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.payload.applied(old)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if len(old) != 2 || old["a"] != "1" {
		t.Error("the old attributes were changed")
	}
}

// FuzzMarker: any marker is refused or continues after a name that makes the
// same marker again.
func FuzzMarker(f *testing.F) {
	f.Add("Y2FtZXJhcw==")
	f.Add("YR==")
	f.Fuzz(func(t *testing.T, marker string) {
		var c check
		page := (&markerPage{Marker: &marker, PageSize: new(int64(1))}).page(&c)
		if c.err() != nil {
			return
		}
		_, next := cut([]string{page.After, "more"}, page, same)
		var again check
		if back := (&markerPage{Marker: &next}).page(&again); again.err() != nil || back.After != page.After {
			t.Fatalf("%q gave %q, and %q again: %v", marker, page.After, back.After, again.err())
		}
	})
}
