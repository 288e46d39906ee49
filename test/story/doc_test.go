// Package story tells, as testscript scripts, what people do with Thingpass:
// the set-up of the documents it follows, by hand with the AWS CLI, and devices
// that are stock curl, wget, AWS CLI and boto3. testdata/cli runs once with
// every AWS CLI that is found, testdata/boto3 once.
//
// It owns nothing of the server, and each script gets a server of its own. A
// script trusts what it was given: an endpoint, an administrator's key and a CA
// file. Clients are the machine's; what is missing skips the stories, and fails
// them where CI=true.
package story
