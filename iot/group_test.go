package iot_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

const (
	anyPolicy  = `{"policyName":"*","policyArn":"*","policyDocument":"*","policyVersionId":"1"}`
	anyVersion = `{"policyArn":"*","policyDocument":"*","policyVersionId":"*","isDefaultVersion":%t}`
	anyGroup   = `{"thingGroupName":"*","thingGroupArn":"*","thingGroupId":"*"}`
	anyThing   = `{"thingName":"*","thingArn":"*","thingId":"*"}`
)

func TestPolicyVersions(t *testing.T) {
	s := newStory(t)
	s.kept["one"] = document
	s.kept["two"] = strings.Replace(document, `"*"`, `"arn:aws:iot:us-east-1:123456789012:rolealias/two"`, 1)
	s.run([]step{
		{request: "POST /policies/P/version", body: `{"policyDocument":"{two}"}`, status: 404, want: "ResourceNotFoundException: Policy not found*"},
		{request: "POST /policies/P", body: `{"policyDocument":"{one}"}`, want: anyPolicy},
		{
			request: "POST /policies/P/version", body: `{"policyDocument":"{two}"}`,
			want: `{"policyArn":"{iot}policy/P","policyDocument":"{two}","policyVersionId":"2","isDefaultVersion":false}`,
		},
		{request: "GET /policies/P", want: `{"policyName":"P","policyArn":"*","policyDocument":"{one}","defaultVersionId":"1","creationDate":0.5,"lastModifiedDate":0.5,"generationId":"=generation"}`},
		{
			request: "GET /policies/P/version/2",
			want: `{"policyName":"P","policyArn":"{iot}policy/P","policyDocument":"{two}","policyVersionId":"2","isDefaultVersion":false,
				"creationDate":0.5,"lastModifiedDate":0.5,"generationId":"{generation}"}`,
		},
		{request: "PATCH /policies/P/version/2", want: `{}`},
		{request: "PATCH /policies/P/version/2", want: `{}`},
		{request: "GET /policies/P", want: `{"policyName":"P","policyArn":"*","policyDocument":"{two}","defaultVersionId":"2","creationDate":0.5,"lastModifiedDate":0.5,"generationId":"*"}`},
		{request: "POST /policies/P/version?setAsDefault=true", body: `{"policyDocument":"{one}"}`, want: fmt.Sprintf(anyVersion, true)},
		{
			request: "GET /policies/P/version",
			want: `{"policyVersions":[{"versionId":"3","isDefaultVersion":true,"createDate":0.5},
				{"versionId":"2","isDefaultVersion":false,"createDate":0.5},{"versionId":"1","isDefaultVersion":false,"createDate":0.5}]}`,
		},
		{request: "DELETE /policies/P/version/3", status: 409, want: "DeleteConflictException: Cannot delete the default version of a policy"},
		{request: "DELETE /policies/P", status: 409, want: "DeleteConflictException: *"},
		{request: "POST /policies/P/version", body: `{"policyDocument":"{two}"}`, want: fmt.Sprintf(anyVersion, false)},
		{request: "POST /policies/P/version", body: `{"policyDocument":"{two}"}`, want: fmt.Sprintf(anyVersion, false)},
		{
			request: "POST /policies/P/version", body: `{"policyDocument":"{two}"}`, status: 409,
			want: "VersionsLimitExceededException: The policy P already has the maximum number of versions (5)",
		},
		{request: "DELETE /policies/P/version/5", want: `{}`},
		{request: "DELETE /policies/P/version/5", status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /policies/P/version", body: `{"policyDocument":"{two}"}`, want: `{"policyArn":"*","policyDocument":"*","policyVersionId":"6","isDefaultVersion":false}`},
		{request: "POST /policies/P/version", body: `{"policyDocument":"{"}`, status: 400, want: "MalformedPolicyException: *"},
		{request: "POST /policies/P/version", body: `{}`, status: 400, want: "InvalidRequestException: *"},
		{request: "GET /policies/P/version/9", status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /policies/P/version/v1", status: 400, want: "InvalidRequestException: *"},
		{request: "PATCH /policies/P/version/9", status: 404, want: "ResourceNotFoundException: *"},
		{request: "PATCH /policies/Q/version/1", status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /policies/Q/version", status: 404, want: "ResourceNotFoundException: *"},
		{request: "DELETE /policies/P/version/1", want: `{}`},
		{request: "DELETE /policies/P/version/2", want: `{}`},
		{request: "DELETE /policies/P/version/4", want: `{}`},
		{request: "DELETE /policies/P/version/6", want: `{}`},
		{request: "DELETE /policies/P", want: `{}`},
	})
}

func TestThingGroups(t *testing.T) {
	newStory(t).run([]step{
		{
			request: "POST /thing-groups/fleet", body: `{"thingGroupProperties":{"thingGroupDescription":"all","attributePayload":{"attributes":{"owner":"a"}}},"tags":[{"Key":"team","Value":"x"}]}`,
			want: `{"thingGroupName":"fleet","thingGroupArn":"{iot}thinggroup/fleet","thingGroupId":"=id"}`,
		},
		{
			request: "POST /thing-groups/fleet", body: `{"thingGroupProperties":{"thingGroupDescription":"all","attributePayload":{"attributes":{"owner":"a"}}}}`,
			want: `{"thingGroupName":"fleet","thingGroupArn":"*","thingGroupId":"{id}"}`,
		},
		{request: "POST /thing-groups/fleet", status: 409, want: "ResourceAlreadyExistsException: *"},
		{request: "POST /thing-groups/x", body: `{"parentGroupName":"none"}`, status: 400, want: "InvalidRequestException: Thing group not found*"},
		{request: "POST /thing-groups/site-1", body: `{"parentGroupName":"fleet"}`, want: anyGroup},
		{request: "POST /thing-groups/hall", body: `{"parentGroupName":"site-1"}`, want: anyGroup},
		{request: "POST /thing-groups/other", want: anyGroup},
		{
			request: "GET /thing-groups/fleet",
			want: `{"thingGroupName":"fleet","thingGroupId":"{id}","thingGroupArn":"{iot}thinggroup/fleet","version":1,
				"thingGroupProperties":{"thingGroupDescription":"all","attributePayload":{"attributes":{"owner":"a"}}},"thingGroupMetadata":{"creationDate":0.5}}`,
		},
		{
			request: "GET /thing-groups/hall",
			want: `{"thingGroupName":"hall","thingGroupId":"*","thingGroupArn":"*","version":1,"thingGroupProperties":{},
				"thingGroupMetadata":{"parentGroupName":"site-1","creationDate":0.5,"rootToParentThingGroups":[
				{"groupName":"fleet","groupArn":"{iot}thinggroup/fleet"},{"groupName":"site-1","groupArn":"{iot}thinggroup/site-1"}]}}`,
		},
		{request: "GET /thing-groups/none", status: 404, want: "ResourceNotFoundException: *"},

		{request: "PATCH /thing-groups/fleet", body: `{"thingGroupProperties":{"attributePayload":{"attributes":{"site":"n"},"merge":true}},"expectedVersion":1}`, want: `{"version":2}`},
		{request: "PATCH /thing-groups/fleet", body: `{"thingGroupProperties":{"thingGroupDescription":"every one"}}`, want: `{"version":3}`},
		{
			request: "GET /thing-groups/fleet",
			want: `{"thingGroupName":"fleet","thingGroupId":"*","thingGroupArn":"*","version":3,
				"thingGroupProperties":{"thingGroupDescription":"every one","attributePayload":{"attributes":{"owner":"a","site":"n"}}},"thingGroupMetadata":{"creationDate":0.5}}`,
		},
		{request: "PATCH /thing-groups/fleet", body: `{"thingGroupProperties":{"attributePayload":{"attributes":{}}}}`, want: `{"version":4}`},
		{request: "GET /thing-groups/fleet", want: `{"thingGroupName":"fleet","thingGroupId":"*","thingGroupArn":"*","version":4,"thingGroupProperties":{},"thingGroupMetadata":{"creationDate":0.5}}`},
		{request: "PATCH /thing-groups/fleet", body: `{"thingGroupProperties":{},"expectedVersion":3}`, status: 409, want: "VersionConflictException: *"},
		{request: "PATCH /thing-groups/fleet", body: `{}`, status: 400, want: "InvalidRequestException: *"},
		{request: "PATCH /thing-groups/none", body: `{"thingGroupProperties":{}}`, status: 404, want: "ResourceNotFoundException: *"},

		{request: "GET /thing-groups?maxResults=3", want: `{"thingGroups":[{"groupName":"fleet","groupArn":"*"},{"groupName":"hall","groupArn":"*"},{"groupName":"other","groupArn":"*"}],"nextToken":"=next"}`},
		{request: "GET /thing-groups?maxResults=3&nextToken={next}", want: `{"thingGroups":[{"groupName":"site-1","groupArn":"{iot}thinggroup/site-1"}]}`},
		{request: "GET /thing-groups?parentGroup=fleet", want: `{"thingGroups":[{"groupName":"site-1","groupArn":"*"}]}`},
		{request: "GET /thing-groups?parentGroup=fleet&recursive=true", want: `{"thingGroups":[{"groupName":"hall","groupArn":"*"},{"groupName":"site-1","groupArn":"*"}]}`},
		{request: "GET /thing-groups?namePrefixFilter=site", want: `{"thingGroups":[{"groupName":"site-1","groupArn":"*"}]}`},
		{request: "GET /thing-groups?parentGroup=none", status: 404, want: "ResourceNotFoundException: *"},

		{request: "GET /tags?resourceArn={iot}thinggroup%2Ffleet", want: `{"tags":[{"Key":"team","Value":"x"}]}`},
		{request: "POST /tags", body: `{"resourceArn":"{iot}thinggroup/fleet","tags":[{"Key":"b","Value":"1"}]}`, want: `{}`},
		{request: "POST /untag", body: `{"resourceArn":"{iot}thinggroup/fleet","tagKeys":["team"]}`, want: `{}`},
		{request: "GET /tags?resourceArn={iot}thinggroup%2Ffleet", want: `{"tags":[{"Key":"b","Value":"1"}]}`},
		{request: "GET /tags?resourceArn={iot}thinggroup%2Fnone", status: 404, want: "ResourceNotFoundException: *"},

		{request: "DELETE /thing-groups/site-1", status: 400, want: "InvalidRequestException: Cannot delete thing group*"},
		{request: "DELETE /thing-groups/hall?expectedVersion=2", status: 409, want: "VersionConflictException: *"},
		{request: "DELETE /thing-groups/hall?expectedVersion=1", want: `{}`},
		{request: "DELETE /thing-groups/hall", want: `{}`},
		{request: "DELETE /thing-groups/site-1", want: `{}`},
		{request: "GET /thing-groups", want: `{"thingGroups":[{"groupName":"fleet","groupArn":"*"},{"groupName":"other","groupArn":"*"}]}`},
	})
}

func TestMemberships(t *testing.T) {
	const byName = `{"thingGroupName":"%s","thingName":"%s"}`
	s := newStory(t)
	s.run([]step{
		{request: "POST /thing-groups/fleet", want: anyGroup},
		{request: "POST /thing-groups/site-1", body: `{"parentGroupName":"fleet"}`, want: anyGroup},
		{request: "POST /thing-groups/site-2", body: `{"parentGroupName":"fleet"}`, want: anyGroup},
		{request: "POST /thing-groups/lamps", want: anyGroup},
		{request: "POST /things/a", want: anyThing},
		{request: "POST /things/b", want: anyThing},
		{request: "PUT /thing-groups/addThingToThingGroup", body: fmt.Sprintf(byName, "site-1", "a"), want: `{}`},
		{request: "PUT /thing-groups/addThingToThingGroup", body: fmt.Sprintf(byName, "site-1", "a"), want: `{}`},
		{request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupArn":"{iot}thinggroup/lamps","thingArn":"{iot}thing/a","overrideDynamicGroups":true}`, want: `{}`},
		{request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupName":"lamps","thingGroupArn":"{iot}thinggroup/lamps","thingName":"b"}`, want: `{}`},
		{
			request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupName":"lamps","thingGroupArn":"{iot}thinggroup/site-1","thingName":"b"}`, status: 400,
			want: "InvalidRequestException: 1 validation error detected: Value '{iot}thinggroup/site-1' at 'thingGroupArn' failed to satisfy constraint: Member must name the same as thingGroupName",
		},
		{request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupArn":"{iot}thing/lamps","thingName":"b"}`, status: 400, want: "InvalidRequestException: *"},
		{request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupName":"lamps"}`, status: 400, want: "InvalidRequestException: *"},
		{request: "PUT /thing-groups/addThingToThingGroup", body: fmt.Sprintf(byName, "site-2", "a"), status: 400, want: "InvalidRequestException: *"},
		{request: "PUT /thing-groups/addThingToThingGroup", body: fmt.Sprintf(byName, "none", "a"), status: 404, want: "ResourceNotFoundException: Thing group not found*"},
		{request: "PUT /thing-groups/addThingToThingGroup", body: fmt.Sprintf(byName, "lamps", "none"), status: 404, want: "ResourceNotFoundException: Thing not found*"},

		{request: "GET /thing-groups/fleet/things", want: `{"things":[]}`},
		{request: "GET /thing-groups/fleet/things?recursive=true", want: `{"things":["a"]}`},
		{request: "GET /thing-groups/lamps/things?maxResults=1", want: `{"things":["a"],"nextToken":"=next"}`},
		{request: "GET /thing-groups/lamps/things?maxResults=1&nextToken={next}", want: `{"things":["b"]}`},
		{request: "GET /thing-groups/none/things", status: 404, want: "ResourceNotFoundException: *"},
		{
			request: "GET /things/a/thing-groups",
			want:    `{"thingGroups":[{"groupName":"fleet","groupArn":"{iot}thinggroup/fleet"},{"groupName":"lamps","groupArn":"*"},{"groupName":"site-1","groupArn":"*"}]}`,
		},
		{request: "GET /things/a/thing-groups?maxResults=2", want: `{"thingGroups":[{"groupName":"fleet","groupArn":"*"},{"groupName":"lamps","groupArn":"*"}],"nextToken":"=next"}`},
		{request: "GET /things/a/thing-groups?maxResults=2&nextToken={next}", want: `{"thingGroups":[{"groupName":"site-1","groupArn":"*"}]}`},
		{request: "GET /things/none/thing-groups", status: 404, want: "ResourceNotFoundException: *"},

		{request: "PUT /thing-groups/updateThingGroupsForThing", body: `{"thingName":"a","thingGroupsToAdd":["site-2"],"thingGroupsToRemove":["site-1","lamps"]}`, want: `{}`},
		{request: "GET /things/a/thing-groups", want: `{"thingGroups":[{"groupName":"fleet","groupArn":"*"},{"groupName":"site-2","groupArn":"*"}]}`},
		{request: "PUT /thing-groups/updateThingGroupsForThing", body: `{"thingName":"a","thingGroupsToAdd":["none"],"thingGroupsToRemove":["site-2"]}`, status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /thing-groups/site-2/things", want: `{"things":["a"]}`},
		{request: "PUT /thing-groups/updateThingGroupsForThing", body: `{"thingName":"a","thingGroupsToAdd":["lamps"],"thingGroupsToRemove":["lamps"]}`, status: 400, want: "InvalidRequestException: *"},
		{request: "PUT /thing-groups/updateThingGroupsForThing", body: `{"thingName":"none"}`, status: 404, want: "ResourceNotFoundException: *"},
		{request: "PUT /thing-groups/updateThingGroupsForThing", body: `{}`, status: 400, want: "InvalidRequestException: *"},
		{request: "PUT /thing-groups/removeThingFromThingGroup", body: fmt.Sprintf(byName, "site-2", "a"), want: `{}`},
		{request: "PUT /thing-groups/removeThingFromThingGroup", body: fmt.Sprintf(byName, "site-2", "a"), want: `{}`},
		{request: "PUT /thing-groups/removeThingFromThingGroup", body: fmt.Sprintf(byName, "site-2", "none"), status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /things/a/thing-groups", want: `{"thingGroups":[]}`},
		{request: "DELETE /things/b", want: `{}`},
		{request: "GET /thing-groups/lamps/things", want: `{"things":[]}`},
	})
}

func TestGroupPolicies(t *testing.T) {
	s := newStory(t)
	s.kept["allow"] = document
	s.kept["deny"] = strings.Replace(document, "Allow", "Deny", 1)
	s.kept["single"] = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iot:AssumeRoleWithCertificate","Resource":"*"}}`
	effective := func(names ...string) string {
		var items []string
		for _, name := range names {
			items = append(items, `{"policyName":"`+name+`","policyArn":"{iot}policy/`+name+`","policyDocument":"*"}`)
		}
		return `{"effectivePolicies":[` + strings.Join(items, ",") + `]}`
	}
	s.run([]step{
		{request: "POST /policies/own", body: `{"policyDocument":"{allow}"}`, want: anyPolicy},
		{request: "POST /policies/fleet", body: `{"policyDocument":"{allow}"}`, want: anyPolicy},
		{request: "POST /policies/site", body: `{"policyDocument":"{allow}"}`, want: anyPolicy},
		{request: "POST /policies/quarantine", body: `{"policyDocument":"{deny}"}`, want: anyPolicy},
		{request: "POST /policies/halt", body: `{"policyDocument":"{single}"}`, want: anyPolicy},
		{request: "POST /thing-groups/fleet", want: anyGroup},
		{request: "POST /thing-groups/site-1", body: `{"parentGroupName":"fleet"}`, want: anyGroup},
		{request: "POST /thing-groups/quarantine", want: anyGroup},
		{request: "PUT /target-policies/fleet", body: `{"target":"{iot}thinggroup/fleet"}`, want: `{}`},
		{request: "PUT /target-policies/fleet", body: `{"target":"{iot}thinggroup/fleet"}`, want: `{}`},
		{request: "PUT /target-policies/site", body: `{"target":"{iot}thinggroup/site-1"}`, want: `{}`},
		{request: "PUT /target-policies/quarantine", body: `{"target":"{iot}thinggroup/quarantine"}`, want: `{}`},
		{request: "PUT /target-policies/halt", body: `{"target":"{iot}thinggroup/quarantine"}`, want: `{}`},
		{request: "PUT /target-policies/own", body: `{"target":"{iot}thinggroup/quarantine"}`, status: 410, want: "LimitExceededException: *"},
		{request: "PUT /target-policies/none", body: `{"target":"{iot}thinggroup/fleet"}`, status: 404, want: "ResourceNotFoundException: Policy not found*"},
		{request: "PUT /principal-policies/own", header: "x-amzn-iot-principal: {iot}thinggroup/fleet", status: 400, want: "InvalidRequestException: *"},
		{request: "POST /attached-policies/{iot}thinggroup%2Fsite-1", want: `{"policies":[{"policyName":"site","policyArn":"*"}]}`},
		{request: "POST /attached-policies/{iot}thinggroup%2Fsite-1?recursive=true", want: `{"policies":[{"policyName":"fleet","policyArn":"{iot}policy/fleet"},{"policyName":"site","policyArn":"*"}]}`},
		{request: "POST /attached-policies/{iot}thinggroup%2Fsite-1?recursive=true&pageSize=1", want: `{"policies":[{"policyName":"fleet","policyArn":"*"}],"nextMarker":"=next"}`},
		{request: "POST /attached-policies/{iot}thinggroup%2Fsite-1?recursive=true&marker={next}", want: `{"policies":[{"policyName":"site","policyArn":"*"}]}`},
		{request: "POST /attached-policies/{iot}thinggroup%2Fnone", status: 404, want: "ResourceNotFoundException: *"},

		{request: "POST /keys-and-certificate", want: `{"certificateArn":"=cert","certificateId":"=id","certificatePem":"*","keyPair":{"PublicKey":"*","PrivateKey":"*"}}`},
		{request: "PUT /target-policies/own", body: `{"target":"{cert}"}`, want: `{}`},
		{request: "PUT /target-policies/fleet", body: `{"target":"{cert}"}`, want: `{}`},
		{request: "POST /policy-targets/fleet", want: `{"targets":["{cert}","{iot}thinggroup/fleet"]}`},
		{request: "POST /policy-targets/fleet?pageSize=1", want: `{"targets":["{cert}"],"nextMarker":"=next"}`},
		{request: "POST /policy-targets/fleet?pageSize=1&marker={next}", want: `{"targets":["{iot}thinggroup/fleet"]}`},
		{request: "GET /policy-principals", header: "x-amzn-iot-policy: fleet", want: `{"principals":["{cert}"]}`},
		{request: "GET /policy-principals?isAscendingOrder=false&pageSize=1", header: "x-amzn-iot-policy: fleet", want: `{"principals":["{cert}"]}`},
		{request: "GET /policy-principals", header: "x-amzn-iot-policy: none", status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /policy-principals", status: 400, want: "InvalidRequestException: *"},
		{request: "GET /principal-policies", header: "x-amzn-iot-principal: {cert}", want: `{"policies":[{"policyName":"fleet","policyArn":"*"},{"policyName":"own","policyArn":"*"}]}`},
		{request: "GET /principal-policies?isAscendingOrder=false&pageSize=1", header: "x-amzn-iot-principal: {cert}", want: `{"policies":[{"policyName":"own","policyArn":"*"}],"nextMarker":"*"}`},
		{request: "GET /principal-policies", header: "x-amzn-iot-principal: {iot}thinggroup/site-1", want: `{"policies":[{"policyName":"site","policyArn":"*"}]}`},
		{request: "POST /target-policies/fleet", body: `{"target":"{cert}"}`, want: `{}`},

		// One thing speaks for its site, the other is in quarantine.
		{request: "POST /things/good", want: anyThing},
		{request: "POST /things/bad", want: anyThing},
		{request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupName":"site-1","thingName":"good"}`, want: `{}`},
		{request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupName":"quarantine","thingName":"bad"}`, want: `{}`},
		{request: "POST /effective-policies", body: `{"principal":"{cert}"}`, want: effective("own")},
		{request: "POST /effective-policies?thingName=good", body: `{"principal":"{cert}"}`, want: effective("fleet", "own", "site")},
		{request: "POST /effective-policies?thingName=good", want: effective("fleet", "site")},
		{request: "POST /effective-policies", body: `{"principal":"{iot}thinggroup/site-1"}`, want: effective("fleet", "site")},
		{request: "PUT /things/good/principals", header: "x-amzn-principal: {cert}", want: `{}`},
		{request: "POST /effective-policies", body: `{"principal":"{cert}"}`, want: effective("own")},
		{request: "PUT /things/bad/principals", header: "x-amzn-principal: {cert}", want: `{}`},
		{request: "POST /effective-policies", body: `{"principal":"{cert}"}`, want: effective("halt", "own", "quarantine")},
		{request: "POST /effective-policies?thingName=good", body: `{"principal":"{cert}"}`, want: effective("fleet", "halt", "own", "quarantine", "site")},
		{request: "DELETE /things/bad/principals", header: "x-amzn-principal: {cert}", want: `{}`},
		{request: "PUT /things/good/principals?thingPrincipalType=EXCLUSIVE_THING", header: "x-amzn-principal: {cert}", want: `{}`},
		{request: "POST /effective-policies", body: `{"principal":"{cert}"}`, want: effective("fleet", "own", "site")},
		{request: "POST /effective-policies", body: `{"principal":"{iot}cert/{none}"}`, status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /effective-policies?thingName=none", body: `{"principal":"{cert}"}`, status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /effective-policies", status: 400, want: "InvalidRequestException: *"},
		{request: "POST /effective-policies", body: `{"principal":"{cert}","cognitoIdentityPoolId":"x"}`, status: 400, want: "InvalidRequestException: *"},
	})
}

func TestTestAuthorization(t *testing.T) {
	s := newStory(t)
	s.kept["allow"] = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iot:Connect","Resource":"arn:aws:iot:us-east-1:123456789012:client/${iot:Connection.Thing.ThingName}"},
		{"Effect":"Allow","Action":"iot:Publish","Resource":"arn:aws:iot:us-east-1:123456789012:topic/${iot:ClientId}/*"},
		{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`
	s.kept["deny"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iot:Connect","Resource":"*"}]}`
	result := func(decision, allowed, implicit, explicit, missing string) string {
		list := func(names string) string {
			var items []string
			for _, name := range strings.Fields(names) {
				items = append(items, `{"policyName":"`+name+`","policyArn":"{iot}policy/`+name+`"}`)
			}
			return `{"policies":[` + strings.Join(items, ",") + `]}`
		}
		return `{"authResults":[{"authInfo":{"actionType":"*","resources":["*"]},"allowed":` + list(allowed) +
			`,"denied":{"implicitDeny":` + list(implicit) + `,"explicitDeny":` + list(explicit) + `},"authDecision":"` + decision + `","missingContextValues":[` + missing + `]}]}`
	}
	const ask = `{"principal":"{cert}","authInfos":[{"actionType":"%s","resources":["{iot}%s"]}]%s}`
	s.run([]step{
		{request: "POST /policies/A", body: `{"policyDocument":"{allow}"}`, want: anyPolicy},
		{request: "POST /policies/D", body: `{"policyDocument":"{deny}"}`, want: anyPolicy},
		{request: "POST /keys-and-certificate", want: `{"certificateArn":"=cert","certificateId":"*","certificatePem":"*","keyPair":{"PublicKey":"*","PrivateKey":"*"}}`},
		{request: "PUT /target-policies/A", body: `{"target":"{cert}"}`, want: `{}`},
		{request: "POST /things/lamp", want: anyThing},
		{request: "POST /thing-groups/quarantine", want: anyGroup},
		{request: "PUT /things/lamp/principals", header: "x-amzn-principal: {cert}", want: `{}`},
		{request: "POST /test-authorization?clientId=lamp", body: fmt.Sprintf(ask, "CONNECT", "client/lamp", ""), want: result("ALLOWED", "A", "", "", "")},
		{request: "POST /test-authorization?clientId=lamp", body: fmt.Sprintf(ask, "CONNECT", "client/other", ""), want: result("IMPLICIT_DENY", "", "A", "", "")},
		{request: "POST /test-authorization", body: fmt.Sprintf(ask, "CONNECT", "client/lamp", ""), want: result("IMPLICIT_DENY", "", "A", "", `"iot:Connection.Thing.ThingName"`)},
		{request: "POST /test-authorization?clientId=x", body: fmt.Sprintf(ask, "PUBLISH", "topic/x/a", ""), want: result("ALLOWED", "A", "", "", "")},
		{request: "POST /test-authorization?clientId=x", body: fmt.Sprintf(ask, "ASSUME_ROLE_WITH_CERTIFICATE", "rolealias/a", ""), want: result("IMPLICIT_DENY", "", "A", "", `"aws:SourceIp"`)},
		{request: "POST /test-authorization?clientId=lamp", body: fmt.Sprintf(ask, "CONNECT", "client/lamp", `,"policyNamesToAdd":["D"]`), want: result("EXPLICIT_DENY", "A", "", "D", "")},
		{request: "POST /test-authorization?clientId=lamp", body: fmt.Sprintf(ask, "CONNECT", "client/lamp", `,"policyNamesToSkip":["A"]`), want: result("IMPLICIT_DENY", "", "", "", "")},
		{
			request: "POST /test-authorization?clientId=lamp",
			body:    `{"principal":"{cert}","authInfos":[{"actionType":"CONNECT","resources":["{iot}client/lamp","{iot}client/x"]},{"actionType":"SUBSCRIBE","resources":["x"]}]}`,
			want: `{"authResults":[
				{"authInfo":{"actionType":"CONNECT","resources":["*","*"]},"allowed":{"policies":[]},"denied":{"implicitDeny":{"policies":[{"policyName":"A","policyArn":"*"}]},"explicitDeny":{"policies":[]}},"authDecision":"IMPLICIT_DENY","missingContextValues":[]},
				{"authInfo":{"actionType":"SUBSCRIBE","resources":["x"]},"allowed":{"policies":[]},"denied":{"implicitDeny":{"policies":[{"policyName":"A","policyArn":"*"}]},"explicitDeny":{"policies":[]}},"authDecision":"IMPLICIT_DENY","missingContextValues":[]}]}`,
		},

		// What is denied through another thing is denied.
		{request: "POST /things/sick", want: anyThing},
		{request: "PUT /things/sick/principals", header: "x-amzn-principal: {cert}", want: `{}`},
		{request: "PUT /target-policies/D", body: `{"target":"{iot}thinggroup/quarantine"}`, want: `{}`},
		{request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupName":"quarantine","thingName":"sick"}`, want: `{}`},
		{request: "POST /test-authorization?clientId=lamp", body: fmt.Sprintf(ask, "CONNECT", "client/lamp", ""), want: result("EXPLICIT_DENY", "A", "", "D", "")},
		{request: "POST /test-authorization?clientId=lamp", body: fmt.Sprintf(ask, "PUBLISH", "topic/lamp/x", ""), want: result("ALLOWED", "A", "", "", "")},

		{request: "POST /test-authorization", body: fmt.Sprintf(ask, "CONNECT", "x", `,"policyNamesToAdd":["none"]`), status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /test-authorization", body: `{"principal":"{iot}cert/{none}","authInfos":[{"actionType":"CONNECT","resources":["x"]}]}`, status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /test-authorization", body: `{"principal":"{iot}thinggroup/quarantine","authInfos":[{"actionType":"CONNECT","resources":["x"]}]}`, status: 400, want: "InvalidRequestException: *"},
		{request: "POST /test-authorization", body: fmt.Sprintf(ask, "FLY", "x", ""), status: 400, want: "InvalidRequestException: *"},
		{request: "POST /test-authorization", body: `{"principal":"{cert}","authInfos":[]}`, status: 400, want: "InvalidRequestException: *"},
		{request: "POST /test-authorization", body: `{"principal":"{cert}","authInfos":[{"resources":[]}]}`, status: 400, want: "InvalidRequestException: *"},
	})
}

// TestGroupPermissions: what gives a device more is decided on everything that
// it is about.
func TestGroupPermissions(t *testing.T) {
	s, err := thingtest.Start(t.Context(), thingtest.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	as := &story{t, s.Admin, map[string]string{"iot": "arn:aws:iot:us-east-1:123456789012:", "none": strings.Repeat("0", 64), "document": document}}
	as.run([]step{
		{request: "POST /thing-groups/mine", body: `{"tags":[{"Key":"team","Value":"a"}]}`, want: anyGroup},
		{request: "POST /thing-groups/theirs", body: `{"tags":[{"Key":"team","Value":"b"}]}`, want: anyGroup},
		{request: "POST /things/mine", want: anyThing},
		{request: "POST /things/theirs", want: anyThing},
		{request: "POST /policies/P", body: `{"policyDocument":"{document}"}`, want: anyPolicy},
	})
	as.as = limited(t, s, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["iot:AddThingToThingGroup","iot:RemoveThingFromThingGroup","iot:UpdateThingGroupsForThing"],
		 "Resource":["arn:aws:iot:us-east-1:123456789012:thing/mine","arn:aws:iot:us-east-1:123456789012:thinggroup/mine"]},
		{"Effect":"Allow","Action":"iot:CreateThingGroup","Resource":"arn:aws:iot:us-east-1:123456789012:thinggroup/mine*"},
		{"Effect":"Allow","Action":["iot:AttachPolicy","iot:CreatePolicyVersion"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}}]}`)
	const denied = "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Limited/me is not authorized to perform: iot:%s on resource: {iot}%s *"
	deny := func(action, resource string) string { return fmt.Sprintf(denied, action, resource) }
	add := func(names string) string {
		group, thing, _ := strings.Cut(names, " ")
		return `{"thingGroupName":"` + group + `","thingName":"` + thing + `"}`
	}
	as.run([]step{
		{request: "POST /thing-groups/mine-1", body: `{"parentGroupName":"mine"}`, want: anyGroup},
		{request: "POST /thing-groups/mine-2", body: `{"parentGroupName":"theirs"}`, status: 403, want: deny("CreateThingGroup", "thinggroup/theirs")},
		{request: "PUT /thing-groups/addThingToThingGroup", body: add("mine mine"), want: `{}`},
		{request: "PUT /thing-groups/addThingToThingGroup", body: add("theirs mine"), status: 403, want: deny("AddThingToThingGroup", "thinggroup/theirs")},
		{request: "PUT /thing-groups/addThingToThingGroup", body: add("mine theirs"), status: 403, want: deny("AddThingToThingGroup", "thing/theirs")},
		{request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupArn":"{iot}thinggroup/theirs","thingArn":"{iot}thing/mine"}`, status: 403, want: deny("AddThingToThingGroup", "thinggroup/theirs")},
		{request: "PUT /thing-groups/addThingToThingGroup", body: `{"thingGroupName":"mine","thingGroupArn":"{iot}thinggroup/theirs","thingName":"mine"}`, status: 400, want: "InvalidRequestException: *"},
		{request: "PUT /thing-groups/removeThingFromThingGroup", body: add("theirs mine"), status: 403, want: deny("RemoveThingFromThingGroup", "thinggroup/theirs")},
		{request: "PUT /thing-groups/updateThingGroupsForThing", body: `{"thingName":"mine","thingGroupsToAdd":["mine"]}`, want: `{}`},
		{request: "PUT /thing-groups/updateThingGroupsForThing", body: `{"thingName":"theirs"}`, status: 403, want: deny("UpdateThingGroupsForThing", "thing/theirs")},
		{request: "PUT /thing-groups/updateThingGroupsForThing", body: `{"thingName":"mine","thingGroupsToAdd":["mine","theirs"]}`, status: 403, want: deny("UpdateThingGroupsForThing", "thinggroup/theirs")},
		{request: "PUT /thing-groups/updateThingGroupsForThing", body: `{"thingName":"mine","thingGroupsToRemove":["theirs"]}`, status: 403, want: deny("UpdateThingGroupsForThing", "thinggroup/theirs")},
		{request: "PUT /target-policies/P", body: `{"target":"{iot}thinggroup/mine"}`, want: `{}`},
		{request: "PUT /target-policies/P", body: `{"target":"{iot}thinggroup/theirs"}`, status: 403, want: deny("AttachPolicy", "thinggroup/theirs")},
		{request: "PUT /target-policies/P", body: `{"target":"{iot}cert/{none}"}`, status: 403, want: deny("AttachPolicy", "cert/{none}")},
		{request: "POST /policies/P/version", body: `{"policyDocument":"{document}"}`, status: 403, want: deny("CreatePolicyVersion", "policy/P")},
	})
}

// TestTestAuthorizationEnds: policies can be written so that each question is
// slow; a request ends all the same.
func TestTestAuthorizationEnds(t *testing.T) {
	s := newStory(t)
	slow := strings.Repeat("?a", 120)
	var patterns []string
	for i := range 7 {
		patterns = append(patterns, fmt.Sprintf(`"arn:aws:iot:us-east-1:123456789012:*%s%d"`, slow, i))
	}
	s.kept["slow"] = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":[` + strings.Join(patterns, ",") + `]}}`
	var names []string
	for i := range 20 {
		name := fmt.Sprintf("slow-%d", i)
		s.run([]step{{request: "POST /policies/" + name, body: `{"policyDocument":"{slow}"}`, want: anyPolicy}})
		names = append(names, `"`+name+`"`)
	}
	resource := `"arn:aws:iot:us-east-1:123456789012:` + strings.Repeat("a", 1900) + `"`
	s.run([]step{
		{request: "POST /keys-and-certificate?setAsActive=true", want: `{"certificateArn":"=arn","certificateId":"*","certificatePem":"*","keyPair":{"PublicKey":"*","PrivateKey":"*"}}`},
		{
			request: "POST /test-authorization", status: 410, want: "LimitExceededException: The test takes too long*",
			body: `{"principal":"{arn}","policyNamesToAdd":[` + strings.Join(names, ",") + `],"authInfos":[{"actionType":"CONNECT","resources":[` +
				strings.TrimSuffix(strings.Repeat(resource+",", 100), ",") + `]}]}`,
		},
	})
}

// limited makes a role with one policy and returns a client that acts in it.
func limited(t *testing.T, s *thingtest.Server, policy string) *thingtest.Client {
	t.Helper()
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}`
	for _, call := range [][]string{
		{"CreateRole", "RoleName", "Limited", "AssumeRolePolicyDocument", trust},
		{"PutRolePolicy", "RoleName", "Limited", "PolicyName", "p", "PolicyDocument", policy},
	} {
		if _, err := s.Admin.Query(t.Context(), "iam", call[0], call[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := s.Admin.Query(t.Context(), "sts", "AssumeRole", "RoleArn", "arn:aws:iam::123456789012:role/Limited", "RoleSessionName", "me", "DurationSeconds", "900")
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Result struct {
			Credentials struct{ AccessKeyId, SecretAccessKey, SessionToken string }
		} `xml:"AssumeRoleResult"`
	}
	if err := xml.Unmarshal(resp.Body, &out); err != nil {
		t.Fatal(err)
	}
	c := out.Result.Credentials
	client := *s.Admin
	client.Credentials = sigv4.Credentials{AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	return &client
}

// TestWarnings: what is odd about a policy is in the log and in the audit line.
func TestWarnings(t *testing.T) {
	var log bytes.Buffer
	s, err := thingtest.Start(t.Context(), thingtest.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	as := &story{t, s.Admin, map[string]string{"odd": strings.Replace(document, "iot:AssumeRoleWithCertificate", "iot:AssumeRoleWithCertificat", 1), "fine": document}}
	as.run([]step{
		{request: "POST /policies/P", body: `{"policyDocument":"{odd}"}`, want: anyPolicy},
		{request: "POST /policies/P/version", body: `{"policyDocument":"{fine}"}`, want: fmt.Sprintf(anyVersion, false)},
		{request: "POST /policies/P/version", body: `{"policyDocument":"{odd}"}`, want: fmt.Sprintf(anyVersion, false)},
	})
	if err := s.Close(); err != nil { // nothing writes to the log any more
		t.Fatal(err)
	}
	for _, line := range []string{`"policy saved with a warning","iot_policy":"P"`, `"reason":"saved with a warning: `} {
		if n := strings.Count(log.String(), line); n != 2 {
			t.Errorf("%d times %s in %s", n, line, &log)
		}
	}
}
