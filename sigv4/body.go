package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/thingpass/thingpass/checksum"
)

// Body is the body of an S3 request: decoded, and verified while it is read.
// The last bytes come only after everything has verified: hash, chunk
// signatures, trailer, checksums and length. When something does not, Read
// returns an *Error instead of them, so that whoever passes the bytes on can
// tell a complete body by its length, and stores nothing before io.EOF.
//
// It is for one goroutine.
type Body struct {
	source   source
	length   int64
	count    int64
	checks   []*check
	verified map[string]string
	err      error // what every further Read returns
}

// source gives the decoded bytes. It returns the last of them together with
// io.EOF, when everything that only it can see has verified.
type source interface {
	io.Reader
	trailer() map[string]string // after io.EOF: lower-case name to value
}

// Body returns the reader of r's body. It reads nothing yet, and never assigns
// to r.Body. Call it after Verify with S3's rules has proven r.
//
// How the body is read is chosen by x-amz-content-sha256 alone. Content-MD5 and
// x-amz-checksum-* are verified too, in headers as in trailers, except for
// CompleteMultipartUpload, where the checksum is that of the object to be.
// Its errors are *Error.
func (s *Signature) Body(r *http.Request, secret string) (*Body, error) {
	payload, err := s.bodyPayload(r)
	if err != nil {
		return nil, err
	}
	b := &Body{}
	if b.checks, err = headerChecks(r); err != nil {
		return nil, err
	}
	raw := io.Reader(http.NoBody)
	if r.Body != nil {
		raw = r.Body
	}
	if Streamed(payload) {
		if err := b.openChunks(r, s, payload, secret, raw); err != nil {
			return nil, err
		}
		return b, nil
	}
	if err := sameAlgorithm(r.Header, b.checks); err != nil {
		return nil, err
	}
	if r.ContentLength < 0 {
		return nil, errorf(MissingLength, "You must provide the Content-Length HTTP header.")
	}
	b.length = r.ContentLength
	b.source = &plain{src: raw, left: b.length}
	if payload != UnsignedPayload {
		want, _ := hex.DecodeString(payload) // checkPayload has seen that it is hex
		b.checks = append(b.checks, &check{kind: PayloadMismatch, sum: sha256.New(), want: want, encode: hex.EncodeToString,
			text: "The provided 'x-amz-content-sha256' header does not match what was computed."})
	}
	return b, nil
}

// FileBody returns the reader of the file of a form, whose checksums and
// Content-MD5 are fields of the form, given as the headers that they stand for.
// The file's end is known only when it comes, so that what Read returned before
// an error must not be used.
func FileBody(h http.Header, file io.Reader) (*Body, error) {
	checks, err := checksOf(h)
	if err == nil {
		err = sameAlgorithm(h, checks)
	}
	if err != nil {
		return nil, err
	}
	return &Body{source: unframed{file}, length: -1, checks: checks}, nil
}

// unframed is a source without framing and of any length.
type unframed struct{ io.Reader }

func (unframed) trailer() map[string]string { return nil }

// Length is the number of decoded bytes, or -1 when the client does not say.
func (b *Body) Length() int64 { return b.length }

// Claims is the algorithm of the x-amz-checksum-* that the client sends, in a
// header or as the trailer to come, by its name in package checksum; "" for none.
func (b *Body) Claims() string {
	for _, c := range b.checks {
		if c.algorithm != "" && !c.only {
			return c.algorithm
		}
	}
	return ""
}

// Trailer is the x-amz-checksum-* header, in lower case, whose value comes behind
// the body; "" when none does, whatever x-amz-trailer says of a body that has no
// place for one.
func (b *Body) Trailer() string {
	for _, c := range b.checks {
		if c.inTrailer {
			return c.header
		}
	}
	return ""
}

// Compute has a checksum computed that the client need not send, by its name in
// package checksum; it will be among Checksums. Call it before the first Read.
func (b *Body) Compute(algorithm string) {
	a, ok := checksum.Find(algorithm)
	for _, c := range b.checks {
		ok = ok && c.algorithm != a.Name
	}
	if ok {
		c := newCheck(a)
		c.only = true
		b.checks = append(b.checks, c)
	}
}

// Checksums are the verified x-amz-checksum-* values, base64 as the client sent
// them, and those that Compute asked for, by the names that package checksum
// gives the algorithms. They are known after Read has returned io.EOF; before
// that it returns nil.
func (b *Body) Checksums() map[string]string { return b.verified }

// Read implements io.Reader. Any error but io.EOF is an *Error, and final.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := b.source.Read(p)
	b.count += int64(n)
	for _, c := range b.checks {
		c.sum.Write(p[:n])
	}
	if err == io.EOF {
		err = b.finish()
		if err == nil {
			err = io.EOF
		}
	}
	if err != nil {
		b.err = err
		if err != io.EOF {
			clear(p[:n]) // bytes that are held back must not be found in p either
			n = 0
		}
	}
	return n, err
}

// finish verifies what can be known only at the end.
func (b *Body) finish() error {
	if b.length >= 0 && b.count != b.length {
		return lengthError(b.length, b.count)
	}
	trailer := b.source.trailer()
	verified := map[string]string{}
	for _, c := range b.checks {
		if c.inTrailer {
			value, ok := trailer[c.header]
			if !ok {
				return errorf(BadTrailer, "The trailer %s that x-amz-trailer announces is missing.", c.header)
			}
			if err := c.expect(value); err != nil {
				return err
			}
		}
		if err := c.compare(); err != nil {
			return err
		}
		if c.algorithm != "" {
			verified[c.algorithm] = c.encode(c.want)
		}
	}
	b.verified = verified
	return nil
}

func lengthError(claimed, found int64) error {
	err := errorf(BadLength, "The decoded body is not as long as the request says.")
	err.Claimed, err.Computed = strconv.FormatInt(claimed, 10), strconv.FormatInt(found, 10)
	return err
}

// readError turns what reading the HTTP body said into an *Error.
func readError(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := errorf(IncompleteBody, "You did not provide the number of bytes specified by the Content-Length HTTP header")
	if err != io.EOF {
		e.Err = err
	}
	return e
}

// plain is a source without framing: the HTTP body itself, left bytes long.
type plain struct {
	src  io.Reader
	left int64
}

func (p *plain) trailer() map[string]string { return nil }

func (p *plain) Read(buf []byte) (int, error) {
	n := 0
	if p.left > 0 {
		var err error
		n, err = p.src.Read(buf[:min(int64(len(buf)), p.left)])
		p.left -= int64(n)
		if p.left > 0 {
			if err != nil {
				err = readError(err)
			}
			return n, err
		}
		if err != nil && err != io.EOF {
			return n, readError(err)
		}
		if err == io.EOF {
			return n, io.EOF
		}
	}
	return n, expectEnd(p.src)
}

// expectEnd reads the end of the HTTP body, so that net/http can use the
// connection again, and returns io.EOF when it is there.
func expectEnd(src io.Reader) error {
	var one [1]byte
	switch _, err := io.ReadFull(src, one[:]); err {
	case nil:
		return errorf(BadLength, "The body is longer than its Content-Length.")
	case io.EOF:
		return io.EOF
	default:
		return readError(err)
	}
}
