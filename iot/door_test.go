package iot_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestEndpoints(t *testing.T) {
	s := newStory(t)
	s.run([]step{
		{request: "GET /endpoint?endpointType=iot:CredentialProvider", want: `{"endpointAddress":"devices.example.com"}`},
		{request: "GET /endpoint", want: `{"endpointAddress":"=data"}`},
		{request: "GET /endpoint?endpointType=iot%3AData", want: `{"endpointAddress":"{data}"}`},
		{request: "GET /endpoint?endpointType=iot:Data-ATS", want: `{"endpointAddress":"=ats"}`},
		{request: "GET /endpoint?endpointType=iot:Data-ATS", want: `{"endpointAddress":"{ats}"}`},
		{request: "GET /endpoint?endpointType=iot:Jobs", want: `{"endpointAddress":"=jobs"}`},
		{request: "GET /endpoint?endpointType=iot:DeviceAdvisor", want: `{"endpointAddress":"*"}`},
		{request: "GET /endpoint?endpointType=iot:Data-Beta", want: `{"endpointAddress":"*"}`},
		{request: "GET /endpoint?endpointType=iot:Nothing", status: 400, want: "InvalidRequestException: Endpoint type iot:Nothing not recognized."},
	})
	prefix, rest, _ := strings.Cut(s.kept["data"], ".")
	if rest != "iot.us-east-1.amazonaws.com" || s.kept["ats"] != prefix+"-ats."+rest || s.kept["jobs"] != prefix+".jobs."+rest {
		t.Errorf("addresses: %v", s.kept)
	}
}

