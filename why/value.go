package why

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/trail"
)

// noValue says why a condition key or variable has no value in this request.
func (s *story) noValue(name string) string {
	p := &s.rec.Principal
	key := strings.ToLower(name)
	if better, unknown := s.misspelt(name); better != "" {
		return "there is no such key; did you mean " + better + "?"
	} else if unknown {
		return "there is no such key here"
	}
	switch {
	case strings.HasPrefix(key, "credentials-iot:") || strings.HasPrefix(key, "iot:thing") || key == "iot:certificateid":
		return s.noDeviceValue(name)
	case strings.HasPrefix(key, "iot:connection.thing."):
		if d := s.rec.Device; d != nil && d.Thing == "" {
			return "the device did not send x-amzn-iot-thingname"
		}
		return "the thing has nothing of this name"
	case key == "aws:username" && p.Kind == thingpass.SessionPrincipal:
		return "only users have it, and this is a session of role " + p.RoleName
	case strings.HasPrefix(key, "aws:principaltag/"):
		return "neither " + s.owner(authz.ByIdentity) + " nor the session has this tag"
	case key == "aws:sourceidentity":
		return "the session was made without one"
	case strings.HasPrefix(key, "aws:resourcetag/"), strings.HasPrefix(key, "iam:resourcetag/"):
		return "what is asked for has no such tag"
	case strings.HasPrefix(key, "aws:requesttag/"):
		return "the request sets no such tag"
	case key == "aws:tokenissuetime" && p.Kind == thingpass.UserPrincipal:
		return "only temporary credentials have it"
	}
	return s.notSent(key)
}

// notSent tells a key that the request could have had from one that it could
// not.
func (s *story) notSent(key string) string {
	action := strings.ToLower(s.e.Action)
	listing := key == "s3:prefix" || key == "s3:delimiter" || key == "s3:max-keys"
	switch {
	case listing && !strings.HasPrefix(action, "s3:list"), strings.HasPrefix(key, "s3:x-amz-") && !strings.HasPrefix(action, "s3:"):
		return "this kind of request does not have it"
	case s.e.Hypothetical:
		return "it was not given; ask again with --context " + key + "=…"
	case listing, strings.HasPrefix(key, "s3:"), key == "aws:referer", key == "aws:useragent", strings.HasPrefix(key, "sts:"):
		return "the request did not have it"
	}
	return "this kind of request does not have it"
}

func (s *story) noDeviceValue(name string) string {
	p, key := &s.rec.Principal, strings.ToLower(name)
	sent := "the device did not send x-amzn-iot-thingname"
	if s.rec.Door != trail.DeviceDoor {
		sent += " when it fetched these credentials"
	}
	attribute, isAttribute := attributeOf(name)
	switch {
	case s.rec.Door == trail.DeviceDoor:
		return "only the credentials that an exchange issues have it, not the exchange itself"
	case p.CertificateID == "":
		return "only credentials of a device have it, and these belong to " + s.owner(authz.ByIdentity)
	case key == "credentials-iot:awscertificateid" || key == "iot:certificateid":
		return "it is switched off (serve --strict-variables)"
	case strings.HasPrefix(key, "credentials-iot:certificate."):
		return "the subject of the certificate has no such field, or these credentials were issued before a policy of the role mentioned it: fetch new ones"
	case p.Thing == "":
		return sent
	case strings.HasSuffix(key, "thingtypename"), key == "iot:thingtype":
		return "thing " + p.Thing + " has no type"
	case isAttribute:
		if s.hasAttribute(attribute) {
			return fmt.Sprintf("these credentials were issued before thing %s had the attribute %s, or before a policy of the role mentioned it: fetch new ones", p.Thing, attribute)
		}
		return fmt.Sprintf("thing %s has no attribute %s", p.Thing, attribute)
	case strings.HasSuffix(key, "thinggroups"):
		return fmt.Sprintf("thing %s is in no group, or these credentials were issued before a policy of the role mentioned the key: fetch new ones", p.Thing)
	case key == "iot:thingname":
		return "it is switched off (serve --strict-variables)"
	}
	return "credentials of a device do not have it"
}

// attributeOf reads the name of an attribute out of a key.
func attributeOf(key string) (string, bool) {
	const prefix = "credentials-iot:ThingAttribute/"
	if len(key) <= len(prefix) || !strings.EqualFold(key[:len(prefix)], prefix) {
		return "", false
	}
	return key[len(prefix):], true
}

// hasAttribute tells whether the device's thing has an attribute now.
func (s *story) hasAttribute(name string) bool {
	d, err := s.cfg.Recent.Device(s.ctx, s.rec.Principal.CertificateID)
	if err != nil {
		return false
	}
	for i := range d.Things {
		for spelt := range d.Things[i].Attributes {
			if d.Things[i].Thing == s.rec.Principal.Thing && strings.EqualFold(spelt, name) {
				return true
			}
		}
	}
	return false
}

// misspelt asks package policy whether a key is one that nothing supplies, and
// for one that is spelt almost the same.
func (s *story) misspelt(name string) (better string, unknown bool) {
	kind := policy.Identity
	if s.rec.Door == trail.DeviceDoor {
		kind = policy.IoT
	}
	condition := map[string]any{"StringEquals": map[string]string{name: "x"}}
	for _, w := range warnings(kind, map[string]any{"Condition": condition}) {
		if w.Code == "unsupplied-key" {
			return strings.TrimPrefix(w.Suggest, "write "), true
		}
	}
	return "", false
}

// principalText is the Principal of a statement, as it stands in the policy now:
// compiled policies do not keep it.
func (s *story) principalText(by string, f *policy.Finding) string {
	var document string
	switch by {
	case authz.ByTrust:
		document = s.trustPolicy()
	case authz.ByResource:
		bucket := strings.TrimPrefix(s.e.Resource, "arn:aws:s3:::")
		bucket, _, _ = strings.Cut(bucket, "/")
		document, _ = s.cfg.Recent.BucketPolicy(s.ctx, bucket)
	}
	if text := principalOf(document, f.Reason.Statement, f.NotPrincipal); text != "" {
		return text
	}
	return "(not shown: the policy has changed since)"
}

// trustPolicy is the trust policy of the role that was to be assumed.
func (s *story) trustPolicy() string {
	name := s.rec.Role
	if name == "" {
		_, name, _ = s.cfg.Place.ParseRoleARN(s.e.Resource)
	}
	role, err := s.cfg.Recent.Role(s.ctx, name)
	if err != nil {
		return ""
	}
	return role.TrustPolicy
}

func principalOf(document string, n int, not bool) string {
	var parsed struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(document), &parsed) != nil {
		return ""
	}
	var statements []map[string]json.RawMessage
	if json.Unmarshal(parsed.Statement, &statements) != nil {
		statements = make([]map[string]json.RawMessage, 1)
		if json.Unmarshal(parsed.Statement, &statements[0]) != nil {
			return ""
		}
	}
	if n >= len(statements) {
		return ""
	}
	name := "Principal"
	if not {
		name = "NotPrincipal"
	}
	return string(statements[n][name])
}
