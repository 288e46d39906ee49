package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/wire"
)

// handler carries an operation out.
type handler = func(*service, *exchange) error

// configuration is a part of a bucket's configuration: a document that is read,
// replaced and removed. The three are rows if their action is set. What can only
// be read here answers what S3 answers for a bucket where it never was set; what
// can only be removed succeeds, as it does in S3 when nothing is there.
type configuration struct {
	name      string // of the operations, after Get, Put and Delete
	parameter string
	read      string // action
	write     string
	remove    string
	named     bool // there are several, told apart by the parameter id, and they can be listed

	get, put, drop handler
	headers        []string // of the replacement
}

func configurations() []configuration {
	return []configuration{
		{name: "BucketAcl", parameter: "acl", read: "s3:GetBucketAcl", write: "s3:PutBucketAcl",
			get: (*service).getBucketACL, put: (*service).putBucketACL, headers: and(grantHeaders, []string{"X-Amz-Acl"})},
		{name: "BucketLocation", parameter: "location", read: "s3:GetBucketLocation", get: (*service).getBucketLocation},
		{name: "BucketVersioning", parameter: "versioning", read: "s3:GetBucketVersioning", write: "s3:PutBucketVersioning",
			get: (*service).getVersioning, put: (*service).putVersioning},
		{name: "BucketPolicy", parameter: "policy", read: "s3:GetBucketPolicy", write: "s3:PutBucketPolicy", remove: "s3:DeleteBucketPolicy",
			get: (*service).getPolicy, put: (*service).putPolicy, drop: (*service).deletePolicy,
			headers: []string{"X-Amz-Confirm-Remove-Self-Bucket-Access"}},
		{name: "BucketPolicyStatus", parameter: "policyStatus", read: "s3:GetBucketPolicyStatus", get: (*service).getPolicyStatus},
		{name: "BucketTagging", parameter: "tagging", read: "s3:GetBucketTagging", write: "s3:PutBucketTagging", remove: "s3:PutBucketTagging",
			get: setting("tagging", "NoSuchTagSet", "The TagSet does not exist"), put: (*service).putBucketTagging, drop: unset("tagging")},
		{name: "PublicAccessBlock", parameter: "publicAccessBlock", read: "s3:GetBucketPublicAccessBlock", write: "s3:PutBucketPublicAccessBlock", remove: "s3:PutBucketPublicAccessBlock",
			get: setting(publicAccessBlock, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
			put: (*service).putPublicAccessBlock, drop: unset(publicAccessBlock)},
		{name: "BucketOwnershipControls", parameter: "ownershipControls", read: "s3:GetBucketOwnershipControls", write: "s3:PutBucketOwnershipControls", remove: "s3:PutBucketOwnershipControls",
			get: setting(ownershipControls, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
			put: (*service).putOwnershipControls, drop: unset(ownershipControls)},
		{name: "BucketRequestPayment", parameter: "requestPayment", read: "s3:GetBucketRequestPayment", write: "s3:PutBucketRequestPayment",
			get: (*service).getRequestPayment, put: (*service).putRequestPayment},
		{name: "BucketLogging", parameter: "logging", read: "s3:GetBucketLogging", write: "s3:PutBucketLogging",
			get: empty("BucketLoggingStatus"), put: onlyEmpty("BucketLoggingStatus")},
		{name: "BucketNotificationConfiguration", parameter: "notification", read: "s3:GetBucketNotification", write: "s3:PutBucketNotification",
			get: empty("NotificationConfiguration"), put: onlyEmpty("NotificationConfiguration"), headers: []string{"X-Amz-Skip-Destination-Validation"}},
		{name: "BucketAccelerateConfiguration", parameter: "accelerate", read: "s3:GetAccelerateConfiguration", write: "s3:PutAccelerateConfiguration",
			get: empty("AccelerateConfiguration")},
		{name: "BucketCors", parameter: "cors", read: "s3:GetBucketCORS", write: "s3:PutBucketCORS", remove: "s3:PutBucketCORS",
			get: setting(corsSetting, "NoSuchCORSConfiguration", "The CORS configuration does not exist"),
			put: (*service).putCORS, drop: unset(corsSetting)},
		{name: "BucketWebsite", parameter: "website", read: "s3:GetBucketWebsite", write: "s3:PutBucketWebsite", remove: "s3:DeleteBucketWebsite",
			get: absent("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"), drop: nothing},
		{name: "BucketLifecycleConfiguration", parameter: "lifecycle", read: "s3:GetLifecycleConfiguration", write: "s3:PutLifecycleConfiguration", remove: "s3:PutLifecycleConfiguration",
			get: absent("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"), drop: nothing,
			headers: []string{"X-Amz-Transition-Default-Minimum-Object-Size"}},
		{name: "BucketReplication", parameter: "replication", read: "s3:GetReplicationConfiguration", write: "s3:PutReplicationConfiguration", remove: "s3:PutReplicationConfiguration",
			get: absent("ReplicationConfigurationNotFoundError", "The replication configuration was not found"), drop: nothing},
		{name: "BucketEncryption", parameter: "encryption", read: "s3:GetEncryptionConfiguration", write: "s3:PutEncryptionConfiguration", remove: "s3:PutEncryptionConfiguration",
			get: absent("ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found"), drop: nothing},
		{name: "ObjectLockConfiguration", parameter: "object-lock", read: "s3:GetBucketObjectLockConfiguration", write: "s3:PutBucketObjectLockConfiguration",
			get: absent("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")},
		{name: "BucketAnalyticsConfiguration", parameter: "analytics", read: "s3:GetAnalyticsConfiguration", write: "s3:PutAnalyticsConfiguration", remove: "s3:PutAnalyticsConfiguration", named: true},
		{name: "BucketInventoryConfiguration", parameter: "inventory", read: "s3:GetInventoryConfiguration", write: "s3:PutInventoryConfiguration", remove: "s3:PutInventoryConfiguration", named: true},
		{name: "BucketMetricsConfiguration", parameter: "metrics", read: "s3:GetMetricsConfiguration", write: "s3:PutMetricsConfiguration", remove: "s3:PutMetricsConfiguration", named: true},
	}
}

// configurationRows are the rows of all configurations.
func configurationRows() (rows []row) {
	for _, c := range configurations() {
		need, lists := []string{c.parameter}, []string{c.parameter}
		if c.named {
			need = []string{c.parameter, "id"}
		}
		add := func(verb, method, action string, need []string, serve handler) {
			r := row{name: verb + c.name, method: method, level: onBucket, need: need, actions: []string{action}, serve: serve}
			if method == http.MethodPut {
				r.headers = and(checksumHeaders, c.headers)
				if len(c.headers) > 0 {
					r.access = saidAccess(action)
				}
			}
			rows = append(rows, r)
		}
		add("Get", http.MethodGet, c.read, need, c.get)
		if c.named {
			add("List", http.MethodGet, c.read, lists, nil)
			rows[len(rows)-1].name += "s" // as in ListBucketMetricsConfigurations
			rows[len(rows)-1].may = []string{"continuation-token"}
		}
		if c.write != "" {
			add("Put", http.MethodPut, c.write, need, c.put)
		}
		if c.remove != "" {
			add("Delete", http.MethodDelete, c.remove, need, c.drop)
		}
	}
	return rows
}

// absent answers that a bucket has no such configuration.
func absent(code, message string) handler {
	return func(s *service, x *exchange) error {
		if _, err := s.Objects.Bucket(x.r.Context(), x.bucket); err != nil {
			return s.onBucket(x, err)
		}
		return x.unset(code, message)
	}
}

// unset is the error for a configuration that was never set, or was removed.
func (x *exchange) unset(code, message string) error {
	return &wire.Error{Status: http.StatusNotFound, Code: code, Message: message,
		Fields: []wire.Field{{Name: "BucketName", Value: x.bucket}}}
}

// empty answers a configuration with nothing in it.
func empty(element string) handler {
	return func(s *service, x *exchange) error {
		return s.describe(x, struct{ XMLName xml.Name }{xml.Name{Space: namespace, Local: element}})
	}
}

// onlyEmpty takes a configuration with nothing in it, which it is already: who
// takes one away sends that.
func onlyEmpty(root string) handler {
	return func(s *service, x *exchange) error {
		found, err := x.document(maxConfiguration, root, func(_ *document, name string) error { return errNotImplemented(name) })
		if err == nil && !found {
			err = errMalformedXML(errors.New("no document"))
		}
		if err != nil {
			return err
		}
		return s.done(x, http.StatusOK)
	}
}

// nothing removes what cannot have been set.
func nothing(s *service, x *exchange) error { return s.done(x, http.StatusNoContent) }

// done answers with a status alone when the bucket exists.
func (s *service) done(x *exchange, status int) error {
	if _, err := s.Objects.Bucket(x.r.Context(), x.bucket); err != nil {
		return s.onBucket(x, err)
	}
	x.w.WriteHeader(status)
	return nil
}

// describe answers v when the bucket exists.
func (s *service) describe(x *exchange, v any) error {
	if _, err := s.Objects.Bucket(x.r.Context(), x.bucket); err != nil {
		return s.onBucket(x, err)
	}
	return x.answer(v)
}

// setting answers a configuration as it was kept.
func setting(name, code, message string) handler {
	return func(s *service, x *exchange) error {
		text, err := s.Objects.Setting(x.r.Context(), x.bucket, name)
		if errors.Is(err, objects.ErrNoSetting) {
			return x.unset(code, message)
		}
		if err != nil {
			return s.onBucket(x, err)
		}
		return x.answerText(text)
	}
}

// unset removes a configuration that is kept.
func unset(name string) handler {
	return func(s *service, x *exchange) error {
		if err := s.Objects.PutSetting(x.r.Context(), x.bucket, name, ""); err != nil {
			return s.onBucket(x, err)
		}
		x.w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// keep keeps a configuration as it will be answered.
func (s *service) keep(x *exchange, name string, v any) error {
	text, err := xml.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	if err := s.Objects.PutSetting(x.r.Context(), x.bucket, name, string(text)); err != nil {
		return s.onBucket(x, err)
	}
	x.w.WriteHeader(http.StatusOK)
	return nil
}
