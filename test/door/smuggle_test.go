package door

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/sigv4"
)

// put is the head of a signed PUT of key k, without the length and the empty line.
func (d *door) put(headers ...string) string {
	d.Helper()
	r := d.request(http.MethodPut, "/"+d.bucket+"/k", nil, 0)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	sigv4.Sign(r, keeper, "us-east-1", "s3", time.Now(), r.Header.Get("X-Amz-Content-Sha256"))
	var b strings.Builder
	b.WriteString("PUT /" + d.bucket + "/k HTTP/1.1\r\nHost: " + r.Host + "\r\n")
	_ = r.Header.Write(&b)
	return b.String()
}

// statuses sends text and returns the status of every answer until the server
// ends the connection or says nothing more.
func (d *door) statuses(text string) (all []int) {
	d.Helper()
	conn := d.raw(text)
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	r := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return all
		}
		all = append(all, resp.StatusCode)
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.Close {
			return all
		}
		_ = conn.SetDeadline(time.Now().Add(150 * time.Millisecond)) // for a request hidden behind
	}
}

// TestSmuggling: a request that two readers could take for different ones, or
// that hides another, is refused, and nothing is stored.
func TestSmuggling(t *testing.T) { onBoth(t, short, smuggle) }

func smuggle(d *door) {
	good := d.put()
	bucket := "/" + d.bucket + "/"
	evil := "PUT " + bucket + "evil HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"
	for name, text := range map[string]string{
		"two lengths":               good + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
		"two lengths in one":        good + "Content-Length: 3, 3\r\n\r\nabc",
		"a signed length":           good + "Content-Length: +3\r\n\r\nabc",
		"length and chunks":         good + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil,
		"chunks and length":         good + "Transfer-Encoding: chunked\r\nContent-Length: 50\r\n\r\n0\r\n\r\n" + evil,
		"chunks without a length":   good + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"another encoding":          good + "Transfer-Encoding: identity\r\n\r\nabc",
		"a wrong encoding":          good + "Transfer-Encoding: xchunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"two encodings":             good + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"a space before the colon":  good + "Content-Length : 3\r\n\r\nabc",
		"a NUL in a header":         good + "Content-Length: 3\r\nX-Odd: a\x00b\r\n\r\nabc",
		"a lone CR in a header":     good + "X-Odd: a\rContent-Length: 3\r\n\r\nabc",
		"two hosts":                 good + "Host: other\r\nContent-Length: 3\r\n\r\nabc",
		"two dates":                 good + "X-Amz-Date: 20200101T000000Z\r\nContent-Length: 3\r\n\r\nabc",
		"two hashes":                good + "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nContent-Length: 3\r\n\r\nabc",
		"two signatures":            good + "Authorization: AWS4-HMAC-SHA256 x\r\nContent-Length: 3\r\n\r\nabc",
		"an unsigned amz header":    good + "X-Amz-Copy-Source: " + bucket + "other\r\nContent-Length: 0\r\n\r\n",
		"an unsigned meta header":   good + "X-Amz-Meta-A: b\r\nContent-Length: 3\r\n\r\nabc",
		"another target":            strings.Replace(good, bucket+"k ", bucket+"other ", 1) + "Content-Length: 3\r\n\r\nabc",
		"another encoding of it":    strings.Replace(good, bucket+"k ", "/"+d.bucket+"%2Fk ", 1) + "Content-Length: 3\r\n\r\nabc",
		"dots to it":                strings.Replace(good, bucket+"k ", "/other/.."+bucket+"k ", 1) + "Content-Length: 3\r\n\r\nabc",
		"an absolute target":        strings.Replace(good, bucket+"k ", "http://evil"+bucket+"k ", 1) + "Content-Length: 3\r\n\r\nabc",
		"a fragment in the target":  strings.Replace(good, bucket+"k ", bucket+"k#x ", 1) + "Content-Length: 3\r\n\r\nabc",
		"a parameter in the target": strings.Replace(good, bucket+"k ", bucket+"k?acl ", 1) + "Content-Length: 3\r\n\r\nabc",
		"half a body":               good + "Content-Length: 30\r\n\r\nabc",
	} {
		for _, status := range d.statuses(text) {
			if status < 400 {
				d.Errorf("%s: %d", name, status)
			}
		}
		if keys := d.stored(); keys != nil {
			d.Fatalf("%s: stored %v", name, keys)
		}
	}
	if got := d.statuses(good + "Content-Length: 3\r\n\r\nabc" + evil); len(got) != 2 || got[0] != http.StatusOK || got[1] != http.StatusForbidden {
		d.Errorf("a request behind another: %v", got)
	}
	text, _ := d.content("k")
	if keys := d.stored(); text != "abc" || len(keys) != 1 {
		d.Errorf("%q, stored %v", text, keys)
	}
}

