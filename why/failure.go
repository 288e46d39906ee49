package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/thingpass/thingpass/trail"
)

// advice is what an error of an operation means, and what to do about it.
type advice struct {
	means string   // a sentence; with the words of words
	next  []string // what to do, one after the other; a command stands after a line feed
}

// failure tells about a request that no policy refused: the operation failed,
// or what was sent is no request that could be carried out.
func (s *story) failure(failed *trail.Step) {
	rec := s.rec
	trouble := strings.HasPrefix(rec.Cause, "engine-") && rec.Cause != trail.CauseEngineKind && rec.Code == "SlowDown" || rec.Cut && rec.Engine != ""
	switch {
	case rec.Engine == "":
	case trouble:
		s.step("engine", false, "%s: %s", rec.Engine, rec.Reason)
	default:
		s.step("engine", true, "%s has the bucket", rec.Engine)
	}
	s.step("answer", false, "%s: %s", rec.Code, rec.Message)
	a, known := s.advised(failed)
	switch {
	case known:
	case failed != nil:
		a = advice{"It is not a request that this server answers. {message}",
			[]string{"Correct the client: its endpoint, its service or its parameters. No policy is involved."}}
	case rec.Status >= 500:
		a = advice{"It was allowed, and the server failed: {message} The cause is: {reason}.",
			[]string{"Look into the server's log for request_id " + rec.ID + ". Clients may try again."}}
	default:
		a = advice{"It was allowed, but the operation answered {status} {code}: {message} No policy is the cause.", nil}
	}
	words := s.words()
	s.e.Summary = words.Replace(a.means)
	if rec.Cut {
		s.e.Summary = "The answer had begun when it failed, so the connection was cut: nobody shall take half of it for the whole. " + s.e.Summary
	}
	for _, next := range a.next {
		text, command, _ := strings.Cut(next, "\n")
		s.change(Change{Text: words.Replace(text), Command: s.quotedWords().Replace(command)})
	}
}

// advised finds what is known of the failure: by its cause, which says more than
// a code, by what was asked for, and by the code.
func (s *story) advised(failed *trail.Step) (a advice, known bool) {
	rec := s.rec
	if rec.Service != "s3" {
		return a, false
	}
	if rec.Cause != "" && (rec.Cause != trail.CauseEngineAnswered || rec.Code == "SlowDown") {
		if a, known = causes[rec.Cause]; known {
			return a, true
		}
	}
	if rec.Operation == "PostObject" {
		if a, known = formErrors[rec.Code]; known && (failed != nil || rec.Code != "AccessDenied") {
			return a, true
		}
	}
	if rec.Code == "SlowDown" && rec.Engine == "" { // no engine's: the database's
		return a, false
	}
	if a, known = errorCodes[rec.Code]; known {
		return a, true
	}
	if strings.HasPrefix(rec.Code, "NoSuch") && rec.Status == 404 {
		return advice{"Nothing is wrong: the bucket has no such setting, and this is how S3 says so. Many clients ask.", nil}, true
	}
	return a, false
}

// words are what an advice may speak of.
func (s *story) words() *strings.Replacer {
	return s.replacer(func(text string) string { return text })
}

// quotedWords are words for a shell.
func (s *story) quotedWords() *strings.Replacer { return s.replacer(shellQuote) }

func (s *story) replacer(write func(string) string) *strings.Replacer {
	rec := s.rec
	bucket, key, _ := strings.Cut(strings.TrimPrefix(rec.Path, "/"), "/")
	for i := range rec.Steps {
		if a := rec.Steps[i].Asked; a != nil {
			if path, ok := strings.CutPrefix(a.Request.Resource, "arn:aws:s3:::"); ok { // of a copy the destination comes first
				bucket, key, _ = strings.Cut(path, "/")
				break
			}
		}
	}
	if bucket == "*" { // all of them were asked for
		bucket = "BUCKET"
	}
	folder := key[:strings.LastIndex(key, "/")+1]
	message := rec.Message
	if message != "" {
		message = sentence(message)
	}
	reason := rec.Reason
	if reason == "" {
		reason = rec.Message
	}
	return strings.NewReplacer("{bucket}", write(bucket), "{key}", write(key), "{folder}", write(folder), "{engine}", write(rec.Engine),
		"{message}", message, "{reason}", strings.TrimSuffix(reason, "."), "{code}", rec.Code, "{status}", fmt.Sprint(rec.Status), "{operation}", rec.Operation)
}

// underWay tells whether the request was allowed and had begun to work.
func (s *story) underWay() bool {
	return slices.ContainsFunc(s.rec.Steps, func(st trail.Step) bool { return st.Name == trail.StepPermission && st.OK })
}

// ended tells that a request was allowed when it began, and what that means for
// what it did.
func (s *story) ended(failed *trail.Step) {
	if failed == nil || failed.Name == trail.StepRequest || failed.Detail == trail.DetailHidden || !s.underWay() {
		return
	}
	if q := failed.Asked; q != nil && !slices.ContainsFunc(s.rec.Steps, func(st trail.Step) bool {
		return st.OK && st.Asked != nil && st.Asked.Request.Action == q.Request.Action && st.Asked.Request.Resource == q.Request.Resource
	}) {
		return // one of several questions
	}
	s.e.Summary += " The request was allowed when it began, and this came while it was under way: it was ended, and "
	if s.rec.Method == "GET" {
		s.e.Summary += "the client has a part of the answer at most."
	} else {
		s.e.Summary += "nothing of an upload is stored."
	}
}
