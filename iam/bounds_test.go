package iam_test

import (
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"
)

// TestSimulationEndsPages: an answer grows with policies times questions, and is
// paged before it is too large.
func TestSimulationEndsPages(t *testing.T) {
	w := newWorld(t)
	var keys, resources []string
	for i := range 700 {
		keys = append(keys, fmt.Sprintf(`"k%d":"true"`, i))
	}
	for i := range 100 {
		resources = append(resources, fmt.Sprintf("arn:aws:s3:::b/%d", i))
	}
	document := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Null":{` + strings.Join(keys, ",") + `}}}}`
	ask := append(list("PolicyInputList", document), list("ActionNames", "a:b", "a:c")...)
	a := w.must("SimulateCustomPolicy", append(append(ask, list("ResourceArns", resources...)...), "MaxItems=1000")...)
	if got := len(a.texts("SimulateCustomPolicy" + results + "EvalActionName")); got == 0 || got > 10 {
		t.Errorf("a page has %d results of 700 missing keys each", got)
	}
	same(t, "truncated", a.text("SimulateCustomPolicyResult/IsTruncated"), "true")
}

// TestValuesAreBounded: each value may be matched with each pattern of a policy.
func TestValuesAreBounded(t *testing.T) {
	w := newWorld(t)
	values := make([]string, 20)
	for i := range values {
		values[i] = strings.Repeat("a", 1000)
	}
	entry := append([]string{"ContextEntries.member.1.ContextKeyName=aws:key", "ContextEntries.member.1.ContextKeyType=stringList"},
		list("ContextEntries.member.1.ContextKeyValues", values...)...)
	ask := append(list("PolicyInputList", everything), list("ActionNames", "a:b")...)
	w.call(w.admin, "SimulateCustomPolicy", append(ask, entry...)...).
		refused(400, "InvalidInput", "ContextEntries: all keys and values together are longer than 16384 bytes.")

	form := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleSessionName": {"xx"}, "RoleArn": {"arn:aws:iam::123456789012:role/x"}}
	for i := range 256 {
		form.Set(fmt.Sprintf("TransitiveTagKeys.member.%d", i+1), strings.Repeat("a", 2000))
	}
	w.send(w.admin, "sts", form).
		refused(400, "ValidationError", "Tags, prefixes and other values that policies can be about must not be longer than 24576 bytes together.")
}

// TestDecisionsKeepNoBodies: what is kept of a request is what policies saw of
// it, and not the body that it was cut out of.
func TestDecisionsKeepNoBodies(t *testing.T) {
	w := newWorld(t)
	nobody := w.caller("nobody", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const requests, size = 60, 900_000
	before := heap()
	for range requests {
		a := w.call(nobody, "TagRole", "RoleName=r", "Tags.member.1.Key=k", "Tags.member.1.Value=v", "Junk="+strings.Repeat("a", size))
		same(t, "status", a.status, 403)
	}
	if grown := int64(heap() - before); grown > requests*size/4 {
		t.Errorf("%d requests of %d bytes left %d bytes behind", requests, size, grown)
	}
}

// TestTagKeysFoldASCII: policies tell "site" from a key with a letter that
// Unicode folds to it, so requests must, too.
func TestTagKeysFoldASCII(t *testing.T) {
	w := newWorld(t)
	w.must("CreateRole", "RoleName=victim", "AssumeRolePolicyDocument="+trustAll, "Tags.member.1.Key=site", "Tags.member.1.Value=A")
	w.must("TagRole", "RoleName=victim", "Tags.member.1.Key=\u017fite", "Tags.member.1.Value=B")
	w.must("UntagRole", "RoleName=victim", "TagKeys.member.1=\u017fite")
	a := w.must("ListRoleTags", "RoleName=victim")
	same(t, "tags", a.texts("ListRoleTagsResult/Tags/member/Key"), []string{"site"})
}
