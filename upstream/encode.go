package upstream

import "net/url"

const upperHex = "0123456789ABCDEF"

// EscapePath encodes a key for a path and for x-amz-copy-source: RFC 3986
// unreserved characters and the slash as they are, every other byte as %XX.
func EscapePath(key string) string {
	return string(appendEscaped(make([]byte, 0, len(key)+16), key, '/'))
}

// appendEscaped appends s, with a further byte that stays as it is.
func appendEscaped(dst []byte, s string, stays byte) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', c == stays:
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// Query encodes the parameters that keep lets through; a space as %20. A
// parameter without a value keeps its equals sign, which means the same.
func Query(values url.Values, keep func(name string) bool) string {
	var dst []byte
	for name, all := range values {
		if !keep(name) {
			continue
		}
		for _, v := range all {
			if len(dst) > 0 {
				dst = append(dst, '&')
			}
			dst = appendEscaped(dst, name, '-')
			dst = append(dst, '=')
			dst = appendEscaped(dst, v, '-')
		}
	}
	return string(dst)
}
