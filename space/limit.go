package space

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Limit is how much of a file system must stay free: a number of bytes or a
// share of it, whichever is more. The zero value sets no limit.
type Limit struct {
	Bytes   int64
	Percent float64 // of the whole file system
}

// DefaultLimit is the larger of 256 MiB and 2 %.
var DefaultLimit = Limit{Bytes: 256 << 20, Percent: 2}

// Of returns the limit of a file system in bytes.
func (l Limit) Of(total int64) int64 {
	return max(l.Bytes, int64(float64(total)*l.Percent/100))
}

// UnmarshalText reads a size, such as 256MiB, or a percentage, such as 2%.
// Zero sets no limit.
func (l *Limit) UnmarshalText(text []byte) error {
	if share, ok := strings.CutSuffix(string(text), "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
		if err != nil || !(p >= 0 && p < 100) {
			return fmt.Errorf("%q is not a percentage below 100, such as 2%%", text)
		}
		*l = Limit{Percent: p}
		return nil
	}
	n, err := ParseSize(string(text))
	if err == nil {
		*l = Limit{Bytes: n}
	}
	return err
}

// units are the suffixes of sizes: binary ones (IEC 80000-13) and decimal ones.
var units = []struct {
	suffix string
	factor int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}, {"B", 1},
}

// ParseSize reads a whole number of bytes with or without a unit: 1048576, 1MiB,
// 1M (the same) or 1MB (1,000,000).
func ParseSize(text string) (int64, error) {
	number, factor := strings.TrimSpace(text), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is not a size such as 1048576, 256MiB or 10GB", text)
	}
	return int64(n) * factor, nil
}
