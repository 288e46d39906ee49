package s3

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/objects"
)

// upload is an unfinished upload with the checksum it is to have: while an
// upload is unfinished its Meta names the algorithm instead of a value.
type upload struct{ objects.Upload }

func (u upload) planned() string {
	for name := range u.Checksums {
		return name
	}
	return ""
}

// plan has a part have the checksum that its upload is to be made of. Where that
// is one of the checksums of parts, who sends the part has to know it.
func (u upload) plan(body *limited) error {
	planned, claimed := u.planned(), body.Claims()
	switch {
	case planned == "" || claimed == planned:
		return nil
	case claimed == "" && u.ChecksumType == fullObject:
		body.Compute(planned)
		return nil
	case claimed == "":
		claimed = "null"
	}
	return errRequest("Checksum Type mismatch occurred, expected checksum Type: " + planned + ", actual checksum Type: " + claimed)
}

type initiateMultipartUploadResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
	Bucket   string
	Key      text
	UploadId string
}

func (s *service) createUpload(x *exchange) error {
	if err := checkNewKey(x.key); err != nil {
		return err
	}
	meta, err := readMeta(x.r.Header)
	if err != nil {
		return err
	}
	a, kind, err := checksumPlan(x.r.Header.Get("X-Amz-Checksum-Algorithm"), x.r.Header.Get("X-Amz-Checksum-Type"))
	if err != nil {
		return err
	}
	if a.Name != "" {
		meta.Checksums, meta.ChecksumType = map[string]string{a.Name: ""}, kind
		x.w.Header().Set("X-Amz-Checksum-Algorithm", strings.ToUpper(a.Name))
		x.w.Header().Set("X-Amz-Checksum-Type", kind)
	}
	u, err := s.Objects.CreateUpload(x.r.Context(), x.name(), meta)
	if err != nil {
		return err
	}
	return x.answer(initiateMultipartUploadResult{Bucket: x.bucket, Key: text(x.key), UploadId: u.ID})
}

// part finds the upload and the part number that a request names.
func (s *service) part(x *exchange) (upload, int, error) {
	number, err := x.partNumber()
	if err != nil {
		return upload{}, 0, err
	}
	u, err := s.Objects.Upload(x.r.Context(), x.name(), x.query.Get("uploadId"))
	return upload{u}, number, err
}

// partNumber is the number of the part that a request is about.
func (x *exchange) partNumber() (int, error) {
	v := x.query.Get("partNumber")
	number, err := strconv.Atoi(v)
	if err != nil || number < 1 || number > objects.MaxPart {
		return 0, errArgument("partNumber", v, "Part number must be an integer between 1 and 10000, inclusive")
	}
	return number, nil
}

func (s *service) uploadPart(x *exchange) error {
	u, number, err := s.part(x)
	if err != nil {
		return err
	}
	body, err := x.upload()
	if err != nil {
		return err
	}
	if err := u.plan(body); err != nil {
		return err
	}
	p, err := s.Objects.PutPart(x.r.Context(), u.Upload, number, body, objects.PartOptions{Length: body.Length(), Checksums: body.Checksums, Permit: x.permit})
	if err != nil {
		return err
	}
	x.w.Header().Set("Etag", quote(p.ETag))
	x.setChecksums(p.Checksums, "")
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// completedParts reads the parts that an upload is to be made of.
func (x *exchange) completedParts() (parts []objects.Chosen, err error) {
	found, err := x.document(maxCompletion, "CompleteMultipartUpload", func(d *document, name string) error {
		if name != "Part" || len(parts) == objects.MaxPart {
			return errMalformedXML(fmt.Errorf("element %s after %d parts", name, len(parts)))
		}
		part, err := completedPart(d)
		if n := len(parts); n > 0 && parts[n-1].Number == part.Number {
			parts[n-1] = part // a part that was sent again: the last one counts
			return err
		}
		parts = append(parts, part)
		return err
	})
	if err == nil && (!found || len(parts) == 0) {
		err = errMalformedXML(errors.New("no parts"))
	}
	return parts, err
}

func completedPart(d *document) (objects.Chosen, error) {
	c := objects.Chosen{}
	err := d.fields(func(name, text string) (err error) {
		switch algorithm, ok := strings.CutPrefix(name, "Checksum"); {
		case name == "PartNumber":
			if c.Number, err = strconv.Atoi(strings.TrimSpace(text)); err != nil {
				return errMalformedXML(err)
			}
		case name == "ETag":
			c.ETag = bareETag(text, strong)
		case ok:
			a, err := findAlgorithm(algorithm)
			if err != nil {
				return err
			}
			if text = strings.TrimSpace(text); text != "" {
				if c.Checksums == nil {
					c.Checksums = map[string]string{}
				}
				c.Checksums[a.Name] = text
			}
		default:
			return errMalformedXML(fmt.Errorf("element %s in a part", name))
		}
		return nil
	})
	return c, err
}

type completeResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      text
	ETag     string
	sums
	ChecksumType string `xml:",omitempty"`
}

