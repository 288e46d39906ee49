package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
)

// Limits of an aws-chunked body.
const (
	maxChunk      = 5 << 30 // bytes; the largest single upload of S3
	minChunk      = 8 << 10 // bytes; only the last chunk may be smaller
	maxChunkLine  = 256     // bytes of a chunk's head
	maxTrailer    = 4 << 10 // bytes of all trailers together
	maxEndOfLines = 16      // bytes of CR and LF after the end
)

// chunks is a source that undoes the aws-chunked framing:
//
//	hex-size[;chunk-signature=hex] CRLF data CRLF … 0[;chunk-signature=hex] CRLF [trailers] CRLF
//
// It reads the head of the next chunk before it returns the last bytes of the
// one before, so it knows them as the last when they are.
type chunks struct {
	src      *bufio.Reader
	kind     string          // x-amz-content-sha256
	signer   *chunkSigner    // nil when chunks are not signed
	announce map[string]bool // names of the trailers to come, nil when there are none
	limit    int64           // decoded bytes to come, or -1
	started  bool
	left     int64 // bytes to come of the chunk that is being read
	small    bool  // a chunk was so small that it must be the last
	trailers map[string]string
}

// openChunks makes b the reader of an aws-chunked body.
func (b *Body) openChunks(r *http.Request, s *Signature, payload, secret string, raw io.Reader) error {
	var err error
	if b.length, err = decodedLength(r, payload); err != nil {
		return err
	}
	c := &chunks{src: bufio.NewReader(raw), kind: payload, limit: b.length}
	if payload != streamUnsignedTrailer {
		c.signer = newChunkSigner(s, secret)
	}
	names, err := announced(r.Header, payload)
	if err != nil {
		return err
	}
	for _, name := range names {
		check, err := newChecksum(name)
		if err != nil {
			return err
		}
		check.inTrailer = true
		b.checks = append(b.checks, check)
		if c.announce == nil {
			c.announce = map[string]bool{}
		}
		c.announce[name] = true
	}
	sums := 0
	for _, check := range b.checks {
		if check.algorithm != "" {
			sums++
		}
	}
	if sums > 1 {
		return errManyChecksums()
	}
	b.source = c
	return sameAlgorithm(r.Header, b.checks)
}

// decodedLength reads x-amz-decoded-content-length. The Go SDK leaves it out
// where it sends a stream of unknown length, with Transfer-Encoding: chunked.
func decodedLength(r *http.Request, payload string) (int64, error) {
	text, err := single(r.Header, "X-Amz-Decoded-Content-Length")
	if err != nil {
		return 0, err
	}
	if text == "" {
		if payload == streamUnsignedTrailer && r.ContentLength < 0 {
			return -1, nil
		}
		return 0, errorf(MissingLength, "You must provide the x-amz-decoded-content-length HTTP header.")
	}
	length, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, errorf(MissingLength, "x-amz-decoded-content-length is not a number of bytes.")
	}
	return int64(length), nil
}

func (c *chunks) trailer() map[string]string { return c.trailers }

func (c *chunks) Read(p []byte) (int, error) {
	if !c.started {
		c.started = true
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.limit >= 0 {
		c.limit -= int64(n)
	}
	if c.signer != nil {
		c.signer.data.Write(p[:n])
	}
	if c.left > 0 {
		if err != nil {
			err = readError(err)
		}
		return n, err
	}
	if err := c.endOfData(); err != nil {
		return n, err
	}
	return n, c.next()
}

// errFraming is the error for a body that is cut in its chunks so that nobody can
// tell where one ends. S3 says of it that it ended.
func errFraming(what string) error {
	e := errorf(IncompleteBody, "The request body terminated unexpectedly")
	e.Err = errors.New(what)
	return e
}

// endOfData reads the CRLF after a chunk's data, and verifies its signature.
func (c *chunks) endOfData() error {
	var end [2]byte
	if _, err := io.ReadFull(c.src, end[:]); err != nil {
		return readError(err)
	}
	if end != [2]byte{'\r', '\n'} {
		return errFraming("a chunk is not as long as its head says")
	}
	return c.verify()
}

func (c *chunks) verify() error {
	if c.signer == nil {
		return nil
	}
	return c.signer.verify()
}

// next reads the head of the next chunk. When that is the empty one it reads
// to the end of the HTTP body, and returns io.EOF if everything verifies.
func (c *chunks) next() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	size, signature, _ := bytes.Cut(line, []byte(";"))
	if c.left, err = chunkSize(size); err != nil {
		return err
	}
	if c.signer != nil {
		if err := c.signer.begin(signature); err != nil {
			return err
		}
	} else if len(size) != len(line) {
		return errFraming("a chunk has a signature where none can be")
	}
	if c.left > 0 {
		return c.checkSize()
	}
	if c.limit > 0 {
		return errorf(BadLength, "The decoded body is shorter than x-amz-decoded-content-length.")
	}
	if err := c.verify(); err != nil {
		return err
	}
	if c.trailers, err = c.readTrailers(); err != nil {
		return err
	}
	return io.EOF
}

