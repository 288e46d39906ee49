package sigv4

import (
	"fmt"
	"time"
)

// checkTime compares the time of signing with the server's.
func (s *Signature) checkTime(rules Rules) error {
	skew := rules.Skew
	if skew == 0 {
		skew = DefaultSkew
	}
	now := rules.Now.UTC()
	failure := &Error{RequestTime: s.Time, ServerTime: now, Skew: skew}
	if latest := now.Add(skew); s.Time.After(latest) {
		failure.Kind, failure.Limit = NotYet, latest
		failure.Message = s.notYetText(failure, rules.S3)
		return failure
	}
	if s.Presigned {
		return s.checkExpires(failure, rules.S3)
	}
	if earliest := now.Add(-skew); s.Time.Before(earliest) {
		failure.Kind, failure.Limit = Expired, earliest
		failure.Message = skewText(rules.S3, failure)
		return failure
	}
	return nil
}

// checkExpires is the rule for presigned requests. Without X-Amz-Expires, which
// only S3 demands, a URL lives as long as a signed request does.
func (s *Signature) checkExpires(failure *Error, s3 bool) error {
	expires := s.Expires
	if expires == 0 {
		if s3 {
			return errorf(BadExpires, "Query-string authentication version 4 requires the X-Amz-Expires parameter.")
		}
		expires = failure.Skew
	}
	end := s.Time.Add(expires)
	if !failure.ServerTime.After(end) {
		return nil
	}
	failure.Kind, failure.Limit = PresignExpired, end
	failure.Message = "Request has expired"
	if !s3 {
		failure.Message = fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s.)", s.Time.Format(isoBasic),
			failure.ServerTime.Add(-expires).Format(isoBasic), failure.ServerTime.Format(isoBasic), minutes(expires))
	}
	return failure
}

func (s *Signature) notYetText(e *Error, s3 bool) string {
	if s3 && s.Presigned {
		return "Request is not valid yet"
	}
	return skewText(s3, e)
}

// skewText is AWS's text for Expired and NotYet.
func skewText(s3 bool, e *Error) string {
	if s3 {
		return "The difference between the request time and the current time is too large."
	}
	format := "Signature expired: %s is now earlier than %s (%s - %s.)"
	if e.Kind == NotYet {
		format = "Signature not yet current: %s is still later than %s (%s + %s.)"
	}
	return fmt.Sprintf(format, e.RequestTime.Format(isoBasic), e.Limit.Format(isoBasic), e.ServerTime.Format(isoBasic), minutes(e.Skew))
}

func minutes(d time.Duration) string { return fmt.Sprintf("%d min", int(d.Minutes())) }
