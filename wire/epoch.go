package wire

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Epoch is a time that is written in JSON as seconds since 1970 with three
// decimals (1700000000.123), the default of REST-JSON.
type Epoch time.Time

// MarshalJSON implements json.Marshaler.
func (e Epoch) MarshalJSON() ([]byte, error) {
	ms := time.Time(e).UnixMilli()
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	return fmt.Appendf(nil, "%s%d.%03d", sign, ms/1000, ms%1000), nil
}

// UnmarshalJSON implements json.Unmarshaler. Times are read to the
// millisecond, within a quarter of a million years of 1970.
func (e *Epoch) UnmarshalJSON(data []byte) error {
	seconds, err := strconv.ParseFloat(string(data), 64)
	if err != nil || math.Abs(seconds) > 8e12 {
		return fmt.Errorf("%.40q is not a time in seconds", data)
	}
	*e = Epoch(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC())
	return nil
}
