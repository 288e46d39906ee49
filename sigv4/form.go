package sigv4

import "io"

// Form is a POST form upload to S3, as browsers send one (Amazon S3 API
// reference, "POST Object"), read up to its file.
type Form struct {
	Fields   map[string]string // by name in lower case; each is given once
	FileName string            // of the file, without the folders that a client may send; may be empty
	FileType string            // Content-Type of the file's part, "" for none

	// File is the file. It answers io.EOF only after the boundary that closes the
	// form was seen; any other error is an *Error.
	File io.Reader
}
