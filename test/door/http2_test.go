package door

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Frames of HTTP/2 (RFC 9113, 6).
const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway = 0, 1, 3, 4, 7

	endStream, endHeaders = 1, 4
)

func frame(kind, flags byte, stream uint32, payload string) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	head = append(head, flags)
	return string(binary.BigEndian.AppendUint32(head, stream)) + payload
}

// literals are header fields without compression (RFC 7541, 6.2.2).
func literals(fields [][2]string) string {
	var b strings.Builder
	for _, f := range fields {
		b.WriteByte(0)
		for _, text := range f {
			n := len(text)
			if n < 127 {
				b.WriteByte(byte(n))
			} else {
				b.WriteByte(127)
				for n -= 127; n >= 128; n >>= 7 {
					b.WriteByte(byte(n) | 128)
				}
				b.WriteByte(byte(n))
			}
			b.WriteString(text)
		}
	}
	return b.String()
}

// over2 sends frames of one request and tells whether it was answered with 200:
// anything else is a refusal.
func (d *door) over2(frames ...string) bool {
	d.Helper()
	pool := d.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	conn, err := tls.Dial("tcp", d.Listener.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "example.com", NextProtos: []string{"h2"}})
	if err != nil || conn.ConnectionState().NegotiatedProtocol != "h2" {
		d.Fatal("no HTTP/2: ", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+frame(frameSettings, 0, 0, "")+strings.Join(frames, "")); err != nil {
		return false
	}
	for {
		var head [9]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return false
		}
		payload := make([]byte, binary.BigEndian.Uint32(head[:])>>8)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return false
		}
		switch head[3] {
		case frameReset, frameGoAway:
			return false
		case frameHeaders:
			return payload[0] == 0x88 // :status: 200 of the static table
		}
	}
}

// fields are those of a signed PUT of key k over HTTP/2.
func (d *door) fields(headers ...string) [][2]string {
	d.Helper()
	host, rest, _ := strings.Cut(strings.TrimPrefix(d.put(headers...), "PUT /"+d.bucket+"/k HTTP/1.1\r\nHost: "), "\r\n")
	fields := [][2]string{{":method", "PUT"}, {":scheme", "https"}, {":path", "/" + d.bucket + "/k"}, {":authority", host}}
	for line := range strings.SplitSeq(strings.TrimSuffix(rest, "\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		fields = append(fields, [2]string{strings.ToLower(name), value})
	}
	return fields
}

// TestHTTP2: what HTTP/1 refuses is refused when it comes in frames.
func TestHTTP2(t *testing.T) { onBoth(t, short, http2) }

func http2(d *door) {
	const stream = 1
	good := d.fields()
	with := func(name, value string) [][2]string {
		return append(append([][2]string{}, good...), [2]string{name, value})
	}
	instead := func(name, value string) [][2]string {
		out := append([][2]string{}, good...)
		for i := range out {
			if out[i][0] == name {
				out[i][1] = value
			}
		}
		return out
	}
	put := func(fields [][2]string, frames ...string) []string {
		return append([]string{frame(frameHeaders, endHeaders, stream, literals(fields))}, frames...)
	}
	data := func(text string) string { return frame(frameData, 0, stream, text) }
	last := func(text string) string { return frame(frameData, endStream, stream, text) }
	long := with("content-length", "5")
	bucket := "/" + d.bucket + "/"
	for name, frames := range map[string][]string{
		"more than the length":      put(long, last("hello!")),
		"less than the length":      put(long, last("hell")),
		"no end":                    put(long, data("hell")),
		"reset before the end":      put(long, data("hell"), frame(frameReset, 0, stream, "\x00\x00\x00\x08")),
		"no length":                 put(good, last("hello")),
		"two lengths":               put(append(long, [2]string{"content-length", "4"}), last("hello")),
		"another length":            put(with("content-length", "+5"), last("hello")),
		"an encoding":               put(append(long, [2]string{"transfer-encoding", "chunked"}), last("hello")),
		"a connection header":       put(append(long, [2]string{"connection", "x-amz-date"}), last("hello")),
		"another authority":         put(append(instead(":authority", "other.example"), [2]string{"content-length", "5"}), last("hello")),
		"two authorities":           put(append([][2]string{{":authority", "other.example"}}, long...), last("hello")),
		"another path":              put(append(instead(":path", bucket+"other"), [2]string{"content-length", "5"}), last("hello")),
		"two paths":                 put(append([][2]string{{":path", bucket + "other"}}, long...), last("hello")),
		"a path with dots":          put(append(instead(":path", "/other/.."+bucket+"k"), [2]string{"content-length", "5"}), last("hello")),
		"an absolute path":          put(append(instead(":path", "https://evil"+bucket+"k"), [2]string{"content-length", "5"}), last("hello")),
		"a path with a line in it":  put(append(instead(":path", bucket+"k HTTP/1.1\r\nX: y"), [2]string{"content-length", "5"}), last("hello")),
		"another method":            put(append(instead(":method", "POST"), [2]string{"content-length", "5"}), last("hello")),
		"a header in capitals":      put(append(long, [2]string{"X-Amz-Acl", "private"}), last("hello")),
		"a header with a line":      put(append(long, [2]string{"x-odd", "a\r\nx-amz-acl: private"}), last("hello")),
		"an unsigned amz header":    put(append(long, [2]string{"x-amz-acl", "private"}), last("hello")),
		"two dates":                 put(append(long, [2]string{"x-amz-date", "20200101T000000Z"}), last("hello")),
		"a pseudo header after all": put(append(long, [2]string{":path", bucket + "other"}), last("hello")),
	} {
		if d.over2(frames...) {
			d.Errorf("%s is taken", name)
		}
		if keys := d.stored(); keys != nil {
			d.Fatalf("%s: stored %v", name, keys)
		}
	}
	checksum := crc("hello")[len("x-amz-checksum-crc32:"):]
	trailers := frame(frameHeaders, endHeaders|endStream, stream, literals([][2]string{{"x-amz-checksum-crc32", checksum}, {"x-amz-acl", "public-read"}}))
	for name, frames := range map[string][]string{
		"whole":                 put(long, last("hello")),
		"in frames of one byte": put(long, data("h"), data("e"), data("l"), data(""), data("l"), data("o"), last("")),
		"another Host":          put(append(long, [2]string{"host", "other.example"}), last("hello")), // :authority counts (RFC 9113, 8.3.1)
		"trailers of HTTP":      put(append(long, [2]string{"trailer", "x-amz-acl"}), data("hello"), trailers),
	} {
		taken := d.over2(frames...)
		if text, _ := d.content("k"); !taken || text != "hello" {
			d.Errorf("%s: taken %v, stored %q", name, taken, text)
		}
		for _, seen := range d.forget("k") {
			if seen != "PUT /cam-a/k" {
				d.Errorf("%s: the engine saw %s", name, seen)
			}
		}
	}
}