func (s *service) completeUpload(x *exchange) error {
	condition, err := writeCondition(x.r.Header)
	if err != nil {
		return err
	}
	chosen, err := x.completedParts()
	if err != nil {
		return err
	}
	opt := objects.CompleteOptions{Condition: condition}
	u, unfinished := s.Objects.Upload(x.r.Context(), x.name(), x.query.Get("uploadId"))
	if unfinished == nil { // else it may be completed already, which CompleteUpload answers
		opt.Checksums = x.finalChecksums(upload{u})
		if err := (upload{u}).claimed(chosen); err != nil {
			return err
		}
	}
	o, err := s.Objects.CompleteUpload(x.r.Context(), x.name(), x.query.Get("uploadId"), chosen, opt)
	if err == nil && unfinished != nil {
		err = x.sameObject(o)
	}
	if err != nil {
		return err
	}
	x.setMade(o.Version)
	return x.answer(completeResult{
		Location: x.location(), Bucket: x.bucket, Key: text(x.key), ETag: quote(o.ETag),
		sums: newSums(o.Checksums), ChecksumType: o.ChecksumType,
	})
}

// claimed refuses a list of parts without the checksums that a composite one is
// made of (AWS's text: aws/aws-sdk-php#2648).
func (u upload) claimed(chosen []objects.Chosen) error {
	planned := u.planned()
	if planned == "" || u.ChecksumType != composite {
		return nil
	}
	for _, c := range chosen {
		if c.Checksums[planned] == "" {
			return errRequest(fmt.Sprintf("The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.", planned, c.Number))
		}
	}
	return nil
}

// finalChecksums makes the checksum that was planned from those of the parts,
// and compares it and the size with what the request says they are.
func (x *exchange) finalChecksums(u upload) func([]objects.Part) (map[string]string, string, error) {
	h, planned := x.r.Header, u.planned()
	return func(parts []objects.Part) (map[string]string, string, error) {
		size := int64(0)
		for _, p := range parts {
			size += p.Size
		}
		if err := sameSize(h.Get(sizeHeader), size); err != nil {
			return nil, "", err
		}
		if err := u.sameType(h.Get("X-Amz-Checksum-Type")); err != nil {
			return nil, "", err
		}
		sums := map[string]string{}
		if a, err := findAlgorithm(planned); err == nil {
			if sum, ok := wholeChecksum(a, u.ChecksumType, parts); ok {
				sums[a.Name] = sum
			}
		}
		if err := x.sameChecksums(sums, u.ChecksumType); err != nil {
			return nil, "", err
		}
		if len(sums) == 0 {
			return nil, "", nil
		}
		return sums, u.ChecksumType, nil
	}
}

// sameObject compares what a repeated completion says with the object that the
// first one made.
func (x *exchange) sameObject(o objects.Object) error {
	h := x.r.Header
	if err := sameSize(h.Get(sizeHeader), o.Size); err != nil {
		return err
	}
	if err := (upload{objects.Upload{Meta: o.Meta}}).sameType(h.Get("X-Amz-Checksum-Type")); err != nil {
		return err
	}
	return x.sameChecksums(o.Checksums, o.ChecksumType)
}

// sameChecksums refuses a completion that says other checksums than the object
// has.
func (x *exchange) sameChecksums(sums map[string]string, kind string) error {
	for _, name := range checksumHeaders {
		if v := x.r.Header.Get(name); v != "" && !sameChecksum(v, kind, sums[strings.ToLower(strings.TrimPrefix(name, checksumPrefix))]) {
			return errDigest("The " + strings.ToLower(name) + " you specified did not match the calculated checksum.")
		}
	}
	return nil
}

const sizeHeader = "X-Amz-Mp-Object-Size"

// sameSize refuses a completion that says another size than the parts have.
func sameSize(said string, size int64) error {
	if said == "" || said == strconv.FormatInt(size, 10) {
		return nil
	}
	return errRequest("The provided 'x-amz-mp-object-size' header does not match what was computed.")
}

// sameType refuses a completion that says another type of checksum than the upload
// was begun with (API reference, "CompleteMultipartUpload"). Without an algorithm
// that is FULL_OBJECT, which S3 then computes.
func (u upload) sameType(said string) error {
	begun := cmp.Or(u.ChecksumType, fullObject)
	if said == "" || strings.EqualFold(said, begun) {
		return nil
	}
	return errDigest("The upload was created using the " + begun + " checksum mode. The complete request must use the same checksum mode.")
}

func (s *service) abortUpload(x *exchange) error {
	if err := s.Objects.AbortUpload(x.r.Context(), x.name(), x.query.Get("uploadId")); err != nil {
		return err
	}
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

type listedPart struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
	sums
}

