package policy

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// instant is a point in time. It is not a time.Time because epoch seconds may
// be any int64, and those overflow it.
type instant struct {
	seconds int64
	nanos   int
}

func (a instant) compare(b instant) int {
	return cmp.Or(cmp.Compare(a.seconds, b.seconds), cmp.Compare(a.nanos, b.nanos))
}

// The years that AWS takes, as its refusals of other ones show.
const (
	minYear = -292275054
	maxYear = 292278993
)

// parseInstant reads epoch seconds, or the W3C profile of ISO 8601 with what
// AWS takes beyond it: lower-case letters, fewer digits, an absent zone (UTC)
// or a zone of hours only. Four digits alone are a year.
func parseInstant(s string) (instant, bool) {
	if digits(s) && len(s) != 4 {
		n, err := strconv.ParseInt(s, 10, 64)
		return instant{seconds: n}, err == nil
	}
	date, clock := s, ""
	if i := strings.IndexAny(s, "Tt"); i >= 0 {
		date, clock = s[:i], s[i+1:]
	}
	year, month, day, ok := parseDate(date)
	if !ok {
		return instant{}, false
	}
	midnight := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if midnight.Day() != day {
		return instant{}, false
	}
	seconds, nanos, ok := parseClock(clock)
	return instant{seconds: midnight.Unix() + seconds, nanos: nanos}, ok
}

// parseRequestInstant is parseInstant for the value of a request, where epoch
// seconds may have a fraction.
func parseRequestInstant(s string) (instant, bool) {
	whole, frac, found := strings.Cut(s, ".")
	if !found || !digits(whole) {
		return parseInstant(s)
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	nanos, ok := parseFraction(frac)
	return instant{seconds: seconds, nanos: nanos}, ok && err == nil
}

// parseFraction reads up to nine digits after a point, as nanoseconds.
func parseFraction(s string) (nanos int, ok bool) {
	if nanos, ok = parseInt(s, 9, 999999999); ok {
		for range 9 - len(s) {
			nanos *= 10
		}
	}
	return nanos, ok
}

func parseDate(s string) (year, month, day int, ok bool) {
	s, negative := strings.CutPrefix(s, "-")
	y, rest, hasMonth := strings.Cut(s, "-")
	m, d, hasDay := strings.Cut(rest, "-")
	month, day = 1, 1
	year, ok = parseInt(y, 9, maxYear)
	if negative {
		year = -year
	}
	ok = ok && year >= minYear
	if ok && hasMonth {
		month, ok = parseInt(m, 2, 12)
		ok = ok && month > 0
	}
	if ok && hasDay {
		day, ok = parseInt(d, 2, 31)
		ok = ok && day > 0
	}
	return year, month, day, ok
}

// parseClock reads what follows the T: nothing, or hh[:mm[:ss[.f]]][zone].
func parseClock(s string) (seconds int64, nanos int, ok bool) {
	offset := 0
	if i := strings.IndexAny(s, "Zz+-"); i >= 0 {
		if offset, ok = parseZone(s[i:]); !ok {
			return 0, 0, false
		}
		s = s[:i]
	}
	h, rest, hasMinute := strings.Cut(s, ":")
	m, rest, hasSecond := strings.Cut(rest, ":")
	sec, frac, hasFrac := strings.Cut(rest, ".")
	var hour, minute, second int
	ok = true
	if h != "" || hasMinute {
		hour, ok = parseInt(h, 2, 23)
	}
	if ok && hasMinute {
		minute, ok = parseInt(m, 2, 59)
	}
	if ok && hasSecond {
		second, ok = parseInt(sec, 2, 59)
	}
	if ok && hasFrac {
		nanos, ok = parseFraction(frac)
	}
	return int64(hour*3600 + minute*60 + second - offset), nanos, ok
}

// parseZone reads Z, +hh, +hhmm, +hh:mm and the same with a minus, as seconds
// east.
func parseZone(s string) (seconds int, ok bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	h, m, hasMinutes := strings.Cut(s[1:], ":")
	if !hasMinutes && len(h) == 4 {
		h, m, hasMinutes = h[:2], h[2:], true
	}
	hours, ok := parseInt(h, 2, 23)
	if !ok || len(h) != 2 {
		return 0, false
	}
	minutes := 0
	if hasMinutes {
		if minutes, ok = parseInt(m, 2, 59); !ok || len(m) != 2 {
			return 0, false
		}
	}
	seconds = hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// parseInt reads up to width digits of a number up to limit.
func parseInt(s string, width, limit int) (int, bool) {
	if !digits(s) || len(s) > width {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n <= limit
}

// dateValues are instants to compare with.
type dateValues struct {
	relation relation
	instants []instant
}

func (v *dateValues) match(value string, _ *Context) bool {
	at, ok := parseRequestInstant(value)
	if !ok {
		return false
	}
	for _, i := range v.instants {
		if v.relation.holds(at.compare(i)) {
			return true
		}
	}
	return false
}
