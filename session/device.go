package session

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
)

// deviceGone says why a device's session must stop, or "".
func deviceGone(device *thingpass.Device, rec *record) string {
	if device.Status != thingpass.Active {
		return "its certificate is " + string(device.Status)
	}
	if rec.Issued.Before(device.ValidAfter) {
		return "it was issued before its certificate was last activated"
	}
	if rec.Thing == "" {
		return ""
	}
	for i := range device.Things {
		if device.Things[i].Thing == rec.Thing {
			return attachmentGone(&device.Things[i], rec)
		}
	}
	return "thing " + rec.Thing + " is no longer attached to its certificate"
}

// attachmentGone says why a session of an attached thing must stop, or "".
func attachmentGone(a *thingpass.Attachment, rec *record) string {
	switch {
	case a.ThingType == "" && rec.ThingType != "":
		return "thing " + a.Thing + " is now of no type"
	case a.ThingType != rec.ThingType:
		return "thing " + a.Thing + " is now of type " + a.ThingType
	case rec.Issued.Before(a.Since):
		return "it was issued before thing " + a.Thing + " was attached to its certificate, or got its type"
	}
	for i := range rec.DeviceKeys {
		if reason := keyGone(a, &rec.DeviceKeys[i]); reason != "" {
			return reason
		}
	}
	return ""
}

// keyGone says in what a sealed key is no longer true of the thing, or "". What
// is sealed of a certificate's subject cannot change: the certificate's id is
// its hash.
func keyGone(a *thingpass.Attachment, k *thingpass.DeviceKey) string {
	if k.Name == ThingGroupsKey {
		return groupsChanged(a.Thing, k.Values, a.Groups)
	}
	name, ok := strings.CutPrefix(k.Name, ThingAttributeKey)
	if !ok {
		return ""
	}
	_, value, has := Attribute(a.Attributes, name)
	switch {
	case !has && len(k.Values) > 0:
		return "thing " + a.Thing + " no longer has the attribute " + name
	case has && len(k.Values) == 0:
		return "thing " + a.Thing + " now has the attribute " + name
	case has && value != k.Values[0]:
		return "the attribute " + name + " of thing " + a.Thing + " is another now"
	}
	return ""
}

// groupsChanged compares two sorted lists of groups.
func groupsChanged(thing string, sealed, now []string) string {
	if slices.Equal(sealed, now) {
		return ""
	}
	for _, g := range sealed {
		if !slices.Contains(now, g) {
			return "thing " + thing + " is no longer in group " + g
		}
	}
	for _, g := range now {
		if !slices.Contains(sealed, g) {
			return "thing " + thing + " is now in group " + g
		}
	}
	return "thing " + thing + " is in its groups another number of times"
}

// Attribute finds what a policy means by the name of a thing's attribute, and
// tells how it is spelt. Condition keys know no case and attributes do: the
// exact spelling wins, then the first in the order of bytes.
func Attribute(attributes map[string]string, name string) (spelt, value string, ok bool) {
	if value, ok = attributes[name]; ok {
		return name, value, true
	}
	for _, spelt := range slices.Sorted(maps.Keys(attributes)) {
		if thingpass.SameKey(spelt, name) {
			return spelt, attributes[spelt], true
		}
	}
	return "", "", false
}

// present leaves the keys that have a value.
func present(keys []thingpass.DeviceKey) []thingpass.DeviceKey {
	if !slices.ContainsFunc(keys, absent) {
		return keys
	}
	return slices.DeleteFunc(slices.Clone(keys), absent)
}

func absent(k thingpass.DeviceKey) bool { return len(k.Values) == 0 }

// weigh says what each key takes, the largest first.
func weigh(keys []thingpass.DeviceKey) string {
	type weight struct {
		name  string
		bytes int
	}
	var all []weight
	for _, k := range keys {
		w := weight{k.Name, len(k.Name)}
		for _, v := range k.Values {
			w.bytes += len(v) + 1
		}
		all = append(all, w)
	}
	slices.SortStableFunc(all, func(a, b weight) int { return b.bytes - a.bytes })
	var text []string
	for _, w := range all {
		text = append(text, fmt.Sprintf("%s takes %d bytes", w.name, w.bytes))
	}
	return strings.Join(text, ", ")
}
