package gate

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/wire"
)

// Limits of a question. AWS's ARNs and keys are shorter: an S3 key has at most
// 1,024 bytes, an ExternalId 1,224 characters. Matching costs the product of the
// lengths of a pattern and a text, and the text is the caller's.
const (
	maxText  = 2048  // bytes of a resource, of a condition key and of a value
	maxKeys  = 256   // condition keys, and values of one
	maxTexts = 24576 // bytes of all keys and values that a request gives: 50 tags have 19,200 characters at most
)

// sharedKeys are how many keys every request has at most.
const sharedKeys = 6

// names of the condition keys that every question of a request shares.
type names struct {
	currentTime, epochTime, secureTransport, sourceIP, userAgent, referer authz.Key
}

func newNames() names {
	return names{
		authz.NewKey("aws:CurrentTime"), authz.NewKey("aws:EpochTime"), authz.NewKey("aws:SecureTransport"),
		authz.NewKey("aws:SourceIp"), authz.NewKey("aws:UserAgent"), authz.NewKey("aws:Referer"),
	}
}

// share sets the condition keys that every question of the request shares (IAM
// user guide, "AWS global condition context keys"). The address is the socket's:
// no forwarding header is believed.
func (c *Call) share(keys *authz.Context) error {
	r, n := c.Request, &c.door.names
	keys.SetKey(n.currentTime, c.Now.UTC().Format(time.RFC3339))
	keys.SetKey(n.epochTime, epoch(c.Now))
	secure := "false"
	if r.TLS != nil {
		secure = "true"
	}
	keys.SetKey(n.secureTransport, secure)
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		keys.SetKey(n.sourceIP, host)
	}
	for _, h := range [...]struct {
		key         authz.Key
		name, value string
	}{{n.userAgent, "aws:UserAgent", r.UserAgent()}, {n.referer, "aws:Referer", r.Referer()}} {
		if h.value == "" {
			continue
		}
		if len(h.value) > maxText {
			return unaskable(c, fmt.Sprintf("What the request says of %s must not be longer than %d bytes.", h.name, maxText))
		}
		keys.SetKey(h.key, h.value)
	}
	return nil
}

// Question puts an Access into the terms of package authz. It fails with what
// the caller should hear when the request names something too long to be
// anything, or a condition key in two spellings, of which one would win.
//
// What it returns keeps nothing of the request in memory but what was asked.
func (c *Call) Question(a Access) (authz.Request, error) {
	if err := a.check(c); err != nil {
		return authz.Request{}, err
	}
	keys := authz.NewContextOver(c.principalKeys, sharedKeys+len(a.Context)+len(a.Lists))
	if err := c.share(keys); err != nil {
		return authz.Request{}, err
	}
	twice := false
	for k, v := range a.Context {
		if twice = twice || keys.Has(k); len(v) == 1 {
			keys.Set(k, v[0])
		}
	}
	for k, v := range a.Lists {
		twice = twice || keys.Has(k)
		keys.SetList(k, v)
	}
	if twice {
		return authz.Request{}, unaskable(c, "The request gives the same key twice, in different case.")
	}
	keys.Own()
	return authz.Request{
		Principal: c.Principal, Action: a.Action, Resource: a.Resource, Context: keys, Complete: true,
		Late: a.Late, Public: c.Signature.Unsigned,
	}, nil
}

// check holds a question to its limits.
func (a *Access) check(c *Call) error {
	if a.Err != nil {
		return a.Err
	}
	if len(a.Resource) > maxText {
		return unaskable(c, fmt.Sprintf("A resource must not be longer than %d bytes.", maxText))
	}
	if len(a.Context)+len(a.Lists) > maxKeys {
		return unaskable(c, "The request has too many tags or other values that policies can be about.")
	}
	total := 0
	for _, set := range [...]map[string][]string{a.Context, a.Lists} {
		for k, values := range set {
			total += len(k)
			for _, v := range values {
				total += len(v)
			}
			if len(k) > maxText || len(values) > maxKeys || slices.ContainsFunc(values, func(v string) bool { return len(v) > maxText }) {
				return unaskable(c, fmt.Sprintf("Tags, prefixes and other values that policies can be about must not be longer than %d bytes.", maxText))
			}
		}
	}
	if total > maxTexts {
		return unaskable(c, fmt.Sprintf("Tags, prefixes and other values that policies can be about must not be longer than %d bytes together.", maxTexts))
	}
	return nil
}

// unaskable is the error for a request that no policy is asked about.
func unaskable(c *Call, message string) *wire.Error {
	e := pick3(c.service.Protocol, wire.Error{Code: "ValidationError"}, wire.Error{Code: "InvalidRequestException"}, wire.Error{Code: "InvalidArgument"})
	e.Status, e.Message = http.StatusBadRequest, message
	return e
}
