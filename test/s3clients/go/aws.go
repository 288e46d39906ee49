package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// awsClient is AWS's SDK for Go v2.
type awsClient struct {
	*s3.Client
	bucket   string
	seekable bool
}

func newAWS(ctx context.Context, s *setting, seekable bool) (*awsClient, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithBaseEndpoint(s.endpoint)) // the CA is in AWS_CA_BUNDLE
	if err != nil {
		return nil, err
	}
	return &awsClient{s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }), s.bucket, seekable}, nil
}

// body hides that a reader can seek, if it should not.
func (c *awsClient) body(r io.Reader) io.Reader {
	if c.seekable {
		return r
	}
	return struct{ io.Reader }{r}
}

func (c *awsClient) put(ctx context.Context, name string, body []byte) error {
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &name, Body: c.body(bytes.NewReader(body))})
	return err
}

func (c *awsClient) get(ctx context.Context, name string) ([]byte, error) {
	return read(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &c.bucket, Key: &name}))
}

func read(out *s3.GetObjectOutput, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Body.Close() }()
	return io.ReadAll(out.Body)
}

func (c *awsClient) list(ctx context.Context, prefix string) (names []string, err error) {
	pages := s3.NewListObjectsV2Paginator(c.Client, &s3.ListObjectsV2Input{Bucket: &c.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			names = append(names, *object.Key)
		}
	}
	return names, nil
}

func (c *awsClient) multipart(ctx context.Context, name, file string) error {
	source, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	up := transfermanager.New(c.Client, func(o *transfermanager.Options) { o.PartSizeBytes = 16 << 20 })
	_, err = up.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &c.bucket, Key: &name, Body: c.body(source)})
	return err
}

func (c *awsClient) tail(ctx context.Context, name string, size int64) ([]byte, error) {
	return read(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &c.bucket, Key: &name, Range: aws.String(fmt.Sprintf("bytes=-%d", size))}))
}

func (c *awsClient) copied(ctx context.Context, from, to string) error {
	_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &c.bucket, Key: &to, CopySource: aws.String(c.bucket + "/" + from)})
	return err
}

func (c *awsClient) tag(ctx context.Context, name, key, value string) error {
	_, err := c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
		Bucket: &c.bucket, Key: &name, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: &key, Value: &value}}},
	})
	return err
}

func (c *awsClient) tags(ctx context.Context, name string) (map[string]string, error) {
	out, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &c.bucket, Key: &name})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, tag := range out.TagSet {
		tags[*tag.Key] = *tag.Value
	}
	return tags, nil
}

func (c *awsClient) presign(ctx context.Context, name string) (string, error) {
	out, err := s3.NewPresignClient(c.Client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &c.bucket, Key: &name})
	if err != nil {
		return "", err
	}
	return out.URL, nil
}

func (c *awsClient) remove(ctx context.Context, name string) error {
	_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &c.bucket, Key: &name})
	return err
}

func (c *awsClient) status(err error) int {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}
