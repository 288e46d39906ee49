package gate

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/wire"
)

// maxPresigned is how long a presigned URL lives at most, except S3's. Nobody
// hands out URLs that administrate; what is used of this is
// sts:GetCallerIdentity as a proof of identity, for a minute.
const maxPresigned = 15 * time.Minute

// stillPresigned refuses a presigned request of any service but S3 that is as
// old as a signature in a header could not be.
func stillPresigned(sv *service, c *Call) error {
	limit := c.Signature.Time.Add(maxPresigned)
	if sv.Protocol == wire.RESTXML || !c.Signature.Presigned || !c.Now.After(limit) {
		return nil
	}
	return &sigv4.Error{
		Kind: sigv4.PresignExpired, Query: true, RequestTime: c.Signature.Time, ServerTime: c.Now, Limit: limit,
		Message: "Signature expired: a presigned URL of this service is good for at most 15 minutes, whatever its X-Amz-Expires.",
	}
}

// headersOf lists the request headers that a type of input is read from, in
// lower case.
func headersOf(in reflect.Type) (names []string) {
	if in.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(in) {
		if name := f.Tag.Get("header"); name != "" {
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}

// signedInput refuses a request whose operation would read what is not signed:
// outside S3 the signature covers the headers it names, and no others.
func (op *Operation) signedInput(c *Call) error {
	for _, name := range op.headers {
		if len(c.Request.Header[http.CanonicalHeaderKey(name)]) == 0 || slices.Contains(c.Signature.SignedHeaders, name) {
			continue
		}
		return &sigv4.Error{Kind: sigv4.UnsignedHeaders, Headers: []string{name}, Query: c.Signature.Presigned,
			Message: "The header " + name + " must be signed: it says what the operation is about."}
	}
	return nil
}
