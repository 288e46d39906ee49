package s3

// reason is why a request that was allowed is refused all the same, for the log
// and for whoever asks why: the caller is told no more than a code.
type reason struct {
	cause string // a word of package trail
	text  string
}

func (r *reason) Error() string { return r.text }

// Cause serves package gate.
func (r *reason) Cause() string { return r.cause }
