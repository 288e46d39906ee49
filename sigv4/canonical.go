package sigv4

import (
	"bytes"
	"iter"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// canonical is a request in the form that is signed.
type canonical struct {
	request *http.Request
	path    string   // already canonical before encoding; see s3Path, wirePath
	headers []string // lower case, ascending
	payload string   // hex SHA-256 of the body, or a word in its place
}

// append appends the canonical request to dst. It fails with a Mismatch for a
// signed header that is absent, and with Incomplete for a broken query.
func (c *canonical) append(dst []byte) ([]byte, error) {
	method := c.request.Method
	if method == "" {
		method = http.MethodGet // as net/http sends it
	}
	dst = append(dst, method...)
	dst = append(dst, '\n')
	dst = appendPath(dst, c.path)
	dst = append(dst, '\n')
	dst, err := appendQuery(dst, c.request.URL.RawQuery)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '\n')
	for _, name := range c.headers {
		var ok bool
		if dst, ok = appendHeader(dst, c.request, name); !ok {
			return dst, errorf(Mismatch, "The signed header %q is not in the request.", name)
		}
	}
	dst = append(dst, '\n')
	dst = appendJoined(dst, c.headers)
	dst = append(dst, '\n')
	return append(dst, c.payload...), nil
}

func appendJoined(dst []byte, names []string) []byte {
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = append(dst, name...)
	}
	return dst
}

// s3Path is the path by S3's rules: decoded once, nothing merged or removed.
func s3Path(u *url.URL) string {
	if u.Path == "" {
		return "/"
	}
	return u.Path
}

// genericPath is the path by the rules of every other service: as it is on the
// wire (encoding it again makes the double encoding), empty and dot segments
// removed, a slash at the end kept.
func genericPath(wire string) string {
	if wire == "" {
		return "/"
	}
	clean := path.Clean(wire)
	if wire[len(wire)-1] == '/' && clean != "/" {
		clean += "/"
	}
	return clean
}

// wirePath is the path of a received request as it was on the wire.
// URL.EscapedPath is not that where the client left bytes unencoded.
func wirePath(u *url.URL) string {
	if u.RawPath != "" {
		if decoded, err := url.PathUnescape(u.RawPath); err == nil && decoded == u.Path {
			return u.RawPath
		}
	}
	return u.EscapedPath()
}

// pairs walks a raw query, names and values still encoded.
func pairs(raw string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for part := range strings.SplitSeq(raw, "&") {
			if part == "" {
				continue
			}
			name, value, _ := strings.Cut(part, "=")
			if !yield(name, value) {
				return
			}
		}
	}
}

// appendQuery appends the canonical query: decoded and encoded again, sorted by
// encoded name then value, without X-Amz-Signature.
func appendQuery(dst []byte, raw string) ([]byte, error) {
	if raw == "" {
		return dst, nil
	}
	type field struct{ name, value []byte }
	var room [12]field
	fields := room[:0]
	free := make([]byte, 0, len(raw)+len(raw)/4+16)
	for name, value := range pairs(raw) {
		text, ok := appendRecoded(free, name)
		middle := len(text)
		if ok {
			text, ok = appendRecoded(text, value)
		}
		if !ok {
			return dst, errBadQuery()
		}
		if string(text[:middle]) == querySignature {
			continue
		}
		fields = append(fields, field{text[:middle], text[middle:]})
		free = text[len(text):]
	}
	slices.SortFunc(fields, func(a, b field) int {
		if c := bytes.Compare(a.name, b.name); c != 0 {
			return c
		}
		return bytes.Compare(a.value, b.value)
	})
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, f.name...)
		dst = append(dst, '=')
		dst = append(dst, f.value...)
	}
	return dst, nil
}

// appendHeader appends "name:value\n", the values of a repeated header joined
// with commas. It reports false when the request has no such header.
func appendHeader(dst []byte, r *http.Request, name string) ([]byte, bool) {
	dst = append(dst, name...)
	dst = append(dst, ':')
	switch name { // net/http keeps these three outside Header
	case "host":
		dst = append(dst, host(r)...)
	case "content-length":
		if r.ContentLength < 0 {
			return dst, false
		}
		dst = strconv.AppendInt(dst, r.ContentLength, 10)
	case "transfer-encoding":
		if len(r.TransferEncoding) == 0 {
			return dst, false
		}
		dst = appendValues(dst, r.TransferEncoding)
	default:
		values := headerValues(r.Header, name)
		if len(values) == 0 {
			return dst, false
		}
		dst = appendValues(dst, values)
	}
	return append(dst, '\n'), true
}

// headerValues finds a header by its name in lower case.
func headerValues(h http.Header, lower string) []string {
	var room [64]byte
	if len(lower) > len(room) {
		return h[textproto.CanonicalMIMEHeaderKey(lower)]
	}
	upper := true
	for i := range len(lower) {
		c := lower[i]
		if upper && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		room[i] = c
		upper = c == '-'
	}
	return h[string(room[:len(lower)])]
}

// host is the Host header of a received request, and the one that net/http will
// send for a request still to be sent.
func host(r *http.Request) string {
	if r.Host == "" && r.URL.Host != "" {
		return r.URL.Host
	}
	return r.Host
}

func appendValues(dst []byte, values []string) []byte {
	for i, value := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendTrimmed(dst, value)
	}
	return dst
}

// appendTrimmed appends value without white space at its ends, and with one
// space for each run of white space within.
func appendTrimmed(dst []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	if !strings.Contains(value, "  ") && strings.IndexByte(value, '\t') < 0 {
		return append(dst, value...)
	}
	gap := false
	for i := range len(value) {
		c := value[i]
		if c == ' ' || c == '\t' {
			gap = true
			continue
		}
		if gap {
			dst = append(dst, ' ')
			gap = false
		}
		dst = append(dst, c)
	}
	return dst
}
