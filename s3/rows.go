package s3

import "net/http"

// Headers that store something with an object.
var stored = []string{metaPrefix + "*", "X-Amz-Acl", "X-Amz-Storage-Class"}

// The checksums that package sigv4 verifies.
var checksumHeaders = []string{
	"X-Amz-Checksum-Crc32", "X-Amz-Checksum-Crc32c", "X-Amz-Checksum-Crc64nvme", "X-Amz-Checksum-Sha1", "X-Amz-Checksum-Sha256",
}

func and(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// newTable lists every operation. What is not here is refused.
func newTable() table {
	rows := append(bucketRows(), objectRows()...)
	rows = append(rows, uploadRows()...)
	for _, c := range configurations {
		rows = append(rows, row{
			name: c.operation, method: http.MethodGet, level: onBucket, need: []string{c.parameter},
			actions: []string{c.action}, serve: c.serve,
		})
	}
	return rows
}

func bucketRows() table {
	listing := []string{"prefix", "delimiter", "max-keys", "encoding-type"}
	return table{
		{name: "ListBuckets", method: http.MethodGet, level: onService,
			may:     []string{"prefix", "max-buckets", "continuation-token", "bucket-region"},
			actions: []string{"s3:ListAllMyBuckets"}, access: bucketsAccess, serve: (*service).listBuckets},
		{name: "CreateBucket", method: http.MethodPut, level: onBucket,
			headers: and(checksumHeaders, []string{"X-Amz-Acl", "X-Amz-Bucket-Object-Lock-Enabled"}),
			actions: []string{"s3:CreateBucket"}, access: createBucketAccess, serve: (*service).createBucket},
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
		{name: "DeleteObjects", method: http.MethodPost, level: onBucket, need: []string{"delete"}, headers: checksumHeaders,
			actions: []string{"s3:DeleteObject", "s3:DeleteObjectVersion"}, decides: true, serve: (*service).deleteObjects},
	}
}

func objectRows() table {
	reading := []string{
		"response-content-type", "response-content-language", "response-expires", "response-cache-control",
		"response-content-disposition", "response-content-encoding", "partNumber", "X-Amz-Checksum-Mode", "x-amz-checksum-mode",
	}
	return table{
		{name: "GetObject", method: http.MethodGet, level: onObject, may: reading, headers: []string{"X-Amz-Checksum-Mode"},
			actions: []string{"s3:GetObject"}, serve: (*service).getObject},
		{name: "HeadObject", method: http.MethodHead, level: onObject, may: reading, headers: []string{"X-Amz-Checksum-Mode"},
			actions: []string{"s3:GetObject"}, serve: (*service).getObject},
		{name: "PutObject", method: http.MethodPut, level: onObject, headers: and(stored, checksumHeaders, []string{"X-Amz-Checksum-Algorithm"}),
			actions: []string{"s3:PutObject"}, access: putAccess(true), serve: (*service).putObject},
		{name: "CopyObject", method: http.MethodPut, level: onObject, header: copySourceHeader,
			headers: and(stored, copyConditions, []string{
				"X-Amz-Metadata-Directive", "X-Amz-Tagging-Directive", "X-Amz-Source-Expected-Bucket-Owner", "X-Amz-Checksum-Algorithm",
			}),
			actions: []string{"s3:PutObject", "s3:GetObject"}, access: copyAccess(true), serve: (*service).copyObject},
		{name: "DeleteObject", method: http.MethodDelete, level: onObject,
			actions: []string{"s3:DeleteObject"}, serve: (*service).deleteObject},
		{name: "GetObjectTagging", method: http.MethodGet, level: onObject, need: []string{"tagging"},
			actions: []string{"s3:GetObjectTagging"}, serve: (*service).getObjectTagging},
		{name: "GetObjectAcl", method: http.MethodGet, level: onObject, need: []string{"acl"},
			actions: []string{"s3:GetObjectAcl"}, serve: (*service).getObjectACL},
	}
}

func uploadRows() table {
	return table{
		{name: "CreateMultipartUpload", method: http.MethodPost, level: onObject, need: []string{"uploads"},
			headers: and(stored, []string{"X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type"}),
			actions: []string{"s3:PutObject"}, access: putAccess(false), serve: (*service).createUpload},
		{name: "UploadPart", method: http.MethodPut, level: onObject, need: []string{"uploadId", "partNumber"},
			headers: and(checksumHeaders, []string{"X-Amz-Checksum-Algorithm"}),
			actions: []string{"s3:PutObject"}, access: putAccess(false), serve: (*service).uploadPart},
		{name: "UploadPartCopy", method: http.MethodPut, level: onObject, need: []string{"uploadId", "partNumber"},
			header:  copySourceHeader,
			headers: and(copyConditions, []string{"X-Amz-Copy-Source-Range", "X-Amz-Source-Expected-Bucket-Owner"}),
			actions: []string{"s3:PutObject", "s3:GetObject"}, access: copyAccess(false), serve: (*service).uploadPartCopy},
		{name: "CompleteMultipartUpload", method: http.MethodPost, level: onObject, need: []string{"uploadId"},
			headers: and(checksumHeaders, []string{"X-Amz-Checksum-Type", "X-Amz-Mp-Object-Size"}),
			actions: []string{"s3:PutObject"}, access: putAccess(true), serve: (*service).completeUpload},
		{name: "AbortMultipartUpload", method: http.MethodDelete, level: onObject, need: []string{"uploadId"},
			actions: []string{"s3:AbortMultipartUpload"}, serve: (*service).abortUpload},
		{name: "ListParts", method: http.MethodGet, level: onObject, need: []string{"uploadId"},
			may:     []string{"max-parts", "part-number-marker", "encoding-type"},
			actions: []string{"s3:ListMultipartUploadParts"}, serve: (*service).listParts},
	}
}
