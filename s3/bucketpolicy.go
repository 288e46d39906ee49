package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/policy"
	"github.com/thingpass/thingpass/wire"
)

// maxPolicy is how many bytes a bucket policy may have (user guide, "Bucket
// policies for Amazon S3": 20 KB).
const maxPolicy = 20 << 10

func errNoPolicy(bucket string) error {
	return &wire.Error{Status: http.StatusNotFound, Code: "NoSuchBucketPolicy", Message: "The bucket policy does not exist",
		Fields: []wire.Field{{Name: "BucketName", Value: bucket}}}
}

func errMalformedPolicy(text string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "MalformedPolicy", Message: text}
}

// errBadPolicy is the error for a policy that package policy refuses.
func errBadPolicy(err error) error {
	e, ok := errors.AsType[*policy.Error](err)
	switch {
	case !ok:
		return errMalformedPolicy("This policy contains invalid Json")
	case e.Detail == "":
		return errMalformedPolicy(e.Message)
	}
	return &wire.Error{Status: http.StatusBadRequest, Code: "MalformedPolicy", Message: e.Message, Fields: []wire.Field{{Name: "Detail", Value: e.Detail}}}
}

// here tells whether the bucket exists. Of an engine's bucket that was found out
// before.
func (s *service) here(x *exchange) error {
	if !s.embeds(x.bucket) {
		return nil
	}
	if _, err := s.Objects.Bucket(x.r.Context(), x.bucket); err != nil {
		return s.onBucket(x, err)
	}
	return nil
}

// readPolicy reads the policy of a bucket that exists.
func (s *service) readPolicy(x *exchange) (string, error) {
	if err := s.here(x); err != nil {
		return "", err
	}
	text, err := s.Policies.BucketPolicy(x.r.Context(), x.bucket)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return "", errNoPolicy(x.bucket)
	}
	return text, err
}

func (s *service) getPolicy(x *exchange) error {
	text, err := s.readPolicy(x)
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", "application/json")
	_, err = io.WriteString(x.w, text)
	return err
}

type policyStatus struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PolicyStatus"`
	IsPublic bool
}

func (s *service) getPolicyStatus(x *exchange) error {
	text, err := s.readPolicy(x)
	if err != nil {
		return err
	}
	return x.answer(policyStatus{IsPublic: public(text)})
}

// putPolicy gives a bucket its policy. It is package authz that asks it.
func (s *service) putPolicy(x *exchange) error {
	body, err := x.bounded(maxPolicy)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	text := string(raw)
	p, err := checkPolicy(x.bucket, text)
	if err != nil {
		return err
	}
	if err := x.permit(); err != nil {
		return err
	}
	if err := s.checkPrincipals(x.r.Context(), p); err != nil {
		return err
	}
	release, err := s.lives.take(x.r.Context(), x.bucket)
	if err != nil {
		return err
	}
	defer release()
	if err := s.here(x); err != nil {
		return err
	}
	if public(text) {
		block, err := s.accessBlock(x)
		if err != nil {
			return err
		}
		if block.BlockPublicPolicy {
			return errForbidden(&reason{"public-policy", "the bucket's public access block forbids a public policy"})
		}
	}
	if err := s.Policies.PutBucketPolicy(x.r.Context(), x.bucket, text); err != nil {
		return err
	}
	x.call.Saved(x.r.Context(), policy.Lines(p.WarningsIn(s.Place.Account)), "bucket", x.bucket)
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

// checkPolicy refuses what is no policy of this bucket.
func checkPolicy(bucket, text string) (*policy.Policy, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil, errMalformedPolicy("Policies must be valid JSON and the first byte must be '{'")
	}
	p, err := policy.Parse(policy.Resource, text)
	if err == nil {
		err = p.CheckBucket(bucket)
	}
	if err != nil {
		return nil, errBadPolicy(err)
	}
	return p, nil
}

// checkPrincipals refuses a policy that names a user or role of this account who
// does not exist, as AWS does. Who belongs to another account cannot be known.
func (s *service) checkPrincipals(ctx context.Context, p *policy.Policy) error {
	for _, arn := range p.PrincipalARNs() {
		exists, err := s.PrincipalExists(ctx, arn)
		if err != nil {
			return err
		}
		if !exists {
			return errBadPolicy(&policy.Error{Message: "Invalid principal in policy", Detail: `"AWS" : "` + arn + `"`})
		}
	}
	return nil
}

func (s *service) deletePolicy(x *exchange) error {
	if err := s.here(x); err != nil {
		return err
	}
	if err := s.Policies.DeleteBucketPolicy(x.r.Context(), x.bucket); err != nil {
		return err
	}
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

// begin makes a bucket that has no policy: what a bucket of the same name left,
// if it could not be taken away then, goes before anybody can use the new one.
func (s *service) begin(ctx context.Context, bucket string) error {
	release, err := s.lives.take(ctx, bucket)
	if err != nil {
		return err
	}
	defer release()
	_, err = s.Objects.Bucket(ctx, bucket)
	switch {
	case err == nil:
		return objects.ErrBucketExists
	case !errors.Is(err, objects.ErrNoSuchBucket):
		return err
	}
	if err := s.Policies.DeleteBucketPolicy(ctx, bucket); err != nil {
		return err
	}
	return s.Objects.CreateBucket(ctx, bucket)
}

// end deletes a bucket and its policy. The bucket goes first: while there are
// objects their policy must hold.
func (s *service) end(ctx context.Context, bucket string) error {
	release, err := s.lives.take(ctx, bucket)
	if err != nil {
		return err
	}
	defer release()
	if err := s.Objects.DeleteBucket(ctx, bucket); err != nil {
		return err
	}
	return s.Policies.DeleteBucketPolicy(context.WithoutCancel(ctx), bucket)
}
