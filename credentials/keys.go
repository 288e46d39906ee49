package credentials

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/session"
)

// connectionKeys are the condition keys of the connection. The address is the
// socket's: no forwarding header is believed.
func (x *exchange) connectionKeys() *authz.Context {
	c := authz.NewContextOver(nil, 4)
	c.Set("aws:CurrentTime", x.now.UTC().Format(time.RFC3339))
	c.Set("aws:EpochTime", strconv.FormatInt(x.now.Unix(), 10))
	c.Set("aws:SecureTransport", "true")
	if x.address != "" {
		c.Set("aws:SourceIp", x.address)
	}
	return c
}

// deviceKeys adds what IoT policies see of the device: the thing it speaks for,
// and what its certificate says (AWS IoT developer guide, "Thing policy
// variables" and "X.509 Certificate AWS IoT Core policy variables").
func (x *exchange) deviceKeys(c *authz.Context) {
	if x.device.Thing != "" {
		c.Set("iot:Connection.Thing.ThingName", x.device.Thing)
		c.Set("iot:Connection.Thing.IsAttached", "true")
	}
	if x.device.ThingType != "" {
		c.Set("iot:Connection.Thing.ThingTypeName", x.device.ThingType)
	}
	if a := x.device.Attachment(); a != nil {
		setAttributes(c, a.Attributes)
	}
	setCertificate(c, x.presented.Certificate)
}

// setAttributes sets the attributes of a thing. Of names that differ in case
// only, which attributes may and condition keys may not, the first in the order
// of bytes counts: it is set last.
func setAttributes(c *authz.Context, attributes map[string]string) {
	names := slices.Sorted(maps.Keys(attributes))
	for _, name := range slices.Backward(names) {
		c.Set("iot:Connection.Thing.Attributes["+name+"]", attributes[name])
	}
}

// sealed are the condition keys of the session that the role's policies mention,
// by the names in which they are mentioned. What is not known stays out: groups
// and attributes when no thing is named, attributes that the certificate's
// subject does not have, keys that do not exist. That a thing has no group, or
// not the attribute, is sealed, too, so that the session ends when that changes.
func (x *exchange) sealed(names []string) []thingpass.DeviceKey {
	if len(names) == 0 {
		return nil
	}
	var keys []thingpass.DeviceKey
	a := x.device.Attachment()
	for _, name := range names {
		if thingpass.SameKey(name, session.ThingGroupsKey) {
			if a != nil {
				keys = append(keys, thingpass.DeviceKey{Name: session.ThingGroupsKey, Values: a.Groups, List: true})
			}
		} else if attribute, ok := cutKey(name, session.ThingAttributeKey); ok {
			if a != nil {
				keys = append(keys, attributeKey(a, attribute))
			}
		} else if field, ok := cutKey(name, session.SubjectKey); ok {
			if k, ok := subjectKey(x.presented.Certificate, field); ok {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// cutKey cuts the beginning off a condition key, whatever its case.
func cutKey(key, prefix string) (rest string, ok bool) {
	if len(key) <= len(prefix) || !thingpass.SameKey(key[:len(prefix)], prefix) {
		return "", false
	}
	return key[len(prefix):], true
}

func attributeKey(a *thingpass.Attachment, name string) thingpass.DeviceKey {
	k := thingpass.DeviceKey{Name: session.ThingAttributeKey + name}
	if _, value, ok := session.Attribute(a.Attributes, name); ok {
		k.Values = []string{value}
	}
	return k
}
