package s3

import "net/http"

// The conditions of a deletion that are x-amz- headers.
var deleteConditions = []string{"X-Amz-If-Match-Last-Modified-Time", "X-Amz-If-Match-Size"}

// newTable lists every operation. What is not here is refused. A row without
// serve is for engines.
func newTable() table {
	rows := bucketRows()
	rows = append(rows, objectRows()...)
	rows = append(rows, subresourceRows()...)
	rows = append(rows, uploadRows()...)
	rows = append(rows, configurationRows()...)
	rows = append(rows, postRow(), preflightRow())
	return newIndex(rows)
}

func bucketRows() []row {
	listing := []string{"prefix", "delimiter", "max-keys", "encoding-type"}
	creating := []string{"s3:CreateBucket", "s3:PutBucketAcl", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning", "s3:PutBucketOwnershipControls"}
	return []row{
		{name: "ListBuckets", method: http.MethodGet, level: onService,
			may:     []string{"prefix", "max-buckets", "continuation-token", "bucket-region"},
			actions: []string{"s3:ListAllMyBuckets"}, access: bucketsAccess, serve: (*service).listBuckets},
		{name: "CreateBucket", method: http.MethodPut, level: onBucket,
			headers: and(checksumHeaders, grantHeaders, []string{"X-Amz-Acl", "X-Amz-Bucket-Object-Lock-Enabled", "X-Amz-Object-Ownership"}),
			actions: creating, access: createBucketAccess, serve: (*service).createBucket},
		{name: "DeleteBucket", method: http.MethodDelete, level: onBucket,
			actions: []string{"s3:DeleteBucket"}, serve: (*service).deleteBucket},
		{name: "HeadBucket", method: http.MethodHead, level: onBucket,
			actions: []string{"s3:ListBucket"}, serve: (*service).headBucket},
		{name: "ListObjects", method: http.MethodGet, level: onBucket, may: and(listing, []string{"marker"}),
			actions: []string{"s3:ListBucket"}, access: listAccess("s3:ListBucket"), serve: (*service).listObjects},
		{name: "ListObjectsV2", method: http.MethodGet, level: onBucket, need: []string{"list-type"},
			may:     and(listing, []string{"continuation-token", "start-after", "fetch-owner"}),
			actions: []string{"s3:ListBucket"}, access: listAccess("s3:ListBucket"), serve: (*service).listObjectsV2},
		{name: "ListObjectVersions", method: http.MethodGet, level: onBucket, need: []string{"versions"},
			may:     and(listing, []string{"key-marker", "version-id-marker"}),
			actions: []string{"s3:ListBucketVersions"}, access: listAccess("s3:ListBucketVersions"), serve: (*service).listVersions},
		{name: "ListMultipartUploads", method: http.MethodGet, level: onBucket, need: []string{"uploads"},
			may:     []string{"prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"},
			actions: []string{"s3:ListBucketMultipartUploads"}, serve: (*service).listUploads},
		{name: "DeleteObjects", method: http.MethodPost, level: onBucket, need: []string{"delete"},
			headers: and(checksumHeaders, []string{"X-Amz-Bypass-Governance-Retention"}),
			actions: []string{"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"}, decides: true, serve: (*service).deleteObjects},
	}
}

func objectRows() []row {
	reading := []string{
		"response-content-type", "response-content-language", "response-expires", "response-cache-control",
		"response-content-disposition", "response-content-encoding", "partNumber", "X-Amz-Checksum-Mode", "x-amz-checksum-mode", versionParameter,
	}
	writing := []string{"s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectRetention", "s3:PutObjectLegalHold"}
	copying := and(writing, []string{"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"})
	gets := []string{"s3:GetObject", "s3:GetObjectVersion"}
	return []row{
		{name: "GetObject", method: http.MethodGet, level: onObject, may: reading, headers: and(customerKey, []string{"X-Amz-Checksum-Mode"}),
			actions: gets, access: versionAccess(gets), serve: (*service).getObject},
		{name: "HeadObject", method: http.MethodHead, level: onObject, may: reading, headers: and(customerKey, []string{"X-Amz-Checksum-Mode"}),
			actions: gets, access: versionAccess(gets), serve: (*service).getObject},
		{name: "CopyObject", method: http.MethodPut, level: onObject, header: copySourceHeader,
			headers: and(stored, copyConditions, sourceCustomerKey, []string{"X-Amz-Metadata-Directive", "X-Amz-Tagging-Directive"}),
			actions: copying, access: copyAccess(true), serve: (*service).copyObject},
		{name: "PutObject", method: http.MethodPut, level: onObject, headers: and(stored, checksumHeaders, []string{"X-Amz-Checksum-Type"}),
			actions: writing, access: putAccess(true), serve: (*service).putObject},
		{name: "DeleteObject", method: http.MethodDelete, level: onObject, may: []string{versionParameter},
			headers: and(deleteConditions, []string{"X-Amz-Bypass-Governance-Retention"}),
			actions: []string{"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"},
			access:  deleteAccess, serve: (*service).deleteObject},
	}
}

// subresourceRows are what is asked of an object besides its bytes.
func subresourceRows() []row {
	version := []string{versionParameter}
	attributes := []string{"s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:GetObjectVersionAttributes"}
	readTags := []string{"s3:GetObjectTagging", "s3:GetObjectVersionTagging"}
	dropTags := []string{"s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"}
	readACL := []string{"s3:GetObjectAcl", "s3:GetObjectVersionAcl"}
	torrents := []string{"s3:GetObjectTorrent", "s3:GetObjectVersionTorrent"}
	writeACL := []string{"s3:PutObjectAcl", "s3:PutObjectVersionAcl"}
	return []row{
		{name: "GetObjectAttributes", method: http.MethodGet, level: onObject, need: []string{"attributes"}, may: version,
			headers: and(customerKey, []string{"X-Amz-Object-Attributes", "X-Amz-Max-Parts", "X-Amz-Part-Number-Marker"}),
			actions: attributes, access: attributesAccess, serve: (*service).getAttributes},
		{name: "GetObjectTagging", method: http.MethodGet, level: onObject, need: []string{"tagging"}, may: version,
			actions: readTags, access: versionAccess(readTags), serve: (*service).getObjectTagging},
		{name: "PutObjectTagging", method: http.MethodPut, level: onObject, need: []string{"tagging"}, may: version, headers: checksumHeaders,
			actions: []string{"s3:PutObjectTagging", "s3:PutObjectVersionTagging"}, decides: true,
			ask: (*service).askObjectTagging, serve: (*service).putObjectTagging},
		{name: "DeleteObjectTagging", method: http.MethodDelete, level: onObject, need: []string{"tagging"}, may: version,
			actions: dropTags, access: versionAccess(dropTags), serve: (*service).deleteObjectTagging},
		{name: "GetObjectAcl", method: http.MethodGet, level: onObject, need: []string{"acl"}, may: version,
			actions: readACL, access: versionAccess(readACL), serve: (*service).getObjectACL},
		{name: "PutObjectAcl", method: http.MethodPut, level: onObject, need: []string{"acl"}, may: version,
			headers: and(grantHeaders, checksumHeaders, []string{"X-Amz-Acl"}),
			actions: writeACL, access: aclAccess, serve: (*service).putObjectACL},
		{name: "GetObjectRetention", method: http.MethodGet, level: onObject, need: []string{"retention"}, may: version,
			actions: []string{"s3:GetObjectRetention"}, access: plainAccess},
		{name: "PutObjectRetention", method: http.MethodPut, level: onObject, need: []string{"retention"}, may: version,
			headers: and(checksumHeaders, []string{"X-Amz-Bypass-Governance-Retention"}),
			actions: []string{"s3:PutObjectRetention", "s3:BypassGovernanceRetention"}, decides: true, ask: (*service).askRetention},
		{name: "GetObjectLegalHold", method: http.MethodGet, level: onObject, need: []string{"legal-hold"}, may: version,
			actions: []string{"s3:GetObjectLegalHold"}, access: plainAccess},
		{name: "PutObjectLegalHold", method: http.MethodPut, level: onObject, need: []string{"legal-hold"}, may: version, headers: checksumHeaders,
			actions: []string{"s3:PutObjectLegalHold"}, decides: true, ask: (*service).askLegalHold},
		{name: "GetObjectTorrent", method: http.MethodGet, level: onObject, need: []string{"torrent"}, may: version,
			actions: torrents, access: versionAccess(torrents), serve: (*service).getTorrent},
		{name: "RestoreObject", method: http.MethodPost, level: onObject, need: []string{"restore"}, may: version, headers: checksumHeaders,
			actions: []string{"s3:RestoreObject"}, access: plainAccess},
		{name: "SelectObjectContent", method: http.MethodPost, level: onObject, need: []string{"select", "select-type"}, headers: customerKey,
			actions: []string{"s3:GetObject"}, access: versionAccess([]string{"s3:GetObject", "s3:GetObjectVersion"})},
	}
}

func uploadRows() []row {
	writing := []string{"s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectRetention", "s3:PutObjectLegalHold"}
	return []row{
		{name: "CreateMultipartUpload", method: http.MethodPost, level: onObject, need: []string{"uploads"},
			headers: and(stored, []string{"X-Amz-Checksum-Type"}),
			actions: writing, access: putAccess(false), serve: (*service).createUpload},
		{name: "UploadPartCopy", method: http.MethodPut, level: onObject, need: []string{"uploadId", "partNumber"},
			header:  copySourceHeader,
			headers: and(copyConditions, customerKey, sourceCustomerKey, []string{"X-Amz-Copy-Source-Range"}),
			actions: []string{"s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"}, access: copyAccess(false), serve: (*service).uploadPartCopy},
		{name: "UploadPart", method: http.MethodPut, level: onObject, need: []string{"uploadId", "partNumber"},
			headers: and(checksumHeaders, customerKey, []string{"X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type"}),
			actions: []string{"s3:PutObject"}, access: putAccess(false), serve: (*service).uploadPart},
		{name: "CompleteMultipartUpload", method: http.MethodPost, level: onObject, need: []string{"uploadId"},
			headers: and(checksumHeaders, customerKey, []string{"X-Amz-Checksum-Type", "X-Amz-Mp-Object-Size"}),
			actions: []string{"s3:PutObject"}, access: putAccess(true), serve: (*service).completeUpload},
		{name: "AbortMultipartUpload", method: http.MethodDelete, level: onObject, need: []string{"uploadId"},
			actions: []string{"s3:AbortMultipartUpload"}, serve: (*service).abortUpload},
		{name: "ListParts", method: http.MethodGet, level: onObject, need: []string{"uploadId"},
			may: []string{"max-parts", "part-number-marker", "encoding-type"}, headers: customerKey,
			actions: []string{"s3:ListMultipartUploadParts"}, serve: (*service).listParts},
	}
}
