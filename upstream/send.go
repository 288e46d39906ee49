package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// Request is what an engine is asked. The key is given as it is and encoded
// here, strictly, so that the engine cannot read another one.
type Request struct {
	Method string
	Bucket string // "" for what is about all buckets
	Key    string // decoded; "" for what is about a bucket
	Query  string // encoded; see Query. It has neither versionId nor uploadId

	Version string  // of the key; "" for the current one
	Upload  string  // of the key, which the request is a step of; "" for none
	Source  *Object // that is copied; nil for none

	// Header has canonical names and single values. Send adds to it.
	Header http.Header

	// Body is sent while it is read, Length bytes of it. An error of its Read
	// ends the request before the last byte is sent, and is what Send returns.
	Body   io.Reader
	Length int64
	// Hash is the hex SHA-256 of the body, or the word in its place; "" for an
	// empty body.
	Hash string
	// Abort makes a Read of Body that is waiting return; nil when none waits.
	Abort func()

	Thinks   bool // the answer may begin late: see Timeouts.Think
	Unsigned bool // it is sent without our signature
}

// Object is an object, or a version of it.
type Object struct{ Bucket, Key, Version string }

// refusal says why an engine of a kind must not be sent the request, "" when it
// may.
func (q *Request) refusal(k Kind) string {
	all := []Object{{q.Bucket, q.Key, q.Version}}
	if q.Source != nil {
		all = append(all, *q.Source)
	}
	for _, o := range all {
		if why := k.Refuses(o.Bucket, o.Key); why != "" {
			return why
		}
		if o.Version != "" && !k.HasVersion(o.Version) {
			return "this cannot be a version of it"
		}
	}
	if q.Upload == "" {
		return ""
	}
	if !k.HasUpload(q.Upload) {
		return "this cannot be an upload of it"
	}
	if q.Source != nil {
		return k.RefusesPartSource(q.Source.Key)
	}
	return ""
}

// Answer is what the engine answered. It must be closed.
type Answer struct {
	Status int
	Header http.Header
	Length int64         // of the body, or -1 when the engine does not say
	Took   time.Duration // until it began, from when the engine had the whole request

	body   io.ReadCloser
	out    *outgoing
	watch  *watch
	engine *Engine

	unsigned bool // as the request was
}

// Failure says what became of a request that has no answer.
type Failure uint8

// The failures. The zero Failure is never used.
const (
	_           Failure = iota
	Busy                // the engine has all the requests that it may have
	Unreachable         // no connection came about: nothing was sent
	Stalled             // the engine stopped taking or giving bytes
	Broken              // the connection broke, or what came is no answer
)

// Error is why there is no answer. Its text is for the log: it names hosts.
type Error struct {
	Failure Failure
	Err     error
	Waited  time.Duration // for the engine, of the time that the request took
}

