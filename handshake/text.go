package handshake

import (
	"fmt"
	"io"
	"time"
)

// Report is the answer to the question which handshakes failed lately.
type Report struct {
	Failures []Failure `json:"failures"`
}

// WriteText writes a report for people.
func (r *Report) WriteText(w io.Writer) error {
	if len(r.Failures) == 0 {
		_, err := fmt.Fprintln(w, "No handshake has failed since the server was started.")
		return err
	}
	for _, f := range r.Failures {
		name := ""
		if f.ServerName != "" {
			name = ", for " + f.ServerName
		}
		times := ""
		if f.Count > 1 {
			times = fmt.Sprintf(", %d times since %s", f.Count, f.First.UTC().Format(time.RFC3339))
		}
		_, err := fmt.Fprintf(w, "%s  %s  at the %s door from %s%s%s\n    %s\n    What to do: %s.\n",
			f.Last.UTC().Format(time.RFC3339), f.Cause, f.Door, f.Address, name, times, f.Error, f.Advice)
		if err != nil {
			return err
		}
	}
	return nil
}
