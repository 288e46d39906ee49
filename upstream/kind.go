package upstream

import (
	"fmt"
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

func parseKind(s string) (Kind, error) {
	switch k := Kind(s); k {
	case Ceph, MinIO, AWS, Garage, SeaweedFS, Other:
		return k, nil
	}
	return "", fmt.Errorf("kind %q is none of ceph, minio, aws, garage, seaweedfs, other", s)
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
