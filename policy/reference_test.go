package policy

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentedResources saves every form of resource of the Service
// Authorization Reference, as it is and with wildcards for its region, account
// and name, in every kind of policy that has resources.
func TestDocumentedResources(t *testing.T) {
	text, err := os.ReadFile("testdata/resources.txt")
	if err != nil {
		t.Fatal(err)
	}
	forms := 0
	for line := range strings.Lines(string(text)) {
		arn := strings.TrimSpace(line)
		if strings.HasPrefix(arn, "#") {
			continue
		}
		forms++
		wild := strings.NewReplacer(":us-east-1:", ":*:", ":123456789012:", ":*:").Replace(arn)
		patterns := wild
		if name, ok := strings.CutSuffix(wild, "x"); ok {
			patterns = name + "*"
		}
		for _, r := range []string{arn, wild, patterns, strings.Replace(arn, "/x", "/${aws:userid}", 1)} {
			for _, kind := range []Kind{Identity, Managed, Session, IoT} {
				mustParse(t, kind, with(`"Resource":"`+r+`"`))
			}
			if strings.HasPrefix(r, "arn:aws:s3:") {
				mustParse(t, Resource, with(`"Principal":"*","NotResource":"`+r+`"`))
			}
		}
	}
	if forms < 1800 {
		t.Errorf("only %d forms", forms)
	}
}

// TestManagedResources saves resources of managed policies of AWS
// (SageMakerStudioProjectRoleMachineLearningPolicy, IAMAuditRootUserCredentials)
// and of its guides (S3 user guide, "S3 Storage Lens"), and refuses what the
// reference has not.
func TestManagedResources(t *testing.T) {
	for _, r := range []string{
		"arn:aws:s3:*:*:access-grants/default/*", "arn:aws:s3:us-east-1:111122223333:storage-lens/*", "arn:aws:s3:*:*:access-grants*",
		"arn:aws:s3:us-west-2:111122223333:*", "arn:aws:iam::*:root", "arn:aws:iam::111122223333:assumed-role/r/s", "arn:aws:iam::aws:contextProvider/*",
	} {
		mustParse(t, Managed, with(`"Resource":"`+r+`"`))
	}
	for _, r := range []string{"arn:aws:s3:*:*:bucket/*", "arn:aws:s3:us-east-1:111122223333:storage-lenses/x"} {
		wantRefused(t, Managed, with(`"Resource":"`+r+`"`), "Resource "+r+" can not contain region information.")
	}
	for _, r := range []string{"arn:aws:iam::*:roots", "arn:aws:iam::*:root*", "arn:aws:iam::*:r*"} {
		wantRefused(t, Managed, with(`"Resource":"`+r+`"`), iamPathErr)
	}
}

// TestIoTPolicyActions: the actions of the AWS IoT developer guide, "AWS IoT
// Core policy actions" and "Authorizing your devices to securely use AWS IoT
// Jobs on the data plane", are known.
func TestIoTPolicyActions(t *testing.T) {
	for _, action := range []string{
		"iot:Connect", "iot:DeleteConnection", "iot:GetRetainedMessage", "iot:ListRetainedMessages", "iot:Publish", "iot:Receive", "iot:RetainPublish",
		"iot:Subscribe", "iot:DeleteThingShadow", "iot:GetThingShadow", "iot:ListNamedShadowsForThing", "iot:UpdateThingShadow", "iot:DescribeJobExecution",
		"iot:GetPendingJobExecutions", "iot:UpdateJobExecution", "iot:StartNextPendingJobExecution", "iot:AssumeRoleWithCertificate",
		"iotjobsdata:DescribeJobExecution", "iotjobsdata:GetPendingJobExecutions", "iotjobsdata:StartNextPendingJobExecution", "iotjobsdata:UpdateJobExecution",
	} {
		if w := warned(mustParse(t, IoT, with(`"Action":"`+action+`","Resource":"*"`))); w != "" {
			t.Errorf("%s: %s", action, w)
		}
		if w := warned(mustParse(t, Identity, with(`"Action":"`+action+`","Resource":"*"`))); w != "" && action != "iot:AssumeRoleWithCertificate" {
			t.Errorf("%s: %s", action, w)
		}
	}
}
