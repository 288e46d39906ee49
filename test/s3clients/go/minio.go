package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/tags"
)

// minioClient is minio-go.
type minioClient struct {
	*minio.Client
	bucket   string
	trailers bool // it sends checksums, in trailers
}

func newMinio(s *setting, trailers bool) (*minioClient, error) {
	at, err := url.Parse(s.endpoint)
	if err != nil {
		return nil, err
	}
	c, err := minio.New(at.Host, &minio.Options{
		Creds: credentials.NewEnvAWS(), Secure: true, Transport: s.http.Transport, BucketLookup: minio.BucketLookupPath,
		TrailingHeaders: trailers,
	})
	return &minioClient{c, s.bucket, trailers}, err
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func (c *minioClient) put(ctx context.Context, name string, body []byte) error {
	_, err := c.PutObject(ctx, c.bucket, name, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
	return err
}

func (c *minioClient) get(ctx context.Context, name string) ([]byte, error) {
	return c.read(ctx, name, minio.GetObjectOptions{})
}

func (c *minioClient) read(ctx context.Context, name string, o minio.GetObjectOptions) ([]byte, error) {
	object, err := c.GetObject(ctx, c.bucket, name, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = object.Close() }()
	return io.ReadAll(object)
}

func (c *minioClient) list(ctx context.Context, prefix string) (names []string, err error) {
	for object := range c.ListObjects(ctx, c.bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if object.Err != nil {
			return nil, object.Err
		}
		names = append(names, object.Key)
	}
	return names, nil
}

func (c *minioClient) multipart(ctx context.Context, name, file string) error {
	_, err := c.FPutObject(ctx, c.bucket, name, file, minio.PutObjectOptions{PartSize: 16 << 20})
	if err != nil || !c.trailers {
		return err
	}
	// Once more without saying how much there is, and with each kind of checksum.
	for _, sum := range []minio.ChecksumType{minio.ChecksumCRC32C, minio.ChecksumCRC32, minio.ChecksumSHA1, minio.ChecksumSHA256, minio.ChecksumCRC64NVME} {
		body := io.LimitReader(zeros{}, 11<<20)
		if _, err := c.PutObject(ctx, c.bucket, name+"-streamed", body, -1, minio.PutObjectOptions{PartSize: 5 << 20, Checksum: sum}); err != nil {
			return fmt.Errorf("%v: %w", sum, err)
		}
	}
	return c.RemoveObject(ctx, c.bucket, name+"-streamed", minio.RemoveObjectOptions{})
}

func (c *minioClient) tail(ctx context.Context, name string, size int64) ([]byte, error) {
	var o minio.GetObjectOptions
	if err := o.SetRange(0, -size); err != nil {
		return nil, err
	}
	return c.read(ctx, name, o)
}

func (c *minioClient) copied(ctx context.Context, from, to string) error {
	_, err := c.CopyObject(ctx, minio.CopyDestOptions{Bucket: c.bucket, Object: to}, minio.CopySrcOptions{Bucket: c.bucket, Object: from})
	return err
}

func (c *minioClient) tag(ctx context.Context, name, key, value string) error {
	set, err := tags.NewTags(map[string]string{key: value}, true)
	if err != nil {
		return err
	}
	return c.PutObjectTagging(ctx, c.bucket, name, set, minio.PutObjectTaggingOptions{})
}

func (c *minioClient) tags(ctx context.Context, name string) (map[string]string, error) {
	set, err := c.GetObjectTagging(ctx, c.bucket, name, minio.GetObjectTaggingOptions{})
	if err != nil {
		return nil, err
	}
	return set.ToMap(), nil
}

func (c *minioClient) presign(ctx context.Context, name string) (string, error) {
	at, err := c.PresignedGetObject(ctx, c.bucket, name, time.Minute, nil)
	if err != nil {
		return "", err
	}
	return at.String(), nil
}

func (c *minioClient) remove(ctx context.Context, name string) error {
	return c.RemoveObject(ctx, c.bucket, name, minio.RemoveObjectOptions{})
}

func (c *minioClient) status(err error) int {
	if err == nil {
		return 0
	}
	return minio.ToErrorResponse(err).StatusCode
}
