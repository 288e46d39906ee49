package server_test

import (
	"testing"
	"time"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

func TestRecoverAdministrator(t *testing.T) {
	ctx := t.Context()
	s, err := thingtest.Start(ctx, thingtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	iam := func(c *thingtest.Client, action string, parameters ...string) error {
		_, err := c.Query(ctx, "iam", action, parameters...)
		return err
	}
	recovered := func(replace bool) (*thingtest.Client, error) {
		env, err := s.Installation().RecoverAdministrator(ctx, "9443", replace, time.Now())
		time.Sleep(1100 * time.Millisecond) // a change counts within a second
		return s.Client(sigv4.Credentials{AccessKeyID: env.AccessKeyID, SecretAccessKey: env.SecretAccessKey.Reveal()}), err
	}
	// The administrator's policy is gone, and a boundary allows nothing.
	const nothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
	for _, err := range []error{
		iam(s.Admin, "CreatePolicy", "PolicyName", "nothing", "PolicyDocument", nothing),
		iam(s.Admin, "PutUserPermissionsBoundary", "UserName", server.Administrator, "PermissionsBoundary", "arn:aws:iam::123456789012:policy/nothing"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(1100 * time.Millisecond)
	if err := iam(s.Admin, "ListRoles"); err == nil {
		t.Fatal("the boundary does not limit")
	}
	c, err := recovered(false)
	if err != nil {
		t.Fatal(err)
	}
	if err := iam(c, "ListRoles"); err != nil {
		t.Error(err)
	}
	if err := iam(s.Admin, "ListRoles"); err != nil {
		t.Errorf("the old key: %v", err)
	}
	if _, err := recovered(false); err == nil {
		t.Error("a third key was made")
	}
	c, err = recovered(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := iam(c, "ListRoles"); err != nil {
		t.Error(err)
	}
	if err := iam(s.Admin, "ListRoles"); err == nil {
		t.Error("a key that was replaced still works")
	}
}
