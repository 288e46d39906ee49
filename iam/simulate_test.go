package iam_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// list numbers the members of a list parameter.
func list(name string, values ...string) []string {
	var params []string
	for i, v := range values {
		params = append(params, name+".member."+strconv.Itoa(i+1)+"="+v)
	}
	return params
}

// entries are context entries: "key=type:value" with bars between values, and
// with "∅" for a list of one empty text.
func entries(all ...string) []string {
	var params []string
	for i, e := range all {
		key, rest, _ := strings.Cut(e, "=")
		kind, values, _ := strings.Cut(rest, ":")
		at := "ContextEntries.member." + strconv.Itoa(i+1) + "."
		params = append(params, at+"ContextKeyName="+key, at+"ContextKeyType="+kind)
		if values != "" || kind == "string" {
			values = strings.ReplaceAll(values, "∅", "")
			params = append(params, list(at+"ContextKeyValues", strings.Split(values, "|")...)...)
		}
	}
	return params
}

const results = "Result/EvaluationResults/member/"

// decisions are the decisions of a simulation.
func (a answer) decisions() []string {
	name := strings.TrimSuffix(a.root.XMLName.Local, "Response")
	return a.texts(name + results + "EvalDecision")
}

// statements are the ids and places of what matched, of all results together.
func (a answer) statements() []string {
	a.t.Helper()
	name := strings.TrimSuffix(a.root.XMLName.Local, "Response")
	var all []string
	for _, m := range a.find(name + results + "MatchedStatements/member") {
		one := answer{t: a.t, root: m, raw: a.raw}
		all = append(all, fmt.Sprintf("%s (%s) %s:%s-%s:%s", one.text("SourcePolicyId"), one.text("SourcePolicyType"),
			one.text("StartPosition/Line"), one.text("StartPosition/Column"), one.text("EndPosition/Line"), one.text("EndPosition/Column")))
	}
	return all
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

// TestSimulateExamples are the examples of the IAM API reference and of the
// AWS CLI, with the positions that AWS prints.
func TestSimulateExamples(t *testing.T) {
	w := newWorld(t)
	const dates = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}`
	at := func(date string) []string {
		return slices.Concat(list("PolicyInputList", dates), list("ActionNames", "dynamodb:CreateBackup"), entries("aws:CurrentTime=date:"+date))
	}
	a := w.must("SimulateCustomPolicy", at("2019-04-25T11:00:00Z")...)
	same(t, "decision", a.decisions(), []string{"allowed"})
	same(t, "statements", a.statements(), []string{"PolicyInputList.1 (IAM Policy) 1:38-1:167"})
	same(t, "resource", a.text("SimulateCustomPolicy"+results+"EvalResourceName"), "*")
	a = w.must("SimulateCustomPolicy", at("2014-04-25T11:00:00Z")...)
	same(t, "decision", a.decisions(), []string{"implicitDeny"})
	same(t, "statements", a.statements(), []string(nil))

	const mateo = "CallerArn=arn:aws:iam::111122223333:user/mateo"
	const onlyIAM = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:*"],"Resource":["*"]}}`
	const bucket = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/mateo"},"Action":["s3:List*","s3:Put*"],"Resource":["arn:aws:s3:::production/*"]}}`
	put := slices.Concat(list("ActionNames", "s3:PutObject"), list("ResourceArns", "arn:aws:s3:::production/Test"), list("PermissionsBoundaryPolicyInputList", onlyIAM),
		list("PolicyInputList", onlyIAM), []string{"ResourcePolicy=" + bucket, mateo})
	a = w.must("SimulateCustomPolicy", append(put, "ResourceOwner=arn:aws:iam::111122223333:root")...)
	same(t, "decision", a.decisions(), []string{"allowed"})
	same(t, "statements", a.statements(), []string{"ResourcePolicy (Resource Policy) 1:38-1:" + strconv.Itoa(len(bucket))})
	in := "SimulateCustomPolicy" + results
	same(t, "boundary", a.text(in+"PermissionsBoundaryDecisionDetail/AllowedByPermissionsBoundary"), "false")
	same(t, "details", []int{len(a.find(in + "EvalDecisionDetails")), len(a.find(in + "EvalDecisionDetails/entry"))}, []int{1, 0})
	same(t, "the resource's", a.text(in+"ResourceSpecificResults/member/EvalResourceDecision"), "allowed")
	same(t, "the resource's", a.text(in+"ResourceSpecificResults/member/EvalResourceName"), "arn:aws:s3:::production/Test")

	// the bucket is another account's: both must allow
	a = w.must("SimulateCustomPolicy", append(put, "ResourceOwner=arn:aws:iam::123456789012:root")...)
	same(t, "decision", a.decisions(), []string{"implicitDeny"})
	same(t, "details", a.texts(in+"EvalDecisionDetails/entry/key"), []string{"IAM Policy", "Resource Policy", "Permissions Boundary Policy"})
	same(t, "details", a.texts(in+"EvalDecisionDetails/entry/value"), []string{"implicitDeny", "allowed", "implicitDeny"})
	same(t, "details", a.texts(in+"ResourceSpecificResults/member/EvalDecisionDetails/entry/value"), []string{"implicitDeny", "allowed", "implicitDeny"})
}

// TestSimulatePositions: a statement in a list begins after what is before it.
func TestSimulatePositions(t *testing.T) {
	w := newWorld(t)
	const two = "{\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"},\n    {\"Sid\": \"\u00e9\",\n \"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}\n  ]}"
	a := w.must("SimulateCustomPolicy", append(list("PolicyInputList", strings.ReplaceAll(two, "\u00e9", "e"), getObject), list("ActionNames", "s3:GetObject")...)...)
	same(t, "statements", a.statements(), []string{"PolicyInputList.1 (IAM Policy) 2:17-3:59", "PolicyInputList.1 (IAM Policy) 3:59-5:55"})
}

// TestSimulateDecisions: a Deny is the only statement that is told, and what
// nobody gave is listed.
func TestSimulateDecisions(t *testing.T) {
	w := newWorld(t)
	const both = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
{"Effect":"Deny","Action":"s3:Put*","Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"Bool":{"aws:SecureTransport":"false"},"Null":{"AWS:userNAME":"false"}}}]}`
	ask := func(params ...string) answer {
		return w.must("SimulateCustomPolicy", slices.Concat(list("PolicyInputList", both), list("ActionNames", "s3:PutObject", "s3:GetObject"),
			list("ResourceArns", "arn:aws:s3:::b/Ada/x", "arn:aws:s3:::b/Eve/x"), params)...)
	}
	in := "SimulateCustomPolicy" + results
	a := ask()
	same(t, "decisions", a.decisions(), []string{"allowed", "allowed", "allowed", "allowed"})
	same(t, "missing", a.texts(in + "ResourceSpecificResults/member/MissingContextValues/member")[:2], []string{"aws:SecureTransport", "AWS:userNAME"})
	a = ask(append(entries("aws:securetransport=boolean:false"), "CallerArn=arn:aws:iam::123456789012:user/ops/Ada")...)
	same(t, "actions", a.texts(in+"EvalActionName"), []string{"s3:PutObject", "s3:PutObject", "s3:GetObject", "s3:GetObject"})
	same(t, "decisions", a.decisions(), []string{"explicitDeny", "allowed", "allowed", "allowed"})
	same(t, "the first", a.statements()[0], "PolicyInputList.1 (IAM Policy) 1:87-2:168")
	same(t, "missing", a.texts(in+"MissingContextValues/member"), []string{})
	a = ask(append(entries("aws:securetransport=boolean:false", "aws:username=string:Eve"), "CallerArn=arn:aws:iam::123456789012:user/ops/Ada")...)
	same(t, "what is given counts before what the caller implies", a.decisions()[:2], []string{"allowed", "explicitDeny"})
}

// TestSimulateListBuckets: policies may name "*" or every bucket for it, as in a
// real request.
func TestSimulateListBuckets(t *testing.T) {
	w := newWorld(t)
	for resource, want := range map[string]string{"*": "allowed", "arn:aws:s3:::*": "allowed", "arn:aws:s3:::b": "implicitDeny", "arn:aws:s3:::b/*": "implicitDeny"} {
		a := w.must("SimulateCustomPolicy", append(list("PolicyInputList", strings.ReplaceAll(everything, `"Resource":"*"`, `"Resource":"`+resource+`"`)), list("ActionNames", "s3:ListAllMyBuckets")...)...)
		same(t, resource, a.decisions(), []string{want})
		same(t, resource, a.text("SimulateCustomPolicy"+results+"EvalResourceName"), "*")
	}
}

// TestSimulatePages: results come in pages, in one order.
func TestSimulatePages(t *testing.T) {
	w := newWorld(t)
	ask := slices.Concat(list("PolicyInputList", everything), list("ActionNames", "s3:A", "s3:B", "s3:C"), list("ResourceArns", "arn:aws:s3:::x", "arn:aws:s3:::y"))
	var got []string
	marker, pages := "", 0
	for ; pages == 0 || marker != ""; pages++ {
		params := append(slices.Clone(ask), "MaxItems=4")
		if marker != "" {
			params = append(params, "Marker="+marker)
		}
		a := w.must("SimulateCustomPolicy", params...)
		for i, action := range a.texts("SimulateCustomPolicy" + results + "EvalActionName") {
			got = append(got, action+" "+a.texts("SimulateCustomPolicy" + results + "EvalResourceName")[i])
		}
		marker = a.text("SimulateCustomPolicyResult/Marker")
		same(t, "truncated", a.text("SimulateCustomPolicyResult/IsTruncated"), strconv.FormatBool(marker != ""))
	}
	same(t, "results", got, []string{"s3:A arn:aws:s3:::x", "s3:A arn:aws:s3:::y", "s3:B arn:aws:s3:::x", "s3:B arn:aws:s3:::y", "s3:C arn:aws:s3:::x", "s3:C arn:aws:s3:::y"})
	same(t, "pages", pages, 2)
}

// TestSimulatePrincipal: everything that a user and a role have counts.
func TestSimulatePrincipal(t *testing.T) {
	w := newWorld(t)
	const user = "PolicySourceArn=arn:aws:iam::123456789012:user/ops/Jill"
	const own = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team}/${aws:username}"}]}`
	const limit = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	w.must("CreatePolicy", "PolicyName=Limit", "PolicyDocument="+limit)
	w.must("CreatePolicy", "PolicyName=All", "Path=/m/", "PolicyDocument="+everything)
	w.must("CreateUser", "UserName=Jill", "Path=/ops/", "Tags.member.1.Key=team", "Tags.member.1.Value=red", "PermissionsBoundary=arn:aws:iam::123456789012:policy/Limit")
	w.must("PutUserPolicy", "UserName=Jill", "PolicyName=own", "PolicyDocument="+own)
	ask := slices.Concat([]string{user}, list("ActionNames", "s3:GetObject", "iam:GetUser"), list("ResourceArns", "arn:aws:s3:::b/red/Jill"))
	a := w.must("SimulatePrincipalPolicy", ask...)
	same(t, "decisions", a.decisions(), []string{"allowed", "implicitDeny"})
	same(t, "statements", a.statements(), []string{"user_Jill_own (IAM Policy) 1:38-1:" + strconv.Itoa(len(own)-1)})
	same(t, "boundary", a.texts("SimulatePrincipalPolicy"+results+"PermissionsBoundaryDecisionDetail/AllowedByPermissionsBoundary"), []string{"true", "false"})
	same(t, "missing", a.texts("SimulatePrincipalPolicy"+results+"MissingContextValues/member"), []string{})

	w.must("AttachUserPolicy", "UserName=Jill", "PolicyArn=arn:aws:iam::123456789012:policy/m/All")
	a = w.must("SimulatePrincipalPolicy", ask...)
	same(t, "the boundary limits", a.decisions(), []string{"allowed", "implicitDeny"})
	same(t, "statements", a.statements()[1], "All (IAM Policy) 1:38-1:"+strconv.Itoa(len(everything)))
	a = w.must("SimulatePrincipalPolicy", append(slices.Clone(ask), list("PermissionsBoundaryPolicyInputList", everything)...)...)
	same(t, "another boundary", a.decisions(), []string{"allowed", "allowed"})
	const deny = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
	a = w.must("SimulatePrincipalPolicy", append(slices.Clone(ask), list("PolicyInputList", deny)...)...)
	same(t, "a further policy", a.decisions(), []string{"explicitDeny", "implicitDeny"})
	same(t, "as Bob", w.must("SimulatePrincipalPolicy", slices.Concat(ask, []string{"CallerArn=arn:aws:iam::123456789012:user/Bob"})...).statements(),
		[]string{"All (IAM Policy) 1:38-1:" + strconv.Itoa(len(everything))})
	keys := w.must("GetContextKeysForPrincipalPolicy", append([]string{user}, list("PolicyInputList", strings.ReplaceAll(own, "aws:username", "aws:userid"))...)...)
	same(t, "keys", keys.texts("GetContextKeysForPrincipalPolicyResult/ContextKeyNames/member"), []string{"aws:PrincipalTag/team", "aws:userid", "aws:username"})

	w.must("CreateRole", "RoleName=Device", "Path=/fleet/", "AssumeRolePolicyDocument="+trust)
	w.must("PutRolePolicy", "RoleName=Device", "PolicyName=folder", "PolicyDocument="+strings.ReplaceAll(own, "${aws:PrincipalTag/team}/${aws:username}", "${ iot:thingName}/*"))
	role := slices.Concat([]string{"PolicySourceArn=arn:aws:iam::123456789012:role/fleet/Device"}, list("ActionNames", "s3:GetObject"), list("ResourceArns", "arn:aws:s3:::b/bulb/x"))
	a = w.must("SimulatePrincipalPolicy", role...)
	same(t, "no thing", a.decisions(), []string{"implicitDeny"})
	same(t, "missing", a.texts("SimulatePrincipalPolicy"+results+"MissingContextValues/member"), []string{"iot:thingName"})
	for _, key := range []string{"iot:thingName", "credentials-iot:ThingName", "Credentials-IoT:thingname"} {
		a = w.must("SimulatePrincipalPolicy", append(slices.Clone(role), entries(key+"=string:bulb")...)...)
		same(t, key, a.decisions(), []string{"allowed"})
		same(t, key, a.statements(), []string{"role_Device_folder (IAM Policy) 1:38-1:128"})
	}
}

// TestSimulateRefusals are requests that AWS refuses too.
func TestSimulateRefusals(t *testing.T) {
	w := newWorld(t)
	base := slices.Concat(list("PolicyInputList", everything), list("ActionNames", "s3:GetObject"))
	const bucket = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"}]}`
	long := strings.Replace(everything, `"*","Resource"`, `"s3:`+strings.Repeat("x", 10240-len(everything)-1)+`","Resource"`, 1)
	for _, c := range []struct {
		name    string
		action  string
		params  []string
		status  int
		code    string
		message string
	}{
		{"nothing", "SimulateCustomPolicy", nil, 400, "ValidationError", "2 validation errors detected: Value null at 'policyInputList'"},
		{"a broken policy", "SimulateCustomPolicy", append(list("ActionNames", "s3:GetObject"), list("PolicyInputList", "{")...), 400, "InvalidInput", "PolicyInputList.1: Syntax errors in policy."},
		{"a bucket's policy as a user's", "SimulateCustomPolicy", append(list("ActionNames", "s3:GetObject"), list("PolicyInputList", everything, bucket)...), 400, "InvalidInput", "PolicyInputList.2: Policy document should not specify a principal."},
		{"a long policy", "SimulateCustomPolicy", append(list("ActionNames", "s3:GetObject"), list("PolicyInputList", long)...), 400, "InvalidInput", "Cannot exceed quota for PolicySize: 10240"},
		{"many policies", "SimulateCustomPolicy", append(list("ActionNames", "s3:GetObject"), list("PolicyInputList", slices.Repeat([]string{strings.Replace(long, "xxx", "", 1)}, 13)...)...), 400, "InvalidInput", "131072"},
		{"two boundaries", "SimulateCustomPolicy", append(slices.Clone(base), list("PermissionsBoundaryPolicyInputList", everything, everything)...), 400, "InvalidInput", "only one"},
		{"a wildcard", "SimulateCustomPolicy", append(list("PolicyInputList", everything), list("ActionNames", "s3:Get*")...), 400, "InvalidInput", "s3:Get*"},
		{"no service", "SimulateCustomPolicy", append(list("PolicyInputList", everything), list("ActionNames", "GetObject")...), 400, "InvalidInput", "GetObject"},
		{"no ARN", "SimulateCustomPolicy", append(slices.Clone(base), list("ResourceArns", "bucket")...), 400, "InvalidInput", "ARN format"},
		{"a role calls", "SimulateCustomPolicy", append(slices.Clone(base), "CallerArn=arn:aws:iam::123456789012:role/r"), 400, "InvalidInput", "Caller must be an IAM user"},
		{"nobody calls", "SimulateCustomPolicy", append(slices.Clone(base), "ResourcePolicy="+bucket), 400, "InvalidInput", "CallerArn"},
		{"a strange owner", "SimulateCustomPolicy", append(slices.Clone(base), "ResourceOwner=somebody"), 400, "InvalidInput", "ResourceOwner"},
		{"an EC2 scenario", "SimulateCustomPolicy", append(slices.Clone(base), "ResourceHandlingOption=EC2-VPC-EBS"), 400, "InvalidInput", "EC2"},
		{"an unknown type", "SimulateCustomPolicy", append(slices.Clone(base), entries("aws:username=text:a")...), 400, "ValidationError", "contextEntries.1.member.contextKeyType"},
		{"a key twice", "SimulateCustomPolicy", append(slices.Clone(base), entries("aws:username=string:a", "AWS:UserName=string:b")...), 400, "InvalidInput", "more than once"},
		{"a short key", "SimulateCustomPolicy", append(slices.Clone(base), entries("a:b=string:a")...), 400, "ValidationError", "greater than or equal to 5"},
		{"a long value", "SimulateCustomPolicy", append(slices.Clone(base), entries("aws:username=string:"+strings.Repeat("x", 3000))...), 400, "InvalidInput", "2048"},
		{"an invented marker", "SimulateCustomPolicy", append(slices.Clone(base), "Marker=LTE="), 400, "ValidationError", "marker"},
		{"too much", "SimulateCustomPolicy", append(slices.Clone(base), "MaxItems=1001"), 400, "ValidationError", "maxItems"},
		{"no source", "SimulatePrincipalPolicy", list("ActionNames", "s3:GetObject"), 400, "ValidationError", "policySourceArn"},
		{"an unknown role", "SimulatePrincipalPolicy", append(list("ActionNames", "s3:GetObject"), "PolicySourceArn=arn:aws:iam::123456789012:role/nobody"), 404, "NoSuchEntity", "The role with name nobody cannot be found."},
		{"an unknown user", "GetContextKeysForPrincipalPolicy", []string{"PolicySourceArn=arn:aws:iam::123456789012:user/nobody"}, 404, "NoSuchEntity", "The user with name nobody cannot be found."},
		{"another path", "GetContextKeysForPrincipalPolicy", []string{"PolicySourceArn=arn:aws:iam::123456789012:user/x/admin"}, 404, "NoSuchEntity", "admin"},
		{"a group", "GetContextKeysForPrincipalPolicy", []string{"PolicySourceArn=arn:aws:iam::123456789012:group/Admins"}, 404, "NoSuchEntity", "The group with name Admins cannot be found."},
		{"a session", "GetContextKeysForPrincipalPolicy", []string{"PolicySourceArn=arn:aws:sts::123456789012:assumed-role/r/s"}, 400, "InvalidInput", "PolicySourceArn"},
		{"no policy", "GetContextKeysForCustomPolicy", nil, 400, "ValidationError", "policyInputList"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.call(w.admin, c.action, c.params...)
			a.t = t
			a.refused(c.status, c.code, c.message)
		})
	}
}

// TestSimulateIsAsked: who may simulate one role may not read about others.
func TestSimulateIsAsked(t *testing.T) {
	w := newWorld(t)
	const arn = "arn:aws:iam::123456789012:role/callers/"
	one := w.caller("One", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:SimulatePrincipalPolicy","iam:GetContextKeysForPrincipalPolicy"],"Resource":"`+arn+`One"}}`)
	w.caller("Two", everything)
	names := list("ActionNames", "s3:GetObject")
	if a := w.call(one, "SimulatePrincipalPolicy", append(names, "PolicySourceArn="+arn+"One")...); a.status != 200 {
		t.Error(a.raw)
	}
	for _, source := range []string{arn + "Two", "arn:aws:iam::123456789012:role/One2", "arn:aws:iam::123456789012:user/admin", "*"} {
		w.call(one, "SimulatePrincipalPolicy", append(slices.Clone(names), "PolicySourceArn="+source)...).refused(403, "AccessDenied", "iam:SimulatePrincipalPolicy on resource: "+source)
		w.call(one, "GetContextKeysForPrincipalPolicy", "PolicySourceArn="+source).refused(403, "AccessDenied", "on resource: "+source)
	}
	w.call(one, "SimulateCustomPolicy", append(names, list("PolicyInputList", everything)...)...).refused(403, "AccessDenied", "iam:SimulateCustomPolicy on resource: *")
	w.call(one, "GetContextKeysForCustomPolicy", list("PolicyInputList", everything)...).refused(403, "AccessDenied", "iam:GetContextKeysForCustomPolicy on resource: *")
}

// TestSecondOpinionThroughTheDoor asks some of the questions of
// TestSecondOpinion as a client does.
func TestSecondOpinionThroughTheDoor(t *testing.T) {
	w := newWorld(t)
	answers := map[string]int{}
	for seed := uint64(0); seed < 400; seed++ {
		m := maker{rand.New(rand.NewPCG(seed, 4))}
		q := m.question()
		if q.caller.roleARN != "" {
			continue // the simulator's caller is a user
		}
		var context []string
		for name, v := range q.keys {
			kind := "string:"
			if v.list {
				kind = "stringList:"
			}
			values := strings.Join(v.values, "|")
			if v.list && len(v.values) == 1 && values == "" {
				values = "∅"
			}
			context = append(context, name+"="+kind+values)
		}
		params := slices.Concat(list("ActionNames", q.action), list("ResourceArns", q.target), list("PolicyInputList", q.identity...),
			list("PermissionsBoundaryPolicyInputList", q.boundary...), entries(context...), []string{"CallerArn=" + caseUser})
		if q.resource != nil {
			params = append(params, "ResourcePolicy="+q.resource[0])
		}
		if q.foreign {
			params = append(params, "ResourceOwner=arn:aws:iam::210987654321:root")
			q.foreign = strings.HasPrefix(q.target, "arn:aws:s3:::") // the others say whose they are
		}
		for name, value := range map[string]string{"aws:username": "Ada", "aws:principalarn": caseUser, "aws:principalaccount": caseAccount, "aws:principaltype": "User"} {
			if _, given := q.keys[name]; !given {
				q.keys[name] = naiveValue{values: []string{value}}
			}
		}
		a := w.must("SimulateCustomPolicy", params...)
		want := q.decide()
		answers[want]++
		if got := a.decisions(); !slices.Equal(got, []string{want}) {
			t.Errorf("seed %d: %v, want %s: %+v", seed, got, want, q)
		}
	}
	t.Log(answers)
}

// TestSimulateCallerIdentity: as AWS documents of sts:GetCallerIdentity, no policy
// takes it away, whoever is simulated: policies alone, a named user, the user or
// role whose policies they are, with a boundary, and for a resource.
func TestSimulateCallerIdentity(t *testing.T) {
	w := newWorld(t)
	const deny = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`
	w.must("CreateRole", "RoleName=Lamp", "AssumeRolePolicyDocument="+trust)
	w.must("PutRolePolicy", "RoleName=Lamp", "PolicyName=nothing", "PolicyDocument="+deny)
	w.must("CreateUser", "UserName=Jill")
	actions := list("ActionNames", "sts:GetCallerIdentity", "STS:getcalleridentity", "sts:GetSessionToken")
	want := []string{"allowed", "allowed", "explicitDeny"}
	custom := slices.Concat(list("PolicyInputList", deny), list("PermissionsBoundaryPolicyInputList", deny), actions)
	for _, more := range [][]string{nil, {"CallerArn=arn:aws:iam::111122223333:user/mateo"}} {
		a := w.must("SimulateCustomPolicy", append(slices.Clone(custom), more...)...)
		same(t, "custom", a.decisions(), want)
		same(t, "of a resource", w.must("SimulateCustomPolicy", slices.Concat(custom, more, list("ResourceArns", "arn:aws:s3:::b/k"))...).decisions(), want)
	}
	for _, source := range []string{"role/Lamp", "user/Jill"} {
		ask := slices.Concat([]string{"PolicySourceArn=" + account + source}, list("PolicyInputList", deny), actions)
		same(t, source, w.must("SimulatePrincipalPolicy", ask...).decisions(), want)
	}
}
