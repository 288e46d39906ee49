package s3

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/objects"
)

// level is what a request is about.
type level uint8

const (
	onService level = iota
	onBucket
	onObject
)

func (l level) path() string {
	return [...]string{"/", "/{Bucket}", "/{Bucket}/{Key+}"}[l]
}

// target is what a request says by its path and query.
type target struct {
	level  level
	bucket string
	key    string // decoded once, never cleaned
	query  url.Values
}

func (t *target) name() objects.Name { return objects.Name{Bucket: t.bucket, Key: t.key} }

func (t *target) bucketARN() string { return "arn:aws:s3:::" + t.bucket }

func (t *target) arn() string {
	if t.level == onObject {
		return t.bucketARN() + "/" + t.key
	}
	return t.bucketARN()
}

// parse reads the path and the query of a request, path style. The path is
// split as it was sent and each half decoded once, so that an encoded slash
// does not divide.
func parse(r *http.Request) (*target, error) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/")
	if !ok {
		return nil, errInvalidURI()
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errInvalidURI()
	}
	for name, values := range query {
		if len(values) > 1 {
			return nil, errArgument(name, "", "The parameter "+name+" is given more than once.")
		}
	}
	t := &target{query: query}
	if path == "" {
		return t, nil
	}
	bucket, key, _ := strings.Cut(path, "/")
	if t.bucket, err = url.PathUnescape(bucket); err != nil {
		return nil, errInvalidURI()
	}
	if t.key, err = url.PathUnescape(key); err != nil {
		return nil, errInvalidURI()
	}
	t.level = onBucket
	if t.key != "" {
		t.level = onObject
	}
	if !validBucket(t.bucket) {
		return nil, errBucketName(t.bucket)
	}
	return t, checkKey(t.key)
}

// checkKey refuses keys that S3 cannot have: an XML answer could not name them.
func checkKey(key string) error {
	switch {
	case len(key) > objects.MaxKey:
		return errKeyTooLong(len(key))
	case !utf8.ValidString(key), strings.Contains(key, "\x00"):
		return errInvalidURI()
	}
	return nil
}

// checkNewKey refuses to make keys with characters that no XML 1.0 document can
// carry, not even escaped: DeleteObjects could not name them.
func checkNewKey(key string) error {
	for _, c := range key {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0xfffe || c == 0xffff {
			return errArgument("Key", "", "Keys with characters that XML cannot carry are not supported.")
		}
	}
	return nil
}

// validBucket applies the rules for general purpose buckets (Amazon S3 user
// guide, "Bucket naming rules"): a name that passes is the same in every
// encoding and means nothing in a policy.
func validBucket(s string) bool {
	if len(s) < 3 || len(s) > 63 || strings.Contains(s, "..") || net.ParseIP(s) != nil {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alnum && (c != '-' && c != '.' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return true
}

// signing lists the query parameters of a presigned request and those that
// only say what the path and method say already.
var signing = []string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
	"X-Amz-Security-Token", "X-Amz-Content-Sha256", "x-id",
	"AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token", "content-type", "content-md5", // of Signature Version 2; sigv4 refuses them elsewhere
}

// harmless lists the x-amz- headers that any request may carry: about signing,
// about the framing of the body, or checked by themselves.
var harmless = []string{
	"X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-Decoded-Content-Length", "X-Amz-Trailer",
	"X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Expected-Bucket-Owner", "X-Amz-Request-Payer", "X-Amz-User-Agent",
}

// supported lists the values that are supported of headers that have others.
var supported = map[string][]string{
	"X-Amz-Acl":                        {"private"},
	"X-Amz-Storage-Class":              {"STANDARD"},
	"X-Amz-Metadata-Directive":         {"COPY", "REPLACE"},
	"X-Amz-Tagging-Directive":          {"COPY", "REPLACE"}, // nothing here has tags
	"X-Amz-Checksum-Mode":              {"ENABLED"},
	"X-Amz-Request-Payer":              {"requester"},
	"X-Amz-Bucket-Object-Lock-Enabled": {"false", "False"},
}

// row is an operation: how it is recognised, what it needs, what it does.
type row struct {
	name    string
	method  string
	level   level
	need    []string // query parameters that it has
	may     []string // query parameters that it may have
	header  string   // an x-amz- header that it has; "" for none
	headers []string // x-amz- headers that it may have; a final * for any ending
	actions []string // every action it asks for, the main one first
	decides bool     // the handler asks

	// access says what must be allowed; nil for the main action on the target.
	access func(*service, *target, *gate.Call) ([]gateAccess, error)
	serve  func(*service, *exchange) error
}

// path is the template of the row's requests, with the parameters that make
// them.
func (op *row) path() string {
	if len(op.need) == 0 {
		return op.level.path()
	}
	return op.level.path() + "?" + strings.Join(op.need, "&")
}

type table []row

// find returns the row that a request fits: no parameter and no x-amz- header
// may be left over.
func (rows table) find(t *target, r *http.Request) (*row, error) {
	method, best := false, ""
	for i := range rows {
		op := &rows[i]
		if op.method != r.Method || op.level != t.level {
			continue
		}
		method = true
		if !op.wanted(t, r) {
			continue
		}
		strange := op.strange(t, r)
		if strange == "" {
			return op, singleHeaders(r)
		}
		if best == "" || len(op.need) > 0 {
			best = strange
		}
	}
	if !method {
		return nil, errMethod(r.Method)
	}
	return nil, errNotImplemented(best)
}

// wanted tells whether the request has what the row needs.
func (op *row) wanted(t *target, r *http.Request) bool {
	for _, name := range op.need {
		if !t.query.Has(name) {
			return false
		}
	}
	return op.header == "" || r.Header.Get(op.header) != ""
}

// strange names what the row does not know about a request, "" for nothing.
// Names are taken in order, so that an answer does not change with the map.
func (op *row) strange(t *target, r *http.Request) string {
	var unknown []string
	for name := range t.query {
		if !slices.Contains(op.need, name) && !slices.Contains(op.may, name) && !slices.Contains(signing, name) {
			unknown = append(unknown, name)
		}
	}
	for name, values := range r.Header {
		if !strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		if name != op.header && !slices.Contains(harmless, name) && !op.takes(name) {
			unknown = append(unknown, strings.ToLower(name))
		}
		if want := supported[name]; want != nil && !slices.Contains(want, values[0]) {
			unknown = append(unknown, fmt.Sprintf("%s: %s", strings.ToLower(name), values[0]))
		}
	}
	if len(unknown) == 0 {
		return ""
	}
	return slices.Min(unknown)
}

func (op *row) takes(header string) bool {
	for _, pattern := range op.headers {
		if prefix, any := strings.CutSuffix(pattern, "*"); header == pattern || any && strings.HasPrefix(header, prefix) {
			return true
		}
	}
	return false
}

// singleHeaders refuses a header given twice where one of the two would have to
// be ignored.
func singleHeaders(r *http.Request) error {
	for name, values := range r.Header {
		if len(values) < 2 || strings.HasPrefix(name, metaPrefix) {
			continue
		}
		single := strings.HasPrefix(name, "X-Amz-") || name == "Range" || name == "Content-Type" || strings.HasPrefix(name, "If-")
		if single {
			return errArgument(name, "", "The header "+name+" is given more than once.")
		}
	}
	return nil
}

// metaPrefix begins the names of user metadata, as net/http writes them.
const metaPrefix = "X-Amz-Meta-"
