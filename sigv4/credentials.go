package sigv4

import (
	"fmt"
	"io"
)

// Credentials are what Sign and Presign sign with.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // empty for a long-term key
	Keys            *Keys  // for who signs often: derived signing keys that are used again; nil for none
}

// Format implements fmt.Formatter: it prints the access key id only, whatever
// the verb.
func (c Credentials) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "{"+c.AccessKeyID+" REDACTED}")
}
