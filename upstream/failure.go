package upstream

import (
	"encoding/xml"
	"io"
	"net/http"
)

// maxFailure is how much of an error is read, in bytes.
const maxFailure = 64 << 10

// Answered is an error as the engine answered it.
type Answered struct {
	Status int
	Code   string // S3's, made from the status where the engine gives none
	Text   string // "" where the engine gives none
	Fields []Field
}

// Field is a further element of an error.
type Field struct{ Name, Value string }

// ReadFailure reads an answer that is an error.
func ReadFailure(a *Answer) Answered {
	text, _ := io.ReadAll(io.LimitReader(a, maxFailure)) // half an error is as good as none
	return ParseFailure(a.Status, text)
}

// ParseFailure reads the document of an error. It never fails: garbage is an
// error without a text.
func ParseFailure(status int, text []byte) Answered {
	var doc struct {
		XMLName xml.Name
		Items   []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	out := Answered{Status: status}
	if xml.Unmarshal(text, &doc) == nil && doc.XMLName.Local == "Error" {
		for _, item := range doc.Items {
			switch item.XMLName.Local {
			case "Code":
				out.Code = item.Text
			case "Message":
				out.Text = item.Text
			default:
				out.Fields = append(out.Fields, Field{item.XMLName.Local, item.Text})
			}
		}
	}
	if out.Code == "" {
		out.Code = codeOf(status)
	}
	return out
}

// codeOf is what the answer to a HEAD means, which has no document.
func codeOf(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "InvalidRequest"
	case http.StatusForbidden:
		return "AccessDenied"
	case http.StatusNotFound:
		return "NoSuchKey"
	case http.StatusMethodNotAllowed:
		return "MethodNotAllowed"
	case http.StatusConflict:
		return "OperationAborted"
	case http.StatusPreconditionFailed:
		return "PreconditionFailed"
	case http.StatusRequestedRangeNotSatisfiable:
		return "InvalidRange"
	case http.StatusNotImplemented:
		return "NotImplemented"
	}
	return ""
}

// Ours tells whether the engine's error is about our signature and keys, of
// which the client can know nothing.
func (a Answered) Ours() bool {
	switch a.Code {
	case "SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed", "InvalidToken", "ExpiredToken", "TokenRefreshRequired",
		"AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "XAmzContentSHA256Mismatch", "MissingSecurityHeader",
		"MissingContentLength", "NotSignedUp", "UserSuspended", "InvalidSecurity", "PermanentRedirect", "TemporaryRedirect", "AllAccessDisabled", "AccountProblem":
		return true
	}
	return a.Status/100 == 3 || a.Status == http.StatusUnauthorized || a.Status == http.StatusLengthRequired
}

// Denied tells whether the engine has permissions of its own against the request.
// The answer to a HEAD says no more than that, whatever is wrong with our keys.
func (a Answered) Denied() bool { return a.Code == "AccessDenied" }