// checkSize judges the size of a chunk that is not the empty one.
func (c *chunks) checkSize() error {
	if c.limit >= 0 && c.left > c.limit {
		return errorf(BadLength, "The decoded body is longer than x-amz-decoded-content-length.")
	}
	if c.small {
		return errorf(BadChunk, "Only the last chunk is allowed to have a size less than %d bytes", minChunk)
	}
	c.small = c.left < minChunk
	return nil
}

// line reads the head of a chunk, without its CRLF.
func (c *chunks) line() ([]byte, error) {
	line, err := c.src.ReadSlice('\n')
	switch {
	case len(line) > maxChunkLine:
		return nil, errFraming("the head of a chunk is too long")
	case err != nil:
		return nil, readError(err)
	}
	trimmed, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return nil, errFraming("the head of a chunk does not end with CR LF")
	}
	return trimmed, nil
}

// chunkSize reads the size of a chunk: hex digits and nothing else.
func chunkSize(text []byte) (int64, error) {
	for _, c := range text {
		if !isHex(c) {
			return 0, errFraming("the size of a chunk is not a hexadecimal number")
		}
	}
	if len(text) == 0 {
		return 0, errFraming("a chunk has no size")
	}
	size, err := strconv.ParseInt(string(text), 16, 64)
	if err != nil || size > maxChunk {
		return 0, errorf(BadChunk, "The size of a chunk is not a number up to %d.", int64(maxChunk))
	}
	return size, nil
}

// chunkSigner verifies the chain of signatures that begins with the request's.
type chunkSigner struct {
	signature *Signature
	key       *signingKey
	previous  string
	claimed   string // signature of the chunk that is being read
	data      hash.Hash
}

func newChunkSigner(s *Signature, secret string) *chunkSigner {
	key := s.key
	if key == nil {
		key = s.signingKey(secret, nil)
	}
	return &chunkSigner{signature: s, key: key, previous: s.provided, data: sha256.New()}
}

// begin takes "chunk-signature=…" from the head of a chunk.
func (c *chunkSigner) begin(extension []byte) error {
	value, ok := bytes.CutPrefix(extension, []byte("chunk-signature="))
	if !ok || len(value) != signatureSize {
		return errFraming("a chunk has no signature")
	}
	c.claimed = string(value)
	c.data.Reset()
	return nil
}

// verify compares the signature of the chunk whose data has been hashed.
func (c *chunkSigner) verify() error {
	text := c.signature.appendToSign(make([]byte, 0, 320), "AWS4-HMAC-SHA256-PAYLOAD")
	text = append(text, c.previous+"\n"+emptyHash+"\n"...)
	text = hex.AppendEncode(text, c.data.Sum(nil))
	return c.compare(text)
}

// verifyTrailer compares the signature of the trailers.
func (c *chunkSigner) verifyTrailer(lines []byte, signature string) error {
	hash := sha256.Sum256(lines)
	text := c.signature.appendToSign(make([]byte, 0, 320), "AWS4-HMAC-SHA256-TRAILER")
	text = append(text, c.previous+"\n"...)
	text = hex.AppendEncode(text, hash[:])
	c.claimed = signature
	return c.compare(text)
}

func (c *chunkSigner) compare(text []byte) error {
	if !c.key.verifies(text, c.claimed) {
		return &Error{Kind: Mismatch, Message: mismatchText(true), StringToSign: string(text), Provided: c.claimed}
	}
	c.previous = c.claimed
	return nil
}
