package session

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/thingpass/thingpass"
)

// The condition keys of a device's session beyond AWS's three. The last two are
// followed by the name of an attribute of the thing, and by that of an attribute
// of the certificate's subject.
const (
	ThingGroupsKey    = "credentials-iot:ThingGroups"
	ThingAttributeKey = "credentials-iot:ThingAttribute/"
	SubjectKey        = "credentials-iot:Certificate.Subject."
)

// extras are what most sessions do not have.
type extras struct {
	UserID         string // of a user's temporary credentials, which have no role
	AccessKeyID    string // the long-lived key they were asked for with
	Tags           []sessionTag
	SourceIdentity string
	PolicyARNs     []string
	DeviceKeys     []thingpass.DeviceKey // without values: there was none when it was sealed
}

type sessionTag struct {
	thingpass.Tag
	transitive bool
}

// The kinds of extra. A number is never used again for something else. What
// follows is one text, or two, or a text and a list of texts.
const (
	_                = iota
	extraUser        // user id, access key id
	extraTag         // key, value
	extraTransitive  // key, value
	extraIdentity    // source identity
	extraPolicy      // ARN
	extraGroups      // list
	extraAttribute   // name, value
	extraNoAttribute // name
	extraSubject     // name, value
	extraSubjectList // name, list
)

func (e *extras) version() byte {
	if e.UserID == "" && e.SourceIdentity == "" && len(e.Tags)+len(e.PolicyARNs)+len(e.DeviceKeys) == 0 {
		return plainVersion
	}
	return extrasVersion
}

func (e *extras) append(out []byte) ([]byte, error) {
	add := func(kind byte, texts ...string) {
		out = append(out, kind)
		for _, s := range texts {
			out = appendText(out, s)
		}
	}
	if e.UserID != "" {
		add(extraUser, e.UserID, e.AccessKeyID)
	}
	for _, t := range e.Tags {
		kind := byte(extraTag)
		if t.transitive {
			kind = extraTransitive
		}
		add(kind, t.Key, t.Value)
	}
	if e.SourceIdentity != "" {
		add(extraIdentity, e.SourceIdentity)
	}
	for _, arn := range e.PolicyARNs {
		add(extraPolicy, arn)
	}
	var err error
	for _, k := range e.DeviceKeys {
		if out, err = appendKey(out, k); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// appendKey writes a key without the beginning that all of its kind have.
func appendKey(out []byte, k thingpass.DeviceKey) ([]byte, error) {
	list := func(out []byte) []byte {
		out = binary.AppendUvarint(out, uint64(len(k.Values)))
		for _, v := range k.Values {
			out = appendText(out, v)
		}
		return out
	}
	if k.Name == ThingGroupsKey && k.List {
		return list(append(out, extraGroups)), nil
	}
	if name, ok := strings.CutPrefix(k.Name, ThingAttributeKey); ok && !k.List && len(k.Values) <= 1 {
		if len(k.Values) == 0 {
			return appendText(append(out, extraNoAttribute), name), nil
		}
		return appendText(appendText(append(out, extraAttribute), name), k.Values[0]), nil
	}
	if name, ok := strings.CutPrefix(k.Name, SubjectKey); ok && k.List {
		return list(appendText(append(out, extraSubjectList), name)), nil
	} else if ok && len(k.Values) == 1 {
		return appendText(appendText(append(out, extraSubject), name), k.Values[0]), nil
	}
	return nil, fmt.Errorf("a session has no key %s with %d values", k.Name, len(k.Values))
}

// decodeExtras reads to the end of b. A kind that it does not know is an error:
// it may be one that narrows the session.
func decodeExtras(b []byte) (extras, error) {
	var e extras
	in := reader{b: b}
	for len(in.b) > 0 && !in.bad {
		kind := in.b[0]
		in.b = in.b[1:]
		switch kind {
		case extraUser:
			e.UserID, e.AccessKeyID = in.text(), in.text()
			in.bad = in.bad || e.UserID == ""
		case extraTag, extraTransitive:
			e.Tags = append(e.Tags, sessionTag{thingpass.Tag{Key: in.text(), Value: in.text()}, kind == extraTransitive})
		case extraIdentity:
			e.SourceIdentity = in.text()
			in.bad = in.bad || e.SourceIdentity == ""
		case extraPolicy:
			e.PolicyARNs = append(e.PolicyARNs, in.text())
		default:
			e.DeviceKeys = append(e.DeviceKeys, in.key(kind))
		}
	}
	if in.bad {
		return extras{}, errToken
	}
	return e, nil
}

// reader cuts texts off a buffer until one is malformed.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) text() string {
	s, rest, ok := cutText(r.b)
	r.b, r.bad = rest, r.bad || !ok
	return s
}

func (r *reader) list() []string {
	count, n := binary.Uvarint(r.b)
	if n <= 0 || count > uint64(len(r.b)-n) { // a text takes a byte at least
		r.bad = true
		return nil
	}
	r.b = r.b[n:]
	var list []string
	for range count {
		list = append(list, r.text())
	}
	return list
}

func (r *reader) key(kind byte) thingpass.DeviceKey {
	switch kind {
	case extraGroups:
		return thingpass.DeviceKey{Name: ThingGroupsKey, Values: r.list(), List: true}
	case extraAttribute:
		return thingpass.DeviceKey{Name: ThingAttributeKey + r.text(), Values: []string{r.text()}}
	case extraNoAttribute:
		return thingpass.DeviceKey{Name: ThingAttributeKey + r.text()}
	case extraSubject:
		return thingpass.DeviceKey{Name: SubjectKey + r.text(), Values: []string{r.text()}}
	case extraSubjectList:
		return thingpass.DeviceKey{Name: SubjectKey + r.text(), Values: r.list(), List: true}
	}
	r.bad = true
	return thingpass.DeviceKey{}
}
