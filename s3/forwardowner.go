package s3

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/upstream"
)

// The owner of everything is our account. An engine says instead whose keys it
// was asked with: in its answers that is replaced by ours, and in lists of access
// control that are put, ours by the engine's.

// namesOwner tells the operations whose answers name owners.
func (op *row) namesOwner() bool {
	switch op.name {
	case "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads", "ListParts", "GetBucketAcl", "GetObjectAcl":
		return true
	}
	return false
}

// relayOwned answers as the engine did, with our owner.
func (f *forwarding) relayOwned(a *upstream.Answer) error {
	text, err := f.read(a)
	if err != nil {
		return err
	}
	me, err := xml.Marshal(f.s.self())
	if err != nil {
		return err
	}
	me = bytes.TrimSuffix(bytes.TrimPrefix(me, []byte("<owner>")), []byte("</owner>"))
	theirs := ""
	for _, name := range []string{"Owner", "Initiator"} {
		text = replaceInner(text, name, func(inner []byte) []byte {
			if theirs == "" {
				theirs = idIn(inner)
			}
			return me
		})
	}
	text = replaceInner(text, "Grantee", func(inner []byte) []byte {
		if theirs != "" && idIn(inner) == theirs {
			return me
		}
		return inner
	})
	f.describeAnswer(a)
	f.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	f.w.WriteHeader(a.Status)
	_, err = f.w.Write(text)
	return err
}

// replaceInner replaces what is in every element of a name. A tag cannot be
// anything else in a document: in texts its bracket would be escaped.
func replaceInner(text []byte, name string, by func(inner []byte) []byte) (out []byte) {
	begin, end := []byte("<"+name), []byte("</"+name+">")
	for {
		i := bytes.Index(text, begin)
		if i < 0 {
			return append(out, text...)
		}
		i += len(begin)
		tag := bytes.IndexByte(text[i:], '>')
		if tag < 0 || tag > 0 && (text[i] != ' ' || text[i+tag-1] == '/') { // another name, or nothing in it
			out, text = append(out, text[:i]...), text[i:]
			continue
		}
		i += tag + 1
		length := bytes.Index(text[i:], end)
		if length < 0 {
			return append(out, text...)
		}
		out = append(append(out, text[:i]...), by(text[i:i+length])...)
		text = text[i+length:]
	}
}

// idIn is the text of the first ID in a piece of a document.
func idIn(inner []byte) string {
	_, rest, _ := bytes.Cut(inner, []byte("<ID>"))
	id, _, ok := bytes.Cut(rest, []byte("</ID>"))
	if !ok {
		return ""
	}
	return string(id)
}

// putACL forwards an access control list with the engine's owner in the place of
// ours.
func (f *forwarding) putACL() error {
	if err := f.keepBody(maxConfiguration); err != nil {
		return err
	}
	q, err := f.request()
	if err != nil {
		return err
	}
	if err := f.closedList(); err != nil {
		return err
	}
	names := bytes.Contains(f.kept, []byte(f.s.owner))
	for _, name := range grantHeaders {
		names = names || strings.Contains(q.Header.Get(name), f.s.owner)
	}
	if names {
		var list struct {
			ID string `xml:"Owner>ID"`
		}
		if err := f.ask(&upstream.Request{Method: http.MethodGet, Bucket: f.bucket, Key: f.key, Version: f.version(), Query: "acl"}, &list); err != nil {
			return err
		}
		f.kept = bytes.ReplaceAll(f.kept, []byte(f.s.owner), []byte(escapeXML(list.ID)))
		for _, name := range grantHeaders {
			if v := q.Header.Get(name); v != "" {
				q.Header[name] = []string{strings.ReplaceAll(v, f.s.owner, list.ID)}
			}
		}
	}
	if len(f.kept) > 0 {
		f.replaceDocument(q, string(f.kept))
	} else {
		q.Header.Del("Content-Md5")
	}
	if err := f.permit(); err != nil {
		return err
	}
	return f.passOn(q)
}
