package door

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/sigv4"
)

// crc is the trailer of a text, without its line end.
func crc(text string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return "x-amz-checksum-crc32:" + base64.StdEncoding.EncodeToString(sum)
}

// withTrailer adds a signed trailer behind the last chunk.
func (d *door) withTrailer(data string, size int) chunked {
	d.Helper()
	return d.sign(data, size, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "X-Amz-Trailer", "x-amz-checksum-crc32")
}

// trailer signs a trailer after a signature.
func (c chunked) trailer(line string) string {
	hash := sha256.Sum256([]byte(line + "\n"))
	text := strings.Join([]string{"AWS4-HMAC-SHA256-TRAILER", c.date, c.scope, c.previous, hex.EncodeToString(hash[:])}, "\n")
	return line + "\r\nx-amz-trailer-signature:" + hex.EncodeToString(mac(c.key, text)) + "\r\n"
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// refused demands that a request is answered with an error, and has stored
// nothing.
func (d *door) refused(name, text string) {
	d.Helper()
	for _, status := range d.statuses(text) {
		if status < 400 {
			d.Errorf("%s: %d", name, status)
		}
	}
	if keys := d.stored(); keys != nil {
		d.Fatalf("%s: stored %v", name, keys)
	}
}

// TestTrailersAtTheDoor: a checksum that comes behind the body counts as one that
// comes before it, signed or not.
func TestTrailersAtTheDoor(t *testing.T) { onBoth(t, gate.Timeouts{}, trailers) }

func trailers(d *door) {
	data := strings.Repeat("a", 8<<10) + "b"
	signed := d.withTrailer(data, 8<<10)
	a, b, end := signed.chunks[0], signed.chunks[1], strings.TrimSuffix(signed.chunks[2], "\r\n")
	good := signed.trailer(crc(data))
	for name, body := range map[string][]string{
		"a wrong checksum":                 {a, b, end, signed.trailer(crc("other")), "\r\n"},
		"a checksum of another kind":       {a, b, end, signed.trailer("x-amz-checksum-crc32c:AAAAAA=="), "\r\n"},
		"another checksum than was signed": {a, b, end, strings.Replace(good, crc(data), crc("other"), 1), "\r\n"},
		"another signature":                {a, b, end, strings.Replace(good, "signature:", "signature:0", 1), "\r\n"},
		"no signature":                     {a, b, end, crc(data), "\r\n\r\n"},
		"no trailer":                       {a, b, end, "\r\n"},
		"no end":                           {a, b, end, good},
		"twice":                            {a, b, end, good, good, "\r\n"},
		"before the last chunk":            {a, b, good, end, "\r\n"},
		"bytes after the end":              {a, b, end, good, "\r\nx"},
		"a header in it":                   {a, b, end, "x-amz-acl:public-read\r\n", good, "\r\n"},
		"a request after the end":          {a, b, end, good, "\r\nPUT /" + d.bucket + "/evil HTTP/1.1\r\nHost: x\r\n\r\n"},
	} {
		d.refused(name, signed.text(body...))
	}
	unsigned := chunked{head: d.put("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer", "x-amz-checksum-crc32",
		"X-Amz-Decoded-Content-Length", fmt.Sprint(len(data)), "Content-Encoding", "aws-chunked")}
	a, b, end = "2000\r\n"+data[:8<<10]+"\r\n", "1\r\nb\r\n", "0\r\n"
	for name, body := range map[string][]string{
		"a wrong checksum":           {a, b, end, crc("other"), "\r\n\r\n"},
		"a checksum of another kind": {a, b, end, "x-amz-checksum-crc32c:AAAAAA==\r\n\r\n"},
		"no trailer":                 {a, b, end, "\r\n"},
		"no end":                     {a, b, end, crc(data), "\r\n"},
		"no last chunk":              {a, b},
		"a chunk again":              {a, a, b, end, crc(data), "\r\n\r\n"},
		"a chunk missing":            {b, end, crc(data), "\r\n\r\n"},
		"small chunks before large":  {b, a, end, crc(data[8<<10:] + data[:8<<10]), "\r\n\r\n"},
		"bytes after the end":        {a, b, end, crc(data), "\r\n\r\nx"},
		"a header in it":             {a, b, end, "x-amz-acl:public-read\r\n", crc(data), "\r\n\r\n"},
		"a signed chunk":             {"2000;chunk-signature=" + strings.Repeat("0", 64) + a[4:], b, end, crc(data), "\r\n\r\n"},
	} {
		d.refused("unsigned, "+name, unsigned.text(body...))
	}
	for name, text := range map[string]string{
		"signed": signed.text(signed.chunks[0], signed.chunks[1], strings.TrimSuffix(signed.chunks[2], "\r\n"), good, "\r\n"), "unsigned": unsigned.text(a, b, end, crc(data), "\r\n\r\n"),
	} {
		d.forget("k")
		got := d.statuses(text)
		if stored, _ := d.content("k"); len(got) != 1 || got[0] != http.StatusOK || stored != data {
			d.Errorf("%s, whole: %v, %d bytes", name, got, len(stored))
		}
	}
}

// TestMutationsAtTheDoor changes each byte of signed uploads, of which none may
// be stored then, nor reach the engine under another name.
func TestMutationsAtTheDoor(t *testing.T) { onBoth(t, short, mutations) }

func mutations(d *door) {
	const hello = "hello"
	c := d.sign(hello, 8<<10, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "X-Amz-Trailer", "x-amz-checksum-crc32", "Connection", "close")
	plain := d.put("X-Amz-Content-Sha256", sigv4.PayloadHash([]byte(hello)), "Connection", "close")
	for name, text := range map[string]string{
		"trailer": c.text(c.chunks[0], strings.TrimSuffix(c.chunks[1], "\r\n"), c.trailer(crc(hello)), "\r\n"),
		"hash":    plain + "Content-Length: 5\r\n\r\n" + hello,
	} {
		if got := d.statuses(text); len(got) != 1 || got[0] != http.StatusOK {
			d.Fatalf("%s: %v", name, got)
		}
		d.forget("k")
		for i := range text {
			if free(text, i) {
				continue
			}
			mutated := text[:i] + string([]byte{text[i] ^ 1}) + text[i+1:]
			for _, status := range d.statuses(mutated) {
				if status < 400 {
					d.Errorf("%s: byte %d, %q: %d", name, i, mutated[max(0, i-20):min(len(mutated), i+20)], status)
				}
			}
			if keys := d.stored(); keys != nil {
				d.Fatalf("%s: byte %d, %q: stored %v", name, i, mutated[max(0, i-20):min(len(mutated), i+20)], keys)
			}
			for _, seen := range d.forget("k") {
				if seen != "PUT /cam-a/k" {
					d.Errorf("%s: byte %d: the engine saw %s", name, i, seen)
				}
			}
		}
	}
}

// free tells the bytes that nobody signs: the minor version, and the lines of
// headers that are about the connection or the client alone.
func free(text string, i int) bool {
	line := text[strings.LastIndexByte(text[:i], '\n')+1:]
	line, _, _ = strings.Cut(line, "\r")
	return strings.HasPrefix(line, "Connection:") || strings.HasPrefix(line, "User-Agent:") ||
		strings.HasSuffix(line, " HTTP/1.1") && strings.HasPrefix(text[i:], "1\r\n")
}

// TestDrip: an upload that comes one byte at a time is stored as it is.
func TestDrip(t *testing.T) { onBoth(t, gate.Timeouts{}, drip) }

func drip(d *door) {
	const hello = "hello"
	c := d.sign(hello, 8<<10, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "X-Amz-Trailer", "x-amz-checksum-crc32")
	framed := c.text(c.chunks[0], strings.TrimSuffix(c.chunks[1], "\r\n"), c.trailer(crc(hello)), "\r\n")
	unsigned := d.put("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer", "x-amz-checksum-crc32")
	body := "5\r\nhello\r\n0\r\n" + crc(hello) + "\r\n\r\n"
	for name, text := range map[string]string{
		"plain":           d.put() + "Content-Length: 5\r\n\r\n" + hello,
		"hash":            d.put("X-Amz-Content-Sha256", sigv4.PayloadHash([]byte(hello))) + "Content-Length: 5\r\n\r\n" + hello,
		"signed chunks":   framed,
		"chunks in chunk": unsigned + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	} {
		d.forget("k")
		from := strings.Index(text, "\r\n\r\n")
		conn := d.raw(text[:from])
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		for _, b := range []byte(text[from:]) {
			if _, err := conn.Write([]byte{b}); err != nil {
				d.Fatal(err)
			}
		}
		status := make([]byte, len("HTTP/1.1 200"))
		if _, err := io.ReadFull(conn, status); err != nil || string(status) != "HTTP/1.1 200" {
			d.Errorf("%s: %q, %v", name, status, err)
		}
		if stored, _ := d.content("k"); stored != hello {
			d.Errorf("%s: stored %q", name, stored)
		}
	}
}

// TestKeysAtTheDoor: a key is stored under the bytes that were signed, whatever a
// reader of paths would make of them, or is refused.
func TestKeysAtTheDoor(t *testing.T) { onBoth(t, gate.Timeouts{}, keys) }

func keys(d *door) {
	for target, key := range map[string]string{
		"..": "..", "../fleet/x": "../fleet/x", "a/../b": "a/../b", "./a": "./a", "a//b": "a//b", "/a": "/a", "a/": "a/", "a%2Fb": "a/b", "%2e%2e/x": "../x",
		"a%252Fb": "a%2Fb", "a%20b": "a b", "a+b": "a+b", "%E2%82%AC": "€", "a%3Facl": "a?acl", "a%23b": "a#b", "a;b": "a;b", "a%5Cb": `a\b`,
		"%00": "", "a%00b": "", "%ff": "", "a%C0%AFb": "", "a%zz": "", "a%": "", "%E2%82": "",
	} {
		r := d.request(http.MethodPut, "/"+d.bucket+"/", nil, 0)
		r.URL.Path, r.URL.RawPath = "/"+d.bucket+"/"+key, "/"+d.bucket+"/"+target
		if key == "" {
			r.URL.Path = "/" + d.bucket + "/" + unescaped(target)
		}
		sigv4.Sign(r, keeper, "us-east-1", "s3", time.Now(), sigv4.UnsignedPayload)
		var b strings.Builder
		_ = r.Header.Write(&b)
		got := d.statuses("PUT /" + d.bucket + "/" + target + " HTTP/1.1\r\nHost: " + r.Host + "\r\nContent-Length: 3\r\n" + b.String() + "\r\nabc")
		text, stored := d.content(key)
		switch {
		case len(got) == 0:
			d.Errorf("%s: no answer", target)
		case key == "" && got[0] != http.StatusBadRequest:
			d.Errorf("%s: %d", target, got[0])
		case key != "" && (got[0] != http.StatusOK || !stored || text != "abc"):
			d.Errorf("%s: %d, stored %q %v", target, got[0], text, stored)
		}
		for _, seen := range d.forget(key) {
			if key == "" {
				d.Errorf("%s: the engine saw %s", target, seen)
			}
		}
	}
}

// unescaped decodes what can be decoded.
func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if raw, err := hex.DecodeString(s[min(i+1, len(s)):min(i+3, len(s))]); s[i] == '%' && err == nil && len(raw) == 1 {
			b.WriteByte(raw[0])
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
