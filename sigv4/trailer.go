package sigv4

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

const trailerSignature = "x-amz-trailer-signature"

// announced lists the trailers that x-amz-trailer promises, in lower case. A body
// whose chunks are signed must have some if it is of the kind that has a trailer,
// and no other may have any.
func announced(h http.Header, kind string) ([]string, error) {
	var names []string
	for _, value := range h["X-Amz-Trailer"] {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
				names = append(names, name)
			}
		}
	}
	if kind == streamSigned && names != nil || kind == streamSignedTrailer && names == nil {
		return nil, errorf(BadTrailer, "x-amz-trailer does not fit x-amz-content-sha256.")
	}
	for _, name := range names {
		if !strings.HasPrefix(name, checksumPrefix) {
			return nil, errorf(BadTrailer, "The trailer %q is not supported.", name)
		}
	}
	return names, nil
}

// readTrailers reads from after the empty chunk to the end of the HTTP body,
// so that net/http can use the connection again: the trailers if there are to
// be any, their signature, and an empty line. Clients put more of these in other
// places (minio-go ends a trailer with LF CR LF CR LF).
func (c *chunks) readTrailers() (map[string]string, error) {
	text, err := io.ReadAll(io.LimitReader(c.src, maxTrailer+1))
	switch {
	case err != nil:
		return nil, readError(err)
	case len(text) > maxTrailer:
		return nil, errorf(BadTrailer, "The trailer is too long.")
	case bytes.Count(text, []byte("\r"))+bytes.Count(text, []byte("\n")) > maxEndOfLines:
		return nil, errorf(BadTrailer, "The trailer has too many lines.")
	case string(text) != "\r\n" && !bytes.HasSuffix(text, []byte("\n\r\n")):
		return nil, errFraming("there is no empty line at the end")
	}
	var lines [][]byte
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if line = bytes.TrimRight(line, "\r"); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	switch c.kind {
	case streamSigned:
		if lines != nil {
			return nil, errFraming("there is something after the last chunk")
		}
		return nil, nil
	case streamSignedTrailer:
		return c.signedTrailers(lines)
	}
	found, _, err := c.parseTrailers(lines)
	return found, err
}

// signedTrailers reads trailers that end with their signature. That of one which
// is not what was announced is not looked at.
func (c *chunks) signedTrailers(lines [][]byte) (map[string]string, error) {
	last := len(lines) - 1
	if last < 0 {
		return nil, errFraming("the trailer has no signature")
	}
	name, signature, ok := trailerLine(lines[last])
	if !ok || name != trailerSignature || len(signature) != signatureSize {
		return nil, errFraming("the trailer does not end with its signature")
	}
	found, signed, err := c.parseTrailers(lines[:last])
	if err != nil {
		return nil, err
	}
	if len(found) != len(c.announce) {
		return nil, errorf(BadTrailer, "A trailer that x-amz-trailer announces is missing.")
	}
	return found, c.signer.verifyTrailer(signed, signature)
}

// parseTrailers reads trailers by name, and the text of them that is signed.
func (c *chunks) parseTrailers(lines [][]byte) (found map[string]string, signed []byte, err error) {
	found = map[string]string{}
	for _, line := range lines {
		name, value, ok := trailerLine(line)
		switch {
		case !ok:
			return nil, nil, errorf(BadTrailer, "There is something after the last chunk that is no trailer.")
		case !c.announce[name] || found[name] != "":
			return nil, nil, errorf(BadTrailer, "The trailer has what x-amz-trailer does not announce.")
		}
		found[name] = value
		signed = append(signed, name+":"+value+"\n"...)
	}
	return found, signed, nil
}

// trailerLine reads "name:value".
func trailerLine(line []byte) (name, value string, ok bool) {
	before, after, _ := bytes.Cut(line, []byte(":"))
	name, value = strings.ToLower(string(before)), string(bytes.Trim(after, " \t"))
	return name, value, validName(name) && value != ""
}