// TestContinueAfterAuthorisation: the server asks for a body only when the request
// may have one.
func TestContinueAfterAuthorisation(t *testing.T) {
	d := openDoor(t, short)
	const expect = "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
	for name, text := range map[string]string{
		"unsigned":      "PUT /fleet/k HTTP/1.1\r\nHost: x\r\n" + expect,
		"badly signed":  strings.Replace(d.put(), "Signature=", "Signature=0", 1) + expect,
		"no such place": strings.Replace(d.put(), "PUT", "PATCH", 1) + expect,
	} {
		answer, _ := io.ReadAll(d.raw(text))
		if !strings.HasPrefix(string(answer), "HTTP/1.1 4") {
			t.Errorf("%s: %.60s", name, answer)
		}
	}
	conn := d.raw(d.put() + expect)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Errorf("%q %v", line, err)
	}
}

// chunked is an upload in signed chunks.
type chunked struct {
	head   string
	chunks []string

	// What the signature of a trailer goes on from.
	key                   []byte
	date, scope, previous string
}

// chunks signs data in chunks of size bytes, the empty one last.
func (d *door) chunks(data string, size int) chunked {
	d.Helper()
	return d.sign(data, size, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
}

// sign is chunks for a kind of body, with more headers.
func (d *door) sign(data string, size int, kind string, headers ...string) chunked {
	d.Helper()
	head := d.put(append(headers, "X-Amz-Content-Sha256", kind, "X-Amz-Decoded-Content-Length", fmt.Sprint(len(data)), "Content-Encoding", "aws-chunked")...)
	field := func(after, before string) string {
		_, rest, _ := strings.Cut(head, after)
		value, _, _ := strings.Cut(rest, before)
		return value
	}
	c := chunked{head: head, key: []byte("AWS4" + keeper.SecretAccessKey), date: field("X-Amz-Date: ", "\r\n"), previous: field("Signature=", "\r\n")}
	c.scope = c.date[:8] + "/us-east-1/s3/aws4_request"
	for part := range strings.SplitSeq(c.scope, "/") {
		c.key = mac(c.key, part)
	}
	for last := false; !last; {
		chunk := data[:min(size, len(data))]
		data, last = data[len(chunk):], chunk == ""
		text := strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", c.date, c.scope, c.previous, sigv4.PayloadHash(nil), sigv4.PayloadHash([]byte(chunk))}, "\n")
		c.previous = hex.EncodeToString(mac(c.key, text))
		c.chunks = append(c.chunks, fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", len(chunk), c.previous, chunk))
	}
	return c
}

func (c chunked) text(chunks ...string) string {
	body := strings.Join(chunks, "")
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", c.head, len(body), body)
}

// TestChunksAtTheDoor: an upload in chunks is stored when every chunk came, once,
// in its place and with its bytes, and nothing after the last.
func TestChunksAtTheDoor(t *testing.T) { onBoth(t, gate.Timeouts{}, chunks) }

func chunks(d *door) {
	c := d.chunks(strings.Repeat("a", 8<<10)+strings.Repeat("b", 8<<10)+"c", 8<<10)
	other := d.chunks(strings.Repeat("z", 8<<10)+strings.Repeat("b", 8<<10)+"c", 8<<10)
	a, b, z, end := c.chunks[0], c.chunks[1], c.chunks[2], c.chunks[3]
	for name, body := range map[string][]string{
		"a chunk again":            {a, a, b, z, end},
		"a chunk in place of one":  {a, a, z, end},
		"two swapped":              {b, a, z, end},
		"one missing":              {a, z, end},
		"the last missing":         {a, b, z},
		"the end twice":            {a, b, z, end, end},
		"bytes after the end":      {a, b, z, end, "x"},
		"a request after the end":  {a, b, z, end, "PUT /" + d.bucket + "/evil HTTP/1.1\r\nHost: x\r\n\r\n"},
		"a chunk of another":       {other.chunks[0], b, z, end},
		"a byte changed":           {strings.Replace(a, "aaaa", "aaab", 1), b, z, end},
		"a signature changed":      {a, strings.Replace(b, "signature=", "signature=0", 1), z, end},
		"no signature":             {"2000\r\n" + strings.Repeat("a", 8<<10) + "\r\n", b, z, end},
		"a longer size":            {"2001" + a[4:], b, z, end},
		"an endless size":          {"ffffffffffffffff" + a[4:], b, z, end},
		"an unannounced trailer":   {a, b, z, strings.TrimSuffix(end, "\r\n") + "x-amz-checksum-crc32:AAAAAA==\r\n\r\n"},
		"trailing data in the end": {a, b, z, "1" + end[1:]},
	} {
		for _, status := range d.statuses(c.text(body...)) {
			if status < 400 {
				d.Errorf("%s: %d", name, status)
			}
		}
		if keys := d.stored(); keys != nil {
			d.Fatalf("%s: stored %v", name, keys)
		}
	}
	if got := d.statuses(c.text(c.chunks...)); len(got) != 1 || got[0] != http.StatusOK {
		d.Errorf("the whole: %v", got)
	}
}
