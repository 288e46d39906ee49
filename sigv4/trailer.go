package sigv4

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

const trailerSignature = "x-amz-trailer-signature"

// announced lists the trailers that x-amz-trailer promises, in lower case.
// There must be some when the kind of body has trailers, and none otherwise.
func announced(h http.Header, wanted bool) ([]string, error) {
	var names []string
	for _, value := range h["X-Amz-Trailer"] {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
				names = append(names, name)
			}
		}
	}
	if wanted != (len(names) > 0) {
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
// be any, and their signature. Clients differ in where they put empty lines
// (minio-go ends a trailer with LF CR LF CR LF), and may leave out the last.
func (c *chunks) readTrailers() (map[string]string, error) {
	text, err := io.ReadAll(io.LimitReader(c.src, maxTrailer+1))
	switch {
	case err != nil:
		return nil, readError(err)
	case len(text) > maxTrailer:
		return nil, errorf(BadTrailer, "The trailer is too long.")
	}
	return c.parseTrailers(text)
}

func (c *chunks) parseTrailers(text []byte) (map[string]string, error) {
	found := map[string]string{}
	var signed []byte
	var signature string
	ends := bytes.Count(text, []byte("\r")) + bytes.Count(text, []byte("\n"))
	if ends > maxEndOfLines {
		return nil, errorf(BadTrailer, "The trailer has too many lines.")
	}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if line = bytes.TrimRight(line, "\r"); len(line) == 0 {
			continue
		}
		name, value, ok := trailerLine(line)
		switch {
		case !ok:
			return nil, errorf(BadTrailer, "There is something after the last chunk that is no trailer.")
		case signature != "":
			return nil, errorf(BadTrailer, "There is something after the end of the trailer.")
		case name == trailerSignature && c.signer != nil && c.announce != nil:
			signature = value
			continue
		case !c.announce[name] || found[name] != "":
			return nil, errorf(BadTrailer, "The trailer has what x-amz-trailer does not announce.")
		}
		found[name] = value
		signed = append(signed, name+":"+value+"\n"...)
	}
	if c.signer != nil && c.announce != nil {
		return found, c.signer.verifyTrailer(signed, signature)
	}
	return found, nil
}

// trailerLine reads "name:value".
func trailerLine(line []byte) (name, value string, ok bool) {
	before, after, _ := bytes.Cut(line, []byte(":"))
	name, value = strings.ToLower(string(before)), string(bytes.TrimSpace(after))
	return name, value, validName(name) && value != ""
}
