// Command go does the steps of ../testdata/steps.sh with S3 clients that are Go
// libraries:
//
//	go run . seekable|unseekable|minio|minio-trailers
//
// the first two with AWS's SDK for Go v2 and that kind of body. It is a module
// of its own, so that users do not get its dependencies.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// setting is what the environment says.
type setting struct {
	endpoint, bucket, prefix, big string

	small, tail []byte
	http        *http.Client
}

const tailSize = 1048577

// client is one library.
type client interface {
	put(ctx context.Context, name string, body []byte) error
	get(ctx context.Context, name string) ([]byte, error)
	list(ctx context.Context, prefix string) ([]string, error)
	multipart(ctx context.Context, name, file string) error
	tail(ctx context.Context, name string, size int64) ([]byte, error)
	copied(ctx context.Context, from, to string) error
	tag(ctx context.Context, name, key, value string) error
	tags(ctx context.Context, name string) (map[string]string, error)
	presign(ctx context.Context, name string) (string, error)
	remove(ctx context.Context, name string) error
	status(error) int // of the HTTP answer, 0 if there was none
}

func main() {
	if err := run(context.Background(), os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kind string) error {
	s, err := readSetting()
	if err != nil {
		return err
	}
	var c client
	switch kind {
	case "seekable", "unseekable":
		c, err = newAWS(ctx, s, kind == "seekable")
	case "minio", "minio-trailers":
		c, err = newMinio(s, kind == "minio-trailers")
	default:
		err = fmt.Errorf("no client %q", kind)
	}
	if err != nil {
		return err
	}
	return steps(ctx, s, c)
}

func readSetting() (*setting, error) {
	s := &setting{
		endpoint: os.Getenv("ENDPOINT"), bucket: os.Getenv("BUCKET"), prefix: os.Getenv("PREFIX"), big: os.Getenv("BIG"),
		small: make([]byte, 4096), tail: make([]byte, tailSize),
	}
	pem, err := os.ReadFile(os.Getenv("CA"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in CA")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	s.http = &http.Client{Transport: transport}
	file, err := os.Open(s.big)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if _, err := io.ReadFull(file, s.small); err != nil {
		return nil, err
	}
	if _, err := file.Seek(-tailSize, io.SeekEnd); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(file, s.tail)
	return s, err
}

// steps stops at the first that fails.
func steps(ctx context.Context, s *setting, c client) error {
	small, copied, big := s.prefix+"/small", s.prefix+"/copy", s.prefix+"/big"
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"put", func() error { return c.put(ctx, small, s.small) }},
		{"get", func() error { return same(s.small)(c.get(ctx, small)) }},
		{"list", func() error {
			names, err := c.list(ctx, s.prefix+"/")
			if err == nil && (len(names) != 1 || names[0] != small) {
				err = fmt.Errorf("listed %q", names)
			}
			return err
		}},
		{"multipart", func() error { return c.multipart(ctx, big, s.big) }},
		{"range", func() error { return same(s.tail)(c.tail(ctx, big, tailSize)) }},
		{"copy", func() error {
			if err := c.copied(ctx, small, copied); err != nil {
				return err
			}
			return same(s.small)(c.get(ctx, copied))
		}},
		{"tag", func() error {
			if err := c.tag(ctx, small, "colour", "red"); err != nil {
				return err
			}
			tags, err := c.tags(ctx, small)
			if err == nil && (len(tags) != 1 || tags["colour"] != "red") {
				err = fmt.Errorf("tags are %q", tags)
			}
			return err
		}},
		{"presign", func() error { return presigned(ctx, s, c, small) }},
		{"refused", func() error { return refused(ctx, s, c) }},
		{"delete", func() error { return emptied(ctx, s, c) }},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Println("ok", step.name)
	}
	return nil
}

func same(want []byte) func([]byte, error) error {
	return func(got []byte, err error) error {
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("read %d bytes that differ from the %d written", len(got), len(want))
		}
		return err
	}
}

func presigned(ctx context.Context, s *setting, c client, name string) error {
	url, err := c.presign(ctx, name)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	return same(s.small)(io.ReadAll(answer.Body))
}

func refused(ctx context.Context, s *setting, c client) error {
	_, read := c.get(ctx, "other/secret")
	_, listed := c.list(ctx, "other/")
	for what, err := range map[string]error{"put": c.put(ctx, "other/"+s.prefix, s.small), "get": read, "list": listed} {
		if c.status(err) != http.StatusForbidden {
			return fmt.Errorf("%s outside the prefix: %v, want 403", what, err)
		}
	}
	return nil
}

func emptied(ctx context.Context, s *setting, c client) error {
	names, err := c.list(ctx, s.prefix+"/")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.remove(ctx, name); err != nil {
			return err
		}
	}
	names, err = c.list(ctx, s.prefix+"/")
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("still there: %q", names)
	}
	return err
}
