package s3

import (
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

// target is what a request says by its host, path and query, and by the names
// of its headers: what has been read once, and is handed from step to step.
type target struct {
	level  level
	bucket string
	key    string     // decoded once, never cleaned
	hosted bool       // the bucket is named by the host
	query  url.Values // nil when there is none

	op   *row  // set by find
	post *post // of a form upload; set by postAccess

	// What find saw among the headers.
	said    []condition // those that are condition keys
	foreign string      // one that the embedded store does not carry out, "" for none
}

// condition is a header that is a condition key.
type condition struct {
	key    string
	values []string
}

func (t *target) name() objects.Name { return objects.Name{Bucket: t.bucket, Key: t.key} }

// ref is the version that a request is about: the current one if it names none.
func (t *target) ref() objects.Ref {
	return objects.Ref{Name: t.name(), Version: t.version()}
}

// version is the version id that a request names, "" for none.
func (t *target) version() string { return t.query.Get(versionParameter) }

const versionParameter = "versionId"

func (t *target) bucketARN() string { return "arn:aws:s3:::" + t.bucket }

func (t *target) arn() string {
	if t.level == onObject {
		return t.bucketARN() + "/" + t.key
	}
	return t.bucketARN()
}

// parse reads the host, the path and the query of a request. The path is split
// as it was sent and each half decoded once, so that an encoded slash does not
// divide.
func (s *service) parse(r *http.Request) (*target, error) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/")
	if !ok || r.URL.Host != "" && r.URL.Host != r.Host { // HTTP/2 may have one host in :authority and another in :path
		return nil, errInvalidURI()
	}
	t := &target{}
	if err := t.readQuery(r.URL.RawQuery); err != nil {
		return nil, err
	}
	var err error
	key := path
	if t.bucket = s.virtual(r.Host); t.bucket != "" {
		t.hosted = true // and nothing of a host is encoded
	} else {
		if path == "" {
			return t, nil
		}
		var bucket string
		bucket, key, _ = strings.Cut(path, "/")
		if t.bucket, err = unescape(bucket); err != nil {
			return nil, err
		}
	}
	if t.key, err = unescape(key); err != nil {
		return nil, err
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

// unescape decodes percent signs once.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	s, err := url.PathUnescape(s)
	if err != nil {
		return "", errInvalidURI()
	}
	return s, nil
}

// readQuery reads the parameters, of which none may come twice, and which are
// text: prefixes and markers above all, which policies are asked about.
func (t *target) readQuery(raw string) error {
	if raw == "" {
		return nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return errInvalidURI()
	}
	for name, values := range query {
		if len(values) > 1 {
			return errArgument(name, "", "The parameter "+name+" is given more than once.")
		}
		if !utf8.ValidString(name) || !utf8.ValidString(values[0]) { // as in a key
			return errInvalidURI()
		}
	}
	t.query = query
	if query.Has(versionParameter) && t.version() == "" {
		return errArgument(versionParameter, "", "Version id cannot be the empty string")
	}
	return nil
}

// virtual is the bucket that a host names in virtual-hosted style, "" in path
// style. Names of hosts have no case, and may end in a dot. Of domains below
// each other the lowest counts.
func (s *service) virtual(host string) string {
	if len(s.Domains) == 0 {
		return ""
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	bucket := ""
	for _, domain := range s.Domains {
		if strings.EqualFold(host, domain) {
			return ""
		}
		n := len(host) - len(domain) - 1
		if n > 0 && host[n] == '.' && strings.EqualFold(host[n+1:], domain) && (bucket == "" || n < len(bucket)) {
			bucket = host[:n]
		}
	}
	return strings.ToLower(bucket)
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

// row is an operation: how it is recognised, what it needs, what it does.
type row struct {
	name    string
	method  string
	level   level
	need    []string // query parameters that it has; the first one tells it from others
	may     []string // query parameters that it may have
	header  string   // an x-amz- header that it has; "" for none
	headers []string // x-amz- headers that it may have; a final * for any ending
	actions []string // every action it asks for, the main one first
	decides bool     // the handler asks

	// access says what must be allowed; nil for the main action on the target.
	access func(*service, *target, *gate.Call) ([]gateAccess, error)

	// ask asks, for a row that decides, what only the body tells, which it reads
	// and keeps. It comes before serve and forward.
	ask func(*service, *exchange) error

	// serve carries the operation out on the embedded store; nil for what that
	// cannot do.
	serve func(*service, *exchange) error

	parameters map[string]bool // need and may, and those of any request
	takes      map[string]bool // header and headers, and those of any request
	prefixes   []string        // beginnings of headers
}

// path is the template of the row's requests, with the parameters that make
// them.
func (op *row) path() string {
	if len(op.need) == 0 {
		return op.level.path()
	}
	return op.level.path() + "?" + strings.Join(op.need, "&")
}

// table is all operations, and an index to find them by.
type table struct {
	rows      []row
	kinds     map[kind]*choices
	preflight *row // of OPTIONS, whatever the path and the parameters
}

// kind is what a request shows at once.
type kind struct {
	method string
	level  level
}

// choices are the rows of a kind: by the parameter that makes them, or without
// one.
type choices struct {
	plain   []*row
	special map[string][]*row
}

func newIndex(rows []row) table {
	tbl := table{rows: rows, kinds: map[kind]*choices{}}
	for i := range rows {
		op := &rows[i]
		op.prepare()
		if op.method == http.MethodOptions {
			tbl.preflight = op
			continue
		}
		k := kind{op.method, op.level}
		if tbl.kinds[k] == nil {
			tbl.kinds[k] = &choices{special: map[string][]*row{}}
		}
		if len(op.need) == 0 {
			tbl.kinds[k].plain = append(tbl.kinds[k].plain, op)
		} else {
			tbl.kinds[k].special[op.need[0]] = append(tbl.kinds[k].special[op.need[0]], op)
		}
	}
	return tbl
}

func (op *row) prepare() {
	op.parameters, op.takes = map[string]bool{}, map[string]bool{}
	for _, list := range [][]string{op.need, op.may, signing} {
		for _, name := range list {
			op.parameters[name] = true
		}
	}
	for _, list := range [][]string{{op.header}, op.headers, harmless} {
		for _, name := range list {
			if prefix, any := strings.CutSuffix(name, "*"); any {
				op.prefixes = append(op.prefixes, prefix)
			}
			op.takes[name] = true
		}
	}
}

// find sets the row that a request fits: no parameter and no x-amz- header may
// be left over.
func (tbl *table) find(t *target, r *http.Request) error {
	k := tbl.kinds[kind{r.Method, t.level}]
	if k == nil {
		return errMethod(r.Method)
	}
	best := ""
	for _, op := range k.candidates(t) {
		if !op.wanted(t, r) {
			continue
		}
		strange, err := op.look(t, r)
		if err != nil {
			return err
		}
		if strange == "" {
			t.op = op
			return nil
		}
		best = strange
	}
	return errNotImplemented(best)
}

// candidates are the rows of the first parameter, by name, that makes one.
func (k *choices) candidates(t *target) []*row {
	first := ""
	for name := range t.query {
		if k.special[name] != nil && (first == "" || name < first) {
			first = name
		}
	}
	if first == "" {
		return k.plain
	}
	return k.special[first]
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

// look goes through parameters and headers, once. It names what the row does
// not know about the request, the first by name so that an answer does not change
// with the map; "" for nothing. It refuses a header given twice where one of the
// two would have to be ignored, and gives those that have one form that form.
func (op *row) look(t *target, r *http.Request) (strange string, err error) {
	unknown := func(name string) {
		if strange == "" || name < strange {
			strange = name
		}
	}
	for name := range t.query {
		if !op.parameters[name] {
			unknown(name)
		}
	}
	t.said, t.foreign = nil, ""
	for name, values := range r.Header {
		amz := strings.HasPrefix(name, "X-Amz-")
		if len(values) > 1 && !strings.HasPrefix(name, metaPrefix) && (amz || single(name)) {
			err = errArgument(name, "", "The header "+name+" is given more than once.")
		}
		if !amz || len(values) == 0 {
			continue
		}
		if !op.takes[name] && !op.begins(name) {
			unknown(strings.ToLower(name))
		}
		h, ok := special[name]
		if !ok {
			continue
		}
		if h.values != nil && !slices.Contains(h.values, values[0]) {
			unknown(strings.ToLower(name) + ": " + values[0])
		}
		if h.exact != nil {
			v, wrong := h.exact(strings.ToLower(name), values[0])
			if wrong != nil {
				err = wrong
				continue
			}
			values = []string{v}
			r.Header[name] = values
		}
		if h.key != "" {
			t.said = append(t.said, condition{h.key, values})
		}
		if h.stranger(t.level, values[0]) && (t.foreign == "" || name < t.foreign) {
			t.foreign = name
		}
	}
	if strange != "" {
		return strange, nil
	}
	return "", err
}

func (op *row) begins(header string) bool {
	for _, prefix := range op.prefixes {
		if strings.HasPrefix(header, prefix) {
			return true
		}
	}
	return false
}

// single tells whether a header that is not an x-amz- one can come once only.
// HTTP/1 sees to Content-Length itself.
func single(name string) bool {
	return name == "Content-Length" || name == "Range" || name == "Content-Type" || strings.HasPrefix(name, "If-")
}
