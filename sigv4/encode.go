package sigv4

const upperHex = "0123456789ABCDEF"

// appendByte appends c in AWS's percent-encoding: RFC 3986 unreserved
// characters as they are, everything else as %XX in upper case.
func appendByte(dst []byte, c byte) []byte {
	if unreserved(c) {
		return append(dst, c)
	}
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}

// appendPath appends path encoded, slashes kept.
func appendPath(dst []byte, path string) []byte {
	for i := range len(path) {
		if path[i] == '/' {
			dst = append(dst, '/')
		} else {
			dst = appendByte(dst, path[i])
		}
	}
	return dst
}

// appendText appends text encoded, slashes too.
func appendText(dst []byte, text string) []byte {
	for i := range len(text) {
		dst = appendByte(dst, text[i])
	}
	return dst
}

// appendRecoded appends one name or value of a raw query, decoded and encoded
// again: %XX, and + as a space. It reports false for a broken escape.
func appendRecoded(dst []byte, raw string) ([]byte, bool) {
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(raw) || !isHex(raw[i+1]) || !isHex(raw[i+2]) {
				return dst, false
			}
			c = hexValue(raw[i+1])<<4 | hexValue(raw[i+2])
			i += 2
		}
		dst = appendByte(dst, c)
	}
	return dst, true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
