package upstream

import (
	"strconv"
	"strings"
)

// Cause names the failure in the words of package trail, for whoever asks why.
func (e *Error) Cause() string {
	return [...]string{"", "engine-busy", "engine-unreachable", "engine-stalled", "engine-broke"}[e.Failure]
}

// Refusal is an error of the engine as a cause. Its text is for the log.
type Refusal struct{ Answered }

func (e *Refusal) Error() string {
	return strings.TrimRight("the engine answered "+strconv.Itoa(e.Status)+" "+e.Code+" "+e.Text, " ")
}

// Cause serves whoever asks why.
func (e *Refusal) Cause() string { return "engine-answered" }
