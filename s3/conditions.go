package s3

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/wire"
)

// preconditions are the four of RFC 9110, 13.1, under the names of the request
// itself or of a copy source.
type preconditions struct {
	prefix string // "" or x-amz-copy-source-
	header http.Header
}

func (p preconditions) get(name string) string { return p.header.Get(p.prefix + name) }

// hold evaluates them in the order of RFC 9110, 13.2.2: an ETag condition
// beats the date condition of its kind. modified is false when the answer is
// that the client has it already.
func (p preconditions) hold(o objects.Object) (modified bool, err error) {
	if v := p.get("If-Match"); v != "" {
		if !matchETag(v, o.ETag, strong) {
			return false, errPrecondition(p.prefix + "If-Match")
		}
	} else if at, ok := p.date("If-Unmodified-Since"); ok && o.Modified.Truncate(time.Second).After(at) {
		return false, errPrecondition(p.prefix + "If-Unmodified-Since")
	}
	if v := p.get("If-None-Match"); v != "" {
		return !matchETag(v, o.ETag, weak), nil
	}
	if at, ok := p.date("If-Modified-Since"); ok && !o.Modified.Truncate(time.Second).After(at) {
		return false, nil
	}
	return true, nil
}

func (p preconditions) date(name string) (time.Time, bool) {
	v := p.get(name)
	if v == "" {
		return time.Time{}, false
	}
	at, err := http.ParseTime(v)
	return at, err == nil
}

// comparison is how the ETags of a condition are compared (RFC 9110, 8.8.3.2).
type comparison bool

const (
	strong comparison = false // of If-Match and If-Range: a weak ETag is equal to none
	weak   comparison = true  // of If-None-Match: W/ makes no difference
)

// matchETag reports whether a list of ETags, or *, names etag.
func matchETag(list, etag string, c comparison) bool {
	for v := range strings.SplitSeq(list, ",") {
		if v = bareETag(v, c); v == "*" || v == etag {
			return true
		}
	}
	return false
}

// bareETag is an ETag without its quotes, which S3 takes as well.
func bareETag(v string, c comparison) string {
	v = strings.TrimSpace(v)
	if c == weak {
		v = strings.TrimPrefix(v, "W/")
	}
	return strings.Trim(v, `"`)
}

// writeCondition reads the conditions of a write, decided when it is published.
func writeCondition(h http.Header) (c objects.Condition, err error) {
	c.IfMatch = bareETag(h.Get("If-Match"), strong) // one: see exactConditions
	c.IfNoneMatch = bareETag(h.Get("If-None-Match"), weak)
	if h.Get("If-Modified-Since") != "" || h.Get("If-Unmodified-Since") != "" {
		return c, errNotImplemented("If-Modified-Since or If-Unmodified-Since on a write")
	}
	return c, nil
}

// span is a run of bytes of an object.
type span struct {
	offset, length int64
	partial        bool
	part           *objects.Extent // the part that was asked for by its number; nil for none
}

// byteRange reads a Range header (RFC 9110, 14.2). Like S3 it takes one range;
// what is no range of bytes is ignored.
func byteRange(header string, size int64) (span, error) {
	whole := span{length: size}
	set, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(set, "-")
	if !ok || !dash || strings.Contains(set, ",") {
		return whole, nil
	}
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	from, okFirst := digits(first)
	to, okLast := digits(last)
	switch {
	case first == "" && okLast: // the last bytes, or all where there are fewer (14.1.2): also of nothing
		switch {
		case to == 0:
			return whole, errRange(header, size)
		case size == 0:
			return whole, nil
		}
		to = min(to, size)
		return span{offset: size - to, length: to, partial: true}, nil
	case !okFirst || last != "" && !okLast || last != "" && to < from:
		return whole, nil
	case from >= size:
		return whole, errRange(header, size)
	case last == "":
		to = size - 1
	}
	to = min(to, size-1)
	return span{offset: from, length: to - from + 1, partial: true}, nil
}

func digits(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil { // more digits than fit: past any end
		n = 1<<63 - 1
	}
	return n, true
}

func errRange(header string, size int64) error {
	return &wire.Error{Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidRange", Message: "The requested range is not satisfiable",
		Fields: []wire.Field{{Name: "RangeRequested", Value: header}, {Name: "ActualObjectSize", Value: strconv.FormatInt(size, 10)}}}
}

// wantsRange reports whether the Range header counts: If-Range may say that it is
// of another version (RFC 9110, 13.1.5).
func wantsRange(h http.Header, o objects.Object) bool {
	v := h.Get("If-Range")
	if v == "" {
		return true
	}
	if at, err := http.ParseTime(v); err == nil {
		return o.Modified.Truncate(time.Second).Equal(at)
	}
	return bareETag(v, strong) == o.ETag
}