func TestRoleAliases(t *testing.T) {
	newStory(t).run([]step{
		{request: "POST /role-aliases/cam_era=,@-1", body: `{"roleArn":"{role}","tags":[{"Key":"team","Value":"video"}]}`, want: `{"roleAlias":"cam_era=,@-1","roleAliasArn":"{iot}rolealias/cam_era=,@-1"}`},
		{
			request: "GET /role-aliases/cam_era%3D%2C%40-1",
			want: `{"roleAliasDescription":{"roleAlias":"cam_era=,@-1","roleAliasArn":"{iot}rolealias/cam_era=,@-1","roleArn":"{role}","owner":"123456789012",
				"credentialDurationSeconds":3600,"creationDate":0.5,"lastModifiedDate":0.5}}`,
		},
		{
			request: "POST /role-aliases/cam_era=,@-1", body: `{"roleArn":"{role}"}`, status: 409,
			want: "ResourceAlreadyExistsException: RoleAlias cannot be created - already exists (name=cam_era=,@-1) resourceArn={iot}rolealias/cam_era=,@-1 resourceId=cam_era=,@-1",
		},
		{request: "POST /role-aliases/b", body: `{"roleArn":"{role}","credentialDurationSeconds":900}`, want: `{"roleAlias":"b","roleAliasArn":"*"}`},
		{request: "POST /role-aliases/c", body: `{"roleArn":"{role}","credentialDurationSeconds":"900"}`, status: 400, want: "SerializationException: *"},
		{request: "POST /role-aliases/c", body: `{"credentialDurationSeconds":900}`, status: 400, want: "InvalidRequestException: 1 validation error detected: Value null at 'roleArn' *"},
		{request: "PUT /role-aliases/b", body: `{"credentialDurationSeconds":43200}`, want: `{"roleAlias":"b","roleAliasArn":"{iot}rolealias/b"}`},
		{request: "PUT /role-aliases/b", body: `{"roleArn":"arn:aws:iam::123456789012:role/x/Other"}`, want: `{"roleAlias":"b","roleAliasArn":"*"}`},
		{
			request: "GET /role-aliases/b",
			want: `{"roleAliasDescription":{"roleAlias":"b","roleAliasArn":"*","roleArn":"arn:aws:iam::123456789012:role/x/Other","owner":"*","credentialDurationSeconds":43200,
				"creationDate":0.5,"lastModifiedDate":0.5}}`,
		},
		{request: "PUT /role-aliases/B", body: `{}`, status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /role-aliases/a", body: `{"roleArn":"{role}"}`, want: `{"roleAlias":"a","roleAliasArn":"*"}`},
		{request: "GET /role-aliases", want: `{"roleAliases":["a","b","cam_era=,@-1"]}`},
		{request: "GET /role-aliases?pageSize=2", want: `{"roleAliases":["a","b"],"nextMarker":"=next"}`},
		{request: "GET /role-aliases?pageSize=2&marker={next}", want: `{"roleAliases":["cam_era=,@-1"]}`},
		{request: "GET /role-aliases?pageSize=1&isAscendingOrder=false", want: `{"roleAliases":["cam_era=,@-1"],"nextMarker":"=next"}`},
		{request: "GET /role-aliases?pageSize=2&isAscendingOrder=false&marker={next}", want: `{"roleAliases":["b","a"]}`},
		{request: "GET /role-aliases?pageSize=0", status: 400, want: "InvalidRequestException: *"},
		{request: "GET /role-aliases?pageSize=x", status: 400, want: "SerializationException: *"},
		{request: "GET /tags?resourceArn={iot}rolealias%2Fcam_era=,@-1", want: `{"tags":[{"Key":"team","Value":"video"}]}`},
		{request: "DELETE /role-aliases/b", want: `{}`},
		{request: "DELETE /role-aliases/b", status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /role-aliases/b", status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /role-aliases/a/credentials", status: 404, want: "*"},
	})
}

const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":"*"}]}`

func TestPolicies(t *testing.T) {
	s := newStory(t)
	s.kept["document"] = document
	s.kept["spaced"] = strings.Replace(document, ",", ","+strings.Repeat(" \n", 2000), 1)
	s.kept["long"] = strings.Replace(document, `"*"`, `["arn:aws:iot:us-east-1:123456789012:rolealias/`+strings.Repeat("a", 2000)+`"]`, 1)
	s.run([]step{
		{
			request: "POST /policies/P", body: `{"policyDocument":"{document}","tags":[{"Key":"k"}]}`,
			want: `{"policyName":"P","policyArn":"{iot}policy/P","policyDocument":"{document}","policyVersionId":"1"}`,
		},
		{
			request: "GET /policies/P",
			want:    `{"policyName":"P","policyArn":"{iot}policy/P","policyDocument":"{document}","defaultVersionId":"1","creationDate":0.5,"lastModifiedDate":0.5,"generationId":"*"}`,
		},
		{
			request: "POST /policies/P", body: `{"policyDocument":"{document}"}`, status: 409,
			want: "ResourceAlreadyExistsException: Policy cannot be created - name already exists (name=P) resourceArn={iot}policy/P resourceId=P",
		},
		{request: "POST /policies/Q", body: `{"policyDocument":"{spaced}"}`, want: `{"policyName":"Q","policyArn":"*","policyDocument":"*","policyVersionId":"1"}`},
		{request: "POST /policies/R", body: `{"policyDocument":"{long}"}`, status: 400, want: "MalformedPolicyException: The policy document has 2*"},
		{request: "POST /policies/R", body: `{"policyDocument":"{"}`, status: 400, want: "MalformedPolicyException: *"},
		{request: "POST /policies/R", body: `{"policyDocument":""}`, status: 400, want: "MalformedPolicyException: *"},
		{request: "POST /policies/R", body: `{}`, status: 400, want: "InvalidRequestException: *"},
		{request: "GET /policies/R", status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /policies", want: `{"policies":[{"policyName":"P","policyArn":"{iot}policy/P"},{"policyName":"Q","policyArn":"{iot}policy/Q"}]}`},
		{request: "GET /policies?pageSize=1", want: `{"policies":[{"policyName":"P","policyArn":"*"}],"nextMarker":"=next"}`},
		{request: "GET /policies?pageSize=1&marker={next}", want: `{"policies":[{"policyName":"Q","policyArn":"*"}]}`},
		{request: "DELETE /policies/Q", want: `{}`},
		{request: "DELETE /policies/Q", status: 404, want: "ResourceNotFoundException: *"},
	})
}

func TestAttachments(t *testing.T) {
	s := newStory(t)
	s.kept["document"] = document
	s.run([]step{
		{request: "POST /policies/P", body: `{"policyDocument":"{document}"}`, want: `{"policyName":"P","policyArn":"*","policyDocument":"*","policyVersionId":"1"}`},
		{request: "POST /keys-and-certificate", want: `{"certificateArn":"=cert","certificateId":"=id","certificatePem":"*","keyPair":{"PublicKey":"*","PrivateKey":"*"}}`},
		{request: "PUT /target-policies/P", body: `{"target":"{cert}"}`, want: `{}`},
		{request: "PUT /target-policies/P", body: `{"target":"{cert}"}`, want: `{}`},
		{request: "PUT /target-policies/Q", body: `{"target":"{cert}"}`, status: 404, want: "ResourceNotFoundException: Policy not found*"},
		{request: "PUT /target-policies/P", body: `{"target":"{iot}cert/{none}"}`, status: 404, want: "ResourceNotFoundException: Certificate not found*"},
		{request: "PUT /target-policies/P", body: `{"target":"{iot}thinggroup/g"}`, status: 404, want: "ResourceNotFoundException: Thing group not found*"},
		{request: "PUT /target-policies/P", body: ``, status: 400, want: "InvalidRequestException: *"},
		{request: "POST /attached-policies/{cert}", want: `{"policies":[{"policyName":"P","policyArn":"{iot}policy/P"}]}`},
		{request: "POST /attached-policies/{cert}?recursive=true&pageSize=250", want: `{"policies":[{"policyName":"P","policyArn":"*"}]}`},
		{request: "POST /attached-policies/{iot}cert%2F{none}", status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /attached-policies/x", status: 400, want: "InvalidRequestException: *"},
		{request: "POST /policy-targets/P", want: `{"targets":["{cert}"]}`},
		{request: "POST /policy-targets/Q", status: 404, want: "ResourceNotFoundException: *"},
		{request: "DELETE /policies/P", status: 409, want: "DeleteConflictException: *"},
		{request: "POST /target-policies/P", body: `{"target":"{cert}"}`, want: `{}`},
		{request: "POST /attached-policies/{cert}", want: `{"policies":[]}`},
		{request: "PUT /principal-policies/P", header: "x-amzn-iot-principal: {cert}", want: `{}`},
		{request: "PUT /principal-policies/P", header: "x-amzn-principal: {cert}", status: 400, want: "InvalidRequestException: *"},
		{request: "POST /policy-targets/P", want: `{"targets":["{cert}"]}`},
		{request: "DELETE /principal-policies/P", header: "x-amzn-iot-principal: {cert}", want: `{}`},
		{request: "POST /policy-targets/P", want: `{"targets":[]}`},
		{request: "DELETE /policies/P", want: `{}`},
	})
	for i := range 11 {
		s.run([]step{{request: fmt.Sprintf("POST /policies/L%02d", i), body: `{"policyDocument":"{document}"}`, want: `{"policyName":"*","policyArn":"*","policyDocument":"*","policyVersionId":"1"}`}})
		attach := step{request: fmt.Sprintf("PUT /target-policies/L%02d", i), body: `{"target":"{cert}"}`, want: `{}`}
		if i == 10 {
			attach.status, attach.want = 410, "LimitExceededException: *"
		}
		s.run([]step{attach})
	}
	item := `{"policyName":"*","policyArn":"*"}`
	s.run([]step{
		{request: "POST /attached-policies/{cert}?pageSize=9", want: `{"policies":[` + strings.Repeat(item+",", 8) + item + `],"nextMarker":"=next"}`},
		{request: "POST /attached-policies/{cert}?pageSize=9&marker={next}", want: `{"policies":[{"policyName":"L09","policyArn":"{iot}policy/L09"}]}`},
	})
}

func TestCertificates(t *testing.T) {
	s := newStory(t)
	der, own := selfSigned(t)
	s.kept["pem"], s.kept["own"], s.kept["csr"] = own, hexSHA256(der), csr(t)
	s.run([]step{
		{request: "POST /keys-and-certificate?setAsActive=true", want: `{"certificateArn":"=arn1","certificateId":"=id1","certificatePem":"=pem1","keyPair":{"PublicKey":"*","PrivateKey":"=key1"}}`},
		{
			request: "GET /certificates/{id1}",
			want: `{"certificateDescription":{"certificateArn":"{iot}cert/{id1}","certificateId":"{id1}","status":"ACTIVE","certificatePem":"{pem1}","ownedBy":"123456789012",
				"creationDate":0.5,"lastModifiedDate":0.5,"customerVersion":1,"transferData":{},"generationId":"*","validity":{"notBefore":0.5,"notAfter":2524607999},"certificateMode":"DEFAULT"}}`,
		},
		{request: "POST /certificates", body: `{"certificateSigningRequest":"{csr}"}`, want: `{"certificateArn":"=arn2","certificateId":"=id2","certificatePem":"*"}`},
		{request: "POST /certificates?setAsActive=true", body: `{"certificateSigningRequest":"{csr}"}`, want: `{"certificateArn":"*","certificateId":"=id3","certificatePem":"*"}`},
		{request: "POST /certificates", body: `{"certificateSigningRequest":"x"}`, status: 400, want: "InvalidRequestException: *"},
		{request: "POST /certificate/register-no-ca", body: `{"certificatePem":"{pem}","status":"REVOKED"}`, want: `{"certificateArn":"{iot}cert/{own}","certificateId":"{own}"}`},
		{
			request: "POST /certificate/register-no-ca", body: `{"certificatePem":"{pem}"}`, status: 409,
			want: "ResourceAlreadyExistsException: The certificate is already provisioned or registered resourceArn={iot}cert/{own} resourceId={own}",
		},
		{request: "POST /certificate/register-no-ca", body: `{"certificatePem":"{csr}"}`, status: 400, want: "CertificateValidationException: *"},
		{request: "POST /certificate/register-no-ca", body: `{"certificatePem":"{key1}"}`, status: 400, want: "CertificateValidationException: The certificate is not in PEM format: it holds \"RSA PRIVATE KEY\""},
		{request: "PUT /certificates/{own}?newStatus=ACTIVE", status: 406, want: "CertificateStateException: *"},
		{request: "PUT /certificates/{id2}?newStatus=PENDING_TRANSFER", status: 400, want: "InvalidRequestException: *"},
		{request: "PUT /certificates/{id2}", status: 400, want: "InvalidRequestException: *"},
		{request: "PUT /certificates/{id2}?newStatus=ACTIVE", want: `{}`},
		{request: "PUT /certificates/{none}?newStatus=ACTIVE", status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /certificates/{none}", status: 404, want: "ResourceNotFoundException: *"},
		{request: "DELETE /certificates/{id2}", status: 406, want: "CertificateStateException: Certificate must be deactivated (not ACTIVE) before deletion. Id: {id2}"},
		{request: "PUT /certificates/{id2}?newStatus=INACTIVE", want: `{}`},
		{
			request: "GET /certificates/{id2}",
			want: `{"certificateDescription":{"certificateArn":"{arn2}","certificateId":"{id2}","status":"INACTIVE","certificatePem":"*","ownedBy":"*",
				"creationDate":0.5,"lastModifiedDate":0.5,"customerVersion":3,"transferData":{},"generationId":"*","validity":{"notBefore":0.5,"notAfter":0.5},"certificateMode":"DEFAULT"}}`,
		},
		{request: "POST /policies/P", body: `{"policyDocument":"` + inJSON(document) + `"}`, want: `{"policyName":"P","policyArn":"*","policyDocument":"*","policyVersionId":"1"}`},
		{request: "PUT /target-policies/P", body: `{"target":"{arn2}"}`, want: `{}`},
		{request: "DELETE /certificates/{id2}", status: 409, want: "DeleteConflictException: *"},
		{request: "DELETE /certificates/{id2}?forceDelete=true", want: `{}`},
		{request: "POST /policy-targets/P", want: `{"targets":[]}`},
		{request: "DELETE /certificates/{own}", want: `{}`},
		{request: "DELETE /certificates/{own}", status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /certificates?pageSize=1", want: `{"certificates":[{"certificateArn":"*","certificateId":"=first","status":"ACTIVE","certificateMode":"DEFAULT","creationDate":0.5}],"nextMarker":"=next"}`},
		{request: "GET /certificates?pageSize=1&marker={next}", want: `{"certificates":[{"certificateArn":"*","certificateId":"=second","status":"ACTIVE","certificateMode":"DEFAULT","creationDate":0.5}]}`},
	})
	if got, want := []string{s.kept["first"], s.kept["second"]}, []string{s.kept["id1"], s.kept["id3"]}; !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("pages have %v, want %v", got, want)
	}
	block, _ := pem.Decode([]byte(s.kept["pem1"]))
	if block == nil || hexSHA256(block.Bytes) != s.kept["id1"] {
		t.Error("certificateId is not the SHA-256 of the certificate")
	}
}

func TestThings(t *testing.T) {
	newStory(t).run([]step{
		{request: "POST /thing-types/bulb", body: `{"thingTypeProperties":{"thingTypeDescription":"A bulb","searchableAttributes":["model","watt"]},"tags":[{"Key":"k","Value":"v"}]}`, want: `{"thingTypeName":"bulb","thingTypeArn":"{iot}thingtype/bulb","thingTypeId":"=type"}`},
		{request: "POST /thing-types/bulb", body: `{"thingTypeProperties":{"thingTypeDescription":"A bulb","searchableAttributes":["model","watt"]}}`, want: `{"thingTypeName":"bulb","thingTypeArn":"*","thingTypeId":"{type}"}`},
		{request: "POST /thing-types/bulb", body: `{}`, status: 409, want: "ResourceAlreadyExistsException: *"},
		{request: "POST /thing-types/lamp", want: `{"thingTypeName":"lamp","thingTypeArn":"*","thingTypeId":"*"}`},
		{
			request: "GET /thing-types/bulb",
			want: `{"thingTypeName":"bulb","thingTypeArn":"{iot}thingtype/bulb","thingTypeId":"{type}","thingTypeProperties":{"thingTypeDescription":"A bulb","searchableAttributes":["model","watt"]},
				"thingTypeMetadata":{"deprecated":false,"creationDate":0.5}}`,
		},
		{request: "GET /thing-types?maxResults=1", want: `{"thingTypes":[{"thingTypeName":"bulb","thingTypeArn":"*","thingTypeProperties":{"thingTypeDescription":"*","searchableAttributes":["model","watt"]},"thingTypeMetadata":{"deprecated":false,"creationDate":0.5}}],"nextToken":"=next"}`},
		{request: "GET /thing-types?maxResults=1&nextToken={next}", want: `{"thingTypes":[{"thingTypeName":"lamp","thingTypeArn":"*","thingTypeProperties":{"searchableAttributes":[]},"thingTypeMetadata":{"deprecated":false,"creationDate":0.5}}]}`},
		{request: "GET /thing-types?thingTypeName=none", want: `{"thingTypes":[]}`},

		{request: "POST /things/a:1", body: `{"thingTypeName":"bulb","attributePayload":{"attributes":{"a":"1","b":"2","c":"3","d":""}}}`, want: `{"thingName":"a:1","thingArn":"{iot}thing/a:1","thingId":"=thing"}`},
		{request: "POST /things/a:1", body: `{"thingTypeName":"bulb","attributePayload":{"attributes":{"a":"1","b":"2","c":"3","d":""}}}`, want: `{"thingName":"a:1","thingArn":"*","thingId":"{thing}"}`},
		{request: "POST /things/a:1", status: 409, want: "ResourceAlreadyExistsException: *"},
		{request: "POST /things/b", want: `{"thingName":"b","thingArn":"*","thingId":"*"}`},
		{request: "POST /things/c", body: `{"thingTypeName":"none"}`, status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /things/c", body: `{"billingGroupName":"none"}`, status: 404, want: "ResourceNotFoundException: *"},
		{
			request: "GET /things/a%3A1",
			want:    `{"defaultClientId":"a:1","thingName":"a:1","thingId":"{thing}","thingArn":"{iot}thing/a:1","thingTypeName":"bulb","attributes":{"a":"1","b":"2","c":"3","d":""},"version":1}`,
		},
		{request: "PATCH /things/a:1", body: `{"removeThingType":true}`, status: 400, want: "InvalidRequestException: A thing without a thing type can have at most 3 attributes"},
		{request: "PATCH /things/a:1", body: `{"removeThingType":true,"attributePayload":{"attributes":{"a":"","e":"5"},"merge":true},"expectedVersion":2}`, status: 409, want: "VersionConflictException: *"},
		{request: "PATCH /things/a:1", body: `{"expectedVersion":0}`, status: 409, want: "VersionConflictException: *"},
		{request: "PATCH /things/a:1", body: `{"attributePayload":{"attributes":{"a":"","d":"","e":"5"},"merge":true},"expectedVersion":1}`, want: `{}`},
		{request: "PATCH /things/b", body: `{"thingTypeName":"lamp","attributePayload":{"attributes":{"b":"22"}}}`, want: `{}`},
		{request: "PATCH /things/none", body: `{}`, status: 404, want: "ResourceNotFoundException: *"},
		{
			request: "GET /things",
			want: `{"things":[{"thingName":"a:1","thingTypeName":"bulb","thingArn":"{iot}thing/a:1","attributes":{"b":"2","c":"3","e":"5"},"version":2},
				{"thingName":"b","thingTypeName":"lamp","thingArn":"*","attributes":{"b":"22"},"version":2}]}`,
		},
		{request: "GET /things?attributeName=b&attributeValue=2", want: `{"things":[{"thingName":"a:1","thingTypeName":"bulb","thingArn":"*","attributes":{"b":"2","c":"3","e":"5"},"version":2}]}`},
		{request: "GET /things?attributeName=b&attributeValue=2&usePrefixAttributeValue=true&maxResults=1", want: `{"things":[{"thingName":"a:1","thingTypeName":"bulb","thingArn":"*","attributes":{"b":"2","c":"3","e":"5"},"version":2}],"nextToken":"=next"}`},
		{request: "GET /things?attributeName=b&attributeValue=2&usePrefixAttributeValue=true&maxResults=1&nextToken={next}", want: `{"things":[{"thingName":"b","thingTypeName":"lamp","thingArn":"*","attributes":{"b":"22"},"version":2}]}`},
		{request: "GET /things?thingTypeName=lamp", want: `{"things":[{"thingName":"b","thingTypeName":"lamp","thingArn":"*","attributes":{"b":"22"},"version":2}]}`},

		{request: "DELETE /thing-types/lamp", status: 400, want: "InvalidRequestException: *"},
		{request: "POST /thing-types/lamp/deprecate", body: `{}`, want: `{}`},
		{request: "GET /thing-types/lamp", want: `{"thingTypeName":"lamp","thingTypeArn":"*","thingTypeId":"*","thingTypeProperties":{"searchableAttributes":[]},"thingTypeMetadata":{"deprecated":true,"deprecationDate":0.5,"creationDate":0.5}}`},
		{request: "POST /things/c", body: `{"thingTypeName":"lamp"}`, status: 400, want: "InvalidRequestException: *"},
		{request: "DELETE /thing-types/lamp", status: 400, want: "InvalidRequestException: *"},
		{request: "POST /thing-types/lamp/deprecate", body: `{"undoDeprecate":true}`, want: `{}`},
		{request: "POST /things/c", body: `{"thingTypeName":"lamp"}`, want: `{"thingName":"c","thingArn":"*","thingId":"*"}`},
		{request: "DELETE /things/c?expectedVersion=7", status: 409, want: "VersionConflictException: *"},
		{request: "DELETE /things/c?expectedVersion=1", want: `{}`},
		{request: "DELETE /things/c", want: `{}`},
		{request: "DELETE /things/b", want: `{}`},
		{request: "POST /thing-types/lamp/deprecate", want: `{}`},
		{request: "DELETE /thing-types/lamp", want: `{}`},
		{request: "GET /thing-types/lamp", status: 404, want: "ResourceNotFoundException: *"},
		{request: "DELETE /thing-types/lamp", status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /thing-types/lamp/deprecate", status: 404, want: "ResourceNotFoundException: *"},
	})
}

func TestPrincipals(t *testing.T) {
	const keys = `{"certificateArn":"=%s","certificateId":"*","certificatePem":"*"}`
	s := newStory(t)
	s.kept["csr"] = csr(t)
	s.run([]step{
		{request: "POST /certificates", body: `{"certificateSigningRequest":"{csr}"}`, want: fmt.Sprintf(keys, "cert1")},
		{request: "POST /certificates", body: `{"certificateSigningRequest":"{csr}"}`, want: fmt.Sprintf(keys, "cert2")},
		{request: "POST /things/a", want: `{"thingName":"a","thingArn":"*","thingId":"*"}`},
		{request: "POST /things/b", want: `{"thingName":"b","thingArn":"*","thingId":"*"}`},
		{request: "PUT /things/a/principals", header: "x-amzn-principal: {cert1}", want: `{}`},
		{request: "PUT /things/a/principals", header: "x-amzn-principal: {cert1}", want: `{}`},
		{request: "PUT /things/a/principals", header: "x-amzn-principal: {cert2}", want: `{}`},
		{request: "PUT /things/b/principals?thingPrincipalType=NON_EXCLUSIVE_THING", header: "x-amzn-principal: {cert1}", want: `{}`},
		{request: "PUT /things/b/principals?thingPrincipalType=EXCLUSIVE_THING", header: "x-amzn-principal: {cert1}", status: 400, want: "InvalidRequestException: *"},
		{request: "PUT /things/none/principals", header: "x-amzn-principal: {cert1}", status: 404, want: "ResourceNotFoundException: Thing not found*"},
		{request: "PUT /things/a/principals", header: "x-amzn-principal: {iot}cert/{none}", status: 404, want: "ResourceNotFoundException: Certificate not found*"},
		{request: "PUT /things/a/principals", status: 400, want: "InvalidRequestException: *"},
		{request: "GET /things/a/principals?maxResults=1", want: `{"principals":["*"],"nextToken":"=next"}`},
		{request: "GET /things/a/principals?maxResults=1&nextToken={next}", want: `{"principals":["*"]}`},
		{request: "GET /things/b/principals", want: `{"principals":["{cert1}"]}`},
		{request: "GET /things/none/principals", status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /principals/things", header: "x-amzn-principal: {cert1}", want: `{"things":["a","b"]}`},
		{request: "GET /principals/things?maxResults=1", header: "x-amzn-principal: {cert1}", want: `{"things":["a"],"nextToken":"=next"}`},
		{request: "GET /principals/things?maxResults=1&nextToken={next}", header: "x-amzn-principal: {cert1}", want: `{"things":["b"]}`},
		{request: "GET /principals/things", status: 400, want: "InvalidRequestException: *"},
		{request: "DELETE /things/a", status: 400, want: "InvalidRequestException: Cannot delete. Thing a is still attached to one or more principals"},
		{request: "DELETE /things/b/principals", header: "x-amzn-principal: {cert1}", want: `{}`},
		{request: "DELETE /things/a/principals", header: "x-amzn-principal: {cert2}", want: `{}`},
		{request: "DELETE /things/none/principals", header: "x-amzn-principal: {cert1}", status: 404, want: "ResourceNotFoundException: *"},
		{request: "PUT /things/a/principals?thingPrincipalType=EXCLUSIVE_THING", header: "x-amzn-principal: {cert2}", want: `{}`},
		{request: "PUT /things/b/principals", header: "x-amzn-principal: {cert2}", status: 400, want: "InvalidRequestException: *"},
		{request: "GET /principals/things", header: "x-amzn-principal: {cert2}", want: `{"things":["a"]}`},
	})
}

func TestTags(t *testing.T) {
	s := newStory(t)
	var many []map[string]string
	for i := range 50 {
		many = append(many, map[string]string{"Key": fmt.Sprint(i), "Value": ""})
	}
	fifty, _ := json.Marshal(many)
	s.run([]step{
		{request: "POST /thing-types/x", want: `{"thingTypeName":"x","thingTypeArn":"=arn","thingTypeId":"*"}`},
		{request: "GET /tags?resourceArn={arn}", want: `{"tags":[]}`},
		{request: "POST /tags", body: `{"resourceArn":"{arn}","tags":[{"Key":"b","Value":"ü 1"},{"Key":"a"}]}`, want: `{}`},
		{request: "POST /tags", body: `{"resourceArn":"{arn}","tags":[{"Key":"b","Value":"2"}]}`, want: `{}`},
		{request: "POST /tags", body: `{"resourceArn":"{arn}","tags":[{"Key":"B","Value":"3"}]}`, status: 400, want: "InvalidRequestException: Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{request: "POST /tags", body: `{"resourceArn":"{arn}","tags":[{"Key":"c"},{"Key":"C"}]}`, status: 400, want: "InvalidRequestException: 1 validation error detected: Value 'C' at 'tags.2.member.key' *"},
		{request: "GET /tags?resourceArn={arn}", want: `{"tags":[{"Key":"a","Value":""},{"Key":"b","Value":"2"}]}`},
		{request: "POST /tags", body: `{"resourceArn":"{arn}","tags":` + string(fifty) + `}`, status: 410, want: "LimitExceededException: *"},
		{request: "POST /untag", body: `{"resourceArn":"{arn}","tagKeys":["a","none"]}`, want: `{}`},
		{request: "GET /tags?resourceArn={arn}", want: `{"tags":[{"Key":"b","Value":"2"}]}`},
		{request: "GET /tags?resourceArn={iot}policy%2Fnone", status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /tags", body: `{"resourceArn":"{iot}rolealias/none","tags":[]}`, status: 404, want: "ResourceNotFoundException: *"},
		{request: "POST /untag", body: `{"resourceArn":"{iot}thingtype/none","tagKeys":[]}`, status: 404, want: "ResourceNotFoundException: *"},
		{request: "GET /tags?resourceArn={iot}cert%2F{none}", status: 400, want: "InvalidRequestException: *"},
		{request: "GET /tags", status: 400, want: "InvalidRequestException: *"},
	})
}