func (e *Error) Error() string {
	text := [...]string{"", "too many requests at a time", "no connection", "no progress", "the answer broke off"}[e.Failure]
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

var errStalled = errors.New("the engine neither takes nor gives bytes")

// Send signs a request and sends it. It returns an *Error, or the error of the
// body or of the context. A request without a body that only reads is sent
// twice when the first time brought no answer.
func (e *Engine) Send(ctx context.Context, q *Request) (*Answer, error) {
	if why := q.refusal(e.cfg.Kind); why != "" { // whoever asks should have asked before
		return nil, fmt.Errorf("request for %q of bucket %q is not sent to the S3 engine %q: %s", q.Key, q.Bucket, e.cfg.Name, why)
	}
	if err := e.turn(ctx, q.Unsigned); err != nil {
		return nil, err
	}
	a, err := e.send(ctx, q)
	if failed, ok := errors.AsType[*Error](err); ok && failed.Failure == Broken && q.Body == nil &&
		(q.Method == http.MethodGet || q.Method == http.MethodHead) {
		first := failed.Waited
		if a, err = e.send(ctx, q); err == nil {
			a.Took += first
		} else if failed, ok := errors.AsType[*Error](err); ok {
			failed.Waited += first
		}
	}
	if err != nil {
		e.done(q.Unsigned)
	}
	return a, err
}

// turn waits until the engine may have one more request. One without a signature
// does not wait for others of its sort.
func (e *Engine) turn(ctx context.Context, unsigned bool) error {
	if unsigned {
		select {
		case e.unsigned <- struct{}{}:
		default:
			return &Error{Failure: Busy}
		}
	}
	err := e.wait(ctx)
	if err != nil && unsigned {
		<-e.unsigned
	}
	return err
}

// done gives a turn back.
func (e *Engine) done(unsigned bool) {
	<-e.turns
	if unsigned {
		<-e.unsigned
	}
}

// wait takes one of the turns.
func (e *Engine) wait(ctx context.Context) error {
	select {
	case e.turns <- struct{}{}:
		return nil
	default:
	}
	wait := time.NewTimer(e.cfg.Timeouts.Turn)
	defer wait.Stop()
	select {
	case e.turns <- struct{}{}:
		return nil
	case <-wait.C:
		return &Error{Failure: Busy, Waited: e.cfg.Timeouts.Turn}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (e *Engine) send(parent context.Context, q *Request) (*Answer, error) {
	begun := time.Now()
	ctx, cancel := context.WithCancelCause(parent)
	answering := e.cfg.Timeouts.Stall
	if q.Thinks {
		answering = e.cfg.Timeouts.Think
	}
	w := newWatch(ctx, cancel, e.cfg.Timeouts.Stall, answering)
	r := e.request(q).WithContext(ctx)
	var out *outgoing
	if q.Body != nil && q.Length > 0 {
		out = &outgoing{src: q.Body, left: q.Length, watch: w, abort: q.Abort}
		r.Body, r.ContentLength = out, q.Length
	} else {
		w.answering()
	}
	if !q.Unsigned {
		sigv4.Sign(r, e.keys, e.cfg.Region, "s3", begun, q.Hash)
	}
	resp, err := e.transport.RoundTrip(r)
	w.pause()
	if err == nil {
		if out.complete() && out != nil {
			begun = out.ended
		}
		a := &Answer{Took: time.Since(begun), Status: resp.StatusCode, Header: resp.Header, Length: resp.ContentLength, body: resp.Body, out: out, watch: w, engine: e, unsigned: q.Unsigned}
		switch {
		case resp.StatusCode < 200 || resp.StatusCode > 599:
			err = fmt.Errorf("it answers with status %d", resp.StatusCode)
		case resp.StatusCode/100 != 2 || out.complete():
			return a, nil
		default:
			err = errors.New("it says done before it has everything")
		}
		_ = resp.Body.Close()
	}
	w.end()
	out.stop()
	err = e.failure(ctx, out, err)
	if failed, ok := errors.AsType[*Error](err); ok {
		failed.Waited = e.waited(failed.Failure, out, begun)
	}
	return nil, err
}

// waited is how long the engine was waited for that gave no answer. A request
// that breaks while its body is sent was waited for by nobody.
func (e *Engine) waited(f Failure, out *outgoing, begun time.Time) time.Duration {
	switch {
	case out == nil || f == Unreachable:
		return time.Since(begun)
	case out.complete():
		return time.Since(out.ended)
	case f == Stalled:
		return e.cfg.Timeouts.Stall
	}
	return 0
}

// failure tells whose fault it is that there is no answer.
func (e *Engine) failure(ctx context.Context, out *outgoing, err error) error {
	if own := out.failed(); own != nil {
		return own
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errStalled):
		return &Error{Failure: Stalled, Err: err}
	case cause != nil && !errors.Is(cause, errEnded):
		return cause
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return &Error{Failure: Unreachable, Err: err}
	}
	return &Error{Failure: Broken, Err: err}
}

// request makes the HTTP request, still unsigned.
func (e *Engine) request(q *Request) *http.Request {
	u := &url.URL{Scheme: e.cfg.Endpoint.Scheme, Host: e.cfg.Endpoint.Host, Path: "/", RawQuery: q.query()}
	if q.Bucket != "" {
		u.Path = "/" + q.Bucket
	}
	if q.Key != "" {
		u.RawPath = u.Path + "/" + EscapePath(q.Key)
		u.Path += "/" + q.Key
	}
	h := q.Header
	if h == nil {
		h = http.Header{}
	}
	h["Accept-Encoding"], h["User-Agent"] = identity, userAgent
	if o := q.Source; o != nil {
		from := "/" + o.Bucket + "/" + EscapePath(o.Key)
		if o.Version != "" {
			from += "?versionId=" + string(appendEscaped(nil, o.Version, '-'))
		}
		h["X-Amz-Copy-Source"] = []string{from}
	}
	return &http.Request{
		Method: q.Method, URL: u, Host: u.Host, Header: h, Body: http.NoBody,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// query is the whole query.
func (q *Request) query() string {
	if q.Version == "" && q.Upload == "" {
		return q.Query
	}
	dst := []byte(q.Query)
	for _, p := range [...]struct{ name, value string }{{"versionId", q.Version}, {"uploadId", q.Upload}} {
		if p.value == "" {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, '&')
		}
		dst = appendEscaped(append(append(dst, p.name...), '='), p.value, '-')
	}
	return string(dst)
}

// What every request says. Nobody changes them.
var (
	identity  = []string{"identity"}
	userAgent = []string{"thingpass"}
)

// Read reads the answer's body. A body that ends early is an error.
func (a *Answer) Read(p []byte) (int, error) {
	a.watch.resume()
	n, err := a.body.Read(p)
	a.watch.pause()
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader's contract
		failed := &Error{Failure: Broken, Err: err}
		if a.watch.stalled() {
			failed.Failure, failed.Waited = Stalled, a.watch.stall
		}
		err = failed
	}
	return n, err
}

// Close gives the answer up. After it nobody reads the request's body any more.
func (a *Answer) Close() {
	if a.engine == nil {
		return
	}
	_ = a.body.Close()
	a.watch.end()
	a.out.stop()
	a.engine.done(a.unsigned)
	a.engine = nil
}
