package upstream

import (
	"slices"
	"strings"
)

// Kind is what sort of engine it is.
type Kind string

// The kinds that are known. Other is treated with the caution that any of them
// needs.
const (
	Ceph      Kind = "ceph"
	MinIO     Kind = "minio"
	AWS       Kind = "aws"
	Garage    Kind = "garage"
	SeaweedFS Kind = "seaweedfs"
	Other     Kind = "other"
)

// kinds are the kinds as they are written, and aliases what else they are called.
var (
	kinds   = [...]string{string(Ceph), string(MinIO), string(AWS), string(Garage), string(SeaweedFS), string(Other)}
	aliases = map[string]string{"rgw": "ceph", "radosgw": "ceph", "rados": "ceph", "rook": "ceph", "s3": "aws", "amazon": "aws", "weed": "seaweedfs", "thingpass": "other"}
)

func parseKind(s string) (Kind, error) {
	if !slices.Contains(kinds[:], s) {
		return "", errNoSuch("kind", s, kinds[:], aliases)
	}
	return Kind(s), nil
}

// Trailers tells whether the engine takes checksums in trailers. An engine that
// does not is given bodies without, and multipart uploads that announce none.
// Ceph before version 19 answers 400 or 411 to them.
func (k Kind) Trailers() bool { return k == MinIO || k == AWS }

// literal tells whether the engine takes each key as the bytes that it is. The
// others keep objects as files, or clean paths somewhere on the way.
func (k Kind) literal() bool { return k == Ceph || k == AWS || k == Garage }

// reserved are paths that some engine answers by another interface than S3's:
// Ceph's admin, swift and auth, MinIO's health and administration.
var reserved = [...]string{"admin", "auth", "minio", "swift"}

// Refuses says why an engine of the kind must not be given a bucket or a key,
// "" when it may: what is authorised must be what the engine then touches.
func (k Kind) Refuses(bucket, key string) string {
	if k != AWS {
		for _, name := range reserved {
			if bucket == name {
				return "the engine uses the bucket's name for something else"
			}
		}
	}
	if key == "" || k.literal() {
		return ""
	}
	rest := key
	if k == MinIO {
		rest = strings.TrimSuffix(key, "/") // it tells dir/ from dir; engines that keep files do not
	}
	for segment := range strings.SplitSeq(rest, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return "the engine cleans paths, so keys must not have empty, . or .. segments"
		}
	}
	return ""
}

// RefusesPartSource says why a key must not be the source of an UploadPartCopy.
// Ceph RGW 16 aborts on one with a percent sign (RGWObjectCtx::set_atomic), for
// everybody whom it serves.
func (k Kind) RefusesPartSource(key string) string {
	if (k == Ceph || k == Other) && strings.Contains(key, "%") {
		return "the engine cannot copy parts of an object with a percent sign in its key"
	}
	return ""
}

// Honours tells whether the engine holds one of S3's operations that write to a
// condition that comes in a header. What is not known to be honoured is not: Ceph
// 16 ignores those of copies, completions and deletions, and S3 itself has size
// and time as conditions of deletions for directory buckets only.
func (k Kind) Honours(operation, header string) bool {
	etag := header == "If-Match" || header == "If-None-Match"
	switch operation {
	case "PutObject":
		return etag && (k == AWS || k == MinIO || k == Ceph)
	case "CompleteMultipartUpload":
		return etag && (k == AWS || k == MinIO)
	case "CopyObject":
		return etag && k == AWS || copyCondition(header) && (k == AWS || k == MinIO || k == Garage)
	case "UploadPartCopy":
		return copyCondition(header) && (k == AWS || k == MinIO || k == Garage)
	case "DeleteObject", "DeleteObjects":
		return header == "If-Match" && k == AWS
	}
	return false
}

func copyCondition(header string) bool { return strings.HasPrefix(header, "X-Amz-Copy-Source-If-") }

// parameters are what a request is about besides a bucket's list and an object's
// bytes, in the words of S3's table of operations, as engines know it. Ceph 16
// takes one that it does not know for a request without it: ?encryption lists the
// bucket, makes it or deletes it, and ?attributes is the object.
var parameters = [...]string{
	"acl", "cors", "delete", "id", "legal-hold", "lifecycle", "list-type", "location", "logging", "notification", "object-lock",
	"partNumber", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment", "restore", "retention",
	"select", "select-type", "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "website",
}

// Knows tells whether the engine knows a parameter that tells operations apart.
// Of what is not known to be, it may make something else than was authorised.
func (k Kind) Knows(parameter string) bool {
	switch {
	case k == AWS, slices.Contains(parameters[:], parameter):
		return true
	case k == MinIO:
		return parameter == "attributes" || parameter == "encryption"
	}
	return false
}

// ReplacesTags tells whether a copy has the tags that the request gives it, if
// it says so. Ceph 16 copies those of the source all the same, and Garage has no
// tags.
func (k Kind) ReplacesTags() bool { return k == AWS || k == MinIO || k == SeaweedFS }

// Encrypts tells whether the engine keeps an object encrypted when
// x-amz-server-side-encryption says so, or refuses it when it cannot. Ceph 16
// takes AES256 and stores the object as it is.
func (k Kind) Encrypts(algorithm string) bool {
	return algorithm == "" || k == AWS || k == MinIO || k == Ceph && algorithm != "AES256"
}

// maxID is how long the id of an upload or a version may be, in bytes (S3's user
// guide, "Version IDs").
const maxID = 1024

// HasUpload tells whether an id can be that of an upload of the key that it is
// given with. Ceph names an upload <key>.<id>, so that one with a dot in it would
// be the upload of a longer key; its own are 2~ and then letters, digits, dashes
// and underscores (RGWMPObj, MULTIPART_UPLOAD_ID_PREFIX).
func (k Kind) HasUpload(id string) bool {
	rest, ceph := strings.CutPrefix(id, "2~")
	if k == Ceph && !ceph {
		return false
	}
	if ceph {
		return rest != "" && len(rest) <= 64 && only(rest, "-_")
	}
	return plainID(id)
}

// HasVersion is HasUpload for a version. Ceph names one _:<id>_<key>; its own
// have 31 letters, digits, dashes and dots (rgw_obj_key,
// gen_rand_alphanumeric_no_underscore).
func (k Kind) HasVersion(id string) bool {
	switch {
	case id == "null":
		return true
	case k == Ceph:
		return (len(id) == 31 || len(id) == 32) && only(id, "-.")
	case k == Other && strings.Contains(id, "_"):
		return false
	}
	return plainID(id)
}

// plainID takes what ids are made of, and what an engine that keeps files could
// not take for another folder.
func plainID(id string) bool {
	return id != "" && len(id) <= maxID && only(id, "-_.=") && strings.Trim(id, ".") != "" && !strings.Contains(id, "..")
}

// only tells whether a text has letters, digits and those further characters
// only.
func only(s, further string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(further, c) >= 0) {
			return false
		}
	}
	return true
}
