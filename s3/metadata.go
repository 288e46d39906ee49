package s3

import (
	"mime"
	"strings"
	"unicode/utf8"
)

// User metadata is text, and headers are ASCII: S3 decodes values by RFC 2047
// before it stores them, and encodes them so before it returns them (Amazon S3
// user guide, "Working with object metadata", "User-defined object metadata").

// decodeMeta is the text that a header with metadata means: with encoded words
// decoded, but for those in a charset that is not known. Bytes that are not
// encoded are UTF-8, or else ISO 8859-1. S3 takes all of them for the latter, so
// that what is sent as UTF-8 comes back twice encoded.
func decodeMeta(value string) string {
	if !utf8.ValidString(value) {
		latin := make([]rune, len(value))
		for i := range len(value) {
			latin[i] = rune(value[i])
		}
		value = string(latin)
	}
	if !strings.Contains(value, "=?") {
		return value
	}
	words := mime.WordDecoder{}
	text, err := words.DecodeHeader(value)
	if err != nil || !utf8.ValidString(text) {
		return value
	}
	return text
}

// encodeMeta is a text as a header has it: as it is when it is printable ASCII,
// else in words as RFC 2047 has them, of the encoding that is shorter to read.
func encodeMeta(text string) string {
	other := 0
	for i := range len(text) {
		if c := text[i]; c >= 0x7f || c < ' ' && c != '\t' {
			other++
		}
	}
	switch {
	case other == 0:
		return text
	case other > len(text)/2:
		return mime.BEncoding.Encode("UTF-8", text)
	}
	return mime.QEncoding.Encode("UTF-8", text)
}