type listPartsResult struct {
	XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket               string
	Key                  text
	UploadId             string
	EncodingType         string `xml:",omitempty"`
	Initiator            owner
	Owner                owner
	StorageClass         string
	PartNumberMarker     int
	NextPartNumberMarker int `xml:",omitempty"`
	MaxParts             int
	IsTruncated          bool
	ChecksumAlgorithm    string       `xml:",omitempty"`
	ChecksumType         string       `xml:",omitempty"`
	Parts                []listedPart `xml:"Part"`
}

func (s *service) listParts(x *exchange) error {
	encode, kind, err := encoding(x.target)
	if err != nil {
		return err
	}
	most, err := x.number("max-parts", defaultPage, defaultPage)
	if err != nil {
		return err
	}
	marker, err := x.number("part-number-marker", 0, 1<<31-1)
	if err != nil {
		return err
	}
	u, err := s.Objects.Upload(x.r.Context(), x.name(), x.query.Get("uploadId"))
	if err != nil {
		return err
	}
	parts, err := s.Objects.Parts(x.r.Context(), u, marker, most+1)
	if err != nil {
		return err
	}
	out := listPartsResult{
		Bucket: x.bucket, Key: encode(x.key), UploadId: u.ID, EncodingType: kind, Initiator: s.self(), Owner: s.self(),
		StorageClass: "STANDARD", PartNumberMarker: marker, MaxParts: most, IsTruncated: len(parts) > most && most > 0,
		ChecksumAlgorithm: strings.ToUpper(upload{u}.planned()), ChecksumType: u.ChecksumType,
	}
	for _, p := range parts[:min(most, len(parts))] {
		out.Parts = append(out.Parts, listedPart{
			PartNumber: p.Number, LastModified: stamp(p.Modified), ETag: quote(p.ETag), Size: p.Size,
			sums: newSums(p.Checksums),
		})
		out.NextPartNumberMarker = p.Number
	}
	return x.answer(out)
}

type listedUpload struct {
	Key          text
	UploadId     string
	Initiator    owner
	Owner        owner
	StorageClass string
	Initiated    string
}

type listUploadsResult struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket             string
	KeyMarker          text
	UploadIdMarker     string
	NextKeyMarker      text   `xml:",omitempty"`
	NextUploadIdMarker string `xml:",omitempty"`
	Prefix             text   `xml:",omitempty"`
	Delimiter          text   `xml:",omitempty"`
	EncodingType       string `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Uploads            []listedUpload `xml:"Upload"`
	CommonPrefixes     []commonPrefix
}

func (s *service) listUploads(x *exchange) error {
	encode, kind, err := encoding(x.target)
	if err != nil {
		return err
	}
	most, err := x.number("max-uploads", defaultPage, defaultPage)
	if err != nil {
		return err
	}
	marker := objects.Marker{Key: x.query.Get("key-marker"), ID: x.query.Get("upload-id-marker")}
	if marker.Key == "" {
		marker.ID = "" // it counts only together with a key
	}
	prefix, delimiter := x.query.Get("prefix"), x.query.Get("delimiter")
	out := listUploadsResult{
		Bucket: x.bucket, KeyMarker: encode(marker.Key), UploadIdMarker: marker.ID, Prefix: encode(prefix), Delimiter: encode(delimiter),
		EncodingType: kind, MaxUploads: most,
	}
	group := ""
	for at := marker; ; {
		page, err := s.Objects.Uploads(x.r.Context(), x.bucket, prefix, at, defaultPage)
		if err != nil {
			return s.onBucket(x, err)
		}
		for _, u := range page {
			at = objects.Marker{Key: u.Key, ID: u.ID}
			in, grouped := groupOf(u.Key, prefix, delimiter)
			if grouped && (in == group || strings.HasPrefix(marker.Key, in)) {
				continue
			}
			if len(out.Uploads)+len(out.CommonPrefixes) >= most {
				out.IsTruncated = most > 0
				return x.answer(out)
			}
			if grouped {
				group = in
				out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{encode(in)})
				out.NextKeyMarker, out.NextUploadIdMarker = encode(in), ""
				continue
			}
			out.Uploads = append(out.Uploads, listedUpload{encode(u.Key), u.ID, s.self(), s.self(), "STANDARD", stamp(u.Created)})
			out.NextKeyMarker, out.NextUploadIdMarker = encode(u.Key), u.ID
		}
		if len(page) < defaultPage {
			return x.answer(out)
		}
	}
}

// groupOf is the common prefix that a key is listed under, if it is.
func groupOf(key, prefix, delimiter string) (string, bool) {
	i := strings.Index(key[len(prefix):], delimiter)
	if delimiter == "" || i < 0 {
		return "", false
	}
	return key[:len(prefix)+i+len(delimiter)], true
}
