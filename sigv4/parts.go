package sigv4

import (
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// readParts reads "Credential=…, SignedHeaders=…, Signature=…" in any order.
func (s *Signature) readParts(text string) (credential, headers string, err error) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var target *string
		switch name {
		case "Credential":
			target = &credential
		case "SignedHeaders":
			target = &headers
		case "Signature":
			target = &s.provided
		}
		if target == nil || *target != "" {
			return "", "", errorf(Incomplete, "The authorization header is malformed; it needs each of Credential, SignedHeaders and Signature once.")
		}
		*target = value
	}
	for _, part := range [][2]string{{"Credential", credential}, {"Signature", s.provided}, {"SignedHeaders", headers}} {
		if part[1] == "" {
			return "", "", errorf(Incomplete, "Authorization header requires '%s' parameter.", part[0])
		}
	}
	return credential, headers, nil
}

// setCredential reads key/date/region/service/aws4_request.
func (s *Signature) setCredential(text string) error {
	var part [5]string
	rest, more := text, true
	for i := range part {
		if !more {
			return errCredential()
		}
		part[i], rest, more = strings.Cut(rest, "/")
	}
	if more {
		return errCredential()
	}
	for _, p := range &part {
		if p == "" || !visible(p) {
			return errorf(Incomplete, "the Credential is mal-formed; a part of it is empty or has a character that is not allowed.")
		}
	}
	if part[4] != terminator {
		return errorf(Incomplete, "Credential should be scoped with a valid terminator: %q, not %q.", terminator, part[4])
	}
	s.AccessKeyID, s.Date, s.Region, s.Service = part[0], part[1], part[2], part[3]
	return nil
}

func errCredential() error {
	return errorf(Incomplete, "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
}

// visible tells whether text has visible ASCII characters only.
func visible(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// setSignedHeaders reads "a;b;c": lower-case names in ascending order.
func (s *Signature) setSignedHeaders(text string) error {
	s.SignedHeaders = strings.Split(text, ";")
	for i, name := range s.SignedHeaders {
		if !validName(name) || i > 0 && s.SignedHeaders[i-1] >= name {
			return errorf(Incomplete, "SignedHeaders must be header names in lower case, sorted, without repetition, joined with ';'.")
		}
	}
	return nil
}

// validName tells whether name is an HTTP token (RFC 9110, 5.6.2) in lower case.
func validName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}

// setTime sets the time of signing, which must be on the day of the scope.
func (s *Signature) setTime(at time.Time) error {
	s.Time = at.UTC()
	var room [16]byte
	if day := s.Time.AppendFormat(room[:0], isoDay); string(day) != s.Date {
		return errorf(BadDate, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			s.Date, day, s.Time.Format(isoBasic))
	}
	return nil
}

// headerTime reads X-Amz-Date, or Date in its absence.
func headerTime(h http.Header) (time.Time, error) {
	text, err := single(h, headerDate)
	if err != nil {
		return time.Time{}, err
	}
	if text == "" {
		if text, err = single(h, "Date"); err != nil {
			return time.Time{}, err
		}
		if at, err := http.ParseTime(text); err == nil {
			return at, nil
		}
	}
	at, ok := isoTime(text)
	if !ok {
		return at, errorf(MissingDate, "AWS authentication requires a valid Date or x-amz-date header")
	}
	return at, nil
}

// parseISO reads the date of a URL or a form.
func parseISO(text string) (time.Time, error) {
	at, ok := isoTime(text)
	if !ok {
		return time.Time{}, errorf(BadDate, "Date must be in ISO8601 'basic format' in 'X-Amz-Date'. Got %q. See http://en.wikipedia.org/wiki/ISO_8601", text)
	}
	return at, nil
}

// isoTime reads yyyymmddThhmmssZ. Package time would do so, slower.
func isoTime(text string) (time.Time, bool) {
	if len(text) != len(isoBasic) || text[8] != 'T' || text[15] != 'Z' {
		return time.Time{}, false
	}
	var n [7]int // two digits each: century, year, month, day, hour, minute, second
	for i, from := range [...]int{0, 2, 4, 6, 9, 11, 13} {
		tens, ones := text[from]-'0', text[from+1]-'0'
		if tens > 9 || ones > 9 {
			return time.Time{}, false
		}
		n[i] = int(tens)*10 + int(ones)
	}
	year, month, day := n[0]*100+n[1], time.Month(n[2]), n[3]
	at := time.Date(year, month, day, n[4], n[5], n[6], 0, time.UTC)
	// What is out of its range was carried over.
	y, m, d := at.Date()
	if y != year || m != month || d != day || at.Hour() != n[4] || at.Minute() != n[5] || at.Second() != n[6] {
		return time.Time{}, false
	}
	return at, true
}

// single returns the value of a header that may be given once only, without
// white space around it; empty when it is absent.
func single(h http.Header, name string) (string, error) {
	values := h[name]
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return textproto.TrimString(values[0]), nil
	}
	return "", errorf(Ambiguous, "The header %s is given more than once.", name)
}
